// See Legality.h.
#include "tests/differential/Legality.h"
#include "ir/analysis/PackedForm.h"
#include "schedules/Schedules.h"
#include "targets/Cell.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <cassert>

namespace lpgen::difftest {

/// What a cell that holds elements in `limit` stores of those of `type`, zero
/// included: them, or else as many numbers that begin at 0 or lie around it.
static std::optional<StoredRange> storedBy(StoredRange limit,
                                           ElementType type) {
  StoredRange stored{type.minValue(), type.maxValue()};
  if (stored.lo < limit.lo || stored.hi > limit.hi) {
    const int64_t most = type.encoding == Encoding::Bipolar
                             ? type.maxValue() // by steps of 2
                             : type.maxValue() - type.minValue();
    const int64_t least = limit.lo < 0 ? -((most + 1) / 2) : 0;
    stored = {least, least + most};
  }
  if (stored.lo < limit.lo || stored.hi > limit.hi) {
    return std::nullopt;
  }
  return StoredRange{std::min<int64_t>(stored.lo, 0),
                     std::max<int64_t>(stored.hi, 0)};
}

bool takes(const Cell &cell, ElementType x, ElementType w) {
  const CellFacts &facts = cell.facts();
  if (facts.isFloat || x.isFloat() || w.isFloat()) {
    return facts.isFloat && x.isFloat() && w.isFloat();
  }
  if (facts.planes) {
    return true; // any number of planes
  }
  const auto xStored = storedBy(facts.x, x);
  const auto wStored = storedBy(facts.w, w);
  return xStored && wStored && cell.maxSteps(*xStored, *wStored) >= 1;
}

namespace {
/// What the text of a schedule asks for. Its cell is null for `direct` and "".
struct Request {
  const Cell *cell = nullptr;
  int64_t rows = 1;
  int64_t vectors = 1;
};
} // namespace

static Request requestOf(const Target &target, const std::string &schedule) {
  if (schedule.empty()) {
    return {};
  }
  std::string message;
  const auto request = parseScheduleRequest(schedule, message);
  assert(request && "schedules of tests are well formed");
  const auto *cell = llvm::find_if(target.cells(), [&](const Cell *candidate) {
    return candidate->facts().name == request->cell;
  });
  return {cell == target.cells().end() ? nullptr : *cell,
          request->rows.value_or(1), request->vectors.value_or(1)};
}

bool fitsRegisters(const Target &target, const std::string &schedule) {
  const Request request = requestOf(target, schedule);
  return !request.cell ||
         tileRegisters(*request.cell, request.rows, request.vectors) <=
             target.desc().vectorRegisters;
}

std::optional<bool> mustApply(const Target &target, const std::string &schedule,
                              ElementType x, ElementType w) {
  if (schedule.empty()) {
    return std::nullopt;
  }
  const Request request = requestOf(target, schedule);
  return !request.cell ||
         (takes(*request.cell, x, w) && fitsRegisters(target, schedule));
}

} // namespace lpgen::difftest
