// Sums of pairs of a constant's values. See PairSums.h.
#include "compiler/emit/PairSums.h"
#include "ir/dialect/Lp.h"
#include <array>

using namespace lpgen;

namespace {

/// The greatest sums of n values that were added one after the other, for each
/// n of `pairSums`.
class RunningSums {
public:
  void add(int64_t value) {
    for (size_t i = 0; i < lp::kNumPairRuns; ++i) {
      sums[i] += value - last[(next + kLongest - (size_t{1} << i)) % kLongest];
      greatest[i] = std::max(greatest[i], sums[i]);
    }
    last[next] = value;
    next = (next + 1) % kLongest;
  }
  int64_t of(size_t run) const { return greatest[run]; }

private:
  static constexpr size_t kLongest = size_t{1} << (lp::kNumPairRuns - 1);
  std::array<int64_t, kLongest> last = {}; ///< The values, in a ring.
  size_t next = 0;
  std::array<int64_t, lp::kNumPairRuns> sums = {};
  std::array<int64_t, lp::kNumPairRuns> greatest = {};
};

/// Those of one half of each four, by sign.
struct HalfSums {
  RunningSums negative; ///< Magnitudes.
  RunningSums positive;

  void add(int64_t first, int64_t second) {
    negative.add(std::max<int64_t>(-first, 0) + std::max<int64_t>(-second, 0));
    positive.add(std::max<int64_t>(first, 0) + std::max<int64_t>(second, 0));
  }
};

} // namespace

/// True if row number `row` lies in live slices of all dimensions but the last.
static bool isLiveRow(const HostTensor &values, llvm::ArrayRef<int64_t> live,
                      int64_t row) {
  for (size_t d = values.rank() - 1; !live.empty() && d-- > 0;) {
    const int64_t extent = values.shape()[d];
    const int64_t past = row % extent - live[3 * d];
    const int64_t step = live[3 * d + 1];
    if (past < 0 || past % step != 0 || past / step >= live[3 * d + 2]) {
      return false;
    }
    row /= extent;
  }
  return true;
}

llvm::SmallVector<int64_t> lpgen::pairSumsOf(const HostTensor &values,
                                             llvm::ArrayRef<int64_t> live) {
  const ElementType type = values.type();
  if (type.isFloat() || values.rank() == 0 || type.minValue() < INT8_MIN ||
      type.maxValue() > INT8_MAX) {
    return {};
  }
  const int64_t length = values.shape().back();
  std::array<HalfSums, 2> halves;
  for (int64_t row = 0; row < values.numElements(); row += length) {
    if (!isLiveRow(values, live, row / length)) {
      continue;
    }
    const auto at = [&](int64_t i) {
      return i < length ? values.getInt(row + i) : 0;
    };
    for (int64_t i = 0; i < length; i += 4) {
      halves[0].add(at(i), at(i + 1));
      halves[1].add(at(i + 2), at(i + 3));
    }
  }
  llvm::SmallVector<int64_t> sums;
  for (size_t run = 0; run < lp::kNumPairRuns; ++run) {
    sums.push_back(
        -std::max(halves[0].negative.of(run), halves[1].negative.of(run)));
    sums.push_back(
        std::max(halves[0].positive.of(run), halves[1].positive.of(run)));
  }
  return sums;
}
