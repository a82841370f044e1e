// Verifiers of the ops on packed operands: lp.pack and lp.tile. Labels are
// those of LpOps.td. That memory is large enough, which follows from the packed
// geometry, lp-tile checks (CheckPhases.cpp).
#include "ir/dialect/Lp.h"
#include "ir/dialect/Verify.h"
#include "mlir/IR/AffineExpr.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;
using namespace lpgen::lp;

/// Bounds of the language, and one that keeps sums of subscripts far from
/// overflow.
static constexpr size_t kMostLoops = 64;
static constexpr int64_t kFarthest = int64_t{1} << 50;

bool lpgen::lp::isByteBuffer(mlir::Value value) {
  auto type = dyn_cast<MemRefType>(value.getType());
  return type && type.getRank() == 1 && type.hasStaticShape() &&
         type.getLayout().isIdentity() && type.getElementType().isInteger(8);
}

/// How far from 0 `expr` is at most, within loops of `extents`; nothing if it
/// is not constant + sum of constant * dim or farther than any operand.
static std::optional<int64_t> reachOf(AffineExpr expr,
                                      ArrayRef<int64_t> extents) {
  auto within = [](int64_t value) -> std::optional<int64_t> {
    return value <= kFarthest ? std::optional(value) : std::nullopt;
  };
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    const int64_t value = constant.getValue();
    return value < -kFarthest ? std::nullopt : within(std::abs(value));
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    return extents[dim.getPosition()];
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary) {
    return std::nullopt;
  }
  const auto lhs = reachOf(binary.getLHS(), extents);
  const auto rhs = reachOf(binary.getRHS(), extents);
  if (!lhs || !rhs) {
    return std::nullopt;
  }
  if (expr.getKind() == AffineExprKind::Add) {
    return within(*lhs + *rhs);
  }
  int64_t product = 0;
  if (expr.getKind() != AffineExprKind::Mul ||
      !isa<AffineConstantExpr>(binary.getRHS()) ||
      llvm::MulOverflow(*lhs, *rhs, product)) {
    return std::nullopt;
  }
  return within(product);
}

/// pack_c4
static LogicalResult verifyLoops(PackOp op) {
  SmallVector<int64_t> extents(op.getExtents());
  if (extents.size() > kMostLoops || op.getParallel() > extents.size() ||
      op.numGroups() > extents.size() - op.getParallel() ||
      op.getDynamicExtents().size() !=
          static_cast<size_t>(llvm::count(extents, ShapedType::kDynamic))) {
    return op.emitOpError(
        "needs at most 64 loops, the parallel ones and "
        "groups among them, and an operand for each dynamic extent");
  }
  int64_t iterations = 1;
  size_t next = 0;
  for (int64_t &extent : extents) {
    if (ShapedType::isDynamic(extent)) {
      // A size that has no bound is refused by the kernel.
      extent = KernelOp::boundOf(op.getDynamicExtents()[next++]).value_or(1);
    }
    if (extent < 1 || extent > maxExtent ||
        llvm::MulOverflow(iterations, extent, iterations) ||
        iterations > maxPoints) {
      return op.emitOpError("needs extents of 1 to 2^40, of at most 2^62 "
                            "iterations");
    }
  }
  auto fits = [&](AffineMap map, ArrayRef<int64_t> shape) {
    return map.getNumDims() == extents.size() && map.getNumSymbols() == 0 &&
           map.getNumResults() == shape.size() &&
           llvm::all_of(shape, [](int64_t extent) {
             return ShapedType::isDynamic(extent) ||
                    (extent >= 1 && extent <= maxExtent);
           });
  };
  if (!fits(op.getXMap(), op.getXShape()) ||
      !fits(op.getWMap(), op.getWShape())) {
    return op.emitOpError("maps need one dim per loop and one result per "
                          "dimension, which is positive");
  }
  auto isLinear = [&](AffineExpr expr) {
    return reachOf(expr, extents).has_value();
  };
  if (!llvm::all_of(op.getXMap().getResults(), isLinear) ||
      !isMapOfW(op.getWMap(), op.getParallel(), op.numGroups())) {
    return op.emitOpError("needs linear subscripts of x and distinct loops as "
                          "those of w");
  }
  return success();
}

/// The memref of the logical operand's storage.
static bool isLogical(PackOp op, mlir::Value value) {
  auto type = cast<MemRefType>(value.getType());
  return type.getShape() ==
             (op.getLayout().isOfWeights() ? op.getWShape() : op.getXShape()) &&
         (type.getLayout().isIdentity() ||
          isa<StridedLayoutAttr>(type.getLayout())) &&
         type.getElementType() == getStorageType(op.getElement());
}

/// True if a value of `type` can become an element: both are integers, or f32.
static bool isPackable(PackOp op, mlir::Type type) {
  return op.getElement().isF32() ? type.isF32() : type.isInteger();
}

/// pack_c2: where the elements come from.
static LogicalResult verifySource(PackOp op) {
  if (bool(op.getSource()) + !op.getProducer().empty() +
          bool(op.getYieldedAttr()) !=
      1) {
    return op.emitOpError(
        "needs one of a source, a producer and a yielded value");
  }
  auto contract = op->getParentOfType<ContractOp>();
  if (bool(op.getYieldedAttr()) != bool(contract)) {
    return op.emitOpError("of a contraction's chains takes a yielded value");
  }
  if (op.getYieldedAttr()) {
    ValueRange yielded = yieldedOf(contract.getBody());
    if (*op.getYielded() >= yielded.size() ||
        !isPackable(op, yielded[*op.getYielded()].getType())) {
      return op.emitOpError("has no yielded element ")
             << *op.getYielded() << " of the contraction around it";
    }
  }
  if (op.getLayout().isOfWeights() && !op.getSource()) {
    return op.emitOpError("needs a source for weights");
  }
  if (!op.getProducer().empty()) {
    ValueRange yielded = yieldedOf(op.getProducer());
    if (op.getProducer().getNumArguments() != op.getXShape().size() ||
        !llvm::all_of(op.getProducer().getArgumentTypes(),
                      [](mlir::Type type) { return type.isIndex(); }) ||
        yielded.size() != 1 || !isPackable(op, yielded[0].getType())) {
      return op.emitOpError("producer needs one index per dimension and yields "
                            "an element");
    }
  }
  return success();
}

