// The cells of NEON that look sums of products up in tables (tbl). See Cells.h
// and, for the tables, Tables.h.
#include "targets/Tables.h"
#include "targets/arm_neon/Cells.h"

using namespace mlir;
using namespace lpgen;

namespace {

/// Four bits of w choose an entry of a table, which is added to bytes.
class TblCell : public Cell {
public:
  explicit TblCell(CellFacts facts) : Cell(complete(facts)) {}
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
  static CellFacts complete(CellFacts facts) {
    facts.lanes = 16;
    facts.fixedRegisters = 9; // with fewer, fetching tables early spills
    facts.stepOps = 2;
    facts.widenOps = 8;
    facts.instruction = "tbl";
    return facts;
  }
  static VectorType bytes(OpBuilder &b) { return cell::vectorType(b, 16, 8); }
};

/// Digits of x choose a constant table, or several that are added.
class LookupCell : public TblCell {
public:
  LookupCell(StringRef name, unsigned xBits, unsigned wBits)
      : TblCell(describe(tables::lookupFacts(name, xBits, wBits))) {}
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return tables::choose(b, loc, facts(), buffer, offset);
  }

private:
  static CellFacts describe(CellFacts facts) {
    const auto tables = static_cast<double>(facts.groupBytes);
    facts.xOps = 3 * (tables - 1); // each further one: a load and an addition
    facts.xScalarOps = 3 * tables - 1;
    return facts;
  }
};

/// The same with x stored as tables.
class TablesCell : public TblCell {
public:
  TablesCell() : TblCell(tables::storedFacts("tables41", 1)) {}
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return tables::load(b, loc, buffer, offset, facts().lanes);
  }
};

} // namespace

const Cell &arm::lookup11Cell() {
  static const LookupCell cell("lookup11", 1, 1);
  return cell;
}
const Cell &arm::lookup21Cell() {
  static const LookupCell cell("lookup21", 2, 1);
  return cell;
}
const Cell &arm::lookup22Cell() {
  static const LookupCell cell("lookup22", 2, 2);
  return cell;
}
const Cell &arm::lookup41Cell() {
  static const LookupCell cell("lookup41", 4, 1);
  return cell;
}
const Cell &arm::tables41Cell() {
  static const TablesCell cell;
  return cell;
}
