// What the selections of GEMMs and convolutions have in common. See
// Operators.h.
#include "tests/differential/Operators.h"
#include "targets/Cell.h"
#include "tests/differential/Selection.h"
#include "llvm/Support/FormatVariadic.h"

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

bool isTestedBefore(const Cell &cell, const Target &target) {
  for (const Target *before : allTargets()) {
    if (before == &target) {
      return false;
    }
    if (llvm::any_of(before->cells(), [&](const Cell *other) {
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

std::vector<TestCase> thinned(std::vector<TestCase> cases,
                              const Target &target) {
  std::vector<TestCase> kept;
  for (size_t i = 0; i < cases.size(); i += thinning(target)) {
    kept.push_back(std::move(cases[i]));
  }
  return kept;
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

std::string scheduleOf(const Target &target, const Row &row) {
  return withTile(schedulesOf(target)[row[3]], row.back());
}

std::string zeroPointInput(ElementType x) {
  return llvm::formatv(", zx: i32 in [{0}, {1}]", x.minValue(), x.maxValue());
}

} // namespace lpgen::difftest
