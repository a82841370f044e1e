// lp-tile: elementwise ops, and contractions without a packed form, as loops.
#include "compiler/passes/Phases.h"
#include "ir/dialect/Bounds.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/Support/MathExtras.h"
#include <set>

using namespace mlir;
using namespace lpgen;

/// Elements of a one-dimensional op in one task.
constexpr int64_t kElementsPerTask = 256;

/// Elements lie in pairs: the loop goes over these, and a vector of it is one
/// of first and one of second elements.
static bool isOfPairs(lp::ComputeOp op) {
  ArrayRef<int64_t> extents = op.getExtents();
  constexpr int64_t kFewest = 8;
  return extents.size() > 2 && extents.back() == 2 &&
         extents[extents.size() - 2] >= kFewest;
}

SmallVector<OpFoldResult>
lpgen::computeTaskSizes(lp::ComputeOp op, Emitter &e,
                        llvm::function_ref<Value(Value)> resolve) {
  SmallVector<OpFoldResult> sizes =
      mixedExtents(op.getExtents(), op.getDynamicExtents(), e.b, resolve);
  if (const std::optional<Scan> scan = scanOf(op)) {
    const std::optional<unsigned> side = loopBeside(op, *scan);
    SmallVector<OpFoldResult> lines;
    for (auto [loop, size] : llvm::enumerate(sizes)) {
      if (loop != scan->loop && loop != side) {
        lines.push_back(size);
      }
    }
    return lines;
  }
  if (sizes.size() == 1) {
    return {e.ceilDiv(e.value(sizes[0]), kElementsPerTask)};
  }
  if (!sizes.empty()) {
    // The innermost dimensions are the loop within a task.
    sizes.truncate(sizes.size() - (isOfPairs(op) ? 2 : 1));
  }
  return sizes;
}

/// Loops into which the innermost one is cut at most.
constexpr size_t kMostPieces = 8;

/// Where reads at the index of a loop come into their source or leave it, from
/// 0 to its extent. Between two of these places no read needs a check: the
/// parts of a concatenation are plain copies.
static SmallVector<int64_t> piecesOf(lp::ComputeOp op, unsigned loop) {
  Value innermost = op.getBody().front().getArgument(loop);
  const int64_t extent = op.getExtents()[loop];
  std::set<int64_t> cuts;
  op.getBody().walk([&](lp::ReadOp read) {
    ArrayRef<int64_t> shape =
        cast<ShapedType>(read.getSource().getType()).getShape();
    if (!read.mayBeOutside()) {
      return;
    }
    for (auto [dim, expr] : llvm::enumerate(read.getMap().getResults())) {
      auto form = lp::linearForm(expr, read.getMap().getNumDims());
      if (!form || read.getDivisors()[dim] != 1 ||
          ShapedType::isDynamic(shape[dim])) {
        continue;
      }
      int64_t factor = 0;
      bool isAlone = true;
      for (auto [index, coefficient] :
           llvm::zip_equal(read.getIndices(), form->coefficients)) {
        factor += index == innermost ? coefficient : 0;
        isAlone &= index == innermost || coefficient == 0;
      }
      if (isAlone && factor > 0) {
        cuts.insert(llvm::divideCeilSigned(-form->constant, factor));
        cuts.insert(
            llvm::divideCeilSigned(shape[dim] - form->constant, factor));
      }
    }
  });
  SmallVector<int64_t> pieces = {0};
  for (const int64_t cut : cuts) {
    if (cut > 0 && cut < extent) {
      pieces.push_back(cut);
    }
  }
  if (pieces.size() > kMostPieces) {
    pieces.truncate(1);
  }
  pieces.push_back(extent);
  return pieces;
}

