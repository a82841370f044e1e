// The cells of x86. See Cells.h and, for the bounds, docs/kernels.md.
//
// One class serves both widths of registers: the number of lanes tells it which
// one it has, and LLVM chooses the instruction of that width.
#include "targets/x86/Cells.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lpgen;
using x86::Width;

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

/// Lanes of `bits` bits in a register.
constexpr int64_t lanesOf(Width width, unsigned bits) {
  return static_cast<unsigned>(width) / bits;
}

/// As many lanes of `bits` bits as fill a register like `vector`.
VectorType sameRegister(OpBuilder &b, Value vector, unsigned bits) {
  auto type = cast<VectorType>(vector.getType());
  return cell::vectorType(
      b, type.getNumElements() * type.getElementTypeBitWidth() / bits, bits);
}

bool isZmm(Value vector) {
  auto type = cast<VectorType>(vector.getType());
  return type.getNumElements() * type.getElementTypeBitWidth() == 512;
}

Value maddubs(OpBuilder &b, Location loc, Value x, Value w) {
  return cell::intrinsic(b, loc,
                         isZmm(x) ? "llvm.x86.avx512.pmaddubs.w.512"
                                  : "llvm.x86.avx2.pmadd.ub.sw",
                         sameRegister(b, x, 16), {x, w});
}

Value maddwd(OpBuilder &b, Location loc, Value x, Value w) {
  return cell::intrinsic(b, loc,
                         isZmm(x) ? "llvm.x86.avx512.pmaddw.d.512"
                                  : "llvm.x86.avx2.pmadd.wd",
                         sameRegister(b, x, 32), {x, w});
}

/// Sums of neighbouring 16-bit lanes, in 32 bits.
Value sumPairs(OpBuilder &b, Location loc, Value sums) {
  return maddwd(b, loc, sums,
                cell::splat(b, loc, sameRegister(b, sums, 16), 1));
}

/// What the multiplying cells share: groups of four bytes, one in each lane of
/// 32 bits.
class DwordCell : public Cell {
public:
  DwordCell(CellFacts facts, unsigned elementBits)
      : Cell(facts), elementBits(elementBits) {}
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::bitcast(
        b, loc, cell::broadcastBytes(b, loc, buffer, offset, 4, facts().lanes),
        operandType(b));
  }
  Value loadW(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::bitcast(
        b, loc, cell::loadBytes(b, loc, buffer, offset, facts().lanes * 4),
        operandType(b));
  }

protected:
  /// Zeros in lanes of `bits` bits.
  Values zeros(OpBuilder &b, Location loc, unsigned bits) const {
    return {cell::zeroVector(
        b, loc, cell::vectorType(b, facts().lanes * 32 / bits, bits))};
  }

private:
  VectorType operandType(OpBuilder &b) const {
    return cell::vectorType(b, facts().lanes * 32 / elementBits, elementBits);
  }
  unsigned elementBits;
};

/// Those whose sums are in 32-bit lanes from the start.
class WideSumCell : public DwordCell {
public:
  using DwordCell::DwordCell;
  Values zero(OpBuilder &b, Location loc) const override {
    return zeros(b, loc, 32);
  }
  Values widen(OpBuilder & /*b*/, Location /*loc*/, Values acc) const override {
    return acc;
  }
};

