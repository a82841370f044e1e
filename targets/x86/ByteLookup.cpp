// Tables of bytes in registers, on x86. See targets/ByteLookup.h.
#include "targets/ByteLookup.h"
#include "targets/Tables.h"
#include "targets/x86/Cells.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;

/// In each 128 bits of a register, a look-up in its 16 bytes; 0 where the sign
/// of an index is set.
static Value shuffleBytes(OpBuilder &b, Location loc, Value entries,
                          Value indices) {
  const int64_t lanes = cast<VectorType>(indices.getType()).getNumElements();
  return cell::intrinsic(b, loc,
                         lanes == 64   ? "llvm.x86.avx512.pshuf.b.512"
                         : lanes == 32 ? "llvm.x86.avx2.pshuf.b"
                                       : "llvm.x86.ssse3.pshuf.b.128",
                         indices.getType(), {entries, indices});
}

/// Part `part` of the table, 16 bytes in each 128 bits.
static Value loadPart(OpBuilder &b, Location loc, Value table, int64_t part,
                      int64_t lanes) {
  return tables::load(b, loc, table,
                      arith::ConstantIndexOp::create(b, loc, 16 * part), lanes);
}

/// By differences: of the parts of half a table, each but the first one is
/// stored as its exclusive or with the part before. An index less 16 p is
/// negative for parts p beyond its own, and vpshufb gives 0 for these. So the
/// exclusive or of all look-ups is the entry. The differences do not change
/// from index to index. vpsubsb saturates, so that indices of the upper half
/// stay negative in the lower one.
static Value lookUpDifferences(OpBuilder &b, Location loc, Value table,
                               Value indices, int64_t parts) {
  constexpr int64_t halfParts = 8;
  auto type = cast<VectorType>(indices.getType());
  const auto exclusiveOr = [&](Value x, Value y) {
    return x && y ? arith::XOrIOp::create(b, loc, x, y).getResult()
                  : (x ? x : y);
  };
  Value found;
  for (int64_t first = 0; first < parts; first += halfParts) {
    Value left = first == 0
                     ? indices
                     : exclusiveOr(indices, cell::splat(b, loc, type, -128));
    Value before;
    for (int64_t p = 0; p < std::min(parts - first, halfParts); ++p) {
      if (p > 0) {
        left = cell::intrinsic(b, loc, "llvm.ssub.sat", type,
                               {left, cell::splat(b, loc, type, 16)});
      }
      Value part = loadPart(b, loc, table, first + p, type.getNumElements());
      found = exclusiveOr(
          found, shuffleBytes(b, loc, exclusiveOr(part, before), left));
      before = part;
    }
  }
  return found;
}

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
    return shuffleBytes(
        b, loc, loadPart(b, loc, table, part, type.getNumElements()), low);
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
  const int64_t parts = cast<MemRefType>(table.getType()).getNumElements() / 16;
  // A choice between two registers is one instruction in registers of 512 bits,
  // and up to three in others.
  return cast<VectorType>(indices.getType()).getNumElements() == 64
             ? NibbleLookup(b, loc, table, indices).find(0, parts)
             : lookUpDifferences(b, loc, table, indices, parts);
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
