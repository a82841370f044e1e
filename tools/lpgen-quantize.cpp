// lpgen-quantize: integers for a network that was trained in float32, without
// training; `lpgen quantize` runs it.
//
// Parses options with CLI11, hence the exceptions; everything else is in
// training/posttraining.
#include "tools/Misspelling.h"
#include "tools/OptionChecks.h"
#include "tools/OptionTable.h"
#include "tools/Program.h"
#include "tools/QuantizedOnnx.h"
#include "tools/TrainedOutput.h"
#include "tools/TrainingOptions.h"
#include "training/posttraining/KernelCost.h"
#include "training/posttraining/PostTraining.h"
#include "training/posttraining/QuantizationReport.h"
#include <nlohmann/json.hpp>

using namespace lpgen;
using namespace lpgen::posttraining;

namespace {
struct Arguments {
  train::StoredRunOptions run;
  OnnxFile file; ///< Instead of a run; its path is that of `run`.
  networks::ExportOptions exported;
  std::string emit = "program";
  int bits = 0;
  int activationBits = 0; ///< 0: as weights.
  std::vector<std::string> budgets;
  int ends = 8;
  int64_t images = 512;
  bool comparesUniform = false;
  bool wantsCycles = false;
  bool wantsTime = false;
  bool json = false;
  bool isQuiet = false;
  Methods methods;
};
} // namespace

static int fail(const std::string &message) {
  std::fprintf(stderr, "lpgen-quantize: error: %s\n", message.c_str());
  return 1;
}

/// Measures networks one after the other.
class Table {
public:
  Table(const Arguments &arguments, CalibratedNetwork &network,
        PostTraining &quantizer)
      : arguments(arguments), network(network), quantizer(quantizer) {}

  /// Quantizes, runs the kernels on the test images, and adds a row.
  Status add(const std::string &name, const Widths &widths) {
    LPGEN_RETURN_IF_ERROR(quantizer.quantize(widths));
    const Result<train::Totals> totals = network.evaluate();
    LPGEN_RETURN_IF_ERROR(totals.status());
    report.rows.push_back(rowOf(quantizer, name, *totals));
    if (arguments.wantsCycles) {
      const Result<double> cycles = expectedCycles(
          network.run(), arguments.run.compiler, arguments.exported.target);
      LPGEN_RETURN_IF_ERROR(cycles.status());
      report.rows.back().cycles = *cycles;
    }
    if (arguments.wantsTime) {
      const Result<double> time = measuredMicroseconds(
          network.run(), arguments.run.compiler, arguments.exported.target);
      LPGEN_RETURN_IF_ERROR(time.status());
      report.rows.back().microseconds = *time;
    }
    report.layers = layersOf(quantizer);
    return Status::success();
  }
  Status addUniform(int weightBits, int activationBits) {
    return add(
        "w" + std::to_string(weightBits) + " a" +
            std::to_string(activationBits),
        quantizer.uniformWidths({weightBits, activationBits}, arguments.ends));
  }
  Status addBudget(const std::string &text) {
    const Result<Budget> budget = Budget::parse(text);
    LPGEN_RETURN_IF_ERROR(budget.status());
    const Result<Widths> widths =
        budget->unit == Budget::Unit::Cycles
            ? widthsUnderCycles(quantizer, budget->amount, arguments.ends,
                                arguments.run.compiler,
                                arguments.exported.target)
            : quantizer.widthsUnder(*budget, arguments.ends);
    LPGEN_RETURN_IF_ERROR(widths.status());
    return add("budget " + text, *widths);
  }

  QuantizationReport report;

private:
  const Arguments &arguments;
  CalibratedNetwork &network;
  PostTraining &quantizer;
};

/// The rows of the table; the last one is the network that was asked for, and
/// the one that the layers have now.
static Result<QuantizationReport> quantize(const Arguments &arguments,
                                           CalibratedNetwork &network) {
  const Result<train::Totals> floats = network.evaluate();
  LPGEN_RETURN_IF_ERROR(floats.status());
  Result<PostTraining> quantizer =
      PostTraining::calibrate(network, arguments.methods);
  LPGEN_RETURN_IF_ERROR(quantizer.status());
  Table table(arguments, network, *quantizer);
  table.report.floatTotals = *floats;
  for (int bits = 8; arguments.comparesUniform && bits >= 2; --bits) {
    LPGEN_RETURN_IF_ERROR(table.addUniform(bits, bits));
  }
  for (const std::string &budget : arguments.budgets) {
    LPGEN_RETURN_IF_ERROR(table.addBudget(budget));
  }
  if (arguments.budgets.empty()) {
    LPGEN_RETURN_IF_ERROR(table.addUniform(
        arguments.bits,
        arguments.activationBits ? arguments.activationBits : arguments.bits));
  }
  return table.report;
}

