// `lpgen verify`: compiles the operators of a file and compares their kernels
// with the interpreter.
#include "tools/Commands.h"
#include "tools/CommonOptions.h"
#include "tools/OptionChecks.h"
#include "workbench/run/Emulator.h"
#include "workbench/verify/Golden.h"
#include "workbench/verify/Verify.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>

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

static void printText(const VerifyReport &report) {
  llvm::outs() << report.op << ": "
               << (report.ok() ? "equal to the interpreter" : "DIFFERS") << ", "
               << report.elements << " output elements compared"
               << (report.isSampled ? " (samples: corners, borders, random)"
                                    : "")
               << " in " << report.runs << " runs on " << report.inputSets
               << " sets of inputs; kernel " << report.symbol << "\n";
  if (!report.ok()) {
    llvm::outs().flush();
    for (const std::string &message : report.messages) {
      llvm::errs() << "  " << message << "\n";
    }
    llvm::errs() << "  " << report.mismatches << " elements differ in all\n";
  }
}

static llvm::json::Value toJson(const VerifyReport &report) {
  return llvm::json::Object{{"op", report.op},
                            {"kernel", report.symbol},
                            {"ok", report.ok()},
                            {"inputSets", report.inputSets},
                            {"runs", report.runs},
                            {"elements", report.elements},
                            {"sampled", report.isSampled},
                            {"mismatches", report.mismatches},
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

static int verifyGolden(const VerifyItem &item, const OpFile &file,
                        const VerifyCommandOptions &options) {
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

static int runVerify(const VerifyCommandOptions &options) {
  int exitCode = ExitSuccess;
  const std::unique_ptr<OpFile> file = OpFile::load(options.file, exitCode);
  if (!file) {
    return exitCode;
  }
  std::vector<CompiledOp> compiled;
  for (const ast::Op *op : file->ops()) {
    std::optional<CompiledOp> result = file->compile(*op, exitCode);
    if (!result) {
      return exitCode;
    }
    compiled.push_back(std::move(*result));
  }
  std::vector<VerifyItem> items;
  items.reserve(compiled.size());
  for (size_t i = 0; i < compiled.size(); ++i) {
    items.push_back({file->ops()[i], compiled[i].symbol, compiled[i].object});
  }
  if (!options.golden.empty()) {
    return items.size() == 1
               ? verifyGolden(items.front(), *file, options)
               : reportError("--golden takes one operator; choose it with --op",
                             ExitUsage);
  }
  const Result<std::vector<VerifyReport>> reports =
      verifyOps(items, file->target().desc(), options.verify);
  if (!reports.ok()) {
    return reportError(reports.message());
  }
  print(*reports, *file, options);
  return llvm::all_of(*reports,
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
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print the result as JSON");
  command->callback([options, &exitCode] { exitCode = runVerify(*options); });
}

} // namespace lpgen
