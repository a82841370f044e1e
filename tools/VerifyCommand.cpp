// `lpgen verify`: compiles the operators of a file and compares their kernels
// with the interpreter.
#include "base/system/Table.h"
#include "tools/Commands.h"
#include "tools/CommonOptions.h"
#include "tools/OptionChecks.h"
#include "workbench/run/Emulator.h"
#include "workbench/verify/Golden.h"
#include "workbench/verify/VerifyNetwork.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>
#include <limits>

namespace lpgen {

namespace {
struct VerifyCommandOptions {
  OpFileOptions file;
  VerifyOptions verify;
  std::vector<std::string> golden; ///< Inputs and outputs.
  double tolerance = 0;
  bool json = false;
};
} // namespace

/// How much of each layer was compared, and which one is the first that
/// differs.
static void printLayers(const VerifyReport &report) {
  std::vector<std::vector<std::string>> rows = {
      {"layer", "elements", "compared", ""}};
  for (const LayerReport &layer : report.layers) {
    rows.push_back(
        {layer.name, std::to_string(layer.elements),
         layer.compared == layer.elements ? "all"
                                          : std::to_string(layer.compared),
         layer.mismatches == 0 ? "equal"
                               : std::to_string(layer.mismatches) + " differ"});
  }
  llvm::outs() << formatTable(rows, 1);
  if (const LayerReport *first = report.firstDifferent()) {
    llvm::outs() << "  layer '" << first->name
                 << "' is the first one that differs\n";
  }
}

static void printText(const VerifyReport &report) {
  llvm::outs() << report.op << ": "
               << (report.ok() ? "equal to the interpreter" : "DIFFERS") << ", "
               << report.elements << (report.layers.empty() ? " output" : "")
               << " elements compared"
               << (report.isSampled ? " (samples: corners, borders, random)"
                                    : "")
               << " in " << report.runs << " runs on " << report.inputSets
               << " sets of inputs; kernel " << report.symbol << "\n";
  if (!report.layers.empty()) {
    printLayers(report);
  }
  if (!report.ok()) {
    llvm::outs().flush();
    for (const std::string &message : report.messages) {
      llvm::errs() << "  " << message << "\n";
    }
    llvm::errs() << "  " << report.mismatches << " elements differ in all\n";
  }
}

static llvm::json::Value toJson(const VerifyReport &report) {
  llvm::json::Array layers;
  for (const LayerReport &layer : report.layers) {
    layers.push_back(llvm::json::Object{{"name", layer.name},
                                        {"elements", layer.elements},
                                        {"compared", layer.compared},
                                        {"mismatches", layer.mismatches}});
  }
  const LayerReport *first = report.firstDifferent();
  return llvm::json::Object{
      {"op", report.op},
      {"kernel", report.symbol},
      {"ok", report.ok()},
      {"inputSets", report.inputSets},
      {"runs", report.runs},
      {"elements", report.elements},
      {"sampled", report.isSampled},
      {"mismatches", report.mismatches},
      {"layers", std::move(layers)},
      {"firstDifferent",
       first ? llvm::json::Value(first->name) : llvm::json::Value(nullptr)},
      {"messages", llvm::json::Array(report.messages)}};
}

static void print(llvm::ArrayRef<VerifyReport> reports, const OpFile &file,
                  const VerifyCommandOptions &options) {
  const TargetDesc &target = file.target().desc();
  const std::string emulator = hostRuns(target) ? "" : target.emulator;
  if (options.json) {
    llvm::json::Array ops;
    for (const VerifyReport &report : reports) {
      ops.push_back(toJson(report));
    }
    llvm::outs() << llvm::formatv("{0:2}\n",
                                  llvm::json::Value(llvm::json::Object{
                                      {"target", target.name},
                                      {"triple", target.triple},
                                      {"emulator", emulator},
                                      {"seed", int64_t(options.verify.seed)},
                                      {"ops", std::move(ops)}}));
    return;
  }
  for (const VerifyReport &report : reports) {
    printText(report);
  }
  llvm::outs() << "target " << target.name << " (" << target.triple << ")"
               << (emulator.empty() ? "" : " under " + emulator) << ", seed "
               << options.verify.seed
               << "; compared bit for bit, any NaN equals any NaN\n";
}

static int verifyGolden(OpFile &file, const VerifyCommandOptions &options) {
  if (file.ops().size() != 1) {
    return reportError("--golden takes one operator; choose it with --op",
                       ExitUsage);
  }
  int exitCode = ExitSuccess;
  const std::optional<CompiledOp> compiled =
      file.compile(*file.ops().front(), exitCode);
  if (!compiled) {
    return exitCode;
  }
  const VerifyItem item = {file.ops().front(), compiled->symbol,
                           compiled->object};
  const Result<GoldenReport> report = compareWithGolden(
      item, file.target().desc(), options.golden[0], options.golden[1]);
  if (!report.ok()) {
    return reportError(report.message());
  }
  const bool isNear = report->greatest <= options.tolerance;
  if (options.json) {
    llvm::outs() << llvm::formatv("{0:2}\n",
                                  llvm::json::Value(llvm::json::Object{
                                      {"op", item.op->name},
                                      {"ok", isNear},
                                      {"runs", report->runs},
                                      {"elements", report->elements},
                                      {"equal", report->equal},
                                      {"greatestDifference", report->greatest},
                                      {"tolerance", options.tolerance}}));
  } else {
    llvm::outs() << item.op->name << ": " << report->equal << " of "
                 << report->elements << " output elements of " << report->runs
                 << " runs are equal to '" << options.golden[1]
                 << "', the greatest difference is "
                 << llvm::format("%g", report->greatest) << " (tolerance "
                 << llvm::format("%g", options.tolerance) << ")\n";
  }
  return isNear ? ExitSuccess : ExitFailure;
}

namespace {
/// Verifies the operators of one file.
class VerifyRun {
public:
  VerifyRun(OpFile &file, const VerifyCommandOptions &options)
      : file(file), options(options) {}
  /// False, with the exit status set, if nothing can be said.
  bool run();
  llvm::ArrayRef<VerifyReport> reports() const { return all; }
  int exitCode = ExitSuccess;

private:
  bool fail(const Status &status) {
    exitCode = reportError(status.message());
    return false;
  }
  bool verifyByLayer(const ast::Op &op, const CompiledOp &compiled,
                     VerifyReport &report);

