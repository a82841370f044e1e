// The counts of the cost model. See CostModel.h.
#include "schedules/CostModel.h"
#include "ir/analysis/TilePlan.h"
#include "targets/Target.h"
#include "targets/cpus/Cpus.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace lpgen;

/// Of a sum between its steps and its epilogue.
static constexpr int64_t sumBytes = 4;

static double asReal(int64_t value) { return static_cast<double>(value); }

static double innermostTaps(const Geometry &g) {
  const auto taps = g.loopsOf(LoopRole::Tap);
  return taps.empty() ? 1 : asReal(g.shape.extents[taps.back()]);
}

namespace {
/// The numbers that several terms share.
class Counter {
public:
  Counter(const PackedForm &form, const Cell &cell, lp::ScheduleAttr schedule,
          const Machine &machine)
      : form(form), g(form.geometry), cell(cell), facts(cell.facts()),
        schedule(schedule), machine(machine), rows(schedule.getTileRows()),
        vectors(schedule.getTileVectors()),
        together(planesTogether(form.x.planes.size(), form.w.planes.size(),
                                cell, rows, vectors, machine)),
        plan(planTile(form, facts, rows, schedule.getBlock(), machine)),
        rowTiles(llvm::divideCeil(g.extentOf(LoopRole::Row), rows)),
        panels(asReal(g.panelCount())),
        steps(asReal(g.steps) * plan.stepFraction),
        stepsOfPanel(panels * steps * asReal(planePairs(form)) /
                     asReal(together.x * together.w)) {}

  CostTerms count() const {
    CostTerms terms;
    countSteps(terms);
    countSums(terms);
    countMemory(terms);
    return terms;
  }

private:
  const PackedForm &form;
  const Geometry &g;
  const Cell &cell;
  const CellFacts &facts;
  lp::ScheduleAttr schedule;
  const Machine &machine;
  int64_t rows;
  int64_t vectors;
  PlanesTogether together;
  TilePlan plan;
  int64_t rowTiles;    ///< In a panel.
  double panels;       ///< Of all batches and groups.
  double steps;        ///< Of a tile and pair of planes.
  double stepsOfPanel; ///< Of a tile in all panels and passes over planes.

  /// Accumulators per vector of w in all tiles of a panel. The last tile counts
  /// whole: with fewer rows it takes hardly less time.
  double blocksOf(int64_t planesOfX) const {
    return asReal(rowTiles * rowBlocks(cell, rows * planesOfX));
  }
  /// Rows of x in all tiles of a panel, with planes in the place of rows.
  double rowsOfX() const { return asReal(rowTiles * rows * together.x); }
  double vectorsOfW() const { return asReal(vectors * together.w); }
  double bytesOfW() const {
    return vectorsOfW() * asReal(facts.lanes * facts.wBytes());
  }

  /// What each step does, and the loops around.
  void countSteps(CostTerms &terms) const {
    const double blocks = blocksOf(together.x);
    const double tiles = asReal(rowTiles);
    terms.products = stepsOfPanel * blocks * vectorsOfW() * facts.stepOps;
    terms.moves = stepsOfPanel *
                  (blocks * facts.xOps + tiles * vectorsOfW() * facts.wOps);
    terms.loads = stepsOfPanel *
                  (rowsOfX() / asReal(facts.run) +
                   tiles * bytesOfW() * 8 / machine.target.desc().vectorBits);
    terms.scalars = stepsOfPanel * rowsOfX() * facts.xScalarOps;
    const double passes =
        asReal(planePairs(form)) / asReal(together.x * together.w);
    if (rows > 1 && !plan.aligned && g.loopsOf(LoopRole::Row).size() > 1) {
      terms.addresses =
          panels * tiles * asReal(rows) * passes * plan.piecesPerTile;
    }
    // A strip of few steps is unrolled wholly (ExpandTile).
    constexpr int64_t few = 8;
    const int64_t strip =
        std::min(plan.loopsOf(plan.strip, nullptr).back().count, form.chunk);
    const int64_t unroll = schedule.getUnroll();
    if (strip > few && unroll < strip) {
      terms.trips =
          stepsOfPanel * tiles * asReal(strip / unroll) / asReal(strip);
    }
    terms.pieces = panels * tiles * passes * plan.piecesPerTile;
    terms.tasks = panels / asReal(g.extentOf(LoopRole::Group)) *
                  asReal(llvm::divideCeil(rowTiles, schedule.getBlock()));
  }

