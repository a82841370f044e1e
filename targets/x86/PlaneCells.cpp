// The cells of x86 with planes of digits, one byte of w for each output: tables
// and their sums in bytes. For the bounds see docs/design/kernels.md.
#include "targets/Tables.h"
#include "targets/x86/Cells.h"

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

/// Bit planes in groups of 4, counted by a 16-entry table: and, look-up, add
/// (vpand, vpshufb, vpaddb).
class NibbleCell : public PlaneCell {
public:
  using PlaneCell::PlaneCell;
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

/// Digits of x choose a constant table, four bits of w an entry of it: all
/// products of a group and their sum are one look-up. Where a group of x has
/// several bytes, each chooses a table for its elements, and these are added.
class LookupCell : public PlaneCell {
public:
  using PlaneCell::PlaneCell;
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return tables::choose(b, loc, facts(), buffer, offset);
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    return addLookup(b, loc, acc, x, w);
  }
};

/// The same with tables of 64 entries, a whole register of 512 bits.
class PermuteCell : public PlaneCell {
public:
  using PlaneCell::PlaneCell;
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return tables::choose(b, loc, facts(), buffer, offset);
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    Value found = cell::intrinsic(b, loc, "llvm.x86.avx512.permvar.qi.512",
                                  bytes(b), {x, w});
    return {arith::AddIOp::create(b, loc, acc[0], found)};
  }
};

/// The same of 16 entries with x stored as tables: byte m of a group is the sum
/// of the digits that the bits of m choose.
class TablesCell : public PlaneCell {
public:
  using PlaneCell::PlaneCell;
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return tables::load(b, loc, buffer, offset, facts().lanes);
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
  using PlaneCell::PlaneCell;
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
        b, loc, tables::load(b, loc, buffer, offset, lanes),
        tables::load(b, loc, buffer, next, lanes), both);
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

/// Facts of cells that look up in tables of 16 bytes, for those of Tables.h.
CellFacts lookup(Width width, CellFacts facts) {
  facts.lanes = lanesOf(width, 8);
  facts.stepOps = 2;
  facts.widenOps = 12;
  facts.instruction = "vpshufb";
  return facts;
}

/// Digits of so many bits choose the tables.
CellFacts chosen(Width width, llvm::StringRef name, unsigned xBits,
                 unsigned wBits) {
  CellFacts facts = lookup(width, tables::lookupFacts(name, xBits, wBits));
  const auto tables = static_cast<double>(facts.groupBytes);
  // Loading the tables and adding them; those for whole registers of 512 bits
  // cost Zen 4 more (2026-11).
  facts.xOps = width == Width::Zmm ? 2 * tables : tables - 1;
  facts.xScalarOps = 3 * tables - 1;
  return facts;
}

/// Likewise of 64 entries, in registers of 512 bits.
CellFacts permuted(llvm::StringRef name, unsigned xBits, unsigned wBits) {
  CellFacts facts =
      lookup(Width::Zmm, tables::lookupFacts(name, xBits, wBits, 64));
  const auto tables = static_cast<double>(facts.groupBytes);
  facts.xOps = 1.5 * (tables - 1); // loading and adding further ones
  facts.xScalarOps = 3 * tables - 1;
  facts.instruction = "vpermb";
  facts.needs = LP_CPU_AVX512VBMI;
  return facts;
}

/// x stored as tables, one a group.
CellFacts stored(Width width, llvm::StringRef name) {
  CellFacts facts = lookup(width, tables::storedFacts(name, 1));
  facts.xOps = width == Width::Zmm ? 1.0 : 0.0;
  return facts;
}

/// Two a group, and a byte of w for both.
CellFacts storedPairs(Width width, llvm::StringRef name) {
  CellFacts facts = lookup(width, tables::storedFacts(name, 2));
  facts.wRegisters = 2;
  facts.fixedRegisters = 4;
  facts.stepOps = 4;
  facts.wOps = 3;
  facts.xOps = width == Width::Zmm ? 3.0 : 1.0; // a second load
  facts.instructionSteps = 0.5;
  return facts;
}

} // namespace

std::vector<CellRow> x86::planeRows(Width width) {
  std::vector<CellRow> rows;
  if (width == Width::Zmm) {
    rows = {{permuted("permute11", 1, 1), emitter<PermuteCell>},
            {permuted("permute21", 2, 1), emitter<PermuteCell>},
            {permuted("permute22", 2, 2), emitter<PermuteCell>}};
  }
  const CellRow all[] = {
      {chosen(width, "lookup11", 1, 1), emitter<LookupCell>},
      {chosen(width, "lookup21", 2, 1), emitter<LookupCell>},
      {chosen(width, "lookup22", 2, 2), emitter<LookupCell>},
      {chosen(width, "lookup41", 4, 1), emitter<LookupCell>},
      {stored(width, "tables41"), emitter<TablesCell>},
      {storedPairs(width, "tables41p"), emitter<PackedTablesCell>},
      {{.name = "nibble",
        .templateName = "bitserial",
        .group = 4,
        .groupBytes = 1,
        .planes = true,
        .lanes = lanesOf(width, 8),
        .fixedRegisters = 3,
        .stepOps = 3,
        .widenOps = 12,
        .instruction = "vpshufb"},
       emitter<NibbleCell>},
  };
  rows.insert(rows.end(), std::begin(all), std::end(all));
  return rows;
}
