// Verifiers and builders of the lp operations; labels are those of LpOps.td.
#include "base/types/FloatFunctions.h"
#include "ir/dialect/Verify.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
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

/// Where a read of `source` at `map(indices)` leaves it; empty if nowhere. A
/// last dim of the map beyond the indices runs over `further` values.
static std::string whereReadOutside(mlir::Value source, AffineMap map,
                                    ValueRange indices, int64_t further = 1) {
  // Memrefs are also read in loops of other dialects, whose bounds are not
  // known here.
  const bool isMemref = isa<MemRefType>(source.getType());
  SmallVector<IndexFacts> facts;
  for (mlir::Value index : indices) {
    const bool isTold = !isMemref || isa<BlockArgument>(index);
    facts.push_back(isTold ? factsOf(index) : IndexFacts());
  }
  facts.resize(map.getNumDims(),
               IndexFacts{Size{further, {}}, IndexRange{0, further - 1}});
  SmallVector<Size> sizes;
  for (unsigned d = 0; d < map.getNumResults(); ++d) {
    sizes.push_back(sizeOf(source, d));
  }
  return whereOutside(map, facts, sizes, isMemref);
}

/// Reads stay inside, or yield a padding outside.
static LogicalResult verifyAccess(ReadOp op) {
  AffineMap map = op.getMap();
  if (llvm::any_of(map.getResults(), [&](AffineExpr expr) {
        return !linearForm(expr, map.getNumDims());
      })) {
    return op.emitOpError("subscripts are sums of multiples of indices and a "
                          "constant, found ")
           << op.getMapAttr();
  }
  if (op.mayBeOutside()) {
    return success();
  }
  if (llvm::any_of(op.getDivisors(), [](int64_t d) { return d != 1; })) {
    return op.emitOpError("has divisors, which need a padding");
  }
  std::string outside = whereReadOutside(op.getSource(), map, op.getIndices());
  return outside.empty() ? success()
                         : op.emitOpError("reads outside: ") << outside;
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
  if (!holdsElement(getSource().getType(), logicalElement()) ||
      isa<FloatType>(logicalElement()) !=
          isa<FloatType>(getType())) { // read_c5
    return emitOpError("cannot read ")
           << getType() << " as " << logicalElement() << " from "
           << getSource().getType();
  }
  mlir::Type padding = getPadAttr()     ? getPadAttr().getType()
                       : getPadScalar() ? getPadScalar().getType()
                                        : getType();
  if (padding != getType()) { // read_c6
    return emitOpError("has a padding of type ") << padding;
  }
  return verifyAccess(*this); // read_c7, read_c8
}

LogicalResult QuantizeOp::verify() {
  mlir::Type element = getElement();
  const bool isFloat = isa<FloatType>(element);
  if (!isElementType(element) || element.isF32() ||
      (isFloat && !getValue().getType().isF32())) { // quantize_c2
    return emitOpError("expected an integer element, or f16 or bf16 for an "
                       "f32, found ")
           << element;
  }
  if (getResult().getType() != element &&
      getResult().getType() != getStorageType(element)) { // quantize_c1
    return emitOpError("result must be ")
           << element << " or " << getStorageType(element);
  }
  auto from = dyn_cast<IntegerType>(getValue().getType());
  ElementType to = toElementType(element);
  const unsigned needed = to.bits + (to.encoding != lpgen::Encoding::Signed);
  if (from && from.getWidth() < needed) { // quantize_c3
    return emitOpError("clamps ")
           << from << " to " << element << ", which is wider";
  }
  if (!from && !isFloat && to.bits > 16) { // quantize_c4
    return emitOpError("converts an f32 to ")
           << element << ", expected at most 16 bits";
  }
  return success();
}

LogicalResult RescaleOp::verify() {
  const auto least = static_cast<int64_t>(getLeastShift());
  if (least < smallestShift || least > greatestShift) { // rescale_c1
    return emitOpError("has shifts from ")
           << least << " on, expected at least " << smallestShift
           << " and at most " << greatestShift;
  }
  return success();
}

