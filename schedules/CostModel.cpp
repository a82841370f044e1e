// What a packed schedule costs, counted from instructions; and the candidates
// that the register file allows. For ranking only: no absolute meaning.
#include "ir/analysis/TilePlan.h"
#include "schedules/Schedules.h"
#include "targets/Target.h"
#include "targets/cpus/Cpus.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace lpgen;

/// True if strips of this tile should have no loop: they are short, x serves
/// several vectors, and as many accumulators are alive as hide latency and
/// leave registers to the rest.
static bool hasShortStrips(const PackedForm &form, const Cell &cell,
                           int64_t rows, int64_t vectors,
                           const Machine &machine) {
  const PlanesTogether together = planesTogether(
      form.x.planes.size(), form.w.planes.size(), cell, rows, vectors, machine);
  const int64_t cells = rowBlocks(cell, rows) * vectors * together.w;
  return together.w > 1 && vectors > 1 && cells <= 8 &&
         form.chunk <= machine.unit().unloopedSteps;
}

static double innermostTaps(const Geometry &g) {
  const auto taps = g.loopsOf(LoopRole::Tap);
  return taps.empty() ? 1 : static_cast<double>(g.shape.extents[taps.back()]);
}

double lpgen::estimateCycles(const PackedForm &form, const Cell &cell,
                             int64_t rows, int64_t vectors, int64_t block,
                             const Machine &machine) {
  const VectorUnit &unit = machine.unit();
  const Cpu &cpu = machine.cpu;
  const CellFacts &facts = cell.facts();
  const Geometry &g = form.geometry;
  double issue = unit.sustainedPipes;
  auto pairs = static_cast<double>(planePairs(form));
  auto rowsTotal = static_cast<double>(g.extentOf(LoopRole::Row));
  double tiles = static_cast<double>(g.panels) *
                 static_cast<double>(
                     llvm::divideCeil(static_cast<int64_t>(rowsTotal), rows)) *
                 static_cast<double>(g.extentOf(LoopRole::Batch));
  auto cells = static_cast<double>(rowBlocks(cell, rows) * vectors);
  const PlanesTogether together = planesTogether(
      form.x.planes.size(), form.w.planes.size(), cell, rows, vectors, machine);
  const int64_t tileRows = rows * together.x;
  const int64_t tileVectors = vectors * together.w;
  const auto blocks = static_cast<double>(rowBlocks(cell, tileRows));
  TilePlan plan = planTile(form, facts, rows, block, cpu.l1Bytes);
  double steps = static_cast<double>(g.steps) * plan.stepFraction;
  double widening =
      plan.piecesPerTile * widenCost(form, facts, steps / plan.piecesPerTile);
  if (needsHalves(form, facts, static_cast<int64_t>(steps))) {
    // Two vectors of 16-bit sums each time, where loads are dear.
    widening += pairs * std::ceil(steps / static_cast<double>(form.chunk)) * 2 *
                std::max(0.0, unit.loadCycles - 1) * issue;
  }
  double loads =
      static_cast<double>(tileRows) / static_cast<double>(facts.run) +
      static_cast<double>(tileVectors * facts.lanes * facts.wBytes()) * 8.0 /
          unit.bits;
  double products = blocks * static_cast<double>(tileVectors) * facts.stepOps;
  double moves =
      blocks * facts.xOps + static_cast<double>(tileVectors) * facts.wOps;
  double stepOps = products + moves;
  double stepCycles = stepOps / issue + loads * unit.loadCycles;
  if (g.xBytes > cpu.l1Bytes) {
    // 32 bytes of x from the second level take a cycle, most of it hidden; the
    // innermost taps find them in the first.
    constexpr double share = 0.2;
    stepCycles += share * static_cast<double>(tileRows * facts.groupBytes) /
                  32 / innermostTaps(g);
  }
  if (facts.leavesPipes && rowsTotal > 1) { // the loads of one row decide
    constexpr double share = 0.2; // of what goes beside, that is not hidden
    stepCycles = products / unit.pipes +
                 share * (moves / issue + loads * unit.loadCycles);
  }
  if (hasShortStrips(form, cell, rows, vectors, machine)) {
    stepCycles *= unit.unloopedShare;
  }
  if (unit.sustainedIssue > 0) {
    constexpr double loop = 1.5; // a share of counter, address and branch
    stepCycles = std::max(
        stepCycles, (stepOps + loads +
                     static_cast<double>(tileRows) * facts.xScalarOps + loop) /
                        unit.sustainedIssue);
  }
  double perTile =
      pairs / static_cast<double>(together.x * together.w) * steps *
          plan.stepFactor * stepCycles +
      cells * widening / issue +
      static_cast<double>(rows * vectors * facts.lanes) * 0.5 + // epilogue
      30 * pairs;                                               // loops around
  double macs = rowsTotal * static_cast<double>(g.extentOf(LoopRole::Column)) *
                static_cast<double>(g.extentOf(LoopRole::Batch)) *
                static_cast<double>(g.reductionSize());
  // Packing x: each stored element once per plane.
  double packing = static_cast<double>(g.xBytes) / 8.0;
  // w from beyond the second level, once; a stream without reuse is prefetched
  // best.
  double bytesPerCycle = rowsTotal > static_cast<double>(rows) ? 4 : 12;
  double streaming = g.wBytes > cpu.l2Bytes
                         ? static_cast<double>(g.wBytes) / bytesPerCycle
                         : 0;
  return (tiles * perTile + packing + streaming) / macs;
}

