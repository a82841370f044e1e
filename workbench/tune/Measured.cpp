// Stored measurements beside the cost model. See Measured.h.
#include "workbench/tune/Measured.h"
#include "operators/frontend/Parser.h"
#include "workbench/tune/TuneProblem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

namespace lpgen {

std::string MeasuredCase::name() const {
  std::string text = op;
  for (const auto &[parameter, value] : params) {
    text += " " + parameter + "=" + std::to_string(value);
  }
  return text + " " + target;
}

static bool fromJSON(const llvm::json::Value &value, MeasuredCase &measured,
                     llvm::json::Path path) {
  llvm::json::ObjectMapper map(value, path);
  return map && map.map("file", measured.file) && map.map("op", measured.op) &&
         map.map("params", measured.params) &&
         map.map("target", measured.target) &&
         map.map("cycles", measured.cycles);
}

Result<std::vector<MeasuredCase>> readMeasured(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    return Status::error("cannot read '" + path +
                         "': " + buffer.getError().message());
  }
  std::vector<MeasuredCase> cases;
  llvm::StringRef rest = (*buffer)->getBuffer();
  for (size_t number = 1; !rest.empty(); ++number) {
    const auto [line, next] = rest.split('\n');
    rest = next;
    llvm::Expected<llvm::json::Value> value = llvm::json::parse(line);
    MeasuredCase measured;
    llvm::json::Path::Root root;
    const bool isCase =
        value && fromJSON(*value, measured, root) && !measured.cycles.empty() &&
        llvm::all_of(measured.cycles,
                     [](const auto &entry) { return entry.second > 0; });
    llvm::consumeError(value.takeError());
    if (!isCase) {
      return Status::error("'" + path + "', line " + std::to_string(number) +
                           ": expected a case as bench/cost/measure writes "
                           "them");
    }
    cases.push_back(std::move(measured));
  }
  return cases;
}

Result<std::vector<CountedSchedule>> countMeasured(const MeasuredCase &measured,
                                                   const std::string &root,
                                                   const std::string &cpu) {
  const auto cannot = [&](const std::string &why) {
    return Status::error(measured.name() + ": " + why);
  };
  CompileOptions options;
  options.target = findTarget(measured.target);
  options.cpu = cpu;
  auto buffer = llvm::MemoryBuffer::getFile(root + "/" + measured.file);
  if (!options.target || !buffer) {
    return cannot("no such target or file");
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  const std::optional<ast::File> file = parseFile(sources, {measured.params});
  if (!file) {
    return cannot("the file has errors");
  }
  const auto op = llvm::find_if(file->ops, [&](const ast::Op &candidate) {
    return candidate.name == measured.op;
  });
  if (op == file->ops.end()) {
    return cannot("no such operator");
  }
  const auto problem = TuneProblem::create(*op, sources, options);
  if (!problem || problem->numContractions() != 1) {
    return cannot("expected one contraction");
  }
  const std::vector<std::string> candidates = problem->ranked(0);
  std::vector<CountedSchedule> counted;
  for (const auto &[schedule, cycles] : measured.cycles) {
    if (schedule == "direct") {
      continue;
    }
    const auto count = problem->count(0, schedule);
    if (!count) {
      return cannot("schedule '" + schedule + "' cannot be applied");
    }
    counted.push_back({schedule, count->cell, count->terms, count->cycles,
                       cycles, llvm::is_contained(candidates, schedule)});
  }
  return counted;
}

} // namespace lpgen
