// The cells of AVX2. See Cells.h and, for the bounds, docs/kernels.md.
#include "targets/x86_avx2/Cells.h"

using namespace mlir;
using namespace lpgen;

namespace {

constexpr StoredRange kU8{0, 255};
constexpr StoredRange kS8{-128, 127};
constexpr StoredRange kS16{-32768, 32767};

/// Largest n with n * most <= limit; unlimited if nothing is added.
int64_t stepsWithin(int64_t limit, int64_t most) {
  return most == 0 ? kUnlimitedSteps : limit / most;
}

/// Steps of vpmaddubsw sums that fit 16-bit lanes: each adds two products.
int64_t maddubsSteps(StoredRange x, StoredRange w) {
  return std::min(stepsWithin(32767, 2 * x.hi * std::max<int64_t>(w.hi, 0)),
                  stepsWithin(32768, 2 * x.hi * std::max<int64_t>(-w.lo, 0)));
}

Value maddubs(OpBuilder &b, Location loc, Value x, Value w) {
  return cell::intrinsic(b, loc, "llvm.x86.avx2.pmadd.ub.sw",
                         cell::vectorType(b, 16, 16), {x, w});
}

Value maddwd(OpBuilder &b, Location loc, Value x, Value w) {
  return cell::intrinsic(b, loc, "llvm.x86.avx2.pmadd.wd",
                         cell::vectorType(b, 8, 32), {x, w});
}

Value ones16(OpBuilder &b, Location loc) {
  return cell::splat(b, loc, cell::vectorType(b, 16, 16), 1);
}

/// What the multiplying cells share: groups of four bytes, eight outputs per
/// vector.
class DwordCell : public Cell {
public:
  DwordCell(CellFacts facts, unsigned elementBits)
      : Cell(facts), elementBits(elementBits) {}
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::bitcast(b, loc,
                         cell::broadcastBytes(b, loc, buffer, offset, 4, 8),
                         operandType(b));
  }
  Value loadW(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::bitcast(b, loc, cell::loadBytes(b, loc, buffer, offset, 32),
                         operandType(b));
  }

private:
  VectorType operandType(OpBuilder &b) const {
    return cell::vectorType(b, 256 / elementBits, elementBits);
  }
  unsigned elementBits;
};

class Maddubs16Cell : public DwordCell {
public:
  Maddubs16Cell()
      : DwordCell({.name = "maddubs16",
                   .templateName = "widen",
                   .group = 4,
                   .groupBytes = 4,
                   .lanes = 8,
                   .x = kU8,
                   .w = kS8,
                   .fixedRegisters = 3,
                   .stepOps = 2,
                   .widenOps = 3,
                   .instruction = "vpmaddubsw"},
                  8) {}
  int64_t maxSteps(StoredRange x, StoredRange w) const override {
    return maddubsSteps(x, w);
  }
  Values zero(OpBuilder &b, Location loc) const override {
    return {cell::zeroVector(b, loc, cell::vectorType(b, 16, 16))};
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    return {arith::AddIOp::create(b, loc, acc[0], maddubs(b, loc, x, w))};
  }
  Values widen(OpBuilder &b, Location loc, Values acc) const override {
    return {maddwd(b, loc, acc[0], ones16(b, loc))};
  }
};

class Maddubs32Cell : public DwordCell {
public:
  Maddubs32Cell()
      : DwordCell({.name = "maddubs32",
                   .templateName = "widen",
                   .group = 4,
                   .groupBytes = 4,
                   .lanes = 8,
                   .x = kU8,
                   .w = kS8,
                   .fixedRegisters = 3,
                   .stepOps = 3,
                   .widenOps = 1,
                   .instruction = "vpmaddubsw"},
                  8) {}
  int64_t maxSteps(StoredRange x, StoredRange w) const override {
    return maddubsSteps(x, w) > 0 ? kUnlimitedSteps : 0;
  }
  Values zero(OpBuilder &b, Location loc) const override {
    return {cell::zeroVector(b, loc, cell::vectorType(b, 8, 32))};
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    Value sums = maddwd(b, loc, maddubs(b, loc, x, w), ones16(b, loc));
    return {arith::AddIOp::create(b, loc, acc[0], sums)};
  }
  Values widen(OpBuilder & /*b*/, Location /*loc*/, Values acc) const override {
    return acc;
  }
};

