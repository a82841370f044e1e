// f32 to unsigned bytes, on x86. See targets/RoundToBytes.h.
//
// vcvtps2dq gives -2^31 for what 32 bits do not hold and for a NaN. vpackssdw
// and vpackuswb saturate, so that whatever is below 0 becomes 0. Only what is
// too large must be cut off before. A single register of 512 bits becomes bytes
// by vpmovusdb, which takes -2^31 for a large number: what is below 0 must be
// cut off, and what is too large needs not if the bound is 255.
#include "targets/RoundToBytes.h"
#include "mlir/IR/Matchers.h"
#include "targets/x86/Cells.h"

using namespace mlir;
using namespace lpgen;

namespace {

class Rounder {
public:
  Rounder(OpBuilder &b, Location loc, x86::Width width)
      : b(b), loc(loc), isZmm(width == x86::Width::Zmm),
        lanes(x86::lanesOf(width, 32)) {}

  /// One, two or four registers; null for another number of lanes.
  Value round(Value floats, Value high) const {
    const int64_t count = cast<VectorType>(floats.getType()).getNumElements();
    const int64_t parts = count / lanes;
    if (count % lanes != 0 || (parts != 1 && parts != 2 && parts != 4)) {
      return {};
    }
    if (isZmm && parts == 1) {
      return narrow(floats, high);
    }
    floats = least(floats, high);
    SmallVector<Value> words;
    for (int64_t part = 0; part < parts; ++part) {
      words.push_back(
          convert(cell::slice(b, loc, floats, part * lanes, lanes)));
    }
    Value low = pack("packssdw", 16, words[0], words[parts == 1 ? 0 : 1]);
    Value above = parts == 4 ? pack("packssdw", 16, words[2], words[3]) : low;
    return sorted(pack("packuswb", 8, low, above), parts);
  }

private:
  /// vminps: a NaN of `floats` stays one.
  Value least(Value floats, Value high) const {
    Value isTooLarge =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, high, floats);
    return arith::SelectOp::create(b, loc, isTooLarge, high, floats);
  }

  Value convert(Value floats) const {
    VectorType type = cell::vectorType(b, lanes, 32);
    if (!isZmm) {
      return cell::intrinsic(b, loc, "llvm.x86.avx.cvt.ps2dq.256", type,
                             {floats});
    }
    constexpr int64_t currentDirection = 4;
    Value all = arith::ConstantOp::create(b, loc, b.getI16IntegerAttr(-1));
    Value rounding = arith::ConstantOp::create(
        b, loc, b.getI32IntegerAttr(currentDirection));
    return cell::intrinsic(
        b, loc, "llvm.x86.avx512.mask.cvtps2dq.512", type,
        {floats, cell::zeroVector(b, loc, type), all, rounding});
  }

  Value pack(llvm::StringRef name, unsigned bits, Value low,
             Value above) const {
    return cell::intrinsic(
        b, loc,
        ("llvm.x86." + (isZmm ? "avx512." + name + ".512" : "avx2." + name))
            .str(),
        cell::vectorType(b, lanes * 32 / bits, bits), {low, above});
  }

  /// Packing goes by quarters of 128 bits, or halves: four bytes of each part,
  /// then the next four.
  Value sorted(Value bytes, int64_t parts) const {
    Value mixed = cell::bitcast(b, loc, bytes, cell::vectorType(b, lanes, 32));
    SmallVector<int64_t> order;
    for (int64_t part = 0; part < parts; ++part) {
      for (int64_t quarter = 0; quarter < lanes / 4; ++quarter) {
        order.push_back(4 * quarter + part);
      }
    }
    mixed = vector::ShuffleOp::create(b, loc, mixed, mixed, order);
    return cell::bitcast(b, loc, mixed, cell::vectorType(b, parts * lanes, 8));
  }

  /// One register by vpmovusdb.
  Value narrow(Value floats, Value high) const {
    // vmaxps: of a NaN and 0 it gives 0. LLVM would make +0.0 a mask.
    Value zero = arith::ConstantOp::create(
        b, loc,
        DenseElementsAttr::get(cast<VectorType>(floats.getType()), -0.0F));
    Value isPositive =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, floats, zero);
    floats = arith::SelectOp::create(b, loc, isPositive, floats, zero);
    constexpr double most = 255;
    FloatAttr bound;
    auto broadcast = high.getDefiningOp<vector::BroadcastOp>();
    if (!broadcast ||
        !matchPattern(broadcast.getSource(), m_Constant(&bound)) ||
        bound.getValueAsDouble() < most) {
      floats = least(floats, high);
    }
    Value words = convert(floats);
    Value limit = cell::splat(b, loc, cast<VectorType>(words.getType()), 255);
    words = arith::MinUIOp::create(b, loc, words, limit);
    return arith::TruncIOp::create(b, loc, cell::vectorType(b, lanes, 8),
                                   words);
  }

  OpBuilder &b;
  Location loc;
  bool isZmm;
  int64_t lanes; ///< Of a register.
};

} // namespace

Value x86::roundToBytesYmm(OpBuilder &b, Location loc, Value floats,
                           Value high) {
  return Rounder(b, loc, Width::Ymm).round(floats, high);
}

Value x86::roundToBytesZmm(OpBuilder &b, Location loc, Value floats,
                           Value high) {
  return Rounder(b, loc, Width::Zmm).round(floats, high);
}