/// How far ahead tiles of so many rows fetch w: those of one row, which read it
/// for nobody else, and others if it comes from beyond the second level. Steps
/// of tables are too short to hide more instructions.
static int64_t prefetchFor(const PackedForm &form, int64_t rows,
                           const Machine &machine) {
  if (rows == 1) {
    return machine.unit().prefetchOneRow;
  }
  const bool isLarge = form.geometry.wBytes > 2 * machine.cpu.l2Bytes;
  return isLarge && form.x.planes.empty() ? machine.unit().prefetchLarge : 0;
}

std::vector<Candidate> lpgen::packedCandidates(llvm::StringRef templateName,
                                               lp::ContractOp contract,
                                               const Machine &machine,
                                               const ScheduleRequest &request,
                                               std::string &whyNot) {
  const TargetDesc &target = machine.target.desc();
  std::vector<Candidate> found;
  auto allowed = [](const std::optional<int64_t> &wish, int64_t value) {
    return !wish || *wish == value;
  };
  bool anyCell = false;
  std::string noGeometry;
  auto shape = Geometry::analyze(ContractShape::of(contract), noGeometry);
  const bool isOneRow = shape && shape->extentOf(LoopRole::Row) == 1;
  const int64_t unroll = machine.unit().unroll;
  for (const Cell *cell : machine.target.cells()) {
    const CellFacts &facts = cell->facts();
    if (facts.templateName != templateName ||
        (!request.cell.empty() && request.cell != facts.name)) {
      continue;
    }
    anyCell = true;
    std::string reason;
    // With one row nothing but more columns hides the latency of the sums.
    const int64_t mostVectors =
        isOneRow ? std::max<int64_t>(4, target.vectorRegisters / 4) : 4;
    for (int64_t vectors = 1; vectors <= request.vectors.value_or(mostVectors);
         ++vectors) {
      auto form = planPackedForm(contract, *cell, vectors, reason);
      if (!form) {
        break;
      }
      for (int64_t rows = 1; rows <= request.rows.value_or(8); ++rows) {
        if (!allowed(request.rows, rows) ||
            !allowed(request.vectors, vectors)) {
          continue;
        }
        if (tileRegisters(*cell, rows, vectors) > target.vectorRegisters) {
          reason = "a tile of " + std::to_string(rows) + " x " +
                   std::to_string(vectors) + " needs " +
                   std::to_string(tileRegisters(*cell, rows, vectors)) +
                   " registers, the target has " +
                   std::to_string(target.vectorRegisters);
          continue;
        }
        // Enough tiles in a task to amortize its start, few enough to balance.
        int64_t tiles =
            llvm::divideCeil(form->geometry.extentOf(LoopRole::Row), rows);
        int64_t block =
            request.block.value_or(std::clamp<int64_t>(tiles / 4, 1, 16));
        int64_t steps = hasShortStrips(*form, *cell, rows, vectors, machine)
                            ? form->chunk
                            : std::max(unroll, facts.run);
        found.push_back(
            {lp::ScheduleAttr::get(
                 contract.getContext(), templateName.str(), facts.name.str(),
                 rows, vectors, request.unroll.value_or(steps), block,
                 request.prefetch.value_or(prefetchFor(*form, rows, machine))),
             estimateCycles(*form, *cell, rows, vectors, block, machine)});
      }
    }
    if (!reason.empty()) {
      whyNot += (whyNot.empty() ? "" : "; ") + ("cell " + facts.name).str() +
                ": " + reason;
    }
  }
  if (!anyCell) {
    whyNot = "target " + target.name + " has no such cell";
  }
  return found;
}