static bool isFile(const std::string &path) {
  return std::filesystem::path(path).extension() == ".onnx";
}

static int run(Arguments &arguments) {
  OnnxFile file = arguments.file;
  file.path = arguments.run.folder;
  const Result<std::unique_ptr<CalibratedNetwork>> network =
      CalibratedNetwork::open(arguments.run, arguments.images,
                              isFile(arguments.run.folder)
                                  ? std::optional(foreignNetwork(file))
                                  : std::nullopt);
  if (!network.ok()) {
    return fail(network.message());
  }
  const Result<QuantizationReport> report = quantize(arguments, **network);
  if (!report.ok()) {
    return fail(report.message());
  }
  if (!arguments.exported.folder.empty()) {
    train::StoredRun &stored = (*network)->run();
    arguments.exported.compiler = arguments.run.compiler;
    arguments.exported.title =
        "Model " + stored.trainer().config().model +
        ", of floats, quantized: " + report->rows.back().name;
    std::FILE *log = arguments.isQuiet ? nullptr : stderr;
    const Status status =
        arguments.emit == "qonnx"
            ? exportQonnx(stored, arguments.exported.folder, log)
            : exportProgram(stored, arguments.exported, log);
    if (!status.ok()) {
      return fail("cannot export '" + arguments.run.folder +
                  "': " + status.message());
    }
  }
  std::fputs(arguments.json ? (toJson(*report).dump(2) + "\n").c_str()
                            : toText(*report).c_str(),
             stdout);
  return 0;
}

template <typename T>
static void addChoice(CLI::App &app, const std::string &name, T &value,
                      const std::map<std::string, T> &choices,
                      const std::string &description) {
  app.add_option_function<std::string>(
         name,
         [&value, choices](const std::string &text) {
           value = choices.at(text);
         },
         description)
      ->check(isOneOf([&] {
        std::vector<std::string> names;
        names.reserve(choices.size());
        for (const auto &[key, ignored] : choices) {
          names.push_back(key);
        }
        return names;
      }()));
}

static void addMethodOptions(CLI::App &app, Methods &methods) {
  addChoice<ActivationRange>(app, "--ranges", methods.ranges,
                             {{"max", ActivationRange::Max},
                              {"percentile", ActivationRange::Percentile},
                              {"mse", ActivationRange::Mse},
                              {"kl", ActivationRange::Divergence}},
                             "Where activations are clipped; mse if not given");
  addChoice<WeightRange>(app, "--scales", methods.scales,
                         {{"max", WeightRange::Max},
                          {"mse", WeightRange::Mse},
                          {"distribution", WeightRange::Distribution}},
                         "Steps of the weights of a filter; mse if not given");
  addChoice<bool>(app, "--rounding", methods.learnsRounding,
                  {{"learned", true}, {"nearest", false}},
                  "Of weights; learned, from the images, if not given");
  app.add_flag_callback(
      "--no-bias-correction", [&methods] { methods.correctsBias = false; },
      "Leave the mean errors of outputs");
  app.add_flag("--equalize", methods.equalizes,
               "Even out the weights of neighbouring layers first");
  app.add_option("--points", methods.points,
                 "Sets of weights that a filter may be the sum of")
      ->check(CLI::Range(1, 4) & isInteger<int>())
      ->capture_default_str();
  app.add_option("--point-share", methods.pointShare,
                 "Part of the filters of a layer that get more than one set")
      ->check(isNumber(0, 1))
      ->capture_default_str();
}

