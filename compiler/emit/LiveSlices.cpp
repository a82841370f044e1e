// Slices of a constant that are not all zero. See LiveSlices.h.
#include "compiler/emit/LiveSlices.h"
#include "llvm/ADT/BitVector.h"
#include <numeric>
#include <vector>

using namespace lpgen;

/// By dimension, the positions at which some element is not 0.
static std::vector<llvm::BitVector> livePositions(const HostTensor &values) {
  std::vector<llvm::BitVector> live;
  for (const int64_t extent : values.shape()) {
    live.emplace_back(static_cast<unsigned>(extent));
  }
  for (int64_t i = 0; i < values.numElements(); ++i) {
    if (values.getInt(i) == 0) {
      continue;
    }
    int64_t rest = i;
    for (size_t d = live.size(); d-- > 0;) {
      const int64_t extent = values.shape()[d];
      live[d].set(static_cast<unsigned>(rest % extent));
      rest /= extent;
    }
  }
  return live;
}

llvm::SmallVector<int64_t> lpgen::liveSlicesOf(const HostTensor &values) {
  if (values.type().isFloat()) {
    return {};
  }
  llvm::SmallVector<int64_t> slices;
  bool areAll = true;
  for (const llvm::BitVector &live : livePositions(values)) {
    // One slice of zeros stays where there is no other one.
    const int64_t first = std::max(live.find_first(), 0);
    int64_t last = first;
    int64_t step = 0;
    for (const unsigned position : live.set_bits()) {
      step = std::gcd(step, position - last);
      last = position;
    }
    const int64_t count = step == 0 ? 1 : (last - first) / step + 1;
    slices.append({first, std::max<int64_t>(step, 1), count});
    areAll &= count == static_cast<int64_t>(live.size());
  }
  return areAll ? llvm::SmallVector<int64_t>() : slices;
}