LogicalResult PackOp::verify() {
  if (!isByteBuffer(getDestination())) { // pack_c1
    return emitOpError("destination must be a one-dimensional i8 buffer");
  }
  if (failed(verifySource(*this)) || failed(verifyLoops(*this))) {
    return failure();
  }
  if (getLogical() && getProducer().empty()) { // pack_c3
    return emitOpError("has a logical operand without a producer");
  }
  const auto haloElement = getHaloElement();
  const bool isScalar =
      getHaloScalar() && haloElement &&
      (isa<IntType>(*haloElement) || haloElement->isSignlessInteger()) &&
      cast<MemRefType>(getHaloScalar().getType()) ==
          MemRefType::get({}, getStorageType(*haloElement));
  if ((getHaloScalar() || haloElement) != isScalar ||
      ((isScalar || getHalo()) && !getStoresPadding())) { // pack_c6
    return emitOpError("needs storesPadding for a halo, and an integer element "
                       "for a scalar of it");
  }
  const bool isFloat = isa<FloatType>(getElement());
  if ((isFloat && getLayout().getBits() != 32) ||
      (!isFloat && !isa<IntType>(getElement()) &&
       !getElement().isSignlessInteger(32) &&
       !getElement().isSignlessInteger(64))) { // pack_c5
    return emitOpError("packs integers, or floats as elements of 32 bits");
  }
  for (mlir::Value logical : {getSource(), getLogical()}) {
    if (logical && !isLogical(*this, logical)) { // pack_c5
      return emitOpError("needs the shape and the storage of the operand, "
                         "found ")
             << logical.getType();
    }
  }
  return success();
}

/// tile_c4: the coefficients of planes of digits are powers of the second one,
/// the last perhaps negative.
static bool arePlanes(ArrayRef<int64_t> planes) {
  if (planes.size() > 16) {
    return false;
  }
  int64_t expected = 1;
  const int64_t base = planes.size() > 1 ? std::abs(planes[1]) : 1;
  if (base < 1 || base > 16 || !llvm::isPowerOf2_64(base)) {
    return false;
  }
  for (auto [i, coefficient] : llvm::enumerate(planes)) {
    if (coefficient != expected &&
        (i + 1 < planes.size() || coefficient != -expected)) {
      return false;
    }
    expected *= base;
  }
  return true;
}

/// Its rows may be apart, as those of a part of a larger matrix.
static bool isMatrix(mlir::Value value) {
  auto type = cast<MemRefType>(value.getType());
  return type.getRank() == 2 && type.hasStaticShape() &&
         type.isLastDimUnitStride();
}

LogicalResult TileOp::verify() {
  constexpr int64_t mostUnroll = 256;
  constexpr size_t mostAccumulators = 128;
  constexpr int64_t mostSteps = int64_t{1} << 40;
  auto isWithin = [](int64_t value, int64_t most) {
    return value >= 1 && value <= most;
  };
  if (getXOffsets().empty() || getVectors() < 1 ||
      getXOffsets().size() > mostAccumulators ||
      getVectors() > mostAccumulators / getXOffsets().size()) { // tile_c1
    return emitOpError("needs rows and vectors of 1 to 128 accumulators");
  }
  if (getCounts().size() != getStrides().size() ||
      getCounts().size() != getWSteps().size() || getCounts().empty() ||
      getCounts().size() > kMostLoops) { // tile_c2
    return emitOpError("needs one stride and one wStep per positive count");
  }
  int64_t steps = 1;
  for (int64_t count : getCounts()) { // tile_c2
    if (count < 1 || llvm::MulOverflow(steps, count, steps) ||
        steps > mostSteps) {
      return emitOpError("needs one stride and one wStep per positive count");
    }
  }
  if (static_cast<int64_t>(getChunk()) < 1) { // tile_c3
    return emitOpError("chunk must be positive");
  }
  if (!isWithin(static_cast<int64_t>(getUnroll()), mostUnroll)) { // tile_c3
    return emitOpError("unroll must be 1 to 256");
  }
  if (!arePlanes(getXPlanes()) || !arePlanes(getWPlanes())) { // tile_c4
    return emitOpError("coefficients of planes must be powers of the second "
                       "one");
  }
  if (!isByteBuffer(getX()) || !isByteBuffer(getW())) { // tile_c5
    return emitOpError("x and w must be one-dimensional i8 buffers");
  }
  auto elementOf = [](mlir::Value value) {
    return cast<MemRefType>(value.getType()).getElementType();
  };
  if (!isMatrix(getAcc()) || !(elementOf(getAcc()).isInteger(32) ||
                               elementOf(getAcc()).isInteger(64) ||
                               elementOf(getAcc()).isF32())) { // tile_c5
    return emitOpError("sums must be rows of i32, i64 or f32");
  }
  if (getHalves() && (!isMatrix(getHalves()) ||
                      !elementOf(getHalves()).isInteger(16))) { // tile_c5
    return emitOpError("16-bit sums must be rows of i16");
  }
  if (getXInLanes() && (getVectors() != 1 || !getXPlanes().empty() ||
                        !getWPlanes().empty())) { // tile_c6
    return emitOpError("with x in lanes has one vector and no planes");
  }
  return success();
}
