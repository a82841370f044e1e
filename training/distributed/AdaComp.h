// AdaComp (Chen et al. 2018, arXiv 1712.02679): the few greatest elements of a
// gradient, with one magnitude for all; the rest waits.
//
// In bins of L elements, with r what earlier calls left out:
//   G = r + dW,  H = G + dW,  scale = mean over bins of max|G|
//   sent: sign(G) where |H| >= max|G| of the bin;  r = G - sign(G) scale there
// Bytes: scale (4), then for each bin its sent elements, each as sign, "last of
// the bin" and place: in 8 bits where L < 64, else in 16. A bin without any is
// one element with the place of all ones.
#ifndef LPGEN_TRAINING_DISTRIBUTED_ADACOMP_H
#define LPGEN_TRAINING_DISTRIBUTED_ADACOMP_H

#include "base/system/Status.h"
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lpgen::train {

/// One tensor.
class AdaComp {
public:
  /// 1 <= binSize <= 16383.
  AdaComp(int64_t size, int64_t binSize);

  /// Appends dW, of `size` elements. If one of them is no finite number, this
  /// is all that is sent, in the scale, and what waits stays as it is.
  void pack(std::span<const float> gradient, std::vector<std::byte> &bytes);
  /// Adds the values at the front of `bytes` to `sum`, and takes them off.
  Status addUnpacked(std::span<const std::byte> &bytes,
                     std::span<float> sum) const;
  /// What is left out so far.
  std::span<float> residue() { return left; }

private:
  bool isShort() const { return binSize < 64; }
  int64_t codeBytes() const { return isShort() ? 1 : 2; }
  uint32_t placeMask() const { return isShort() ? 0x3f : 0x3fff; }
  void packBin(std::span<const float> gradient, int64_t begin, int64_t end,
               float greatest, float scale, std::vector<std::byte> &bytes);

  int64_t binSize;
  std::vector<float> left;
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_DISTRIBUTED_ADACOMP_H
