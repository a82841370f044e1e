// The cells of AVX2. See Cells.h and, for the bounds, docs/kernels.md.
#include "targets/x86_avx2/Cells.h"

using namespace mlir;
using namespace lpgen;

namespace {

constexpr StoredRange kU8{0, 255};
constexpr StoredRange kS8{-128, 127};
constexpr StoredRange kS16{-32768, 32767};

/// Steps of vpmaddubsw sums that fit 16-bit lanes: each adds two products.
int64_t maddubsSteps(StoredRange x, StoredRange w) {
  return std::min(
      cell::stepsWithin(32767, 2 * x.hi * std::max<int64_t>(w.hi, 0)),
      cell::stepsWithin(32768, 2 * x.hi * std::max<int64_t>(-w.lo, 0)));
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

/// Pairs of 16-bit products; w in memory as 16 bits, or as 8 to halve its
/// traffic.
class MaddwCell : public DwordCell {
public:
  MaddwCell(StringRef name, StoredRange w, int64_t wElementBytes)
      : DwordCell({.name = name,
                   .templateName = "widen",
                   .group = 2,
                   .groupBytes = 4,
                   .wGroupBytes = 2 * wElementBytes,
                   .lanes = 8,
                   .x = kS16,
                   .w = w,
                   .fixedRegisters = 3,
                   .stepOps = 2,
                   .wOps = wElementBytes == 1 ? 1.0 : 0.0,
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
  Value loadW(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    if (facts().wBytes() == facts().groupBytes) {
      return DwordCell::loadW(b, loc, buffer, offset);
    }
    return arith::ExtSIOp::create(b, loc, cell::vectorType(b, 16, 16),
                                  cell::loadBytes(b, loc, buffer, offset, 16));
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
  int64_t maxSteps(StoredRange x, StoredRange w) const override {
    return cell::stepsWithin(UINT8_MAX, facts().mostPerStep(x, w));
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
  // Sums of pairs of bytes as they stand in 16 bits, and of the odd bytes
  // alone: modulo 2^16 the even bytes are the former less 256 times the latter.
  Values addToHalves(OpBuilder &b, Location loc, const Values &halves,
                     Value acc) const override {
    auto type = cast<VectorType>(halves[0].getType());
    Value pairs = cell::bitcast(b, loc, acc, type);
    Value odd =
        arith::ShRUIOp::create(b, loc, pairs, cell::splat(b, loc, type, 8));
    return {arith::AddIOp::create(b, loc, halves[0], pairs),
            arith::AddIOp::create(b, loc, halves[1], odd)};
  }
  Values orderHalves(OpBuilder &b, Location loc,
                     const Values &halves) const override {
    auto type = cast<VectorType>(halves[0].getType());
    Value odd = halves[1];
    Value high =
        arith::ShLIOp::create(b, loc, odd, cell::splat(b, loc, type, 8));
    Value even = arith::SubIOp::create(b, loc, halves[0], high);
    int64_t count = type.getNumElements();
    Values ordered;
    for (int64_t part = 0; part < 2; ++part) {
      SmallVector<int64_t> mask;
      for (int64_t i = part * count / 2; i < (part + 1) * count / 2; ++i) {
        mask.append({i, count + i});
      }
      ordered.push_back(vector::ShuffleOp::create(b, loc, even, odd, mask));
    }
    return ordered;
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

/// The table of 16 bytes at `offset`, in both halves.
Value loadTable(OpBuilder &b, Location loc, Value buffer, Value offset) {
  Value table = cell::loadBytes(b, loc, buffer, offset, 16);
  SmallVector<int64_t> twice;
  for (int64_t i = 0; i < 32; ++i) {
    twice.push_back(i % 16);
  }
  return vector::ShuffleOp::create(b, loc, table, table, twice);
}

/// Digits of x choose a constant table, four bits of w an entry of it: all
/// products of a group and their sum are one look-up. Where a group of x has
/// several bytes, each chooses a table for its elements, and these are added.
class LookupCell : public PlaneCell {
public:
  LookupCell(StringRef name, unsigned xBits, unsigned wBits)
      : PlaneCell({.name = name,
                   .templateName = "lut",
                   .group = 4 / wBits,
                   .groupBytes = tables(xBits, wBits),
                   .wGroupBytes = 1,
                   .planes = true,
                   .xBits = xBits,
                   .wBits = wBits,
                   .lanes = 32,
                   .fixedRegisters = 2,
                   .stepOps = 2,
                   .xOps = 1.0 * (tables(xBits, wBits) - 1),
                   .xScalarOps = 3.0 * tables(xBits, wBits) - 1,
                   .widenOps = 12,
                   .instruction = "vpshufb"}) {}
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    Value sum;
    for (int64_t i = 0; i < facts().groupBytes; ++i) {
      Value at = arith::AddIOp::create(
          b, loc, offset, arith::ConstantIndexOp::create(b, loc, i));
      Value table = chosenTable(b, loc, buffer, at, i);
      sum = sum ? arith::AddIOp::create(b, loc, sum, table).getResult() : table;
    }
    return sum;
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    return addLookup(b, loc, acc, x, w);
  }

private:
  /// Bytes of a group of x, each with elements of its own.
  static constexpr int64_t tables(unsigned xBits, unsigned wBits) {
    return llvm::divideCeil(4 / wBits * xBits, 8);
  }

  /// The table that byte `at` of x chooses among those for the elements of byte
  /// `number` of a group.
  Value chosenTable(OpBuilder &b, Location loc, Value buffer, Value at,
                    int64_t number) const {
    std::string name = "lp.products_x" + std::to_string(facts().xBits) + "_w" +
                       std::to_string(facts().wBits) + "_" +
                       std::to_string(number);
    Value all = cell::constantBytes(b, loc, name, products(number));
    Value bits = memref::LoadOp::create(b, loc, buffer, at);
    Value code = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), bits);
    Value size = arith::ConstantIndexOp::create(b, loc, 16);
    return loadTable(b, loc, all, arith::MulIOp::create(b, loc, code, size));
  }

  /// [code of x][code of w]: sums of products over the elements of byte
  /// `number` of a group.
  SmallVector<int8_t> products(int64_t number) const {
    const CellFacts &f = facts();
    const int64_t elements = f.group / f.groupBytes;
    const unsigned codes = 1U << (elements * f.xBits);
    auto digit = [](unsigned code, int64_t i, unsigned bits) {
      return code >> (i * bits) & ((1U << bits) - 1);
    };
    SmallVector<int8_t> sums;
    for (unsigned x = 0; x < codes; ++x) {
      for (unsigned w = 0; w < 16; ++w) {
        unsigned sum = 0;
        for (int64_t i = 0; i < elements; ++i) {
          sum +=
              digit(x, i, f.xBits) * digit(w, number * elements + i, f.wBits);
        }
        sums.push_back(static_cast<int8_t>(sum));
      }
    }
    return sums;
  }
};

/// The same with x stored as tables: byte m of a group is the sum of the digits
/// that the bits of m choose.
class TablesCell : public PlaneCell {
public:
  TablesCell()
      : PlaneCell({.name = "tables41",
                   .templateName = "lut",
                   .group = 4,
                   .groupBytes = 16,
                   .wGroupBytes = 1,
                   .planes = true,
                   .xBits = 4,
                   .wBits = 1,
                   .lanes = 32,
                   .fixedRegisters = 2,
                   .stepOps = 2,
                   .widenOps = 12,
                   .instruction = "vpshufb"}) {}
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return loadTable(b, loc, buffer, offset);
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
  static const MaddwCell cell("maddw", kS16, 2);
  return cell;
}
const Cell &x86::maddw8Cell() {
  static const MaddwCell cell("maddw8", kS8, 1);
  return cell;
}
const Cell &x86::lookup11Cell() {
  static const LookupCell cell("lookup11", 1, 1);
  return cell;
}
const Cell &x86::lookup21Cell() {
  static const LookupCell cell("lookup21", 2, 1);
  return cell;
}
const Cell &x86::lookup22Cell() {
  static const LookupCell cell("lookup22", 2, 2);
  return cell;
}
const Cell &x86::lookup41Cell() {
  static const LookupCell cell("lookup41", 4, 1);
  return cell;
}
const Cell &x86::tables41Cell() {
  static const TablesCell cell;
  return cell;
}
const Cell &x86::nibbleCell() {
  static const NibbleCell cell;
  return cell;
}
