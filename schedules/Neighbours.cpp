// The steps of the tuner's search: schedules that differ little from one that
// is good.
#include "schedules/Schedules.h"
#include "schedules/Tuned.h"
#include "llvm/Support/MathExtras.h"

using namespace lpgen;

/// The widest unrolling and the largest task that are tried.
static constexpr int64_t kMaxUnroll = 16;
static constexpr int64_t kMaxBlock = 256;

/// Tiles beside (rows, vectors), diagonals included: where registers are the
/// limit, a vector more costs rows.
static void addTiles(const ScheduleRequest &from,
                     std::vector<ScheduleRequest> &to) {
  for (int64_t rows = *from.rows - 1; rows <= *from.rows + 1; ++rows) {
    for (int64_t vectors = *from.vectors - 1; vectors <= *from.vectors + 1;
         ++vectors) {
      if (rows >= 1 && vectors >= 1 &&
          (rows != *from.rows || vectors != *from.vectors)) {
        ScheduleRequest step = from;
        step.rows = rows;
        step.vectors = vectors;
        to.push_back(step);
      }
    }
  }
}

/// Half and twice one of the powers of two.
static void addScaled(const ScheduleRequest &from,
                      std::optional<int64_t> ScheduleRequest::*field,
                      int64_t most, std::vector<ScheduleRequest> &to) {
  const int64_t value = *(from.*field);
  for (int64_t next : {2 * value, value / 2}) {
    if (next >= 1 && next <= most) {
      ScheduleRequest step = from;
      step.*field = next;
      to.push_back(step);
    }
  }
}

std::vector<lp::ScheduleAttr>
lpgen::neighbouringSchedules(lp::ContractOp contract, const Target &target,
                             lp::ScheduleAttr schedule) {
  if (schedule.getCell().empty()) {
    return {}; // No parameter of `direct` changes its code.
  }
  const ScheduleRequest from = requestFor(schedule);
  std::vector<ScheduleRequest> steps;
  addTiles(from, steps);
  addScaled(from, &ScheduleRequest::unroll, kMaxUnroll, steps);
  // A larger block than all tiles of the rows is the same task again.
  const int64_t tiles =
      llvm::divideCeil(keyOf(contract, target).rows, *from.rows);
  addScaled(from, &ScheduleRequest::block, std::min(kMaxBlock, 2 * tiles - 1),
            steps);
  std::vector<lp::ScheduleAttr> found;
  for (const ScheduleRequest &step : steps) {
    std::string whyNot;
    if (auto next = applicableSchedule(contract, target, step, whyNot)) {
      found.push_back(next);
    }
  }
  return found;
}
