// lp-tile: elementwise ops, and contractions without a packed form, as loops.
#include "compiler/passes/Phases.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace lpgen;

/// Elements of a one-dimensional op in one task.
constexpr int64_t kElementsPerTask = 256;

SmallVector<OpFoldResult>
lpgen::computeTaskSizes(lp::ComputeOp op, Emitter &e,
                        llvm::function_ref<Value(Value)> resolve) {
  SmallVector<OpFoldResult> sizes =
      mixedExtents(op.getExtents(), op.getDynamicExtents(), e.b, resolve);
  if (sizes.size() == 1) {
    return {e.ceilDiv(e.value(sizes[0]), kElementsPerTask)};
  }
  if (!sizes.empty()) {
    sizes.pop_back(); // the innermost dimension is the loop within a task
  }
  return sizes;
}

int64_t lpgen::emitTask(lp::ComputeOp op, Emitter &e, Coordinates task) {
  SmallVector<OpFoldResult> extents = mixedExtents(
      op.getExtents(), op.getDynamicExtents(), e.b, [](Value v) { return v; });
  SmallVector<Value> indices(task);
  auto element = [&]() {
    inlineBody(e, op.getBody(), indices, op.getOutputs(), indices);
  };
  if (extents.empty()) {
    element();
  } else if (extents.size() == 1) {
    Value low = e.mul(task[0], e.index(kElementsPerTask));
    Value high =
        e.min(e.add(low, e.index(kElementsPerTask)), e.value(extents[0]));
    e.elementwiseLoop(low, high, [&](Value i) {
      indices = {i};
      element();
    });
  } else {
    e.elementwiseLoop(e.index(0), e.value(extents.back()), [&](Value i) {
      indices.push_back(i);
      element();
      indices.pop_back();
    });
  }
  op.erase();
  return 0;
}

/// One factor of the product, in the accumulator's type.
static Value emitFactor(Emitter &e, Value source, AffineMap map,
                        ArrayRef<int64_t> divisors, ArrayRef<Value> loops,
                        mlir::Type element, ArrayRef<int64_t> range,
                        IntegerAttr pad, Value padScalar,
                        lp::ContractOp::Affine affine, Value zero,
                        mlir::Type type) {
  const bool isFloat = isa<FloatType>(element);
  const mlir::Type scalar =
      isFloat ? mlir::Type(e.b.getF32Type())
              : e.b.getIntegerType(lp::toElementType(element).scalarBits());
  TypedAttr padding;
  if (pad) {
    padding = isFloat ? TypedAttr(e.b.getF32FloatAttr(0))
                      : TypedAttr(e.b.getIntegerAttr(scalar, pad.getInt()));
  }
  if (padScalar) {
    padScalar = e.castInt(padScalar, scalar);
  }
  auto read = lp::ReadOp::create(
      e.b, e.loc, scalar, source, loops, padScalar, AffineMapAttr::get(map),
      e.b.getDenseI64ArrayAttr(divisors), padding, mlir::TypeAttr::get(element),
      isFloat ? DenseI64ArrayAttr() : e.b.getDenseI64ArrayAttr(range));
  if (isFloat) {
    return read;
  }
  Value value = e.castInt(read, type);
  if (affine.scale != 1) {
    value = e.mul(value, e.integer(affine.scale, type));
  }
  if (affine.offset != 0) {
    value = e.add(value, e.integer(affine.offset, type));
  }
  return zero ? arith::SubIOp::create(e.b, e.loc, value, e.castInt(zero, type))
                    .getResult()
              : value;
}

lp::ComputeOp lpgen::contractToCompute(lp::ContractOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Emitter e(builder, loc);
  unsigned parallel = op.getParallel();
  ArrayRef<int64_t> extents = op.getExtents();
  size_t dynamic =
      llvm::count(extents.take_front(parallel), ShapedType::kDynamic);
  auto compute = lp::ComputeOp::create(
      builder, loc, mlir::TypeRange{},
      op.getDynamicExtents().take_front(dynamic), op.getOutputs(),
      extents.take_front(parallel), op.getLabelAttr(), DenseI64ArrayAttr());
  Block &body = compute.getBody().emplaceBlock();
  builder.setInsertionPointToStart(&body);
  SmallVector<Value> loops;
  for (unsigned i = 0; i < parallel; ++i) {
    loops.push_back(body.addArgument(builder.getIndexType(), loc));
  }
  auto readScalar = [&](Value source, std::optional<mlir::Type> element,
                        ArrayRef<Value> at) {
    return source ? e.read(source, at, *element) : Value();
  };
  auto zeroAt = [&](std::optional<AffineMap> map) {
    return map ? mapIndices(e, *map, loops) : SmallVector<Value>();
  };
  Value xZero =
      readScalar(op.getXZero(), op.getXZeroElement(), zeroAt(op.getXZeroMap()));
  Value wZero =
      readScalar(op.getWZero(), op.getWZeroElement(), zeroAt(op.getWZeroMap()));
  Value xPad = readScalar(op.getXPadScalar(), op.getXPadElement(), {});
  mlir::Type type = op.accumulatorType();
  auto reduce = lp::ReduceOp::create(
      builder, loc, type, op.getDynamicExtents().drop_front(dynamic),
      op.isOfFloats() ? lp::ReduceKind::Fma : lp::ReduceKind::Sum,
      extents.drop_front(parallel));
  Block &sum = reduce.getBody().emplaceBlock();
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&sum);
    for (unsigned i = parallel; i < op.numLoops(); ++i) {
      loops.push_back(sum.addArgument(builder.getIndexType(), loc));
    }
    SmallVector<int64_t> ones(op.getWMap().getNumResults(), 1);
    Value x = emitFactor(e, op.getX(), op.getXMap(), op.getXDivisors(), loops,
                         op.getXElement(), op.getXRange(), op.getXPadAttr(),
                         xPad, op.affineOfX(), xZero, type);
    Value w =
        emitFactor(e, op.getW(), op.getWMap(), ones, loops, op.getWElement(),
                   op.getWRange(), {}, {}, op.affineOfW(), wZero, type);
    if (op.isOfFloats()) {
      lp::YieldOp::create(builder, loc, ValueRange{x, w});
    } else {
      lp::YieldOp::create(
          builder, loc, ValueRange{arith::MulIOp::create(builder, loc, x, w)});
    }
  }
  IRMapping mapping;
  Block &epilogue = op.getBody().front();
  for (unsigned i = 0; i < parallel; ++i) {
    mapping.map(epilogue.getArgument(i), loops[i]);
  }
  mapping.map(epilogue.getArgument(parallel), reduce.getResult());
  for (Operation &inner : epilogue) {
    builder.clone(inner, mapping);
  }
  op.erase();
  return compute;
}
