// Sums times fixed-point factors, on AArch64. See targets/Rescale.h.
//
// srshl shifts to the right by a negative amount, and rounds to nearest, ties
// up, in more than 64 bits.
#include "targets/Rescale.h"
#include "targets/arm/Cells.h"

using namespace mlir;
using namespace lpgen;

Value arm::rescale(OpBuilder &b, Location loc, Value x, Value multiplier,
                   Value shift, int64_t /*leastShift*/) {
  constexpr int64_t atOnce = 2; // of 64 bits in a register
  auto words = cast<VectorType>(x.getType());
  VectorType wide = cell::vectorType(b, words.getNumElements(), 64);
  VectorType pair = cell::vectorType(b, atOnce, 64);
  const auto extend = [&](Value v) -> Value {
    return arith::ExtSIOp::create(b, loc, wide, v);
  };
  Value products = arith::MulIOp::create(b, loc, extend(x), extend(multiplier));
  // -1 - shift
  Value amounts = extend(
      arith::XOrIOp::create(b, loc, shift, cell::splat(b, loc, words, -1)));
  Value rounded = products;
  for (int64_t at = 0; at < words.getNumElements(); at += atOnce) {
    Value part = cell::intrinsic(b, loc, "llvm.aarch64.neon.srshl.v2i64", pair,
                                 {cell::slice(b, loc, products, at, atOnce),
                                  cell::slice(b, loc, amounts, at, atOnce)});
    rounded = vector::InsertStridedSliceOp::create(
        b, loc, part, rounded, ArrayRef<int64_t>{at}, ArrayRef<int64_t>{1});
  }
  return arith::TruncIOp::create(b, loc, words, rounded);
}