  OpFile &file;
  const VerifyCommandOptions &options;
  std::vector<VerifyReport> all;
};
} // namespace

bool VerifyRun::verifyByLayer(const ast::Op &op, const CompiledOp &compiled,
                              VerifyReport &report) {
  const LayerChecks checks(op);
  CompileOptions compileOptions = file.compileOptions;
  compileOptions.exportShortNames = false;
  const std::optional<CompiledOp> observed =
      compileOp(checks.observed(), file.sources(), compileOptions);
  if (!observed) {
    exitCode = ExitFailure;
    return false;
  }
  Result<VerifyReport> verified =
      verifyNetwork(op, checks, {compiled.symbol, compiled.object},
                    {observed->symbol, observed->object}, file.target().desc(),
                    options.verify);
  if (!verified.ok()) {
    return fail(verified.status());
  }
  report = std::move(*verified);
  return true;
}

bool VerifyRun::run() {
  std::vector<CompiledOp> compiled;
  for (const ast::Op *op : file.ops()) {
    std::optional<CompiledOp> result = file.compile(*op, exitCode);
    if (!result) {
      return false;
    }
    compiled.push_back(std::move(*result));
  }
  // Operators without layers run together.
  std::vector<VerifyItem> items;
  std::vector<size_t> places;
  all.resize(compiled.size());
  for (size_t i = 0; i < compiled.size(); ++i) {
    const ast::Op &op = *file.ops()[i];
    if (!hasLayers(op)) {
      items.push_back({&op, compiled[i].symbol, compiled[i].object});
      places.push_back(i);
    } else if (!verifyByLayer(op, compiled[i], all[i])) {
      return false;
    }
  }
  if (items.empty()) {
    return true;
  }
  Result<std::vector<VerifyReport>> verified =
      verifyOps(items, file.target().desc(), options.verify);
  if (!verified.ok()) {
    return fail(verified.status());
  }
  for (auto [report, place] : llvm::zip_equal(*verified, places)) {
    all[place] = std::move(report);
  }
  return true;
}

static int runVerify(const VerifyCommandOptions &options) {
  int exitCode = ExitSuccess;
  const std::unique_ptr<OpFile> file = OpFile::load(options.file, exitCode);
  if (!file) {
    return exitCode;
  }
  if (!options.golden.empty()) {
    return verifyGolden(*file, options);
  }
  VerifyRun run(*file, options);
  if (!run.run()) {
    return run.exitCode;
  }
  print(run.reports(), *file, options);
  return llvm::all_of(run.reports(),
                      [](const VerifyReport &report) { return report.ok(); })
             ? ExitSuccess
             : ExitFailure;
}

void addVerifyCommand(CLI::App &app, int &exitCode) {
  CLI::App *command = app.add_subcommand(
      "verify", "Compare generated kernels with the interpreter, bit for bit");
  const auto options = std::make_shared<VerifyCommandOptions>();
  addOpFileOptions(*command, options->file);
  command->add_option("--seed", options->verify.seed, "Seed of the inputs")
      ->check(isInteger<uint64_t>())
      ->capture_default_str();
  command
      ->add_option("--cases", options->verify.randomCases,
                   "Sets of random inputs for each choice of run-time sizes")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      ->add_option("--golden", options->golden,
                   "IN.npy OUT.npy: compare with these outputs for these "
                   "inputs instead")
      ->expected(2);
  command
      ->add_option("--tolerance", options->tolerance,
                   "Greatest difference from the outputs of --golden")
      ->check(isNumber(0, std::numeric_limits<double>::max()))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print the result as JSON");
  command->footer("Example: lpgen verify examples/conv3x3_w2a2.lp");
  command->callback([options, &exitCode] { exitCode = runVerify(*options); });
}

} // namespace lpgen
