// The cells of NEON that look sums of products up in tables (tbl). For the
// tables see Tables.h.
#include "targets/Tables.h"
#include "targets/arm/Cells.h"

using namespace mlir;
using namespace lpgen;

namespace {

/// Four bits of w choose an entry of a table, which is added to bytes.
class TblCell : public Cell {
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
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    Value found = cell::intrinsic(b, loc, "llvm.aarch64.neon.tbl1.v16i8",
                                  bytes(b), {x, w});
    return {arm::addBytes(b, loc, acc[0], found)};
  }
  Values widen(OpBuilder &b, Location loc, Values acc) const override {
    return cell::extendSlices(b, loc, acc[0], 4, /*isSigned=*/false);
  }

private:
  static VectorType bytes(OpBuilder &b) { return cell::vectorType(b, 16, 8); }
};

/// Digits of x choose a constant table, or several that are added.
class LookupCell : public TblCell {
public:
  using TblCell::TblCell;
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return tables::choose(b, loc, facts(), buffer, offset);
  }
};

/// The same with x stored as tables.
class TablesCell : public TblCell {
public:
  using TblCell::TblCell;
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return tables::load(b, loc, buffer, offset, facts().lanes);
  }
};

/// Facts that all of them share, for those of Tables.h.
CellFacts lookup(CellFacts facts) {
  facts.lanes = 16;
  facts.fixedRegisters = 9; // with fewer, fetching tables early spills
  facts.stepOps = 2;
  facts.widenOps = 8;
  facts.instruction = "tbl";
  return facts;
}

/// Digits of so many bits choose the tables.
CellFacts chosen(llvm::StringRef name, unsigned xBits, unsigned wBits) {
  CellFacts facts = lookup(tables::lookupFacts(name, xBits, wBits));
  const auto tables = static_cast<double>(facts.groupBytes);
  facts.xOps = 3 * (tables - 1); // each further one: a load and an addition
  facts.xScalarOps = 3 * tables - 1;
  return facts;
}

} // namespace

std::vector<CellRow> arm::tableRows() {
  return {
      {chosen("lookup11", 1, 1), emitter<LookupCell>},
      {chosen("lookup21", 2, 1), emitter<LookupCell>},
      {chosen("lookup22", 2, 2), emitter<LookupCell>},
      {chosen("lookup41", 4, 1), emitter<LookupCell>},
      {lookup(tables::storedFacts("tables41", 1)), emitter<TablesCell>},
  };
}
