// One operator as the tuner sees it. See TuneProblem.h.
#include "workbench/tune/TuneProblem.h"
#include "compiler/passes/SelectSchedule.h"
#include "compiler/pipeline/HotLoop.h"
#include "compiler/pipeline/Stages.h"
#include "mlir/Parser/Parser.h"
#include "schedules/LaneCosts.h"
#include "schedules/Schedules.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lpgen {

std::unique_ptr<TuneProblem> TuneProblem::create(const ast::Op &op,
                                                 llvm::SourceMgr &sources,
                                                 const CompileOptions &given) {
  std::unique_ptr<TuneProblem> problem(new TuneProblem(op, sources, given));
  CompileOptions &options = problem->options;
  options.schedule.clear();
  options.scheduleFile.clear();
  options.tunedFiles.clear();
  options.stopAfter = Stage::Lp;
  const std::optional<CompiledOp> raised = compileOp(op, sources, options);
  if (!raised) {
    return nullptr;
  }
  options.stopAfter = Stage::Object;
  options.exportShortNames = false;
  DialectRegistry registry;
  registerDialects(registry);
  problem->context.appendDialectRegistry(registry);
  problem->context.loadAllAvailableDialects();
  problem->context.disableMultithreading();
  problem->module =
      parseSourceString<ModuleOp>(raised->mlir, &problem->context);
  assert(problem->module && "the compiler writes MLIR that parses");
  problem->hash = hashOf(*problem->module).substr(0, 16);
  problem->module->walk([&](lp::ContractOp contraction) {
    problem->contractions.push_back(contraction);
  });
  return problem;
}

std::string TuneProblem::label(size_t contraction) const {
  return contractions[contraction].getLabel().value_or("").str();
}

TunedKey TuneProblem::key(size_t contraction) const {
  return keyOf(contractions[contraction], target());
}

std::vector<std::string> TuneProblem::ranked(size_t contraction) const {
  std::vector<std::string> texts;
  for (const Candidate &candidate :
       rankedCandidates(contractions[contraction], machine())) {
    texts.push_back(scheduleText(candidate.schedule));
  }
  return texts;
}

/// The attribute of a text that this class gave out.
lp::ScheduleAttr TuneProblem::parse(size_t contraction,
                                    const std::string &schedule) const {
  std::string message;
  const auto request = parseScheduleRequest(schedule, message);
  assert(request && "schedule texts parse");
  const lp::ScheduleAttr attribute = applicableSchedule(
      contractions[contraction], machine(), *request, message);
  assert(attribute && "schedule texts of a contraction can be applied to it");
  return attribute;
}

std::vector<std::string>
TuneProblem::neighbours(size_t contraction, const std::string &schedule) const {
  std::vector<std::string> texts;
  for (lp::ScheduleAttr next :
       neighbouringSchedules(contractions[contraction], machine(),
                             parse(contraction, schedule))) {
    texts.push_back(scheduleText(next));
  }
  return texts;
}

std::optional<CompiledOp>
TuneProblem::compile(llvm::ArrayRef<std::string> schedules,
                     bool wantsAssembly) const {
  for (size_t i = 0; i < contractions.size(); ++i) {
    contractions[i].setScheduleAttr(parse(i, schedules[i]));
  }
  std::string text;
  llvm::raw_string_ostream(text) << *module;
  for (lp::ContractOp contraction : contractions) {
    contraction.removeScheduleAttr();
  }
  llvm::SourceMgr file;
  file.setDiagHandler(sources.getDiagHandler(), sources.getDiagContext());
  file.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, "schedules of a trial"), {});
  CompileOptions given = options;
  given.wantsAssembly = wantsAssembly;
  return compileFrom(Stage::Lp, file, given, &source);
}

std::optional<TuneProblem::Counted>
TuneProblem::count(size_t contraction, const std::string &schedule) const {
  lp::ContractOp op = contractions[contraction];
  std::string message;
  const auto request = parseScheduleRequest(schedule, message);
  const lp::ScheduleAttr attribute =
      request ? applicableSchedule(op, machine(), *request, message)
              : lp::ScheduleAttr();
  const Cell *cell = attribute ? findCell(op, attribute.getCell()) : nullptr;
  if (!cell) {
    return std::nullopt;
  }
  const int64_t vectors = attribute.getTileVectors();
  const CostTerms terms =
      attribute.getTemplateName() == kLanesTemplate
          ? countLaneTerms(*planLaneForm(op, *cell, vectors, message), *cell,
                           attribute, machine())
          : countTerms(*planPackedForm(op, *cell, vectors, message), *cell,
                       attribute, machine());
  return Counted{attribute.getCell().str(), terms,
                 cyclesOf(terms, *cell, machine())};
}

/// Multiply-accumulates that the tiles compute, over those of the contraction.
static double paddedShare(const PackedForm &form, const Cell &cell,
                          lp::ScheduleAttr schedule) {
  const Geometry &g = form.geometry;
  const CellFacts &facts = cell.facts();
  const int64_t tileRows = schedule.getTileRows();
  const int64_t rows = g.extentOf(LoopRole::Row);
  const int64_t paddedRows = llvm::divideCeil(rows, tileRows) * tileRows;
  const int64_t paddedColumns =
      g.panels * schedule.getTileVectors() * facts.lanes;
  return double(paddedRows) / double(rows) * double(paddedColumns) /
         double(g.extentOf(LoopRole::Column)) * double(g.steps * facts.group) /
         double(g.reductionSize());
}

Result<double> TuneProblem::modelCycles(size_t contraction,
                                        const std::string &schedule,
                                        const std::string &cpu) const {
  const lp::ScheduleAttr attribute = parse(contraction, schedule);
  const Cell *cell = findCell(contractions[contraction], attribute.getCell());
  if (!cell || attribute.getTemplateName() == kLanesTemplate) {
    return Status::error("template '" + attribute.getTemplateName().str() +
                         "' has no hot loop to analyze");
  }
  // No other contraction may have a loop of the same instruction.
  std::vector<std::string> schedules(contractions.size(), "direct");
  schedules[contraction] = schedule;
  const std::optional<CompiledOp> compiled =
      compile(schedules, /*wantsAssembly=*/true);
  if (!compiled) {
    return Status::error("the kernel does not compile");
  }
  std::string whyNot;
  const auto form = planPackedForm(contractions[contraction], *cell,
                                   attribute.getTileVectors(), whyNot);
  llvm::Expected<HotLoop> loop =
      analyzeHotLoop(compiled->assembly, *cell, *form, target().desc(), cpu);
  if (!loop) {
    return Status::error("hot loop: " + llvm::toString(loop.takeError()));
  }
  return loop->mca.cyclesPerIteration / loop->macs *
         paddedShare(*form, *cell, attribute);
}

} // namespace lpgen
