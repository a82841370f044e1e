// Options, and the file of --config that can hold them.
#include "tools/TrainCommandLine.h"
#include "base/system/NearestName.h"
#include "base/system/Text.h"
#include "tools/OptionChecks.h"
#include "tools/TrainingOptions.h"
#include "training/distributed/FederatedRounds.h"
#include "training/loop/Adversary.h"
#include "training/loop/Pruning.h"
#include "training/loop/Svrg.h"
#include "training/models/Models.h"
#include "training/policies/Policy.h"
#include <algorithm>

namespace lpgen::train {

namespace {

/// Reads the file of --config; a key that is no option is an error.
class ConfigFile : public CLI::ConfigTOML {
public:
  explicit ConfigFile(const CLI::App &app) : app(app) {}

  std::vector<CLI::ConfigItem> from_config(std::istream &input) const override {
    std::vector<std::string> known;
    for (const CLI::Option *option : app.get_options()) {
      if (!option->get_lnames().empty()) {
        known.push_back(option->get_lnames().front());
      }
    }
    std::vector<CLI::ConfigItem> items = CLI::ConfigTOML::from_config(input);
    for (const CLI::ConfigItem &item : items) {
      const std::string name = item.fullname();
      if (std::ranges::find(known, name) == known.end()) {
        throw CLI::ConfigError("--config: unknown key " +
                                   quoteWithNearest(name, known),
                               CLI::ExitCodes::ConfigError);
      }
    }
    return items;
  }

private:
  const CLI::App &app;
};

} // namespace

std::vector<CLI::Option *> addTrainOptions(CLI::App &app,
                                           TrainOptions &options) {
  Config &config = options.config;
  app.add_option("--out", options.out, "Folder of the run: checkpoint, logs")
      ->check(isPath())
      ->required();
  addKernelOptions(app, options.threads, options.compiler);
  app.add_option("--kernel-target", options.compiler.target,
                 "Target of the kernels, see 'lpgen targets'; results do not "
                 "depend on it")
      ->capture_default_str();
  app.add_flag("--resume", options.isResumed,
               "Continue the run in --out exactly where its checkpoint is");
  app.add_option("--gradients", options.gradients,
                 "Train together with the other processes that mpirun started, "
                 "each with batches of its own, and exchange gradients: dense "
                 "or adacomp")
      ->check(isOneOf({"none", "dense", "adacomp"}))
      ->capture_default_str();
  app.add_option("--federated", options.federated,
                 "Train as clients, the processes that mpirun started, each "
                 "with images of its own, and average their weights: none or " +
                     federatedHelp())
      ->capture_default_str();
  CLI::Option *accumulators =
      app.add_flag("--accumulators", options.showsAccumulators,
                   "Print how wide the sums of the model must be, and stop; "
                   "writes nothing to --out");
  app.add_flag("--json", options.isJson, "Print that table as JSON")
      ->needs(accumulators);
  app.add_flag("-q,--quiet", options.isQuiet, "No progress line");
  app.add_option("--stop-after", options.stopAfter,
                 "Stop after this epoch, to be resumed later")
      ->check(isInteger<int64_t>())
      ->check(CLI::PositiveNumber);
  CLI::Option *allocation =
      app.add_option("--loss-allocation", options.allocation.every,
                     "Of each so many steps one: allocate the change of the "
                     "training loss to the tensors, for log and report")
          ->check(isInteger<int64_t>())
          ->check(CLI::PositiveNumber);
  app.add_option("--allocation-images", options.allocation.images,
                 "The loss is that of the first so many training images")
      ->check(isInteger<int64_t>())
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->needs(allocation);
  std::vector<CLI::Option *> ofConfig = {
      app.add_option("--model", config.model, joinNames(nn::modelNames())),
      app.add_option("--data", config.data,
                     "fashion-mnist, or a folder of IDX, CIFAR-10 or "
                     "CIFAR-100 files"),
      app.add_option("--policy", config.policy, policyHelp()),
      app.add_option("--from", config.from,
                     "Folder of a run of the same model, whose weights are the "
                     "first ones"),
      app.add_option("--optimizer", config.optimizer,
                     "sgd, adam, madam" + svrgHelp()),
      app.add_option("--schedule", config.schedule,
                     "Learning rate: constant, step, cosine or slow-start"),
      app.add_option("--adversary", config.adversary,
                     "Train on images that are moved against the network: none "
                     "or " +
                         adversaryHelp()),
      app.add_option("--prune", config.pruning,
                     "Remove hidden units after epochs: none or " +
                         pruningHelp()),
      app.add_option("--augmentation", config.augmentation,
                     "none or crop-flip"),
      app.add_option("--epochs", config.epochs, "Passes over the images")
          ->check(isInteger<int64_t>()),
      app.add_option("--batch", config.batchSize, "Images of one update")
          ->check(isInteger<int64_t>()),
      app.add_option("--train-images", config.trainImages,
                     "Only the first so many training images; 0 is all")
          ->check(isInteger<int64_t>()),
      app.add_option("--seed", config.seed, "Weights, order, rounding")
          ->check(isInteger<uint64_t>()),
      app.add_option("--learning-rate", config.learningRate,
                     "Of the first step")
          ->check(isFinite()),
      app.add_option("--momentum", config.momentum, "Of sgd")
          ->check(isFinite()),
      app.add_option("--weight-decay", config.weightDecay, "L2, on weights")
          ->check(isFinite())};
  for (CLI::Option *option : ofConfig) {
    option->capture_default_str();
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  app.set_config("--config", "", "FILE with lines OPTION=VALUE (TOML)");
  app.config_formatter(std::make_shared<ConfigFile>(app));
  return ofConfig;
}

} // namespace lpgen::train
