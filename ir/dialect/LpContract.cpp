// The verifier of lp.contract; labels are those of LpOps.td.
#include "ir/dialect/Verify.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace lpgen;
using namespace lpgen::lp;

namespace {

/// x or w of a contraction.
struct Operand {
  const char *name;
  Value value;
  ArrayRef<int64_t> shape; ///< Logical.
  mlir::Type element;
  ArrayRef<int64_t> range;
  AffineMap map;
  bool isPacked;
  bool isPadded;
};

/// A declared range is one of the element's values; f32 has none.
bool isRangeOf(ArrayRef<int64_t> range, mlir::Type element) {
  if (isa<FloatType>(element)) {
    return range.empty();
  }
  ElementType type = toElementType(element);
  return range.size() == 2 && range[0] <= range[1] &&
         range[0] >= type.minValue() && range[1] <= type.maxValue();
}

std::string listOf(ArrayRef<int64_t> shape) {
  return llvm::join(llvm::map_range(shape,
                                    [](int64_t size) {
                                      return ShapedType::isDynamic(size)
                                                 ? std::string("?")
                                                 : std::to_string(size);
                                    }),
                    "x");
}

/// The logical shape and element of an operand are those of its value, unless
/// that is packed.
LogicalResult verifyType(ContractOp op, const Operand &operand) {
  if (!isElementType(operand.element) ||
      isa<FloatType>(operand.element) != op.isOfFloats()) { // contract_c5
    return op.emitOpError("contracts integers into integers or f32 into f32, "
                          "found ")
           << operand.name << " of " << operand.element;
  }
  auto type = cast<ShapedType>(operand.value.getType());
  const bool fits = operand.isPacked ? isByteBuffer(operand.value)
                                     : type.getShape() == operand.shape &&
                                           holdsElement(type, operand.element);
  if (!fits) { // contract_c8
    return op.emitOpError("takes ")
           << operand.name << " as " << listOf(operand.shape) << " of "
           << operand.element << (operand.isPacked ? ", packed" : "")
           << ", found " << type;
  }
  if (!isRangeOf(operand.range, operand.element)) { // contract_c9
    return op.emitOpError("has a range of ")
           << operand.name << " that is none of " << operand.element;
  }
  return success();
}

/// Subscripts are linear and, without a padding, inside.
LogicalResult verifySubscripts(ContractOp op, const Operand &operand) {
  const SmallVector<IndexFacts> facts = loopFacts(op);
  for (AffineExpr expr : operand.map.getResults()) {
    auto form = linearForm(expr, operand.map.getNumDims());
    if (!form) { // contract_c10
      return op.emitOpError("subscripts of ")
             << operand.name
             << " are sums of multiples of loops and a constant";
    }
    auto range = rangeOf(*form, facts);
    if (range && (range->low < -maxExtent || range->high > maxExtent)) {
      return op.emitOpError("subscripts of ")
             << operand.name << " go from -2^40 to 2^40";
    }
  }
  if (operand.isPadded) {
    return success();
  }
  SmallVector<Size> sizes;
  for (auto [dim, size] : llvm::enumerate(operand.shape)) {
    sizes.push_back(operand.isPacked ? Size{size, {}}
                                     : sizeOf(operand.value, dim));
  }
  std::string outside =
      whereOutside(operand.map, facts, sizes,
                   /*isLenient=*/operand.isPacked ||
                       isa<MemRefType>(operand.value.getType()));
  if (!outside.empty()) { // contract_c10
    return op.emitOpError("reads ") << operand.name << " outside: " << outside;
  }
  return success();
}

/// A zero point of x or of w.
LogicalResult verifyZero(ContractOp op, const char *name, Value zero,
                         std::optional<AffineMap> found) {
  if (bool(zero) != found.has_value()) {
    return op.emitOpError("takes a zero point of ")
           << name << " and its map together";
  }
  if (!zero) {
    return success();
  }
  AffineMap map = *found;
  const bool isShaped =
      map.getNumDims() == op.numLoops() && map.getNumSymbols() == 0 &&
      map.getNumResults() == cast<ShapedType>(zero.getType()).getRank();
  if (!isShaped || llvm::any_of(map.getResults(), [&](AffineExpr expr) {
        auto dim = dyn_cast<AffineDimExpr>(expr);
        const bool isParallel =
            dim && dim.getPosition() < op.getParallel() + op.numGroups();
        return !isParallel && !isa<AffineConstantExpr>(expr);
      })) {
    return op.emitOpError("zero points of ")
           << name
           << " are subscripted by parallel and group loops and constants";
  }
  SmallVector<Size> sizes;
  for (unsigned d = 0; d < map.getNumResults(); ++d) {
    sizes.push_back(sizeOf(zero, d));
  }
  std::string outside =
      whereOutside(map, loopFacts(op), sizes, isa<MemRefType>(zero.getType()));
  return outside.empty()
             ? success()
             : op.emitOpError("reads zero points outside: ") << outside;
}

LogicalResult verifyZeros(ContractOp op) {
  Value scalar = op.getXPadScalar();
  if (scalar && cast<ShapedType>(scalar.getType()).getRank() != 0) {
    return op.emitOpError("takes one padding of x, found ") << scalar.getType();
  }
  if (failed(verifyZero(op, "x", op.getXZero(), op.getXZeroMap()))) {
    return failure();
  }
  return verifyZero(op, "w", op.getWZero(), op.getWZeroMap());
}

/// Scales and offsets of the factors.
LogicalResult verifyAffine(ContractOp op) {
  constexpr int64_t most = int64_t{1} << 31;
  for (auto affine : {op.getXAffine(), op.getWAffine()}) {
    if (affine && (affine->size() != 2 || (*affine)[0] == 0 ||
                   llvm::any_of(*affine, [](int64_t number) {
                     return number < -most || number > most;
                   }))) {
      return op.emitOpError("needs a scale that is not 0, and an offset, both "
                            "within 2^31 of 0");
    }
  }
  return success();
}

/// Products of f32 are those of elements, outside of +0.
LogicalResult verifyFloats(ContractOp op) {
  const bool isPlain = !op.getXZero() && !op.getWZero() &&
                       !op.getXPadScalar() && !op.getXAffine() &&
                       !op.getWAffine() && op.getXPad().value_or(0) == 0;
  return !op.isOfFloats() || isPlain
             ? success()
             : op.emitOpError(
                   "multiplies f32 as they are: without zero points, "
                   "scales, offsets and paddings other than 0");
}

LogicalResult verifyMaps(ContractOp op) {
  const unsigned loops = op.numLoops();
  const auto fits = [&](AffineMap map, ArrayRef<int64_t> shape) {
    return map.getNumDims() == loops && map.getNumSymbols() == 0 &&
           map.getNumResults() == shape.size();
  };
  if (!fits(op.getXMap(), op.getXShape()) ||
      !fits(op.getWMap(), op.getWShape()) ||
      op.getXDivisors().size() != op.getXShape().size()) {
    return op.emitOpError("maps need one dim per loop and one result and "
                          "divisor per dimension");
  }
  return success();
}

LogicalResult verifyArguments(ContractOp op) {
  const mlir::Type type =
      op.getBody().front().getArguments().empty()
          ? mlir::Type()
          : op.getBody().front().getArguments().back().getType();
  return takesSums(op.getBody(), op.getParallel()) &&
                 (type.isInteger(32) || type.isInteger(64) || type.isF32())
             ? success()
             : op.emitOpError("body takes one index per parallel loop and an "
                              "i32, i64 or f32 accumulator");
}

/// contract_c6 and contract_c7.
LogicalResult verifyOperandForms(ContractOp op) {
  auto lacksElement = [](Value source, std::optional<mlir::Type> element) {
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
  if (!wLayout || (xLayout && xLayout->isOfWeights()) ||
      !wLayout->isOfWeights()) { // contract_c7
    return op.emitOpError("needs a layout of activations for x and one of "
                          "weights for w, the latter alone, or none");
  }
  if ((xLayout && !isByteBuffer(op.getX())) ||
      !isByteBuffer(op.getW())) { // contract_c7
    return op.emitOpError("needs packed operands in one-dimensional i8 "
                          "buffers");
  }
  if (!op.getSchedule() || op.getSchedule()->getCell().empty()) {
    return op.emitOpError("has packed operands and no schedule with a cell");
  }
  return success();
}

} // namespace

mlir::Type ContractOp::accumulatorType() {
  return consumerOfSums().front().getArguments().back().getType();
}

bool ContractOp::isOfFloats() { return accumulatorType().isF32(); }

SmallVector<mlir::Type> ContractOp::outputTypes() {
  return llvm::to_vector(
      cast<YieldOp>(getBody().front().getTerminator()).getValues().getTypes());
}

LogicalResult ContractOp::verify() {
  if (getParallel() > numLoops() || numGroups() > numLoops() - getParallel()) {
    return emitOpError("has more parallel and group loops than loops");
  }
  if (failed(verifyMaps(*this))) { // contract_c1
    return failure();
  }
  if (!isMapOfW(getWMap(), getParallel(), numGroups())) { // contract_c2
    return emitOpError("w must be subscripted by distinct loops");
  }
  if (failed(verifyArguments(*this)) || // contract_c3
      failed(verifyGroups(*this))) {    // contract_c15, contract_c16
    return failure();
  }
  if (failed(verifyOperandForms(*this))) { // contract_c6, contract_c7
    return failure();
  }
  std::string fault = faultOfExtents(getExtents(), getDynamicExtents());
  if (!fault.empty()) { // contract_c4
    return emitOpError(fault);
  }
  const bool isPadded = getXPadAttr() || getXPadScalar();
  const bool isDivided =
      llvm::any_of(getXDivisors(), [](int64_t d) { return d != 1; });
  if (llvm::any_of(getXDivisors(), [](int64_t d) { return d < 1; }) ||
      (isDivided && !isPadded)) { // contract_c10
    return emitOpError("divisors of x are positive, and need a padding if they "
                       "are not 1");
  }
  const Operand x{"x",
                  getX(),
                  getXShape(),
                  getXElement(),
                  getXRange(),
                  getXMap(),
                  bool(getXLayoutAttr()),
                  isPadded};
  const Operand w{"w",
                  getW(),
                  getWShape(),
                  getWElement(),
                  getWRange(),
                  getWMap(),
                  bool(getWLayoutAttr()),
                  false};
  for (const Operand &operand : {x, w}) {
    if (failed(verifyType(*this, operand)) ||
        failed(verifySubscripts(*this, operand))) {
      return failure();
    }
  }
  if (failed(verifyZeros(*this)) ||  // contract_c11
      failed(verifyAffine(*this)) || // contract_c13
      failed(verifyFloats(*this))) { // contract_c14
    return failure();
  }
  // contract_c4: values that only chains take come after the outputs.
  auto first = static_cast<int64_t>(getOutputs().size());
  llvm::SmallDenseSet<int64_t> chained;
  for (PackOp pack : chainedPacks(*this)) {
    if (auto number = pack.getYielded(); number && int64_t(*number) >= first) {
      chained.insert(*number);
    }
  }
  if (failed(verifyWrittenLoops(
          *this, {getExtents(), getDynamicExtents(),
                  static_cast<size_t>(getParallel()), getResults(),
                  getOutputs(), yieldedOf(getBody()), chained.size()}))) {
    return failure();
  }
  return verifyBody(*this, getBody()); // contract_c12
}