LogicalResult ThresholdOp::verify() {
  if (failed(verifyMap(*this, "the map", getMap(), getIndices().size() + 1,
                       getSource()))) { // threshold_c1
    return failure();
  }
  const auto levels = static_cast<int64_t>(getLevels());
  if (levels < 1 || levels > maxExtent) { // threshold_c2
    return emitOpError("levels must be positive and at most 2^40");
  }
  mlir::Type element = getElement().value_or(
      cast<ShapedType>(getSource().getType()).getElementType());
  if (!holdsElement(getSource().getType(), element) ||
      isa<FloatType>(element) !=
          isa<FloatType>(getValue().getType())) { // threshold_c3
    return emitOpError("cannot compare ")
           << getValue().getType() << " with elements of "
           << getSource().getType();
  }
  std::string outside = whereReadOutside(getSource(), getMap(), getIndices(),
                                         levels); // threshold_c4
  return outside.empty() ? success()
                         : emitOpError("reads outside: ") << outside;
}

LogicalResult FunctionOp::verify() {
  if (!floatFunctionNamed(getFunction())) { // function_c1
    return emitOpError("needs a function of f32, found '")
           << getFunction() << "'";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// reduce_c2 and reduce_c5: what the body yields.
static LogicalResult verifyTerms(ReduceOp op) {
  ValueRange terms = yieldedOf(op.getBody());
  if (op.isIndex()) { // reduce_c5
    if (terms.size() != 1 || !terms[0].getType().isIntOrFloat() ||
        !op.getType().isInteger() || op.getExtents().size() != 1) {
      return op.emitOpError(
          "must yield one scalar, over one extent, for an integer");
    }
    return success();
  }
  bool isFused = op.getKind() == ReduceKind::Fma;
  if (isFused && !op.getType().isF32()) { // reduce_c2
    return op.emitOpError("of products is of f32, found ") << op.getType();
  }
  if (terms.size() != (isFused ? 2 : 1) ||
      llvm::any_of(terms.getTypes(),
                   [&](mlir::Type type) { return type != op.getType(); })) {
    return op.emitOpError("must yield ")
           << (isFused ? "two " : "one ") << op.getType();
  }
  return success();
}

LogicalResult ReduceOp::verify() {
  Block &block = getBody().front();
  if (block.getNumArguments() != getExtents().size() ||
      !isIndexList(block, getExtents().size())) { // reduce_c1
    return emitOpError("needs one index argument per extent");
  }
  // In loops of other dialects the extent is a copy of a size of the function.
  std::string fault = faultOfExtents(getExtents(), getDynamicExtents(),
                                     /*needsBounds=*/false);
  if (!fault.empty()) { // reduce_c3
    return emitOpError(fault);
  }
  if (failed(verifyTerms(*this))) {
    return failure();
  }
  return verifyBody(*this, getBody()); // reduce_c4
}

SmallVector<int64_t> InterleaveOp::residuesOf(unsigned number) {
  SmallVector<int64_t> residues(getPeriods().size());
  for (size_t d = residues.size(); d-- > 0;) {
    residues[d] = number % getPeriods()[d];
    number /= getPeriods()[d];
  }
  return residues;
}

LogicalResult InterleaveOp::verify() {
  auto whole = cast<RankedTensorType>(getResult().getType());
  ArrayRef<int64_t> periods = getPeriods();
  const auto count = static_cast<int64_t>(getParts().size());
  int64_t expected = periods.size() == static_cast<size_t>(whole.getRank());
  for (auto [d, period] : llvm::enumerate(periods)) {
    const bool fits =
        period == 1 || (d < size_t(whole.getRank()) && !whole.isDynamicDim(d) &&
                        period <= whole.getDimSize(d));
    if (period < 1 || !fits || expected > count) {
      expected = 0;
      break;
    }
    expected *= period;
  }
  if (expected == 0 || expected != count) { // interleave_c1
    return emitOpError("needs a period for each dimension, 1 in those of "
                       "run-time size, and a part for each residue");
  }
  for (auto [number, part] : llvm::enumerate(getParts())) {
    SmallVector<int64_t> shape(whole.getShape());
    for (auto [extent, residue, period] :
         llvm::zip_equal(shape, residuesOf(number), periods)) {
      if (period > 1) {
        extent = llvm::divideCeil(extent - residue, period);
      }
    }
    if (part.getType() != whole.clone(shape)) { // interleave_c2
      return emitOpError("needs part ")
             << number << " of type " << whole.clone(shape) << ", found "
             << part.getType();
    }
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
  if (getResults().size() + getOutputs().size() != 1) { // compute_c2
    return emitOpError("has one result or output, found ")
           << getResults().size() + getOutputs().size();
  }
  if (failed(verifyWrittenLoops(
          *this,
          {getExtents(), getDynamicExtents(), getExtents().size(), getResults(),
           getOutputs(), yieldedOf(getBody())}))) { // compute_c2, c4
    return failure();
  }
  return verifyBody(*this, getBody()); // compute_c5
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