class Maddubs16Cell : public DwordCell {
public:
  explicit Maddubs16Cell(Width width)
      : DwordCell({.name = "maddubs16",
                   .templateName = "widen",
                   .group = 4,
                   .groupBytes = 4,
                   .lanes = lanesOf(width, 32),
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
    return zeros(b, loc, 16);
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    return {arith::AddIOp::create(b, loc, acc[0], maddubs(b, loc, x, w))};
  }
  Values widen(OpBuilder &b, Location loc, Values acc) const override {
    return {sumPairs(b, loc, acc[0])};
  }
};

class Maddubs32Cell : public WideSumCell {
public:
  explicit Maddubs32Cell(Width width)
      : WideSumCell({.name = "maddubs32",
                     .templateName = "widen",
                     .group = 4,
                     .groupBytes = 4,
                     .lanes = lanesOf(width, 32),
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
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    Value sums = sumPairs(b, loc, maddubs(b, loc, x, w));
    return {arith::AddIOp::create(b, loc, acc[0], sums)};
  }
};

/// Pairs of 16-bit products; w in memory as 16 bits, or as 8 to halve its
/// traffic.
class MaddwCell : public WideSumCell {
public:
  MaddwCell(Width width, StringRef name, StoredRange w, int64_t wElementBytes)
      : WideSumCell({.name = name,
                     .templateName = "widen",
                     .group = 2,
                     .groupBytes = 4,
                     .wGroupBytes = 2 * wElementBytes,
                     .lanes = lanesOf(width, 32),
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
  Value loadW(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    if (facts().wBytes() == facts().groupBytes) {
      return DwordCell::loadW(b, loc, buffer, offset);
    }
    const int64_t count = facts().lanes * 2;
    return arith::ExtSIOp::create(
        b, loc, cell::vectorType(b, count, 16),
        cell::loadBytes(b, loc, buffer, offset, count));
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    return {arith::AddIOp::create(b, loc, acc[0], maddwd(b, loc, x, w))};
  }
};

/// Four products of bytes, or two of 16 bits, added to a 32-bit lane. The sums
/// wrap modulo 2^32, which the proved range of the whole sum makes exact.
class DotCell : public WideSumCell {
public:
  DotCell(CellFacts facts, Width width, unsigned elementBits)
      : WideSumCell(withDotFacts(facts, width), elementBits),
        intrinsic(("llvm.x86.avx512." + facts.instruction + "." +
                   llvm::Twine(static_cast<unsigned>(width)))
                      .str()) {}
  int64_t maxSteps(StoredRange /*x*/, StoredRange /*w*/) const override {
    return kUnlimitedSteps;
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    return {
        cell::intrinsic(b, loc, intrinsic, acc[0].getType(), {acc[0], x, w})};
  }

private:
  static CellFacts withDotFacts(CellFacts facts, Width width) {
    facts.templateName = "widen";
    facts.groupBytes = 4;
    facts.lanes = lanesOf(width, 32);
    // Zen 4 begins one product of 512 bits a cycle, and two sums (2026-11).
    facts.stepOps = width == Width::Zmm ? 2 : 1;
    facts.widenOps = 0;
    return facts;
  }
  std::string intrinsic; ///< Of AVX512-VNNI; AVX-VNNI has the one of 256 bits.
};

class DpbusdCell : public DotCell {
public:
  explicit DpbusdCell(Width width)
      : DotCell({.name = "dpbusd",
                 .group = 4,
                 .x = kU8,
                 .w = kS8,
                 .instruction = "vpdpbusd"},
                width, 8) {}
};

class DpwssdCell : public DotCell {
public:
  explicit DpwssdCell(Width width)
      : DotCell({.name = "dpwssd",
                 .group = 2,
                 .x = kS16,
                 .w = kS16,
                 .instruction = "vpdpwssd"},
                width, 16) {}
};

/// Bit planes in groups of 32: and, population count, add, all in 32-bit lanes,
/// which need no widening.
class PopcountCell : public WideSumCell {
public:
  explicit PopcountCell(Width width)
      : WideSumCell({.name = "popcntd",
                     .templateName = "bitserial",
                     .group = 32,
                     .groupBytes = 4,
                     .planes = true,
                     .lanes = lanesOf(width, 32),
                     .fixedRegisters = 3,
                     .stepOps = 3,
                     .widenOps = 0,
                     .instruction = "vpopcntd"},
                    32) {}
  int64_t maxSteps(StoredRange /*x*/, StoredRange /*w*/) const override {
    return kUnlimitedSteps; // the range of the whole sum is proved
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    Value both = arith::AndIOp::create(b, loc, x, w);
    Value count = math::CtPopOp::create(b, loc, both);
    return {arith::AddIOp::create(b, loc, acc[0], count)};
  }
};

/// What the cells of planes with sums in bytes share: one byte of w for an
/// output, bytes that count bits.
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
    return cell::loadBytes(b, loc, buffer, offset, facts().lanes);
  }
  Values widen(OpBuilder &b, Location loc, Values acc) const override {
    return cell::extendSlices(b, loc, acc[0], facts().lanes / 4,
                              /*isSigned=*/false);
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
  VectorType bytes(OpBuilder &b) const {
    return cell::vectorType(b, facts().lanes, 8);
  }
  /// acc + table[index], by bytes; the table once per 128 bits.
  Values addLookup(OpBuilder &b, Location loc, const Values &acc, Value table,
                   Value index) const {
    Value found = cell::intrinsic(b, loc,
                                  isZmm(index) ? "llvm.x86.avx512.pshuf.b.512"
                                               : "llvm.x86.avx2.pshuf.b",
                                  bytes(b), {table, index});
    return {arith::AddIOp::create(b, loc, acc[0], found)};
  }
};

/// and, population count by a look-up, add.
class NibbleCell : public PlaneCell {
public:
  explicit NibbleCell(Width width)
      : PlaneCell({.name = "nibble",
                   .templateName = "bitserial",
                   .group = 4,
                   .groupBytes = 1,
                   .planes = true,
                   .lanes = lanesOf(width, 8),
                   .fixedRegisters = 3,
                   .stepOps = 3,
                   .widenOps = 12,
                   .instruction = "vpshufb"}) {}
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::broadcastBytes(b, loc, buffer, offset, 1, facts().lanes);
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    Value both = arith::AndIOp::create(b, loc, x, w);
    return addLookup(b, loc, acc, countTable(b, loc), both);
  }

private:
  /// Bits set in 0..15, once per 128 bits.
  Value countTable(OpBuilder &b, Location loc) const {
    SmallVector<int8_t> counts;
    for (uint64_t n = 0; n < static_cast<uint64_t>(facts().lanes); ++n) {
      counts.push_back(static_cast<int8_t>(llvm::popcount(n % 16)));
    }
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(bytes(b), ArrayRef(counts)));
  }
};

/// The table of 16 bytes at `offset`, once per 128 bits of `lanes` bytes.
Value loadTable(OpBuilder &b, Location loc, Value buffer, Value offset,
                int64_t lanes) {
  Value table = cell::loadBytes(b, loc, buffer, offset, 16);
  SmallVector<int64_t> repeated;
  for (int64_t i = 0; i < lanes; ++i) {
    repeated.push_back(i % 16);
  }
  return vector::ShuffleOp::create(b, loc, table, table, repeated);
}

/// Digits of x choose a constant table, four bits of w an entry of it: all
/// products of a group and their sum are one look-up. Where a group of x has
/// several bytes, each chooses a table for its elements, and these are added.
class LookupCell : public PlaneCell {
public:
  LookupCell(Width width, StringRef name, unsigned xBits, unsigned wBits)
      : PlaneCell({.name = name,
                   .templateName = "lut",
                   .group = 4 / wBits,
                   .groupBytes = tables(xBits, wBits),
                   .wGroupBytes = 1,
                   .planes = true,
                   .xBits = xBits,
                   .wBits = wBits,
                   .lanes = lanesOf(width, 8),
                   .fixedRegisters = 2,
                   .stepOps = 2,
                   .xOps = tableOps(width, tables(xBits, wBits)),
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

  /// Vector instructions that loading `count` tables and adding them is worth;
  /// those for whole registers of 512 bits cost Zen 4 more (2026-11).
  static constexpr double tableOps(Width width, int64_t count) {
    const auto tables = static_cast<double>(count);
    return width == Width::Zmm ? 2 * tables : tables - 1;
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
    return loadTable(b, loc, all, arith::MulIOp::create(b, loc, code, size),
                     facts().lanes);
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
  explicit TablesCell(Width width)
      : PlaneCell({.name = "tables41",
                   .templateName = "lut",
                   .group = 4,
                   .groupBytes = 16,
                   .wGroupBytes = 1,
                   .planes = true,
                   .xBits = 4,
                   .wBits = 1,
                   .lanes = lanesOf(width, 8),
                   .fixedRegisters = 2,
                   .stepOps = 2,
                   .xOps = width == Width::Zmm ? 1.0 : 0.0,
                   .widenOps = 12,
                   .instruction = "vpshufb"}) {}
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return loadTable(b, loc, buffer, offset, facts().lanes);
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    return addLookup(b, loc, acc, x, w);
  }
};

/// The same with all eight bits of a byte of w: half the bytes of w, and three
/// instructions to take a vector of them apart. For few rows of x.
class PackedTablesCell : public PlaneCell {
public:
  explicit PackedTablesCell(Width width)
      : PlaneCell({.name = "tables41p",
                   .templateName = "lut",
                   .group = 8,
                   .groupBytes = 32,
                   .wGroupBytes = 1,
                   .planes = true,
                   .xBits = 4,
                   .wBits = 1,
                   .lanes = lanesOf(width, 8),
                   .wRegisters = 2,
                   .fixedRegisters = 4,
                   .stepOps = 4,
                   .wOps = 3,
                   .xOps = width == Width::Zmm ? 3.0 : 1.0, // a second load
                   .widenOps = 12,
                   .instruction = "vpshufb",
                   .instructionSteps = 0.5}) {}
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    const int64_t lanes = facts().lanes;
    Value next = arith::AddIOp::create(
        b, loc, offset, arith::ConstantIndexOp::create(b, loc, 16));
    SmallVector<int64_t> both;
    for (int64_t i = 0; i < 2 * lanes; ++i) {
      both.push_back(i);
    }
    return vector::ShuffleOp::create(
        b, loc, loadTable(b, loc, buffer, offset, lanes),
        loadTable(b, loc, buffer, next, lanes), both);
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    const int64_t lanes = facts().lanes;
    Value low =
        arith::AndIOp::create(b, loc, w, cell::splat(b, loc, bytes(b), 15));
    Value high =
        arith::ShRUIOp::create(b, loc, w, cell::splat(b, loc, bytes(b), 4));
    acc = addLookup(b, loc, acc, cell::slice(b, loc, x, 0, lanes), low);
    return addLookup(b, loc, acc, cell::slice(b, loc, x, lanes, lanes), high);
  }
};

/// The cell for registers of `width` among those that `make` makes.
template <typename Make>
const Cell &cellOf(Width width, Make make) {
  static const auto ymm = make(Width::Ymm);
  static const auto zmm = make(Width::Zmm);
  return width == Width::Ymm ? ymm : zmm;
}

} // namespace

const Cell &x86::maddubs16Cell(Width width) {
  return cellOf(width, [](Width w) { return Maddubs16Cell(w); });
}
const Cell &x86::maddubs32Cell(Width width) {
  return cellOf(width, [](Width w) { return Maddubs32Cell(w); });
}
const Cell &x86::maddwCell(Width width) {
  return cellOf(width, [](Width w) { return MaddwCell(w, "maddw", kS16, 2); });
}
const Cell &x86::maddw8Cell(Width width) {
  return cellOf(width, [](Width w) { return MaddwCell(w, "maddw8", kS8, 1); });
}
const Cell &x86::dpbusdCell(Width width) {
  return cellOf(width, [](Width w) { return DpbusdCell(w); });
}
const Cell &x86::dpwssdCell(Width width) {
  return cellOf(width, [](Width w) { return DpwssdCell(w); });
}
const Cell &x86::lookup11Cell(Width width) {
  return cellOf(width, [](Width w) { return LookupCell(w, "lookup11", 1, 1); });
}
const Cell &x86::lookup21Cell(Width width) {
  return cellOf(width, [](Width w) { return LookupCell(w, "lookup21", 2, 1); });
}
const Cell &x86::lookup22Cell(Width width) {
  return cellOf(width, [](Width w) { return LookupCell(w, "lookup22", 2, 2); });
}
const Cell &x86::lookup41Cell(Width width) {
  return cellOf(width, [](Width w) { return LookupCell(w, "lookup41", 4, 1); });
}
const Cell &x86::tables41Cell(Width width) {
  return cellOf(width, [](Width w) { return TablesCell(w); });
}
const Cell &x86::packedTables41Cell(Width width) {
  return cellOf(width, [](Width w) { return PackedTablesCell(w); });
}
const Cell &x86::nibbleCell(Width width) {
  return cellOf(width, [](Width w) { return NibbleCell(w); });
}
const Cell &x86::popcntdCell(Width width) {
  return cellOf(width, [](Width w) { return PopcountCell(w); });
}
