// Building blocks of cells. See Cell.h.
#include "targets/Cell.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace lpgen;

int64_t cell::stepsWithin(int64_t limit, int64_t most) {
  return most == 0 ? kUnlimitedSteps : limit / most;
}

VectorType cell::vectorType(OpBuilder &b, int64_t lanes, unsigned bits) {
  return VectorType::get({lanes}, b.getIntegerType(bits));
}

Value cell::splat(OpBuilder &b, Location loc, VectorType type, int64_t value) {
  return arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(
          type, b.getIntegerAttr(type.getElementType(), value).getValue()));
}

Value cell::zeroVector(OpBuilder &b, Location loc, VectorType type) {
  return splat(b, loc, type, 0);
}

Value cell::bitcast(OpBuilder &b, Location loc, Value value, VectorType type) {
  return value.getType() == type
             ? value
             : vector::BitCastOp::create(b, loc, type, value).getResult();
}

Value cell::loadBytes(OpBuilder &b, Location loc, Value buffer, Value offset,
                      int64_t bytes) {
  return vector::LoadOp::create(b, loc, vectorType(b, bytes, 8), buffer,
                                offset);
}

Value cell::constantBytes(OpBuilder &b, Location loc, llvm::StringRef name,
                          llvm::ArrayRef<int8_t> bytes) {
  auto module =
      b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  auto type =
      MemRefType::get({static_cast<int64_t>(bytes.size())}, b.getI8Type());
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    auto data = DenseElementsAttr::get(
        RankedTensorType::get(type.getShape(), b.getI8Type()), bytes);
    memref::GlobalOp::create(b, loc, name, b.getStringAttr("private"), type,
                             data, /*constant=*/true, b.getI64IntegerAttr(64));
  }
  return memref::GetGlobalOp::create(b, loc, type, name);
}

Value cell::broadcastBytes(OpBuilder &b, Location loc, Value buffer,
                           Value offset, int64_t bytes, int64_t n) {
  unsigned bits = static_cast<unsigned>(bytes) * 8;
  Value loaded = bitcast(b, loc, loadBytes(b, loc, buffer, offset, bytes),
                         vectorType(b, 1, bits));
  Value scalar =
      vector::ExtractOp::create(b, loc, loaded, ArrayRef<int64_t>{0});
  return vector::BroadcastOp::create(b, loc, vectorType(b, n, bits), scalar);
}

Value cell::slice(OpBuilder &b, Location loc, Value value, int64_t begin,
                  int64_t count) {
  return vector::ExtractStridedSliceOp::create(
      b, loc, value, ArrayRef<int64_t>{begin}, ArrayRef<int64_t>{count},
      ArrayRef<int64_t>{1});
}

Value cell::intrinsic(OpBuilder &b, Location loc, StringRef name,
                      mlir::Type result, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, loc, result, b.getStringAttr(name),
                                       operands)
      .getResult(0);
}

Cell::Values cell::extendSlices(OpBuilder &b, Location loc, Value value,
                                int64_t count, bool isSigned) {
  Cell::Values result;
  int64_t lanes = cast<VectorType>(value.getType()).getNumElements();
  for (int64_t begin = 0; begin < lanes; begin += count) {
    Value part = slice(b, loc, value, begin, count);
    VectorType type = vectorType(b, count, 32);
    result.push_back(
        isSigned ? arith::ExtSIOp::create(b, loc, type, part).getResult()
                 : arith::ExtUIOp::create(b, loc, type, part).getResult());
  }
  return result;
}

Cell::Values cell::splatElements(OpBuilder &b, Location loc, Value elements,
                                 int64_t lanes) {
  Cell::Values result;
  int64_t count = cast<VectorType>(elements.getType()).getNumElements();
  for (int64_t i = 0; i < count; ++i) {
    SmallVector<int64_t> mask(lanes, i);
    result.push_back(
        vector::ShuffleOp::create(b, loc, elements, elements, mask));
  }
  return result;
}

int64_t Cell::maxStepsOf(StoredRange /*x*/,
                         llvm::ArrayRef<int64_t> /*pairSums*/) const {
  return 0;
}

Cell::Values Cell::loadRun(OpBuilder &b, Location loc, Value buffer,
                           ValueRange offsets, int64_t count) const {
  assert(offsets.size() == 1 && "a cell of several rows loads them itself");
  int64_t bytes = facts().groupBytes;
  if (count > 1 && count == facts().run) {
    Value loaded =
        cell::loadBytes(b, loc, buffer, offsets.front(), count * bytes);
    auto bits = static_cast<unsigned>(bytes * 8);
    return cell::splatElements(
        b, loc, cell::bitcast(b, loc, loaded, cell::vectorType(b, count, bits)),
        facts().lanes);
  }
  Values groups;
  for (int64_t i = 0; i < count; ++i) {
    Value skipped = arith::ConstantIndexOp::create(b, loc, i * bytes);
    Value at = arith::AddIOp::create(b, loc, offsets.front(), skipped);
    groups.push_back(loadX(b, loc, buffer, at));
  }
  return groups;
}

