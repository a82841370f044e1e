// What the compiler made of an operator. See Explain.h.
#include "compiler/pipeline/Explain.h"
#include "compiler/pipeline/HotLoop.h"
#include "compiler/pipeline/Stages.h"
#include "ir/analysis/LaneForm.h"
#include "mlir/Parser/Parser.h"
#include "schedules/LaneCosts.h"
#include "schedules/Schedules.h"
#include "targets/cpus/Cpus.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace lpgen;
using llvm::formatv;

static std::string list(ArrayRef<int64_t> values) {
  std::string text;
  for (int64_t value : values) {
    text += (text.empty() ? "" : " x ") + std::to_string(value);
  }
  return text.empty() ? "1" : text;
}

static std::string extents(const Geometry &g, LoopRole role) {
  SmallVector<int64_t> values;
  for (unsigned loop : g.loopsOf(role)) {
    values.push_back(g.shape.extents[loop]);
  }
  return list(values);
}

static void explainOperands(llvm::raw_ostream &os, const PackedForm &form,
                            const CellFacts &facts) {
  const Geometry &g = form.geometry;
  os << formatv(
      "  gemm         batch {0}, M = {1}, N = {2}, K = {3} taps of {4}\n",
      extents(g, LoopRole::Batch), extents(g, LoopRole::Row),
      extents(g, LoopRole::Column), extents(g, LoopRole::Tap), g.innerExtent());
  if (g.shape.groups > 0) {
    os << formatv(
        "  groups       {0}, each with a sum and factors of its own\n",
        extents(g, LoopRole::Group));
  }
  auto operand = [&](StringRef name, const ElementStorage &storage,
                     int64_t bytes, int64_t bits) {
    os << formatv("  {0,-12} {1} bytes in k-groups of {2}", name, bytes,
                  facts.group);
    if (facts.isFloat) {
      os << "; f32\n";
      return;
    }
    os << formatv("; stored values [{0}, {1}]{2}\n", storage.range.lo,
                  storage.range.hi,
                  storage.planes.empty() ? std::string()
                                         : formatv(", {0} planes of {1} bits",
                                                   storage.planes.size(), bits)
                                               .str());
  };
  operand("packed x", form.x, g.xBytes, g.xLayout.getBits());
  operand("packed w", form.w, g.wBytes, g.wLayout.getBits());
  const int64_t weights = g.reductionSize() * g.extentOf(LoopRole::Column) *
                          g.extentOf(LoopRole::Batch) *
                          g.extentOf(LoopRole::Group);
  os << formatv("  weights      {0} of {1:f2} bits each, header and sums "
                "included\n",
                weights,
                8.0 * static_cast<double>(g.wBytes) /
                    static_cast<double>(weights));
  os << formatv(
      "  corrections  {0}{1}{2}\n",
      form.needsXSums ? "sums of x per position; " : "",
      form.needsWSums
          ? formatv("sums of w for {0} border regions", g.classes.count()).str()
          : std::string(),
      form.needsXSums || form.needsWSums ? "" : "none");
}

/// Ceiling by instruction count: vector pipes of the target over the cell's
/// operations.
static void explainCost(llvm::raw_ostream &os, const PackedForm &form,
                        const Cell &cell, lp::ScheduleAttr schedule,
                        const Machine &machine) {
  const CellFacts &facts = cell.facts();
  const Geometry &g = form.geometry;
  int64_t rows = schedule.getTileRows();
  int64_t vectors = schedule.getTileVectors();
  const auto pairs = static_cast<double>(planePairs(form));
  std::string chunk =
      form.chunk >= kUnlimitedSteps
          ? "never widened early"
          : formatv("widened after at most {0} steps", form.chunk).str();
  os << formatv("  tile         {0} rows x {1} lanes in {2} of {3} vector "
                "registers, {4}\n",
                rows, vectors * facts.lanes, tileRegisters(cell, rows, vectors),
                machine.target.desc().vectorRegisters, chunk);
  double macsPerStep =
      static_cast<double>(facts.group * facts.lanes * facts.rows) / pairs;
  const VectorUnit &unit = machine.unit();
  const double pipes = facts.isFloat ? unit.fmaPipes : unit.pipes;
  os << formatv("  operations   {0:f1} MAC per cell of {1} vector "
                "instructions, {2} steps, "
                "{3:f0} plane pair(s)\n",
                macsPerStep, facts.stepOps, g.steps, pairs);
  os << formatv("  ceiling      {0:f1} MAC/cycle at {1:f0} vector instructions "
                "a cycle; cost "
                "model {2:f1}\n",
                macsPerStep / facts.stepOps * pipes, pipes,
                1.0 / estimateCycles(form, cell, schedule, machine));
}

