// `lpgen targets`: what can be compiled for.
#include "targets/Cell.h"
#include "targets/Target.h"
#include "tools/Commands.h"
#include "tools/CommonOptions.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>

namespace lpgen {

static void printTargets(bool json) {
  llvm::json::Array list;
  const Target *host = findTarget("host");
  for (const Target *target : allTargets()) {
    const TargetDesc &desc = target->desc();
    std::string cells;
    for (const Cell *cell : target->cells()) {
      cells += (cells.empty() ? "" : " ") + cell->facts().templateName.str() +
               ":" + cell->facts().name.str();
    }
    if (json) {
      list.push_back(llvm::json::Object{{"name", desc.name},
                                        {"triple", desc.triple},
                                        {"summary", desc.summary},
                                        {"cells", cells},
                                        {"native", hostRuns(desc)},
                                        {"host", target == host}});
      continue;
    }
    llvm::outs() << llvm::formatv(
        "{0,-16} {1}{2}\n{3,16} {4}, cells {5}\n", desc.name, desc.summary,
        target == host ? " (host)" : "", "", desc.triple, cells);
  }
  if (json) {
    llvm::outs() << llvm::formatv("{0:2}\n",
                                  llvm::json::Value(std::move(list)));
  }
}

void addTargetsCommand(CLI::App &app, int &exitCode) {
  CLI::App *command =
      app.add_subcommand("targets", "List the targets and their cells");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print as JSON");
  command->footer("Example: lpgen targets");
  command->callback([json, &exitCode] {
    printTargets(*json);
    exitCode = ExitSuccess;
  });
}

} // namespace lpgen