int64_t lpgen::emitTask(lp::ComputeOp op, Emitter &e, Coordinates task) {
  if (const std::optional<Scan> scan = scanOf(op)) {
    emitScan(op, *scan, e, task);
    op.erase();
    return 0;
  }
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
    const bool hasPairs = isOfPairs(op);
    const unsigned loop = unsigned(extents.size()) - (hasPairs ? 2 : 1);
    const auto emitLoop = [&](Value low, Value high) {
      e.elementwiseLoop(low, high, [&](Value index) {
        indices.push_back(index);
        for (int64_t i = 0; i < (hasPairs ? 2 : 0); ++i) {
          indices.push_back(e.index(i));
          element();
          indices.pop_back();
        }
        if (!hasPairs) {
          element();
        }
        indices.pop_back();
      });
    };
    if (ShapedType::isDynamic(op.getExtents()[loop])) {
      emitLoop(e.index(0), e.value(extents[loop]));
    } else {
      const SmallVector<int64_t> pieces = piecesOf(op, loop);
      for (size_t i = 0; i + 1 < pieces.size(); ++i) {
        emitLoop(e.index(pieces[i]), e.index(pieces[i + 1]));
      }
    }
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

namespace {

/// Writes a contraction as an elementwise op. See contractToCompute.
class Unroller {
public:
  explicit Unroller(lp::ContractOp op)
      : op(op), builder(op), e(builder, op.getLoc()) {}

  lp::ComputeOp run();

private:
  /// A reduction over loops [first, first + count), which are set in its body.
  lp::ReduceOp reduce(lp::ReduceKind kind, mlir::Type type, unsigned first,
                      unsigned count, llvm::function_ref<ValueRange()> terms);
  Value readScalar(Value source, std::optional<mlir::Type> element,
                   std::optional<AffineMap> map);
  Value columnAt(unsigned number);
  Value sumOfProducts();
  Value sumOfGroups();

  lp::ContractOp op;
  OpBuilder builder;
  Emitter e;
  SmallVector<Value> loops;
};

lp::ReduceOp Unroller::reduce(lp::ReduceKind kind, mlir::Type type,
                              unsigned first, unsigned count,
                              llvm::function_ref<ValueRange()> terms) {
  ArrayRef<int64_t> extents = op.getExtents();
  const auto dynamicIn = [&](unsigned loopCount) {
    return llvm::count(extents.take_front(loopCount), ShapedType::kDynamic);
  };
  auto result = lp::ReduceOp::create(
      builder, e.loc, type,
      op.getDynamicExtents()
          .drop_front(dynamicIn(first))
          .take_front(dynamicIn(first + count) - dynamicIn(first)),
      kind, extents.slice(first, count));
  Block &body = result.getBody().emplaceBlock();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&body);
  for (unsigned i = 0; i < count; ++i) {
    loops.push_back(body.addArgument(builder.getIndexType(), e.loc));
  }
  lp::YieldOp::create(builder, e.loc, terms());
  return result;
}

Value Unroller::readScalar(Value source, std::optional<mlir::Type> element,
                           std::optional<AffineMap> map) {
  if (!source) {
    return {};
  }
  return e.read(source, map ? mapIndices(e, *map, loops) : SmallVector<Value>(),
                *element);
}

Value Unroller::columnAt(unsigned number) {
  return e.read(op.getColumns()[number],
                mapIndices(e, op.columnMap(number), loops),
                op.columnElement(number));
}

/// Of the products at the loops set so far.
Value Unroller::sumOfProducts() {
  Value xZero =
      readScalar(op.getXZero(), op.getXZeroElement(), op.getXZeroMap());
  Value wZero =
      op.getWZeroColumn()
          ? columnAt(*op.getWZeroColumn())
          : readScalar(op.getWZero(), op.getWZeroElement(), op.getWZeroMap());
  Value xPad = readScalar(op.getXPadScalar(), op.getXPadElement(), {});
  const mlir::Type type = op.accumulatorType();
  const bool isFloat = op.isOfFloats();
  const unsigned first = op.getParallel() + op.numGroups();
  SmallVector<Value> terms;
  return reduce(isFloat ? lp::ReduceKind::Fma : lp::ReduceKind::Sum, type,
                first, op.numLoops() - first, [&]() -> ValueRange {
                  SmallVector<int64_t> ones(op.getWMap().getNumResults(), 1);
                  Value x = emitFactor(
                      e, op.getX(), op.getXMap(), op.getXDivisors(), loops,
                      op.getXElement(), op.getXRange(), op.getXPadAttr(), xPad,
                      op.affineOfX(), xZero, type);
                  Value w = emitFactor(e, op.getW(), op.getWMap(), ones, loops,
                                       op.getWElement(), op.getWRange(), {}, {},
                                       op.affineOfW(), wZero, type);
                  if (isFloat) {
                    terms = {x, w};
                  } else {
                    terms = {arith::MulIOp::create(builder, e.loc, x, w)};
                  }
                  return terms;
                });
}

Value Unroller::sumOfGroups() {
  SmallVector<Value> terms;
  return reduce(lp::ReduceKind::Fma, builder.getF32Type(), op.getParallel(),
                op.numGroups(), [&]() -> ValueRange {
                  SmallVector<Value> arguments(loops);
                  for (unsigned i = 0; i < op.getColumns().size(); ++i) {
                    arguments.push_back(columnAt(i));
                  }
                  arguments.push_back(sumOfProducts());
                  terms = inlineBody(e, op.getFactors(), arguments);
                  return terms;
                });
}

lp::ComputeOp Unroller::run() {
  const unsigned parallel = op.getParallel();
  ArrayRef<int64_t> extents = op.getExtents();
  size_t dynamic =
      llvm::count(extents.take_front(parallel), ShapedType::kDynamic);
  auto compute = lp::ComputeOp::create(
      builder, e.loc, mlir::TypeRange{},
      op.getDynamicExtents().take_front(dynamic), op.getOutputs(),
      extents.take_front(parallel), op.getLabelAttr(), DenseI64ArrayAttr());
  Block &body = compute.getBody().emplaceBlock();
  builder.setInsertionPointToStart(&body);
  for (unsigned i = 0; i < parallel; ++i) {
    loops.push_back(body.addArgument(builder.getIndexType(), e.loc));
  }
  SmallVector<Value> arguments(loops);
  arguments.push_back(op.numGroups() > 0 ? sumOfGroups() : sumOfProducts());
  lp::YieldOp::create(builder, e.loc, inlineBody(e, op.getBody(), arguments));
  op.erase();
  return compute;
}

} // namespace

lp::ComputeOp lpgen::contractToCompute(lp::ContractOp op) {
  return Unroller(op).run();
}
