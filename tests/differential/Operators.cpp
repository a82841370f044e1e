// What the selections of GEMMs and convolutions have in common. See
// Operators.h.
#include "tests/differential/Operators.h"
#include "targets/Cell.h"
#include "tests/differential/Legality.h"
#include "tests/differential/Selection.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/TargetParser/Triple.h"
#include <set>
#include <tuple>

namespace lpgen::difftest {

ElementType elementType(size_t encoding, unsigned bits) {
  switch (encoding) {
  case 0:
    return {Encoding::Unsigned, bits};
  case 1:
    return {Encoding::Signed, bits};
  case 2:
    return {Encoding::Bipolar, bits};
  default:
    return {Encoding::Ternary, 2};
  }
}

std::vector<const Cell *> cellsOf(const Target &target) {
  std::vector<const Cell *> cells;
  for (const Cell *cell : target.cells()) {
    const Target *first =
        *llvm::find_if(allTargets(), [&](const Target *other) {
          return llvm::is_contained(other->cells(), cell);
        });
    if (first == &target) {
      cells.push_back(cell);
    }
  }
  return cells;
}

static llvm::Triple::ArchType archOf(const Target &target) {
  return llvm::Triple(target.desc().triple).getArch();
}

bool isTestedBefore(const Cell &cell, const Target &target) {
  for (const Target *before : allTargets()) {
    if (before == &target) {
      return false;
    }
    // Cells of two architectures share names, but no code.
    if (archOf(*before) == archOf(target) &&
        llvm::any_of(before->cells(), [&](const Cell *other) {
          return other->facts().name == cell.facts().name;
        })) {
      return true;
    }
  }
  return false;
}

bool isLevel(const Target &target) {
  return llvm::any_of(target.cells(), [&](const Cell *cell) {
    return isTestedBefore(*cell, target);
  });
}

size_t thinning(const Target &target) {
  return isLevel(target) && !fullRun() ? 3 : 1;
}

std::vector<std::string> schedulesOf(const Target &target) {
  std::vector<std::string> schedules = {"", "direct"};
  for (const Cell *cell : cellsOf(target)) {
    schedules.push_back(
        (cell->facts().templateName + "<cell=" + cell->facts().name + ">")
            .str());
  }
  return schedules;
}

std::string withTile(const std::string &schedule, size_t tile) {
  static const char *const fields[numTiles] = {
      "", ",tile=[1,1],unroll=1,block=1", ",tile=[3,2],unroll=3,block=2"};
  if (schedule.empty() || schedule.back() != '>') {
    return schedule;
  }
  return schedule.substr(0, schedule.size() - 1) + fields[tile] + ">";
}

std::string withFittingTile(const Target &target, const std::string &schedule,
                            size_t tile) {
  std::string request = withTile(schedule, tile % numTiles);
  // The cost model's own (0) always fits.
  while (!fitsRegisters(target, request)) {
    request = withTile(schedule, ++tile % numTiles);
  }
  return request;
}

std::string plainGemm(const std::string &name, ElementType x, ElementType w,
                      int64_t m, int64_t n, int64_t k,
                      const std::string &sums) {
  return llvm::formatv("op {0}(x: {1}[{2}, {4}], w: {5}[{3}, {4}])"
                       " -> (y: {6}[{2}, {3}]) {{\n"
                       "  y[i,j] = sum(k) x[i,k] * w[j,k]\n}\n",
                       name, x.str(), m, n, k, w.str(), sums);
}

/// The first axes of every selection: widths, encoding of x, of w, schedule.
/// The last one is the tile.
static constexpr size_t numTypeAxes = 4;

TypeChoice typesOf(const Row &row) {
  return {elementType(row[1], unsigned(row[0] / 8 + 1)),
          elementType(row[2], unsigned(row[0] % 8 + 1))};
}

/// Ternary is 2 bits wide, so it goes with that width only. `widthAxes` is the
/// number of first axes whose values every pair of widths meets.
static Pair pairRule(size_t widthAxes, size_t axisA, size_t a, size_t axisB,
                     size_t b) {
  constexpr size_t ternary = 3;
  if (axisA != 0) {
    return Pair::Wanted;
  }
  const bool isTwoBits = axisB == 1 ? a / 8 == 1 : a % 8 == 1;
  if ((axisB == 1 || axisB == 2) && b == ternary && !isTwoBits) {
    return Pair::Forbidden;
  }
  return axisB < widthAxes ? Pair::Wanted : Pair::Allowed;
}

static std::vector<Row> productRows(const std::vector<size_t> &sizes) {
  const std::vector<size_t> others(sizes.begin() + numTypeAxes, sizes.end());
  const std::vector<Row> rest = coverPairs(
      others, [](size_t, size_t, size_t, size_t) { return Pair::Wanted; });
  std::vector<Row> rows;
  const size_t count = sizes[0] * sizes[1] * sizes[2] * sizes[3];
  for (size_t i = 0; i < count; ++i) {
    Row row;
    size_t left = i;
    for (size_t axis = 0; axis < numTypeAxes; ++axis) {
      row.push_back(left % sizes[axis]);
      left /= sizes[axis];
    }
    if (pairRule(numTypeAxes, 0, row[0], 1, row[1]) != Pair::Forbidden &&
        pairRule(numTypeAxes, 0, row[0], 2, row[2]) != Pair::Forbidden) {
      const Row &beside = rest[rows.size() % rest.size()];
      row.insert(row.end(), beside.begin(), beside.end());
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::vector<Row> selectRows(const Target &target, WidthsMeet widthsMeet,
                            const std::vector<size_t> &others) {
  std::vector<size_t> sizes = {64, 4, 4, schedulesOf(target).size()};
  sizes.insert(sizes.end(), others.begin(), others.end());
  sizes.push_back(numTiles);
  if (fullRun()) {
    return productRows(sizes);
  }
  const size_t widthAxes =
      widthsMeet == WidthsMeet::Encodings ? numTypeAxes - 1 : numTypeAxes;
  return coverPairs(sizes, [&](size_t axisA, size_t a, size_t axisB, size_t b) {
    return pairRule(widthAxes, axisA, a, axisB, b);
  });
}

constexpr size_t scheduleAxis = numTypeAxes - 1;

/// Of the rows that are not `good` those that hold a pair of values which no
/// good one has, left to the cost model.
static std::vector<Row> rowsForLostPairs(const std::vector<Row> &rows,
                                         RowRule isGood) {
  std::set<std::tuple<size_t, size_t, size_t, size_t>> covered;
  // Adds the pairs of a row that the selection wants; true if one is new.
  const auto add = [&](const Row &row) {
    bool isNew = false;
    for (size_t a = 0; a + 1 < row.size(); ++a) { // the last is the tile
      for (size_t b = a + 1; b + 1 < row.size(); ++b) {
        const bool isWanted = a != scheduleAxis && b != scheduleAxis &&
                              (a > 0 || b < scheduleAxis);
        isNew |= isWanted && covered.insert({a, row[a], b, row[b]}).second;
      }
    }
    return isNew;
  };
  llvm::for_each(llvm::make_filter_range(rows, isGood), add);
  std::vector<Row> further;
  for (const Row &row : rows) {
    if (!isGood(row) && add(row)) {
      further.push_back(row);
      further.back()[scheduleAxis] = 0;
    }
  }
  return further;
}

/// For each schedule without a good row one made of another row.
static std::vector<Row> rowsForIdleSchedules(const std::vector<Row> &rows,
                                             size_t numSchedules,
                                             RowRule isGood) {
  std::vector<Row> further;
  for (size_t schedule = 0; schedule < numSchedules; ++schedule) {
    const auto isOfIt = [&](const Row &row) {
      return row[scheduleAxis] == schedule && isGood(row);
    };
    if (llvm::any_of(rows, isOfIt)) {
      continue;
    }
    for (Row row : rows) {
      row[scheduleAxis] = schedule;
      row.back() = 0; // any tile
      if (isGood(row)) {
        further.push_back(row);
        break;
      }
    }
  }
  return further;
}

std::vector<Row> completed(std::vector<Row> rows, const Target &target,
                           RowRule isGood) {
  llvm::append_range(rows, rowsForLostPairs(rows, isGood));
  std::vector<Row> kept;
  for (size_t i = 0; i < rows.size(); i += thinning(target)) {
    kept.push_back(rows[i]);
  }
  llvm::append_range(
      kept, rowsForIdleSchedules(kept, schedulesOf(target).size(), isGood));
  return kept;
}

std::string scheduleOf(const Target &target, const Row &row) {
  return withTile(schedulesOf(target)[row[3]], row.back());
}

std::string zeroPointInput(ElementType x) {
  return llvm::formatv(", zx: i32 in [{0}, {1}]", x.minValue(), x.maxValue());
}

} // namespace lpgen::difftest