// CLI11 throws while options are added only if this program names one wrongly.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char **argv) {
  startProgram();
  Arguments arguments;
  CLI::App app("Give a network that was trained in float32 integers of 1 to 8 "
               "bits, without training");
  app.name("lpgen quantize");
  app.failure_message(describeFailure);
  addOptionTable(app);
  addStoredRunOptions(app, arguments.run);
  app.get_option("RUN")->description(
      "Folder that lpgen train --policy float32 wrote, or a network of "
      "floats (.onnx)");
  app.get_option("--data")->description(
      "Data set; of a folder instead of that of the run, if it has moved");
  app.add_option("--mean", arguments.file.mean,
                 "The network of a file sees (pixel - mean) / deviation: a "
                 "number, or one for each channel; 0 if not given")
      ->delimiter(',');
  app.add_option("--deviation", arguments.file.deviation,
                 "255 for f32 if not given, else 1")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  CLI::Option *bits =
      app.add_option("--bits", arguments.bits,
                     "Of weights and activations of all layers but the ends")
          ->check(CLI::Range(1, 8) & isInteger<int>());
  CLI::Option *budget =
      app.add_option("--budget", arguments.budgets,
                     "Widths for each layer, so that an image takes no more "
                     "bit operations: 200M, or 4bits, what that many bits "
                     "take; or expected cycles, 60kcycles. Several for a "
                     "table, of which the last is written")
          ->check(CLI::Validator(
              [](const std::string &text) {
                const Result<Budget> budget = Budget::parse(text);
                return budget.ok() ? std::string() : budget.message();
              },
              "", "budget"))
          ->delimiter(',')
          ->allow_extra_args(false)
          ->excludes(bits);
  app.add_option("--activation-bits", arguments.activationBits,
                 "Of activations, if not those of --bits")
      ->check(CLI::Range(1, 8) & isInteger<int>())
      ->needs(bits);
  app.add_option("--ends", arguments.ends,
                 "Bits of the first and of the last layer")
      ->check(CLI::Range(1, 8) & isInteger<int>())
      ->capture_default_str();
  app.add_option("--images", arguments.images,
                 "Training images to calibrate with")
      ->check(CLI::Range(1, 65536) & isInteger<int64_t>())
      ->capture_default_str();
  addMethodOptions(app, arguments.methods);
  app.add_flag("--compare", arguments.comparesUniform,
               "Measure 8 to 2 bits for all layers as well");
  app.add_flag("--cycles", arguments.wantsCycles,
               "Add the cycles that lpgen explain expects of --target");
  app.add_flag("--time", arguments.wantsTime,
               "Add the microseconds of an image that lpgen bench measures "
               "here on one thread");
  app.add_option("-o,--output", arguments.exported.folder,
                 "Folder to write, or the file; nothing if not given")
      ->check(isPath());
  app.add_option("--emit", arguments.emit,
                 "program: a folder with operators, weights and a program in "
                 "C; qonnx: one file, for other tools and lpgen import")
      ->check(isOneOf({"program", "qonnx"}))
      ->capture_default_str();
  app.add_option("--target", arguments.exported.target,
                 "Target of the kernel, as in lpgen compile")
      ->capture_default_str();
  app.add_flag("--json", arguments.json, "Print the tables as JSON");
  app.add_flag("-q,--quiet", arguments.isQuiet,
               "Results and errors only: not what is exported");
  app.footer("Examples:\n  lpgen quantize run --bits 4 -o net\n"
             "  lpgen quantize net.onnx --data fashion-mnist --bits 4 -o net\n"
             "  lpgen quantize run --budget 3bits,4bits --compare -o net");
  try {
    app.parse(argc, argv);
    if (bits->empty() && budget->empty()) {
      throw CLI::RequiredError("--bits or --budget");
    }
  } catch (const CLI::ParseError &error) {
    return finishProgram("lpgen-quantize", app.exit(error) == 0 ? 0 : 2);
  }
  const bool isOnnx = isFile(arguments.run.folder);
  if (isOnnx && arguments.run.data.empty()) {
    (void)fail("--data is required for a network in a file");
    return finishProgram("lpgen-quantize", 2);
  }
  for (const char *name : {"--mean", "--deviation"}) {
    if (!isOnnx && app.count(name) > 0) {
      (void)fail(std::string(name) +
                 " is for a network in a file (.onnx), "
                 "which '" +
                 arguments.run.folder + "' is not");
      return finishProgram("lpgen-quantize", 2);
    }
  }
  return finishProgram("lpgen-quantize", run(arguments));
}
