// f32 to unsigned bytes, on x86. See targets/RoundToBytes.h.
//
// vcvtps2dq gives -2^31 for what 32 bits do not hold and for a NaN. vpackssdw
// and vpackuswb saturate, so that whatever is below 0 becomes 0. Only what is
// too large must be cut off before.
#include "targets/RoundToBytes.h"
#include "targets/x86/Cells.h"

using namespace mlir;
using namespace lpgen;

Value x86::roundToBytes(OpBuilder &b, Location loc, Value floats, Value high) {
  constexpr int64_t parts = 4;
  constexpr int64_t lanes = 8; // of a register
  if (cast<VectorType>(floats.getType()).getNumElements() != parts * lanes) {
    return {};
  }
  // vminps: a NaN stays one.
  Value isTooLarge =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, high, floats);
  floats = arith::SelectOp::create(b, loc, isTooLarge, high, floats);
  SmallVector<Value> words;
  for (int64_t part = 0; part < parts; ++part) {
    Value slice = cell::slice(b, loc, floats, part * lanes, lanes);
    words.push_back(cell::intrinsic(b, loc, "llvm.x86.avx.cvt.ps2dq.256",
                                    cell::vectorType(b, lanes, 32), {slice}));
  }
  const auto pack = [&](const char *name, unsigned bits, Value low,
                        Value above) {
    return cell::intrinsic(b, loc, name,
                           cell::vectorType(b, parts * lanes * 8 / bits, bits),
                           {low, above});
  };
  Value low = pack("llvm.x86.avx2.packssdw", 16, words[0], words[1]);
  Value above = pack("llvm.x86.avx2.packssdw", 16, words[2], words[3]);
  Value bytes = pack("llvm.x86.avx2.packuswb", 8, low, above);
  // They pack halves of registers: four bytes of each part, then the others.
  Value mixed = cell::bitcast(b, loc, bytes, cell::vectorType(b, lanes, 32));
  Value sorted = vector::ShuffleOp::create(
      b, loc, mixed, mixed, ArrayRef<int64_t>{0, 4, 1, 5, 2, 6, 3, 7});
  return cell::bitcast(b, loc, sorted, cell::vectorType(b, parts * lanes, 8));
}
