// Candidates of the templates that share the packed form. See Packed.h.
#include "schedules/templates/Packed.h"
#include "schedules/CostModel.h"
#include "targets/cpus/Cpus.h"
#include "llvm/Support/MathExtras.h"

using namespace lpgen;

/// The most rows of a register tile that are tried. With one vector of columns
/// more of them hide the latency of the sums.
static int64_t mostRows(int64_t vectors) { return vectors == 1 ? 16 : 8; }

/// The most vectors of a tile that are tried. With one row nothing but more
/// columns hides the latency of the sums.
static int64_t mostVectors(lp::ContractOp contract, const TargetDesc &target) {
  constexpr int64_t most = 4;
  std::string noGeometry;
  auto shape = Geometry::analyze(ContractShape::of(contract), noGeometry);
  return shape && shape->extentOf(LoopRole::Row) == 1
             ? std::max<int64_t>(most, target.vectorRegisters / 4)
             : most;
}

int64_t PackedTemplate::unrollOf(const Tile &tile,
                                 const Machine &machine) const {
  return std::max(machine.unit().unroll, tile.cell.stepsTogether());
}

int64_t PackedTemplate::prefetchOf(const Tile &tile,
                                   const Machine &machine) const {
  return tile.rows == 1 ? machine.unit().prefetchOneRow : 0;
}

int64_t PlanesTemplate::unrollOf(const Tile &tile,
                                 const Machine &machine) const {
  // As many accumulators as hide latency and leave registers to the rest.
  constexpr int64_t mostAccumulators = 8;
  const auto &[form, cell, rows, vectors] = tile;
  const PlanesTogether together = planesTogether(
      form.x.planes.size(), form.w.planes.size(), cell, rows, vectors, machine);
  const int64_t accumulators = rowBlocks(cell, rows) * vectors * together.w;
  const bool isUnlooped = together.w > 1 && vectors > 1 &&
                          accumulators <= mostAccumulators &&
                          form.chunk <= machine.unit().unloopedSteps;
  return isUnlooped ? form.chunk : PackedTemplate::unrollOf(tile, machine);
}

Candidate PackedTemplate::complete(const Tile &tile, lp::ContractOp contract,
                                   const Machine &machine,
                                   const ScheduleRequest &request) const {
  // Enough tiles in a task to amortize its start, few enough to balance; with
  // groups one, whose totals stay in registers from group to group.
  const Geometry &g = tile.form.geometry;
  const int64_t tiles = llvm::divideCeil(g.extentOf(LoopRole::Row), tile.rows);
  const int64_t block =
      g.shape.groups > 0 ? 1 : std::clamp<int64_t>(tiles / 4, 1, 16);
  const auto schedule = lp::ScheduleAttr::get(
      contract.getContext(), name().str(), tile.cell.facts().name.str(),
      tile.rows, tile.vectors, request.unroll.value_or(unrollOf(tile, machine)),
      request.block.value_or(block),
      request.prefetch.value_or(prefetchOf(tile, machine)));
  return {schedule, estimateCycles(tile.form, tile.cell, schedule, machine)};
}

void PackedTemplate::addTiles(lp::ContractOp contract, const Cell &cell,
                              const Machine &machine,
                              const ScheduleRequest &request,
                              std::vector<Candidate> &found,
                              std::string &reason) const {
  const TargetDesc &target = machine.target.desc();
  const int64_t most = request.vectors.value_or(mostVectors(contract, target));
  for (int64_t vectors = 1; vectors <= most; ++vectors) {
    auto form = planPackedForm(contract, cell, vectors, reason);
    if (!form) {
      return;
    }
    for (int64_t rows = 1; rows <= request.rows.value_or(mostRows(vectors));
         ++rows) {
      if (!isAllowed(request.rows, rows) ||
          !isAllowed(request.vectors, vectors)) {
        continue;
      }
      const int64_t registers = tileRegisters(cell, rows, vectors);
      if (registers > target.vectorRegisters) {
        reason = "a tile of " + std::to_string(rows) + " x " +
                 std::to_string(vectors) + " needs " +
                 std::to_string(registers) + " registers, the target has " +
                 std::to_string(target.vectorRegisters);
        continue;
      }
      found.push_back(
          complete({*form, cell, rows, vectors}, contract, machine, request));
    }
  }
}
