// What a schedule with channels in the lanes costs: the counts of
// CostTerms.def, as CostModel.cpp has them for packed operands.
#include "schedules/LaneCosts.h"
#include "targets/Target.h"
#include "targets/cpus/Cpus.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace lpgen;

static double asReal(int64_t value) { return static_cast<double>(value); }

CostTerms lpgen::countLaneTerms(const LaneForm &form, const Cell &cell,
                                lp::ScheduleAttr schedule,
                                const Machine &machine) {
  const CellFacts &facts = cell.facts();
  const Geometry &g = form.unfolded.geometry;
  const int64_t along = form.shape.extents[form.along()];
  const auto across = form.across();
  const int64_t acrossExtent = across ? form.shape.extents[*across] : 1;
  const int64_t block = std::min(schedule.getBlock(), acrossExtent);
  const int64_t length = pieceLength(form, block, machine.cpu.l1Bytes);
  const auto pieces = asReal(llvm::divideCeil(along, length));
  const int64_t tileRows = std::min(schedule.getTileRows(), length);
  const int64_t vectors = llvm::divideCeil(form.lanes(), facts.lanes);
  const double rows = asReal(g.extentOf(LoopRole::Row) / along);
  const double tiles =
      rows * pieces * asReal(llvm::divideCeil(length, tileRows) * vectors);
  const double accumulators = tiles * asReal(tileRows);
  const double strips = rows / asReal(acrossExtent) *
                        asReal(llvm::divideCeil(acrossExtent, block) * vectors);
  const double groups = strips * pieces *
                        asReal(form.copiedPositions(block, length)) *
                        asReal(form.groupsChannels() ? g.groups : 1);
  CostTerms terms;
  terms.products = accumulators * asReal(g.steps) * facts.stepOps;
  // Of the strip a load, a store and what brings elements into place, and joins
  // those of groups; where four vectors are filled at once, seven instructions
  // and a load for all of them.
  const double joins = form.fillsPanels ? 1.75 : facts.group > 1 ? 3 : 1;
  const double copies = form.fillsPanels ? 1.25 : 2;
  terms.loads = (accumulators + tiles) * asReal(g.steps) + copies * groups;
  terms.moves = joins * groups;
  // The first part of a sum is stored; others are loaded, added and stored.
  const double parts = std::ceil(asReal(g.steps) / asReal(form.unfolded.chunk));
  const double registers =
      asReal(facts.lanes * 32) / asReal(machine.target.desc().vectorBits);
  terms.widening =
      accumulators * (parts * (facts.widenOps + 3 * registers) - 2 * registers);
  terms.elements = accumulators * asReal(facts.lanes);
  const int64_t panelLanes = g.wLayout.getLanes();
  constexpr int64_t sumBytes = 4;
  terms.sumsInL1 =
      terms.elements *
      asReal(form.tripsAtOnce(block) * length * panelLanes * sumBytes) /
      asReal(machine.cpu.l1Bytes);
  terms.pieces = tiles;
  terms.tasks = strips / asReal(vectors) * asReal(g.panels);
  return terms;
}
