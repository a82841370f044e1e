// See Selection.h.
#include "tests/differential/Selection.h"
#include "tests/differential/Legality.h"
#include "tests/differential/Operators.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace lpgen::difftest {

std::vector<ElementType> narrowTypes() {
  std::vector<ElementType> types;
  for (const Encoding encoding :
       {Encoding::Unsigned, Encoding::Signed, Encoding::Bipolar}) {
    for (unsigned bits = 1; bits <= 8; ++bits) {
      types.push_back({encoding, bits});
    }
  }
  types.push_back({Encoding::Ternary, 2});
  return types;
}

namespace {

/// What goes together for a target, from the table of its cells.
class Rules {
public:
  Rules(const Target &target, const Axes &axes)
      : target(target), axes(axes), schedules(schedulesOf(target)),
        isLevel(difftest::isLevel(target)) {
    sizes = {types.size(), types.size(), schedules.size()};
    llvm::append_range(sizes, axes.others);
    sizes.push_back(numTiles);
    for (const std::string &schedule : schedules) {
      for (const ElementType x : types) {
        for (const ElementType w : types) {
          taken.push_back(mustApply(target, schedule, x, w).value_or(true));
        }
      }
    }
  }

  std::vector<Row> cover() const {
    return coverPairs(
        sizes,
        [&](size_t axisA, size_t a, size_t axisB, size_t b) {
          return pair(axisA, a, axisB, b);
        },
        [&](const Row &row) { return isPossible(row); });
  }
  std::vector<Row> product() const;

private:
  bool takes(size_t schedule, size_t x, size_t w) const {
    return taken[(schedule * types.size() + x) * types.size() + w];
  }
  /// Whether a value of an axis goes with the schedule at all.
  bool goesWith(size_t schedule, size_t axis, size_t value) const;
  bool standsForSchedule(size_t axis, size_t type, size_t schedule) const;
  bool isWanted(size_t axisA, size_t a, size_t axisB, size_t b) const;
  Pair pair(size_t axisA, size_t a, size_t axisB, size_t b) const;
  /// Three values together: what pairs do not tell.
  bool isPossible(const Row &row) const {
    return row[xAxis] == unsetValue || row[wAxis] == unsetValue ||
           row[scheduleAxis] == unsetValue ||
           takes(row[scheduleAxis], row[xAxis], row[wAxis]);
  }
  bool isTile(size_t axis) const { return axis + 1 == sizes.size(); }

  const Target &target;
  const Axes &axes;
  const std::vector<ElementType> types = narrowTypes();
  const std::vector<std::string> schedules;
  const bool isLevel;
  std::vector<size_t> sizes;
  std::vector<bool> taken; ///< By schedule, x, w.
};

bool Rules::goesWith(size_t schedule, size_t axis, size_t value) const {
  if (isTile(axis)) {
    return fitsRegisters(target, withTile(schedules[schedule], value));
  }
  if (axis > scheduleAxis) {
    return !axes.allows || axes.allows(schedules[schedule], axis, value);
  }
  for (size_t other = 0; other < types.size(); ++other) {
    if (axis == xAxis ? takes(schedule, value, other)
                      : takes(schedule, other, value)) {
      return true;
    }
  }
  return false;
}

/// Each pair of widths has one pair of encodings that must be tried.
static bool standsForWidths(size_t x, size_t w) {
  const size_t xBits = x % 8;
  const size_t wBits = w % 8;
  return x / 8 == (xBits + wBits) % 3 && w / 8 == (xBits + 2 * wBits) % 3;
}

/// Each encoding has one width that must be tried with a value of another axis.
static bool standsForEncoding(size_t type, size_t axis, size_t value) {
  return type / 8 == 3 || type % 8 == (axis + value) % 8;
}

/// Each schedule has types that must be tried with it on an axis: for each
/// width one encoding that it takes, at 1 and 8 bits, where ranges end, each.
bool Rules::standsForSchedule(size_t axis, size_t type, size_t schedule) const {
  const size_t bits = type % 8;
  if (bits == 0 || bits == 7) {
    return true;
  }
  for (size_t i = 0; i < 3; ++i) {
    const size_t candidate = (bits + schedule + i) % 3 * 8 + bits;
    if (goesWith(schedule, axis, candidate)) {
      return candidate == type;
    }
  }
  return false;
}

/// Axes of more values, as shapes of images, do not meet each schedule of a
/// level.
constexpr size_t mostForLevel = 8;

bool Rules::isWanted(size_t axisA, size_t a, size_t axisB, size_t b) const {
  const bool haveSchedule = axisA == scheduleAxis || axisB == scheduleAxis;
  if (axisB == wAxis) {
    return !isLevel && standsForWidths(a, b);
  }
  if (axisA >= scheduleAxis) {
    return !isLevel || (haveSchedule && sizes[axisB] <= mostForLevel);
  }
  return !isLevel && (haveSchedule ? axes.typesMeetSchedules &&
                                         standsForSchedule(axisA, a, b)
                                   : standsForEncoding(a, axisB, b));
}

Pair Rules::pair(size_t axisA, size_t a, size_t axisB, size_t b) const {
  if ((axisA == scheduleAxis && !goesWith(a, axisB, b)) ||
      (axisB == scheduleAxis && !goesWith(b, axisA, a))) {
    return Pair::Forbidden;
  }
  return isWanted(axisA, a, axisB, b) ? Pair::Wanted : Pair::Allowed;
}

/// The other axes pairwise beside every pair of types with every schedule.
std::vector<Row> Rules::product() const {
  const std::vector<Row> rest =
      coverPairs(std::vector<size_t>(sizes.begin() + firstOther, sizes.end()),
                 [](size_t, size_t, size_t, size_t) { return Pair::Wanted; });
  std::vector<Row> rows;
  for (size_t schedule = 0; schedule < schedules.size(); ++schedule) {
    std::vector<Row> beside = rest;
    llvm::erase_if(beside, [&](const Row &values) {
      size_t axis = firstOther;
      return llvm::any_of(values, [&](size_t value) {
        return !goesWith(schedule, axis++, value);
      });
    });
    size_t next = 0;
    for (size_t x = 0; x < types.size(); ++x) {
      for (size_t w = 0; w < types.size(); ++w) {
        if (takes(schedule, x, w)) {
          rows.push_back({x, w, schedule});
          llvm::append_range(rows.back(), beside[next++ % beside.size()]);
        }
      }
    }
  }
  return rows;
}

} // namespace

std::vector<Row> selectRows(const Target &target, const Axes &axes) {
  const Rules rules(target, axes);
  return fullRun() ? rules.product() : rules.cover();
}

TypeChoice typesOf(const Row &row) {
  const std::vector<ElementType> types = narrowTypes();
  return {types[row[xAxis]], types[row[wAxis]]};
}

std::string scheduleOf(const Target &target, const Row &row) {
  return withTile(schedulesOf(target)[row[scheduleAxis]], row.back());
}

std::string zeroPointInput(ElementType x) {
  return llvm::formatv(", zx: i32 in [{0}, {1}]", x.minValue(), x.maxValue());
}

} // namespace lpgen::difftest