class MaddwCell : public DwordCell {
public:
  MaddwCell()
      : DwordCell({.name = "maddw",
                   .templateName = "widen",
                   .group = 2,
                   .groupBytes = 4,
                   .lanes = 8,
                   .x = kS16,
                   .w = kS16,
                   .fixedRegisters = 3,
                   .stepOps = 2,
                   .widenOps = 1,
                   .instruction = "vpmaddwd"},
                  16) {}
  int64_t maxSteps(StoredRange x, StoredRange w) const override {
    // One pair of products must fit 32 bits; sums of pairs wrap modulo 2^32,
    // which the proved range of the whole sum makes exact.
    return 2 * x.maxAbs() * w.maxAbs() <= INT32_MAX ? kUnlimitedSteps : 0;
  }
  Values zero(OpBuilder &b, Location loc) const override {
    return {cell::zeroVector(b, loc, cell::vectorType(b, 8, 32))};
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    return {arith::AddIOp::create(b, loc, acc[0], maddwd(b, loc, x, w))};
  }
  Values widen(OpBuilder & /*b*/, Location /*loc*/, Values acc) const override {
    return acc;
  }
};

/// What the cells of bit planes share: four elements a byte, 32 outputs a
/// vector, bytes that count bits.
class PlaneCell : public Cell {
public:
  using Cell::Cell;
  int64_t maxSteps(StoredRange /*x*/, StoredRange /*w*/) const override {
    return 255 / 4; // a byte counts up to 4 per step
  }
  Values zero(OpBuilder &b, Location loc) const override {
    return {cell::zeroVector(b, loc, bytes(b))};
  }
  Value loadW(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::loadBytes(b, loc, buffer, offset, 32);
  }
  Values widen(OpBuilder &b, Location loc, Values acc) const override {
    return cell::extendSlices(b, loc, acc[0], 8, /*isSigned=*/false);
  }

protected:
  static VectorType bytes(OpBuilder &b) { return cell::vectorType(b, 32, 8); }
  /// acc + table[index], by bytes; the table once per 128-bit half.
  static Values addLookup(OpBuilder &b, Location loc, const Values &acc,
                          Value table, Value index) {
    Value found = cell::intrinsic(b, loc, "llvm.x86.avx2.pshuf.b", bytes(b),
                                  {table, index});
    return {arith::AddIOp::create(b, loc, acc[0], found)};
  }
};

/// and, population count by a look-up, add.
class NibbleCell : public PlaneCell {
public:
  NibbleCell()
      : PlaneCell({.name = "nibble",
                   .templateName = "bitserial",
                   .group = 4,
                   .groupBytes = 1,
                   .planes = true,
                   .lanes = 32,
                   .fixedRegisters = 3,
                   .stepOps = 3,
                   .widenOps = 12,
                   .instruction = "vpshufb"}) {}
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::broadcastBytes(b, loc, buffer, offset, 1, 32);
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    Value both = arith::AndIOp::create(b, loc, x, w);
    return addLookup(b, loc, acc, countTable(b, loc), both);
  }

private:
  /// Bits set in 0..15, once per 128-bit half.
  static Value countTable(OpBuilder &b, Location loc) {
    SmallVector<int8_t> counts;
    for (unsigned half = 0; half < 2; ++half) {
      for (unsigned n = 0; n < 16; ++n) {
        counts.push_back(static_cast<int8_t>(llvm::popcount(n)));
      }
    }
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(bytes(b), ArrayRef(counts)));
  }
};

/// Four bits of x choose one of sixteen constant tables, four bits of w an
/// entry of it: the product and its count are one look-up.
class LookupCell : public PlaneCell {
public:
  LookupCell()
      : PlaneCell({.name = "lookup",
                   .templateName = "lut",
                   .group = 4,
                   .groupBytes = 1,
                   .planes = true,
                   .lanes = 32,
                   .fixedRegisters = 2,
                   .stepOps = 2,
                   .xOps = 0.5,
                   .widenOps = 12,
                   .instruction = "vpshufb"}) {}
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    SmallVector<int8_t> tables;
    for (unsigned x = 0; x < 16; ++x) {
      for (unsigned w = 0; w < 16; ++w) {
        tables.push_back(static_cast<int8_t>(llvm::popcount(x & w)));
      }
    }
    Value all = cell::constantBytes(b, loc, "lp.common_bits", tables);
    Value bits = memref::LoadOp::create(b, loc, buffer, offset);
    Value number = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), bits);
    Value size = arith::ConstantIndexOp::create(b, loc, 16);
    Value at = arith::MulIOp::create(b, loc, number, size);
    Value table = cell::loadBytes(b, loc, all, at, 16);
    SmallVector<int64_t> twice;
    for (int64_t i = 0; i < 32; ++i) {
      twice.push_back(i % 16);
    }
    return vector::ShuffleOp::create(b, loc, table, table, twice);
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    return addLookup(b, loc, acc, x, w);
  }
};

} // namespace

const Cell &x86::maddubs16Cell() {
  static const Maddubs16Cell cell;
  return cell;
}
const Cell &x86::maddubs32Cell() {
  static const Maddubs32Cell cell;
  return cell;
}
const Cell &x86::maddwCell() {
  static const MaddwCell cell;
  return cell;
}
const Cell &x86::lookupCell() {
  static const LookupCell cell;
  return cell;
}
const Cell &x86::nibbleCell() {
  static const NibbleCell cell;
  return cell;
}
