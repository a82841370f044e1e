// Greedy construction, row by row: each row begins with the first pair that is
// not covered and takes, axis after axis, the value that covers most new pairs.
#include "tests/differential/CoveringArray.h"
#include <cassert>
#include <utility>

namespace lpgen::difftest {

namespace {

class Builder {
public:
  Builder(const std::vector<size_t> &sizes, const PairRule &rule,
          const RowRule &isPossible)
      : sizes(sizes), rule(rule), isPossible(isPossible) {
    for (size_t size : sizes) {
      offsets.push_back(numValues);
      numValues += size;
    }
    isOpen.assign(numValues * numValues, false);
    for (size_t a = 0; a < sizes.size(); ++a) {
      for (size_t b = a + 1; b < sizes.size(); ++b) {
        openPairs(a, b);
      }
    }
  }

  std::vector<Row> build() {
    std::vector<Row> rows;
    Row row;
    while (startRow(row)) {
      for (size_t axis = 0; axis < sizes.size(); ++axis) {
        if (row[axis] == unsetValue) {
          row[axis] = bestValue(row, axis, rows.size());
        }
      }
      close(row);
      rows.push_back(row);
    }
    return rows;
  }

private:
  void openPairs(size_t a, size_t b) {
    for (size_t i = 0; i < sizes[a]; ++i) {
      for (size_t j = 0; j < sizes[b]; ++j) {
        if (rule(a, i, b, j) == Pair::Wanted) {
          open(a, i, b, j) = true;
          order.push_back({{a, i}, {b, j}});
        }
      }
    }
  }

  std::vector<bool>::reference open(size_t a, size_t i, size_t b, size_t j) {
    if (a > b) {
      std::swap(a, b);
      std::swap(i, j);
    }
    return isOpen[(offsets[a] + i) * numValues + offsets[b] + j];
  }

  /// A row with the next open pair in it; false if there is none.
  bool startRow(Row &row) {
    for (; next < order.size(); ++next) {
      const auto &[first, second] = order[next];
      if (open(first.first, first.second, second.first, second.second)) {
        row.assign(sizes.size(), unsetValue);
        row[first.first] = first.second;
        row[second.first] = second.second;
        return true;
      }
    }
    return false;
  }

  bool fits(Row row, size_t axis, size_t value) const {
    for (size_t other = 0; other < sizes.size(); ++other) {
      if (row[other] == unsetValue || other == axis) {
        continue;
      }
      if ((axis < other
               ? rule(axis, value, other, row[other])
               : rule(other, row[other], axis, value)) == Pair::Forbidden) {
        return false;
      }
    }
    row[axis] = value;
    return !isPossible || isPossible(row);
  }

  /// Values are tried from a different one in each row, so that ties do not
  /// always fall on the first, nor on that of the same number on two axes.
  size_t bestValue(const Row &row, size_t axis, size_t rowNumber) {
    size_t best = unsetValue;
    size_t bestGain = 0;
    for (size_t i = 0; i < sizes[axis]; ++i) {
      const size_t value =
          (i + rowNumber * (axis + 1) + rowNumber / sizes[axis]) % sizes[axis];
      if (!fits(row, axis, value)) {
        continue;
      }
      size_t gain = 1;
      for (size_t other = 0; other < sizes.size(); ++other) {
        gain += other != axis && row[other] != unsetValue &&
                open(axis, value, other, row[other]);
      }
      if (gain > bestGain) {
        best = value;
        bestGain = gain;
      }
    }
    assert(best != unsetValue && "an axis without an allowed value");
    return best;
  }

  void close(const Row &row) {
    for (size_t a = 0; a < sizes.size(); ++a) {
      for (size_t b = a + 1; b < sizes.size(); ++b) {
        open(a, row[a], b, row[b]) = false;
      }
    }
  }

  using AxisValue = std::pair<size_t, size_t>;
  const std::vector<size_t> &sizes;
  const PairRule &rule;
  const RowRule &isPossible;
  std::vector<size_t> offsets; ///< By axis: number of its first value.
  size_t numValues = 0;
  std::vector<bool> isOpen;
  std::vector<std::pair<AxisValue, AxisValue>> order;
  size_t next = 0;
};

} // namespace

std::vector<Row> coverPairs(const std::vector<size_t> &sizes,
                            const PairRule &rule, const RowRule &isPossible) {
  return Builder(sizes, rule, isPossible).build();
}

} // namespace lpgen::difftest