  /// Vector instructions that complete an accumulator of a group and add its
  /// product to the total.
  double groupCost() const {
    constexpr double product = 5; // convert, load, multiply, load and store
    constexpr double sumsOfW = 3; // load, scale, add
    constexpr double sumsOfX = 2; // multiply or broadcast, add
    return (product + (form.needsWSums ? sumsOfW : 0) +
            (form.needsXSums ? sumsOfX : 0)) *
           asReal(facts.lanes * facts.rows) / 8;
  }

  /// What becomes of accumulators.
  void countSums(CostTerms &terms) const {
    const double accumulators = panels * blocksOf(1) * asReal(vectors);
    terms.widening = accumulators * plan.piecesPerTile *
                     widenCost(form, facts, steps / plan.piecesPerTile);
    if (needsHalves(form, facts, static_cast<int64_t>(steps))) {
      // Two vectors of 16-bit sums each time.
      terms.loads += accumulators * asReal(planePairs(form)) * 2 *
                     std::ceil(steps / asReal(form.chunk));
    }
    const double groups = asReal(g.extentOf(LoopRole::Group));
    if (g.shape.groups > 0) {
      // There are few steps to hide it behind.
      terms.products += accumulators * groupCost() + terms.widening;
      terms.widening = 0;
    }
    terms.elements =
        panels / groups * asReal(rowTiles * rows * vectors * facts.lanes);
    terms.segments = panels / groups * asReal(rowTiles * rows);
    const int64_t sumsOfTask =
        rows * vectors * facts.lanes * std::min(schedule.getBlock(), rowTiles);
    terms.sumsInL1 = terms.elements * asReal(sumsOfTask * sumBytes) /
                     asReal(machine.cpu.l1Bytes);
  }

  /// What memory beyond the first level gives, and packing, which touches each
  /// stored element once per plane.
  void countMemory(CostTerms &terms) const {
    terms.packing = asReal(g.xBytes);
    if (g.xBytes > machine.cpu.l1Bytes) {
      // The innermost taps find in the first level what the first of them
      // read.
      terms.xFromL2 = stepsOfPanel * rowsOfX() * asReal(facts.groupBytes) /
                      innermostTaps(g);
    }
    if (!plan.findsW) {
      terms.wFromL2 = stepsOfPanel * asReal(rowTiles) * bytesOfW();
    }
    if (g.wBytes > machine.cpu.l2Bytes) {
      terms.wFromMemory = asReal(g.wBytes);
    }
  }
};
} // namespace

CostTerms lpgen::countTerms(const PackedForm &form, const Cell &cell,
                            lp::ScheduleAttr schedule, const Machine &machine) {
  return Counter(form, cell, schedule, machine).count();
}

double lpgen::cyclesOf(const CostTerms &counts, const Cell &cell,
                       const Machine &machine) {
  const Costs &costs = machine.unit().costs;
  CostTerms scaled = counts;
  scaled.products *= costs.factorOf(cell.facts().name);
  return scaled.times(costs.prices);
}

double lpgen::estimateCycles(const PackedForm &form, const Cell &cell,
                             lp::ScheduleAttr schedule,
                             const Machine &machine) {
  const Geometry &g = form.geometry;
  const double macs =
      asReal(g.extentOf(LoopRole::Row)) * asReal(g.extentOf(LoopRole::Column)) *
      asReal(g.extentOf(LoopRole::Batch)) *
      asReal(g.extentOf(LoopRole::Group)) * asReal(g.reductionSize());
  return cyclesOf(countTerms(form, cell, schedule, machine), cell, machine) /
         macs;
}
