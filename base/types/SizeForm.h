// The arithmetic of run-time sizes: sums of multiples of sizes, divided by
// constants, in one form for each value, so that equal sizes are seen to be
// equal however they are written.
#ifndef LPGEN_BASE_TYPES_SIZEFORM_H
#define LPGEN_BASE_TYPES_SIZEFORM_H

#include "base/types/ComputedSize.h"

namespace lpgen {

/// (sum of coefficient * size + constant) / divisor in lowest terms, exactly:
/// half a size is half of it, not rounded. The sizes are given ones and
/// quotients that are rounded down.
struct SizeForm {
  std::vector<SizeTerm> terms; ///< Sorted by size, no zero coefficients.
  int64_t constant = 0;
  int64_t divisor = 1;
  bool operator==(const SizeForm &other) const = default;
  bool isConstant() const { return terms.empty(); }
};

/// Forms over a list of computed sizes, to which new ones are added. Results
/// are absent where numbers leave 2^60.
class SizeForms {
public:
  using Maybe = std::optional<SizeForm>;

  explicit SizeForms(std::vector<ComputedSize> &computed)
      : computed(computed) {}

  static SizeForm constant(int64_t value) { return {{}, value, 1}; }
  SizeForm of(SizeId size);
  /// a + factor * b
  static Maybe add(const SizeForm &a, const SizeForm &b, int64_t factor = 1);
  static Maybe divide(const SizeForm &form, int64_t divisor);
  Maybe floorDivide(const SizeForm &form, int64_t by);
  /// The size that has this value, which is no constant.
  SizeId sizeOf(const SizeForm &form);

  /// True if the value is proved not to be negative, whatever the given sizes
  /// are.
  bool isNonNegative(const SizeForm &form) const;
  /// The greatest value, rounded down, where `boundOf` has those of given
  /// sizes.
  int64_t mostOf(const SizeForm &form,
                 const std::function<int64_t(size_t)> &boundOf) const;

private:
  SizeId find(ComputedSize size);

  std::vector<ComputedSize> &computed;
};

} // namespace lpgen

#endif // LPGEN_BASE_TYPES_SIZEFORM_H
