// The steps of the tuner's search: schedules that differ little from one that
// is good.
#include "schedules/Schedules.h"
#include "schedules/Tuned.h"
#include "llvm/Support/MathExtras.h"

using namespace lpgen;

/// The widest unrolling and the largest task that are tried.
static constexpr int64_t kMaxUnroll = 16;
static constexpr int64_t kMaxBlock = 256;

namespace {
/// Gathers the steps from one schedule that can be applied.
class Steps {
public:
  Steps(lp::ContractOp contract, const Machine &machine,
        const ScheduleRequest &from)
      : contract(contract), machine(machine), from(from) {}

  void addTiles();
  void addScaled(std::optional<int64_t> ScheduleRequest::*field, int64_t most);
  std::vector<lp::ScheduleAttr> take() { return std::move(found); }

private:
  bool add(const ScheduleRequest &step) {
    std::string whyNot;
    auto schedule = applicableSchedule(contract, machine, step, whyNot);
    if (schedule) {
      found.push_back(schedule);
    }
    return static_cast<bool>(schedule);
  }

  lp::ContractOp contract;
  const Machine &machine;
  const ScheduleRequest &from;
  std::vector<lp::ScheduleAttr> found;
};
} // namespace

/// Tiles beside this one, diagonals included: where registers are the limit, a
/// vector more costs rows. Rows go by two where the cell takes them in pairs.
void Steps::addTiles() {
  for (int64_t rows : {-1, 0, 1}) {
    for (int64_t vectors : {-1, 0, 1}) {
      ScheduleRequest step = from;
      step.vectors = *from.vectors + vectors;
      bool isFound = rows == 0 && vectors == 0;
      for (int64_t length = 1; length <= 2 && !isFound; ++length) {
        step.rows = *from.rows + rows * length;
        isFound = *step.rows >= 1 && *step.vectors >= 1 && add(step);
      }
    }
  }
}

/// Half and twice one of the powers of two.
void Steps::addScaled(std::optional<int64_t> ScheduleRequest::*field,
                      int64_t most) {
  const int64_t value = *(from.*field);
  for (int64_t next : {2 * value, value / 2}) {
    if (next >= 1 && next <= most) {
      ScheduleRequest step = from;
      step.*field = next;
      add(step);
    }
  }
}

std::vector<lp::ScheduleAttr>
lpgen::neighbouringSchedules(lp::ContractOp contract, const Machine &machine,
                             lp::ScheduleAttr schedule) {
  if (schedule.getCell().empty()) {
    return {}; // No parameter of `direct` changes its code.
  }
  const ScheduleRequest from = requestFor(schedule);
  Steps steps(contract, machine, from);
  steps.addTiles();
  steps.addScaled(&ScheduleRequest::unroll, kMaxUnroll);
  // A larger block than all tiles of the rows is the same task again.
  const int64_t tiles =
      llvm::divideCeil(keyOf(contract, machine.target).rows, *from.rows);
  steps.addScaled(&ScheduleRequest::block, std::min(kMaxBlock, 2 * tiles - 1));
  return steps.take();
}
