// Tables of bytes in registers, on x86. See targets/ByteLookup.h.
#include "targets/ByteLookup.h"
#include "targets/Tables.h"
#include "targets/x86/Cells.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;

namespace {

/// By look-ups in 16 bytes (vpshufb), chosen by the upper bits of the index.
class NibbleLookup {
public:
  NibbleLookup(OpBuilder &b, Location loc, Value table, Value indices)
      : b(b), loc(loc), table(table),
        type(cast<VectorType>(indices.getType())) {
    low = arith::AndIOp::create(b, loc, indices, cell::splat(b, loc, type, 15));
    // Bit i of an index as the sign of upper[i - 4].
    for (unsigned bit = 8; bit-- > 4;) {
      upper.insert(upper.begin(), indices);
      indices = arith::AddIOp::create(b, loc, indices, indices);
    }
  }

  /// The bytes of `parts` times 16 entries, from entry 16 * `first` on.
  Value find(int64_t first, int64_t parts) {
    if (parts == 1) {
      return findInPart(first);
    }
    const int64_t half = parts / 2;
    Value below = find(first, half);
    Value above = find(first + half, half);
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    Value isAbove =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                              upper[llvm::Log2_64(uint64_t(half))], zero);
    return arith::SelectOp::create(b, loc, isAbove, above, below);
  }

private:
  Value findInPart(int64_t part) {
    const int64_t lanes = type.getNumElements();
    Value entries =
        tables::load(b, loc, table,
                     arith::ConstantIndexOp::create(b, loc, 16 * part), lanes);
    return cell::intrinsic(b, loc,
                           lanes == 64   ? "llvm.x86.avx512.pshuf.b.512"
                           : lanes == 32 ? "llvm.x86.avx2.pshuf.b"
                                         : "llvm.x86.ssse3.pshuf.b.128",
                           type, {entries, low});
  }

  OpBuilder &b;
  Location loc;
  Value table;
  VectorType type;
  Value low;
  SmallVector<Value> upper;
};

} // namespace

Value x86::lookUpNibbles(OpBuilder &b, Location loc, Value table,
                         Value indices) {
  const int64_t entries = cast<MemRefType>(table.getType()).getNumElements();
  return NibbleLookup(b, loc, table, indices).find(0, entries / 16);
}

/// Half of the table, or all of one of up to 128 entries, in two registers.
static Value permute(OpBuilder &b, Location loc, Value table, int64_t first,
                     Value indices) {
  const auto load = [&](int64_t at) {
    return cell::loadBytes(b, loc, table,
                           arith::ConstantIndexOp::create(b, loc, at), 64);
  };
  return cell::intrinsic(b, loc, "llvm.x86.avx512.vpermi2var.qi.512",
                         indices.getType(),
                         {load(first), indices, load(first + 64)});
}

Value x86::lookUpBytes(OpBuilder &b, Location loc, Value table, Value indices) {
  const int64_t entries = cast<MemRefType>(table.getType()).getNumElements();
  auto type = cast<VectorType>(indices.getType());
  if (entries < 128 || type.getNumElements() != 64) {
    return lookUpNibbles(b, loc, table, indices);
  }
  Value below = permute(b, loc, table, 0, indices);
  if (entries == 128) {
    return below;
  }
  Value above = permute(b, loc, table, 128, indices);
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  Value isAbove =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, indices, zero);
  return arith::SelectOp::create(b, loc, isAbove, above, below);
}
