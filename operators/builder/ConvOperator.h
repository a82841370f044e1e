// Products of a convolution of symmetric integers as operators that have a
// packed form as they stand: nothing is copied for each tap of a filter.
//
//   forward           y[n,h,v,o] = scale * sum(r, s, c) x[n,..,..,c] w[o,r,s,c]
//   weight gradient   y[r,s,c,o] = sum(h, v, n) x[..,..,c,n] dy[h,v,o,n]
//
// The first is the input gradient as well where the stride is 1: of dy, with
// the filters turned. The second has the images innermost, so that the
// reduction has a dimension that no tap moves.
#ifndef LPGEN_OPERATORS_BUILDER_CONVOPERATOR_H
#define LPGEN_OPERATORS_BUILDER_CONVOPERATOR_H

#include "operators/builder/ConvGeometry.h"
#include <cstdint>
#include <string>

namespace lpgen {

/// Operands as in the formulas.
struct ConvSpec {
  int32_t xMin = -127;   ///< -xMax or 0.
  int32_t xMax = 127;    ///< At most 32767.
  int32_t wMax = 127;    ///< Of the second operand, w or dy.
  int64_t images = 1;    ///< Forward: the greatest number; else the number.
  ConvGeometry geometry; ///< One group.

  bool operator==(const ConvSpec &other) const = default;
  /// Terms of a sum; either must fit 32 bits (GemmSpec::maxReduction).
  int64_t forwardTerms() const { return geometry.reduction(); }
  int64_t gradientTerms() const { return geometry.outPixels() * images; }
};

/// Buffers x, w, scale (one f32), y (f32); the run-time size is the number of
/// images. Sums are exact, rounded once, then scaled.
std::string forwardOperatorName(const ConvSpec &spec);
std::string forwardOperatorText(const ConvSpec &spec);

/// Buffers x, dy, y (i32).
std::string weightGradientOperatorName(const ConvSpec &spec);
std::string weightGradientOperatorText(const ConvSpec &spec);

} // namespace lpgen

#endif // LPGEN_OPERATORS_BUILDER_CONVOPERATOR_H
