// The cells of x86 with planes of digits, one byte of w for each output: tables
// and their sums in bytes. See Cells.h and, for the bounds, docs/kernels.md.
#include "targets/x86/CellParts.h"

using namespace mlir;
using namespace lpgen;
using namespace lpgen::x86;

namespace {

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

} // namespace

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