static void explainLanes(llvm::raw_ostream &os, lp::ContractOp op) {
  std::string whyNot;
  const lp::ScheduleAttr schedule = *op.getSchedule();
  const Cell *cell = findCell(op, schedule.getCell());
  const auto form = planLaneForm(op, *cell, schedule.getTileVectors(), whyNot);
  const CellFacts &facts = cell->facts();
  const PackedForm &packed = form->unfolded;
  const Geometry &g = packed.geometry;
  const auto across = form->across();
  const Machine machine = machineOf(op);
  const int64_t block =
      across ? std::min(schedule.getBlock(), form->shape.extents[*across]) : 1;
  const int64_t length = pieceLength(*form, block, machine.cpu.l1Bytes);
  const Strip strip = planStrip(*form, block, length);
  os << formatv(
      "  lanes        {0} channels, {1} lane(s) to a set of them; M = "
      "{2}, K = {3} taps of {4}\n",
      form->lanes(), form->share, extents(g, LoopRole::Row),
      extents(g, LoopRole::Tap), g.innerExtent());
  os << formatv(
      "  strips of x  {0} bytes for {1} x {2} positions, in k-groups of {3} "
      "{4}; stored values [{5}, {6}]\n",
      strip.bytes * form->stripVectors(), form->tripsAtOnce(block), length,
      facts.group, form->groupsChannels() ? "channels" : "taps",
      packed.x.range.lo, packed.x.range.hi);
  os << formatv("  packed w     {0} bytes; stored values [{1}, {2}]\n",
                g.wBytes, packed.w.range.lo, packed.w.range.hi);
  os << formatv("  corrections  {0}\n",
                packed.needsWSums ? "sums of w" : "none");
  const double pipes = machine.unit().pipes;
  const auto macs = static_cast<double>(facts.lanes * g.reductionSize());
  os << formatv("  ceiling      {0:f1} MAC/cycle at {1:f0} vector instructions "
                "a cycle, {2} steps of {3}\n",
                macs / (static_cast<double>(g.steps) * facts.stepOps) * pipes,
                pipes, g.steps, facts.stepOps);
}

/// The hot loop as LLVM's model of the target's CPU sees it.
static void explainLoop(llvm::raw_ostream &os, const CompiledOp &compiled,
                        const Cell &cell, const PackedForm &form,
                        const Target &target) {
  const std::string &cpu = target.desc().mcaCpu;
  if (cell.facts().instruction.empty() || cpu.empty()) {
    return;
  }
  llvm::Expected<HotLoop> loop =
      analyzeHotLoop(compiled.assembly, cell, form, target.desc(), cpu);
  if (!loop) {
    os << "  hot loop     " << llvm::toString(loop.takeError()) << "\n";
    return;
  }
  const McaResult &mca = loop->mca;
  os << formatv("  hot loop     {0} instructions, {1} {2}, {3:f1} MAC; {4:f4} "
                "instructions "
                "per MAC\n",
                mca.instructions, loop->count, cell.facts().instruction,
                loop->macs, mca.instructions / loop->macs);
  os << formatv(
      "  MCA          {0}: Block RThroughput {1:f2} cycles ({2:f1} MAC/cycle), "
      "simulated {3:f2} ({4:f1} MAC/cycle)\n",
      cpu, mca.blockRThroughput, loop->macs / mca.blockRThroughput,
      mca.cyclesPerIteration, loop->macs / mca.cyclesPerIteration);
}

std::string lpgen::explain(llvm::StringRef scheduledIr,
                           const CompiledOp &compiled, const Target &target) {
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  auto module = parseSourceString<ModuleOp>(scheduledIr, &context);
  std::string text;
  llvm::raw_string_ostream os(text);
  os << formatv("{0}: kernel {1} for {2}\n", compiled.op, compiled.symbol,
                target.desc().name);
  size_t number = 0;
  module->walk([&](lp::ContractOp op) {
    const ScheduleChoice &choice = compiled.choices[number++];
    os << formatv("{0} = sum of {1} x {2}\n", choice.statement,
                  lp::toElementType(op.getXElement()).str(),
                  lp::toElementType(op.getWElement()).str());
    os << formatv("  schedule     {0}\n  chosen by    {1}\n", choice.schedule,
                  choice.reason);
    std::string whyNot;
    if (op.getSchedule()->getTemplateName() == kLanesTemplate) {
      explainLanes(os, op);
      return;
    }
    const Cell *cell = packedCell(op);
    if (!cell) {
      for (const Template *t : allTemplates()) {
        t->candidates(op, machineOf(op), {}, whyNot);
      }
      os << "  layout       logical tensors as they are"
         << (whyNot.empty() ? "" : "; not packed: " + whyNot) << "\n";
      return;
    }
    auto form =
        planPackedForm(op, *cell, op.getSchedule()->getTileVectors(), whyNot);
    explainOperands(os, *form, cell->facts());
    explainCost(os, *form, *cell, *op.getSchedule(), machineOf(op));
    explainLoop(os, compiled, *cell, *form, target);
  });
  if (number == 0) {
    os << "  no contraction: elementwise loops, vectorized by LLVM\n";
  }
  return text;
}
