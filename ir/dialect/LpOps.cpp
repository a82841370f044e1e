// Verifiers and builders of the lp operations; labels are those of LpOps.td.
#include "ir/dialect/Lp.h"
#include "ir/dialect/Verify.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/Support/MathExtras.h"

#define GET_OP_CLASSES
#include "ir/dialect/LpOps.cpp.inc"

using namespace mlir;
using namespace lpgen;
using namespace lpgen::lp;

/// One dim per index, one result per dimension of `shaped`.
static LogicalResult verifyMap(Operation *op, StringRef name, AffineMap map,
                               size_t dims, mlir::Value shaped) {
  int64_t rank = cast<ShapedType>(shaped.getType()).getRank();
  if (map.getNumDims() != dims || map.getNumSymbols() != 0 ||
      map.getNumResults() != static_cast<unsigned>(rank)) {
    return op->emitOpError()
           << name << " must map " << dims << " indices to " << rank
           << " dimensions, found " << AffineMapAttr::get(map);
  }
  return success();
}

/// The least and the greatest value.
static bool isRange(ArrayRef<int64_t> range) {
  return range.size() == 2 && range[0] <= range[1];
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

void ReadOp::build(OpBuilder &builder, OperationState &state, mlir::Type value,
                   mlir::Value source, ValueRange indices, AffineMap map) {
  SmallVector<int64_t> ones(map.getNumResults(), 1);
  build(builder, state, value, source, indices, /*padScalar=*/{},
        AffineMapAttr::get(map), builder.getDenseI64ArrayAttr(ones),
        /*pad=*/{}, /*element=*/{}, /*range=*/{});
}

mlir::Type ReadOp::logicalElement() {
  if (getElement()) {
    return *getElement();
  }
  return cast<ShapedType>(getSource().getType()).getElementType();
}

SmallVector<int64_t, 2> ReadOp::elementRange() {
  if (getRange()) {
    return SmallVector<int64_t, 2>(*getRange());
  }
  if (auto argument = dyn_cast<BlockArgument>(getSource())) {
    auto kernel = dyn_cast<KernelOp>(argument.getOwner()->getParentOp());
    if (BufferAttr buffer = kernel ? kernel.bufferOf(argument) : BufferAttr();
        buffer && !buffer.getRange().empty()) {
      return SmallVector<int64_t, 2>(buffer.getRange());
    }
  }
  if (auto compute = getSource().getDefiningOp<ComputeOp>()) {
    if (compute.getRange()) {
      return SmallVector<int64_t, 2>(*compute.getRange());
    }
  }
  ElementType type = toElementType(logicalElement());
  return {type.minValue(), type.maxValue()};
}

void ReadOp::inferResultRangesFromOptional(ArrayRef<IntegerValueRange>,
                                           SetIntLatticeFn setResultRange) {
  if (!isa<IntegerType>(getType())) {
    return;
  }
  if (getPadScalar()) {
    setResultRange(getValue(), IntegerValueRange::getMaxRange(getValue()));
    return;
  }
  unsigned bits = getType().getIntOrFloatBitWidth();
  SmallVector<int64_t, 2> range = elementRange();
  if (!llvm::isIntN(bits, range[0]) || !llvm::isIntN(bits, range[1])) {
    setResultRange(getValue(), IntegerValueRange::getMaxRange(getValue()));
    return;
  }
  ConstantIntRanges all = ConstantIntRanges::fromSigned(
      APInt(bits, range[0], true), APInt(bits, range[1], true));
  if (auto pad = dyn_cast_if_present<IntegerAttr>(getPadAttr())) {
    all = all.rangeUnion(ConstantIntRanges::constant(pad.getValue()));
  }
  setResultRange(getValue(), IntegerValueRange(all));
}

LogicalResult ReadOp::verify() {
  if (failed(verifyMap(*this, "the map", getMap(), getIndices().size(),
                       getSource()))) { // read_c1
    return failure();
  }
  if (getDivisors().size() != getMap().getNumResults() ||
      llvm::any_of(getDivisors(), [](int64_t d) { return d < 1; })) {
    return emitOpError("needs one positive divisor per dimension"); // read_c2
  }
  if (getPadAttr() && getPadScalar()) { // read_c3
    return emitOpError("has both a constant and a scalar padding");
  }
  bool isMemref = isa<MemRefType>(getSource().getType());
  bool isFloat =
      isa<FloatType>(cast<ShapedType>(getSource().getType()).getElementType());
  if (isMemref && !isFloat && !getElement()) { // read_c4
    return emitOpError("on a memref needs 'element', the encoding");
  }
  if (getRange() && !isRange(*getRange())) { // read_c4
    return emitOpError("range needs its least and its greatest value");
  }
  return success();
}

LogicalResult QuantizeOp::verify() {
  mlir::Type element = getElement();
  if (getResult().getType() != element &&
      getResult().getType() != getStorageType(element)) { // quantize_c1
    return emitOpError("result must be ")
           << element << " or " << getStorageType(element);
  }
  return success();
}

LogicalResult ThresholdOp::verify() {
  if (failed(verifyMap(*this, "the map", getMap(), getIndices().size() + 1,
                       getSource()))) { // threshold_c1
    return failure();
  }
  if (static_cast<int64_t>(getLevels()) < 1) { // threshold_c2
    return emitOpError("levels must be positive");
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

static bool isIndexList(Block &block, size_t count) {
  return block.getNumArguments() >= count &&
         llvm::all_of(block.getArguments().take_front(count),
                      [](BlockArgument a) { return a.getType().isIndex(); });
}

static size_t countDynamic(ArrayRef<int64_t> extents) {
  return llvm::count(extents, ShapedType::kDynamic);
}

/// The rules that compute and contract share: extents, and results or outputs.
/// `chained` yielded values are neither.
template <typename OpTy>
static LogicalResult verifyLoops(OpTy op, size_t parallel, size_t chained = 0) {
  if (op.getDynamicExtents().size() != countDynamic(op.getExtents())) {
    return op.emitOpError("has ")
           << op.getDynamicExtents().size() << " dynamic extents, expected "
           << countDynamic(op.getExtents());
  }
  auto yield = cast<YieldOp>(op.getBody().front().getTerminator());
  size_t written = op.getResults().size() + op.getOutputs().size();
  if (!op.getResults().empty() && !op.getOutputs().empty()) {
    return op.emitOpError("has both results and outputs");
  }
  if (yield.getValues().size() != written + chained) {
    return op.emitOpError("yields ")
           << yield.getValues().size() << " values for " << written
           << (op.getResults().empty() ? " outputs" : " results");
  }
  auto check = [&](ShapedType type, mlir::Type value) -> LogicalResult {
    if (type.getRank() != static_cast<int64_t>(parallel)) {
      return op.emitOpError("writes ")
             << type << " from " << parallel << " loops";
    }
    if (type.getElementType() != value) {
      return op.emitOpError("yields ") << value << " for " << type;
    }
    return success();
  };
  for (auto [i, value] :
       llvm::enumerate(yield.getValues().take_front(written))) {
    mlir::Type type = op.getResults().empty() ? op.getOutputs()[i].getType()
                                              : op.getResults()[i].getType();
    if (failed(check(cast<ShapedType>(type), value.getType()))) {
      return failure();
    }
  }
  return success();
}

LogicalResult ReduceOp::verify() {
  Block &block = getBody().front();
  if (block.getNumArguments() != getExtents().size() ||
      !isIndexList(block, getExtents().size())) { // reduce_c1
    return emitOpError("needs one index argument per extent");
  }
  auto yield = cast<YieldOp>(block.getTerminator());
  if (yield.getValues().size() != 1 ||
      yield.getValues()[0].getType() != getType()) { // reduce_c2
    return emitOpError("must yield one ") << getType();
  }
  return success();
}

LogicalResult ComputeOp::verify() {
  Block &block = getBody().front();
  if (block.getNumArguments() != getExtents().size() ||
      !isIndexList(block, getExtents().size())) { // compute_c1
    return emitOpError("needs one index argument per extent");
  }
  if (getRange() && !isRange(*getRange())) { // compute_c3
    return emitOpError("range needs its least and its greatest value");
  }
  return verifyLoops(*this, getExtents().size()); // compute_c2
}

mlir::Type ContractOp::accumulatorType() {
  return getBody().front().getArguments().back().getType();
}

SmallVector<mlir::Type> ContractOp::outputTypes() {
  return llvm::to_vector(
      cast<YieldOp>(getBody().front().getTerminator()).getValues().getTypes());
}

/// contract_c6 and contract_c7.
static LogicalResult verifyOperandForms(ContractOp op) {
  auto lacksElement = [](mlir::Value source,
                         std::optional<mlir::Type> element) {
    return source && isa<MemRefType>(source.getType()) && !element;
  };
  if (lacksElement(op.getXZero(), op.getXZeroElement()) ||
      lacksElement(op.getWZero(), op.getWZeroElement()) ||
      lacksElement(op.getXPadScalar(), op.getXPadElement())) { // contract_c6
    return op.emitOpError("needs the element types of zero points and padding "
                          "on memrefs");
  }
  auto xLayout = op.getXLayout();
  auto wLayout = op.getWLayout();
  if (!xLayout && !wLayout) {
    return success();
  }
  if (!xLayout || !wLayout || xLayout->isOfWeights() ||
      !wLayout->isOfWeights()) { // contract_c7
    return op.emitOpError("needs a layout of activations for x and one of "
                          "weights for w, or none");
  }
  if (!isByteBuffer(op.getX()) || !isByteBuffer(op.getW())) { // contract_c7
    return op.emitOpError("needs packed operands in one-dimensional i8 "
                          "buffers");
  }
  if (!op.getSchedule() || op.getSchedule()->getCell().empty()) {
    return op.emitOpError("has packed operands and no schedule with a cell");
  }
  return success();
}

LogicalResult ContractOp::verify() {
  unsigned loops = numLoops();
  if (getParallel() > loops) {
    return emitOpError("has more parallel loops than loops");
  }
  if (getXMap().getNumDims() != loops || getWMap().getNumDims() != loops ||
      getXMap().getNumResults() != getXShape().size() ||
      getWMap().getNumResults() != getWShape().size() ||
      getXDivisors().size() != getXShape().size()) { // contract_c1
    return emitOpError("maps need one dim per loop and one result and divisor "
                       "per dimension");
  }
  llvm::SmallBitVector seen(loops);
  for (AffineExpr expr : getWMap().getResults()) { // contract_c2
    if (isa<AffineConstantExpr>(expr)) {
      continue;
    }
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || seen.test(dim.getPosition())) {
      return emitOpError("w must be subscripted by distinct loops");
    }
    seen.set(dim.getPosition());
  }
  Block &block = getBody().front();
  if (block.getNumArguments() != getParallel() + 1 ||
      !isIndexList(block, getParallel()) ||
      !(accumulatorType().isInteger(32) ||
        accumulatorType().isInteger(64))) { // contract_c3
    return emitOpError("body takes one index per parallel loop and an i32 or "
                       "i64 accumulator");
  }
  if (isa<FloatType>(getXElement()) || isa<FloatType>(getWElement())) {
    return emitOpError("contracts integers only"); // contract_c5
  }
  if (failed(verifyOperandForms(*this))) { // contract_c6, contract_c7
    return failure();
  }
  // contract_c4: values that only chains take come after the outputs.
  int64_t first = getOutputs().size();
  llvm::SmallDenseSet<int64_t> chained;
  for (PackOp pack : chainedPacks(*this)) {
    if (auto number = pack.getYielded(); number && int64_t(*number) >= first) {
      chained.insert(*number);
    }
  }
  return verifyLoops(*this, getParallel(), chained.size());
}

llvm::SmallVector<PackOp> lpgen::lp::chainedPacks(ContractOp contract) {
  Region &chains = contract.getChains();
  return chains.empty() ? llvm::SmallVector<PackOp>()
                        : llvm::to_vector(chains.getOps<PackOp>());
}

/// On memrefs these ops write their outputs and read whatever their bodies
/// name; on tensors they have no effect.
static void
writeOutputs(MutableArrayRef<OpOperand> outputs,
             SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  if (!outputs.empty()) {
    effects.emplace_back(MemoryEffects::Read::get());
  }
  for (OpOperand &output : outputs) {
    effects.emplace_back(MemoryEffects::Write::get(), &output);
  }
}

void ComputeOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  writeOutputs(getOutputsMutable(), effects);
}

void ContractOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  writeOutputs(getOutputsMutable(), effects);
  if (!getChains().empty()) {
    effects.emplace_back(MemoryEffects::Read::get());
    effects.emplace_back(MemoryEffects::Write::get());
  }
}

//===----------------------------------------------------------------------===//
// Tuned rules
//===----------------------------------------------------------------------===//

LogicalResult TunedOp::verify() {
  for (uint64_t extent : {getRows(), getColumns(), getReduction()}) {
    if (static_cast<int64_t>(extent) < 1) { // tuned_c1
      return emitOpError("extents must be positive");
    }
  }
  if (getSource() && *getSource() != "measured" && *getSource() != "mca") {
    return emitOpError("source is 'measured' or 'mca'"); // tuned_c2
  }
  return success();
}