Value Cell::loadLanes(OpBuilder &b, Location loc, Value buffer,
                      Value offset) const {
  const int64_t bytes = facts().groupBytes;
  return cell::bitcast(
      b, loc, cell::loadBytes(b, loc, buffer, offset, facts().lanes * bytes),
      cell::vectorType(b, facts().lanes, static_cast<unsigned>(bytes * 8)));
}

Cell::Values Cell::runStep(OpBuilder &b, Location loc, Values acc, Value x,
                           Value w, int64_t /*index*/,
                           int64_t /*count*/) const {
  return step(b, loc, std::move(acc), x, w);
}

Cell::Values Cell::addToHalves(OpBuilder &b, Location loc, const Values &halves,
                               Value acc) const {
  Values result;
  for (auto [part, half] : llvm::enumerate(halves)) {
    auto type = cast<VectorType>(half.getType());
    int64_t count = type.getNumElements();
    Value bytes =
        cell::slice(b, loc, acc, static_cast<int64_t>(part) * count, count);
    result.push_back(arith::AddIOp::create(
        b, loc, half, arith::ExtUIOp::create(b, loc, type, bytes)));
  }
  return result;
}

Cell::Values Cell::orderHalves(OpBuilder & /*b*/, Location /*loc*/,
                               const Values &halves) const {
  return halves;
}

CellTable::CellTable(std::initializer_list<std::vector<CellRow>> parts) {
  for (const std::vector<CellRow> &rows : parts) {
    for (const CellRow &row : rows) {
      cells.push_back(row.make(row.facts));
    }
  }
}

std::vector<const Cell *> CellTable::cellsFor(uint64_t features) const {
  std::vector<const Cell *> found;
  for (const std::unique_ptr<const Cell> &cell : cells) {
    if ((cell->facts().needs & ~features) == 0) {
      found.push_back(cell.get());
    }
  }
  return found;
}

//===----------------------------------------------------------------------===//
// FmaCell
//===----------------------------------------------------------------------===//

CellFacts FmaCell::complete(CellFacts facts) {
  facts.name = "fma";
  facts.templateName = "widen";
  facts.group = 1;
  facts.groupBytes = 4;
  facts.isFloat = true;
  facts.widenOps = 0;
  return facts;
}

Cell::Values FmaCell::zero(OpBuilder &b, Location loc) const {
  return {arith::ConstantOp::create(b, loc, b.getZeroAttr(lanesType(b)))};
}

Value FmaCell::loadX(OpBuilder &b, Location loc, Value buffer,
                     Value offset) const {
  return cell::broadcastBytes(b, loc, buffer, offset, 4, facts().lanes);
}

Value FmaCell::loadW(OpBuilder &b, Location loc, Value buffer,
                     Value offset) const {
  return cell::bitcast(
      b, loc, cell::loadBytes(b, loc, buffer, offset, facts().lanes * 4),
      lanesType(b));
}

Cell::Values FmaCell::step(OpBuilder &b, Location loc, Values acc, Value x,
                           Value w) const {
  return {math::FmaOp::create(b, loc, cell::bitcast(b, loc, x, lanesType(b)), w,
                              acc[0])};
}

//===----------------------------------------------------------------------===//
// BytePopcountCell
//===----------------------------------------------------------------------===//

CellFacts BytePopcountCell::complete(CellFacts facts) {
  facts.templateName = "bitserial";
  facts.group = 8;
  facts.groupBytes = 1;
  facts.planes = true;
  facts.widenOps = 8;
  return facts;
}

int64_t BytePopcountCell::maxSteps(StoredRange x, StoredRange w) const {
  return cell::stepsWithin(UINT8_MAX, facts().mostPerStep(x, w));
}

Cell::Values BytePopcountCell::zero(OpBuilder &b, Location loc) const {
  return {cell::zeroVector(b, loc, cell::vectorType(b, facts().lanes, 8))};
}

Value BytePopcountCell::loadX(OpBuilder &b, Location loc, Value buffer,
                              Value offset) const {
  return cell::broadcastBytes(b, loc, buffer, offset, 1, facts().lanes);
}

Value BytePopcountCell::loadW(OpBuilder &b, Location loc, Value buffer,
                              Value offset) const {
  return cell::loadBytes(b, loc, buffer, offset, facts().lanes);
}

Cell::Values BytePopcountCell::step(OpBuilder &b, Location loc, Values acc,
                                    Value x, Value w) const {
  Value both = arith::AndIOp::create(b, loc, x, w);
  Value count = math::CtPopOp::create(b, loc, both);
  return {arith::AddIOp::create(b, loc, acc[0], count)};
}

Cell::Values BytePopcountCell::widen(OpBuilder &b, Location loc,
                                     Values acc) const {
  return cell::extendSlices(b, loc, acc[0], 4, /*isSigned=*/false);
}
