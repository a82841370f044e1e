// `lpgen explain`: what the compiler made of an operator and why, and how fast
// it can be at best.
#include "base/system/AtomicFile.h"
#include "base/system/OutputFiles.h"
#include "compiler/pipeline/Explain.h"
#include "tools/Commands.h"
#include "tools/CommonOptions.h"
#include "tools/OptionChecks.h"
#include "workbench/layers/LayerPage.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>

namespace lpgen {

namespace {
struct ExplainOptions {
  OpFileOptions file;
  bool json = false;
  std::string html;
  std::string times; ///< Of layers, for the picture.
};
} // namespace

static std::optional<CompiledNetwork>
compileAll(OpFile &file, const ast::Op &op, int &exitCode) {
  std::optional<CompiledOp> compiled = file.compile(op, exitCode);
  return compiled
             ? std::optional(compileStages(op, std::move(*compiled),
                                           file.sources(), file.compileOptions))
             : std::nullopt;
}

/// Writes the picture of the only operator.
static int drawPage(const ExplainOptions &options, OpFile &file) {
  int exitCode = ExitSuccess;
  const ast::Op *op = file.singleOp(exitCode);
  const auto network = op ? compileAll(file, *op, exitCode) : std::nullopt;
  if (!network) {
    return exitCode;
  }
  std::optional<LayerTimes> times;
  if (!options.times.empty()) {
    const Result<std::string> text = readWholeFile(options.times);
    if (!text.ok()) {
      return reportError(text.message());
    }
    llvm::Expected<LayerTimes> parsed = parseLayerTimes(*text, op->name);
    if (!parsed) {
      return reportError("'" + options.times +
                         "': " + llvm::toString(parsed.takeError()));
    }
    times = std::move(*parsed);
  }
  llvm::Expected<std::string> page =
      formatPage(*op, LayerTable(*op, *network), times);
  if (!page) {
    return reportError("'" + options.times +
                       "': " + llvm::toString(page.takeError()));
  }
  OutputFiles files;
  files.add(options.html, std::move(*page));
  const Status written = files.commit();
  return written.ok() ? ExitSuccess : reportError(written.message());
}

static int runExplain(const ExplainOptions &options) {
  int exitCode = ExitSuccess;
  std::unique_ptr<OpFile> file = OpFile::load(options.file, exitCode);
  if (!file) {
    return exitCode;
  }
  file->compileOptions.showsRemarks = true;
  if (!options.html.empty()) {
    return drawPage(options, *file);
  }
  file->compileOptions.wantsAssembly = !options.json; // for its hot loops
  llvm::json::Array ops;
  for (const ast::Op *op : file->ops()) {
    const auto network = compileAll(*file, *op, exitCode);
    if (!network) {
      return exitCode;
    }
    const LayerTable table(*op, *network);
    if (options.json) {
      ops.push_back(table.toJson());
      continue;
    }
    llvm::outs() << explain(network->scheduledIr, network->compiled,
                            file->target());
    if (hasLayers(*op)) {
      llvm::outs() << table.text();
    }
  }
  if (options.json) {
    llvm::outs() << llvm::formatv(
        "{0:2}\n",
        llvm::json::Value(llvm::json::Object{
            {"target", file->target().desc().name}, {"ops", std::move(ops)}}));
  }
  return ExitSuccess;
}

void addExplainCommand(CLI::App &app, int &exitCode) {
  CLI::App *command = app.add_subcommand(
      "explain",
      "Show schedule, layout, registers, operation counts and ceiling, and the "
      "layers of a network");
  auto options = std::make_shared<ExplainOptions>();
  addOpFileOptions(*command, options->file);
  command->add_flag("--json", options->json,
                    "Print the table of layers as JSON instead");
  CLI::Option *html =
      command
          ->add_option("--html", options->html,
                       "FILE: draw the layers of the operator as a page "
                       "instead")
          ->check(isPath());
  command
      ->add_option("--times", options->times,
                   "FILE of 'lpgen bench --json': the page shows times that "
                   "were measured instead of the cost model's")
      ->check(isPath())
      ->needs(html);
  command->footer(
      "Examples: lpgen explain examples/gemm_w4a4.lp --target arm_neon\n"
      "          lpgen explain net.lp --html net.html --times result.json");
  command->callback([options, &exitCode] { exitCode = runExplain(*options); });
}

} // namespace lpgen
