// lp-raise-contract: sums of products to lp.contract.
#include "compiler/passes/RaiseContract.h"
#include "compiler/passes/Emitter.h"

namespace lpgen {
#define GEN_PASS_DEF_RAISECONTRACTPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

Operation *ContractRaiser::rewrite() {
  auto statement = reduce->getParentOfType<lp::ComputeOp>();
  OpBuilder builder(statement);
  Location loc = reduce.getLoc();
  SmallVector<int64_t> extents;
  SmallVector<Value> dynamic;
  for (Value loop : loops) {
    auto [extent, value] = extentOf(loop);
    extents.push_back(extent);
    if (value) {
      dynamic.push_back(value);
    }
  }
  auto shapeOf = [](lp::ReadOp read) {
    return cast<ShapedType>(read.getSource().getType()).getShape();
  };
  auto rangeOf = [](lp::ReadOp read) {
    return read.getType().isInteger() ? read.elementRange()
                                      : SmallVector<int64_t, 2>();
  };
  auto zeroOf = [](AffineFactor factor) {
    return factor.zero ? Value(factor.zero.getSource()) : Value();
  };
  auto zeroMapOf = [&](const AffineFactor &factor) {
    return factor.zero ? AffineMapAttr::get(mapOver(factor.zero, loops))
                       : AffineMapAttr();
  };
  auto affineOf = [&](const AffineFactor &factor) {
    return factor.scale == 1 && factor.offset == 0
               ? DenseI64ArrayAttr()
               : builder.getDenseI64ArrayAttr({factor.scale, factor.offset});
  };
  Value padScalar;
  IntegerAttr xPad;
  if (auto pad = dyn_cast_or_null<IntegerAttr>(x.read.getPadAttr())) {
    xPad = builder.getI64IntegerAttr(pad.getInt());
  }
  if (isa_and_present<FloatAttr>(x.read.getPadAttr())) {
    xPad = builder.getI64IntegerAttr(0);
  }
  if (Value scalar = x.read.getPadScalar()) {
    padScalar = skipCasts(scalar).getDefiningOp<lp::ReadOp>().getSource();
  }
  mlir::Type accumulator = groups ? groups.getType() : reduce.getType();
  auto resultType = RankedTensorType::get(
      ArrayRef<int64_t>(extents).take_front(parallel), accumulator);
  auto contract = lp::ContractOp::create(
      builder, loc, mlir::TypeRange{resultType}, x.read.getSource(),
      w.read.getSource(), zeroOf(x), zeroOf(w), padScalar, ValueRange{},
      dynamic, ValueRange{}, extents, parallel,
      groups ? builder.getI64IntegerAttr(outside - parallel) : IntegerAttr(),
      mapOver(x.read, loops), mapOver(w.read, loops), x.read.getDivisors(),
      xPad, zeroMapOf(x), zeroMapOf(w), affineOf(x), affineOf(w),
      x.read.logicalElement(), w.read.logicalElement(), rangeOf(x.read),
      rangeOf(w.read), shapeOf(x.read), shapeOf(w.read), lp::LayoutAttr(),
      lp::LayoutAttr(), lp::ScheduleAttr(), statement.getLabelAttr(),
      StringAttr(), mlir::TypeAttr(), mlir::TypeAttr(), mlir::TypeAttr(),
      ArrayAttr(), ArrayAttr(), IntegerAttr());
  Block &body = contract.getBody().emplaceBlock();
  for (unsigned i = 0; i < parallel; ++i) {
    body.addArgument(builder.getIndexType(), loc);
  }
  Value acc = body.addArgument(accumulator, loc);
  OpBuilder bodyBuilder = OpBuilder::atBlockEnd(&body);
  lp::YieldOp::create(bodyBuilder, loc, acc);
  if (groups) {
    fillFactors(contract);
    takeColumns(contract);
  }

  lp::ReduceOp replaced = groups ? groups : reduce;
  builder.setInsertionPoint(replaced);
  auto identity =
      AffineMap::getMultiDimIdentityMap(parallel, builder.getContext());
  auto read = lp::ReadOp::create(
      builder, loc, accumulator, contract.getResult(0),
      ValueRange(ArrayRef<Value>(loops).take_front(parallel)), identity);
  replaced.replaceAllUsesWith(groups ? read.getValue()
                                     : finished(builder, read.getValue()));
  Operation *gone = replaced;
  replaced.erase();
  return gone;
}

/// The sum of products of both factors as that of the whole term. Each step is
/// exact modulo 2 to the bits of the sum, which the last one fits.
Value ContractRaiser::finished(OpBuilder &builder, Value sum) {
  mlir::Type type = sum.getType();
  Emitter e(builder, reduce.getLoc());
  for (Value factor : product.invariants) {
    moveBefore(factor, reduce);
    sum = e.mul(sum, e.castInt(factor, type));
  }
  return product.constant == 1 ? sum
                               : e.mul(sum, e.integer(product.constant, type));
}

namespace {
struct RaiseContractPass
    : public lpgen::impl::RaiseContractPassBase<RaiseContractPass> {
  void runOnOperation() override {
    // Innermost first: a nested sum is an operand of the outer one.
    SmallVector<lp::ReduceOp> reductions;
    llvm::SmallPtrSet<Operation *, 4> done;
    getOperation().walk([&](lp::ReduceOp op) { reductions.push_back(op); });
    for (lp::ReduceOp reduce : reductions) {
      if (done.contains(reduce)) {
        continue;
      }
      ContractRaiser raise(reduce);
      std::string whyNot;
      if (raise.match(whyNot)) {
        done.insert(raise.rewrite());
      } else if (!whyNot.empty()) {
        reduce.emitRemark("this sum of products has no schedule, it stays a "
                          "loop nest: ")
            << whyNot;
      }
    }
  }
};

} // namespace
