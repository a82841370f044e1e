// lanes: output channels in the lanes, x in strips of vectors with a group of
// taps or channels for each lane; depthwise and grouped convolution.
#include "schedules/LaneCosts.h"
#include "schedules/templates/CellTemplate.h"
#include "targets/cpus/Cpus.h"
#include "llvm/Support/MathExtras.h"

using namespace lpgen;

namespace {

/// The most positions of a register tile that are tried.
constexpr int64_t kMostRows = 14;

/// As many vectors of lanes as bytes fill one vector of the result.
int64_t usualVectors(const Cell &cell, const Machine &machine) {
  return std::max<int64_t>(
      machine.target.desc().vectorBits / 8 / cell.facts().lanes, 1);
}

/// As many rows as make the fewest positions to copy, and tasks to share.
int64_t usualBlock(const LaneForm &form, const Machine &machine) {
  constexpr int64_t fewestTasks = 8;
  constexpr int64_t fewestRows = 4; // that share what they read of x
  const Geometry &g = form.unfolded.geometry;
  const auto across = form.across();
  if (!across) {
    return 1;
  }
  const int64_t extent = form.shape.extents[*across];
  const int64_t along = form.shape.extents[form.along()];
  const int64_t others = g.extentOf(LoopRole::Row) / extent / along * g.panels;
  const auto most = static_cast<int64_t>(llvm::divideCeil(extent, fewestRows));
  const auto blocks =
      std::min<int64_t>(llvm::divideCeil(fewestTasks, others), most);
  const auto copied = [&](int64_t block) {
    const int64_t length = pieceLength(form, block, machine.cpu.l1Bytes);
    return static_cast<int64_t>(llvm::divideCeil(extent, block) *
                                llvm::divideCeil(along, length)) *
           form.copiedPositions(block, length);
  };
  const auto first = static_cast<int64_t>(llvm::divideCeil(extent, blocks));
  int64_t best = first;
  for (int64_t number = blocks + 1; number <= most; ++number) {
    const auto block = static_cast<int64_t>(llvm::divideCeil(extent, number));
    best = copied(block) < copied(best) ? block : best;
  }
  return best;
}

/// Taps read what taps of other positions read, and LLVM keeps it: so many
/// positions that there are registers for their sums and for what a tap reads
/// of x at each.
int64_t usualRows(const CellFacts &facts, int64_t registers) {
  return std::max<int64_t>(
      (registers - facts.wRegisters - facts.fixedRegisters) /
          (facts.accRegisters + 1),
      1);
}

/// The memory of a task that is still sensible.
constexpr int64_t kMostStripBytes = int64_t{1} << 20;

class LanesTemplate : public CellTemplate {
public:
  llvm::StringRef name() const override { return kLanesTemplate; }
  llvm::StringRef summary() const override {
    return "channels in the lanes; depthwise and grouped convolution";
  }

private:
  bool takes(const CellFacts &facts) const override { return facts.xInLanes; }
  void addTiles(lp::ContractOp contract, const Cell &cell,
                const Machine &machine, const ScheduleRequest &request,
                std::vector<Candidate> &found,
                std::string &reason) const override;
};

void LanesTemplate::addTiles(lp::ContractOp contract, const Cell &cell,
                             const Machine &machine,
                             const ScheduleRequest &request,
                             std::vector<Candidate> &found,
                             std::string &reason) const {
  if (request.prefetch.value_or(0) > 0) {
    reason = "w is read again by each task, so nothing is fetched ahead";
    return;
  }
  const CellFacts &facts = cell.facts();
  const int64_t vectors = request.vectors.value_or(usualVectors(cell, machine));
  const auto form = planLaneForm(contract, cell, vectors, reason);
  if (!form) {
    return;
  }
  const int64_t block = request.block.value_or(usualBlock(*form, machine));
  const auto across = form->across();
  const int64_t trips =
      across ? std::min(block, form->shape.extents[*across]) : 1;
  const int64_t length = pieceLength(*form, trips, machine.cpu.l1Bytes);
  if (planStrip(*form, trips, length).bytes * form->stripVectors() >
      kMostStripBytes) {
    reason = "a task of " + std::to_string(block) +
             " rows reads more than 1 MiB of x";
    return;
  }
  // Beside the accumulators: w, x and what the cell names.
  const auto registers =
      static_cast<int64_t>(machine.target.desc().vectorRegisters);
  const int64_t most =
      (registers - facts.wRegisters - facts.fixedRegisters - 1) /
      facts.accRegisters;
  const int64_t along = form->shape.extents[form->along()];
  const int64_t usual = std::min(kMostRows, usualRows(facts, registers));
  for (int64_t rows = 1; rows <= request.rows.value_or(std::min(usual, along));
       ++rows) {
    if (!isAllowed(request.rows, rows)) {
      continue;
    }
    if (rows > most) {
      reason = "a tile of " + std::to_string(rows) +
               " positions needs more registers than the target has";
      continue;
    }
    const auto schedule = lp::ScheduleAttr::get(
        contract.getContext(), name().str(), facts.name.str(), rows, vectors,
        request.unroll.value_or(1), block, std::nullopt);
    const Geometry &g = form->unfolded.geometry;
    const double macs = static_cast<double>(g.extentOf(LoopRole::Row)) *
                        static_cast<double>(form->lanes()) *
                        static_cast<double>(g.reductionSize());
    found.push_back(
        {schedule, cyclesOf(countLaneTerms(*form, cell, schedule, machine),
                            cell, machine) /
                       macs});
  }
}

} // namespace

const Template &lpgen::lanesTemplate() {
  static const LanesTemplate instance;
  return instance;
}
