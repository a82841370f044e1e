// The operator behind every integer product of training: a matrix product of
// symmetric integers, as text of the operator language.
//
// The name of the operator says everything that its text depends on. So a
// kernel that is linked into a program is found by its name, and one that is
// compiled on demand is the same.
#ifndef LPGEN_OPERATORS_BUILDER_GEMMOPERATOR_H
#define LPGEN_OPERATORS_BUILDER_GEMMOPERATOR_H

#include "base/types/ElementType.h"
#include <cstdint>
#include <string>

namespace lpgen {

/// y[i,j] = sum(k) x[i,k] * w[j,k], exact in 32 bits.
struct GemmSpec {
  int32_t xMax = 127; ///< |x| <= xMax <= 32767
  int32_t wMax = 127; ///< |w| <= wMax <= 32767
  int64_t rows = 1;   ///< Greatest number of rows; the real one at run time.
  int64_t columns = 1;
  int64_t reduction = 1; ///< At most maxReduction(xMax, wMax).

  bool operator==(const GemmSpec &other) const = default;
  ElementType xType() const { return typeFor(xMax); }
  ElementType wType() const { return typeFor(wMax); }
  /// s8 up to 127, else s16.
  static ElementType typeFor(int32_t max) {
    return {Encoding::Signed, max <= 127 ? 8U : 16U};
  }
  /// The most terms whose sum fits an i32: floor((2^31 - 1) / (xMax wMax)).
  static int64_t maxReduction(int64_t xMax, int64_t wMax) {
    return INT32_MAX / (xMax * wMax);
  }
};

/// "gemm_x127_w127_m784_n32_k288"
std::string gemmOperatorName(const GemmSpec &spec);
/// The operator as the text of a file.
std::string gemmOperatorText(const GemmSpec &spec);

} // namespace lpgen

#endif // LPGEN_OPERATORS_BUILDER_GEMMOPERATOR_H
