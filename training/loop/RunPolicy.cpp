// Which optimizers take which products.
#include "training/loop/RunPolicy.h"
#include "training/contractions/CenteredBackend.h"
#include "training/layers/BatchNorm.h"
#include "training/layers/Containers.h"
#include "training/loop/Svrg.h"
#include "training/policies/Policies.h"

namespace lpgen::train {

namespace {

/// Products around the center of halp.
class CenteredPolicy : public Policy {
public:
  CenteredPolicy(int bits, KernelProvider &kernels)
      : bits(bits), kernels(&kernels) {}
  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<quant::CenteredBackend>(layer, bits, *kernels));
  }

private:
  int bits;
  KernelProvider *kernels;
};

} // namespace

Result<std::unique_ptr<Policy>> makeRunPolicy(const Config &config,
                                              const PolicyContext &context) {
  const Result<std::optional<SvrgSpec>> svrg = readSvrg(config.optimizer);
  LPGEN_RETURN_IF_ERROR(svrg.status());
  if (!svrg->has_value()) {
    return makePolicy(config.policy, context);
  }
  const std::string optimizer = "optimizer '" + config.optimizer + "' ";
  if (config.policy != "float32") {
    return Status::error(optimizer +
                         "takes differences of gradients, which "
                         "policy '" +
                         config.policy +
                         "' would round; remedy: --policy float32");
  }
  if (config.workers > 1) {
    return Status::error(optimizer + "finds the gradient of all images, and "
                                     "several processes have not all; remedy: "
                                     "one process, without --gradients");
  }
  if ((*svrg)->productBits == 0) {
    return makePolicy(config.policy, context);
  }
  return std::unique_ptr<Policy>(
      std::make_unique<CenteredPolicy>((*svrg)->productBits, *context.kernels));
}

/// What cannot be moved.
static Status checkAdversary(const Config &config) {
  const Result<std::optional<SvrgSpec>> svrg = readSvrg(config.optimizer);
  LPGEN_RETURN_IF_ERROR(svrg.status());
  if (config.adversary != "none" && hasTrait(config.policy, RunsInTime)) {
    return Status::error("--adversary is not for spiking networks, whose "
                         "images have no gradient in one pass; remedy: "
                         "another --policy");
  }
  if (config.adversary != "none" && svrg->has_value()) {
    return Status::error("optimizer '" + config.optimizer +
                         "' takes gradients at two points, and the adversary "
                         "would move images differently at each; remedy: "
                         "--optimizer sgd");
  }
  return Status::success();
}

Status checkNetwork(const Config &config, nn::Layer &network) {
  LPGEN_RETURN_IF_ERROR(checkAdversary(config));
  const Result<std::optional<SvrgSpec>> svrg = readSvrg(config.optimizer);
  LPGEN_RETURN_IF_ERROR(svrg.status());
  bool hasNorm = false;
  bool isChain = true;
  int products = 0;
  network.visitLayers([&](nn::Layer &layer) {
    hasNorm |= dynamic_cast<nn::BatchNorm *>(&layer) != nullptr;
    isChain &= dynamic_cast<nn::Residual *>(&layer) == nullptr;
    products += layer.backend() ? 1 : 0;
  });
  if (config.pruning != "none" && (!isChain || products < 2)) {
    return Status::error("pruning removes hidden units of networks that are a "
                         "chain, and '" +
                         config.model + "' has " +
                         (isChain ? "none" : "shortcuts") +
                         "; remedy: another --model, or no --prune");
  }
  if (config.pruning != "none" && config.workers > 1) {
    return Status::error("pruning is for one process; remedy: no --gradients");
  }
  return svrg->has_value() && (*svrg)->keeps && hasNorm
             ? Status::error("optimizer '" + config.optimizer +
                             "': 'keep=yes' is for models without batch norm, "
                             "not for '" +
                             config.model + "'; remedy: leave it out")
             : Status::success();
}

} // namespace lpgen::train
