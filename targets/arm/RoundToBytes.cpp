// f32 to unsigned bytes, on AArch64. See targets/RoundToBytes.h.
//
// fcvtns rounds to the nearest integer, ties to even, and gives the nearer end
// of what 32 bits hold, and 0 for a NaN. sqxtun and uqxtn saturate, too.
#include "targets/RoundToBytes.h"
#include "mlir/IR/Matchers.h"
#include "targets/arm/Cells.h"

using namespace mlir;
using namespace lpgen;

/// The number in all lanes of `floats`; nothing if it is not known.
static std::optional<int64_t> splatOf(Value floats) {
  auto broadcast = floats.getDefiningOp<vector::BroadcastOp>();
  APFloat number(0.0F);
  if (!broadcast ||
      !matchPattern(broadcast.getSource(), m_ConstantFloat(&number))) {
    return std::nullopt;
  }
  return static_cast<int64_t>(number.convertToFloat());
}

Value arm::roundToBytes(OpBuilder &b, Location loc, Value floats, Value high) {
  constexpr int64_t lanes = 4;  // of a register
  constexpr int64_t atOnce = 8; // bytes that a narrowing gives
  const int64_t count = cast<VectorType>(floats.getType()).getNumElements();
  const std::optional<int64_t> most = splatOf(high);
  if (count % atOnce != 0 || !most) {
    return {};
  }
  const auto narrow = [&](const char *name, int64_t parts, unsigned bits,
                          Value wide) {
    return cell::intrinsic(b, loc, name, cell::vectorType(b, parts, bits),
                           {wide});
  };
  VectorType type = cell::vectorType(b, count, 8);
  Value bytes = cell::zeroVector(b, loc, type);
  for (int64_t at = 0; at < count; at += atOnce) {
    VectorType halves = cell::vectorType(b, atOnce, 16);
    Value words = cell::zeroVector(b, loc, halves);
    for (int64_t i = 0; i < atOnce; i += lanes) {
      Value rounded =
          cell::intrinsic(b, loc, "llvm.aarch64.neon.fcvtns.v4i32.v4f32",
                          cell::vectorType(b, lanes, 32),
                          {cell::slice(b, loc, floats, at + i, lanes)});
      words = vector::InsertStridedSliceOp::create(
          b, loc, narrow("llvm.aarch64.neon.sqxtun.v4i16", lanes, 16, rounded),
          words, ArrayRef<int64_t>{i}, ArrayRef<int64_t>{1});
    }
    bytes = vector::InsertStridedSliceOp::create(
        b, loc, narrow("llvm.aarch64.neon.uqxtn.v8i8", atOnce, 8, words), bytes,
        ArrayRef<int64_t>{at}, ArrayRef<int64_t>{1});
  }
  if (*most == UINT8_MAX) {
    return bytes;
  }
  return arith::MinUIOp::create(b, loc, bytes,
                                cell::splat(b, loc, type, *most));
}
