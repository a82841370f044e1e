// lp-lower-scalars: what is left of lp inside loops, to arith, memref and scf.
//
// The formulas are those of base/types/Scalar.h, operation by operation, and
// the functions of f32 those of base/types/FloatAlgorithms.h.
#include "compiler/passes/Reductions.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace lpgen {
#define GEN_PASS_DEF_LOWERSCALARSPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

namespace {

Value applyMap(Emitter &e, AffineExpr expr, ValueRange dims) {
  auto map = AffineMap::get(dims.size(), 0, expr);
  return affine::AffineApplyOp::create(e.b, e.loc, map, dims);
}

void lower(lp::ReadOp op, Emitter &e) {
  SmallVector<Value> positions;
  Value inside;
  bool checked = op.mayBeOutside();
  auto require = [&](Value condition) {
    inside =
        inside
            ? arith::AndIOp::create(e.b, e.loc, inside, condition).getResult()
            : condition;
  };
  for (auto [d, expr] : llvm::enumerate(op.getMap().getResults())) {
    Value position = applyMap(e, expr, op.getIndices());
    if (int64_t divisor = op.getDivisors()[d]; divisor != 1) {
      Value remainder =
          arith::RemSIOp::create(e.b, e.loc, position, e.index(divisor));
      if (checked) {
        require(arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq,
                                      remainder, e.index(0)));
      }
      position = arith::DivSIOp::create(e.b, e.loc, position, e.index(divisor));
    }
    if (checked) {
      Value size = memref::DimOp::create(e.b, e.loc, op.getSource(), d);
      require(arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult,
                                    position, size));
    }
    positions.push_back(position);
  }
  auto load = [&]() {
    Value loaded =
        memref::LoadOp::create(e.b, e.loc, op.getSource(), positions);
    return e.decode(loaded, op.logicalElement(), op.getType());
  };
  if (!inside) {
    op.replaceAllUsesWith(load());
    op.erase();
    return;
  }
  auto branch = scf::IfOp::create(e.b, e.loc, op.getType(), inside, true);
  {
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(&branch.getThenRegion().front());
    scf::YieldOp::create(e.b, e.loc, load());
    e.b.setInsertionPointToStart(&branch.getElseRegion().front());
    Value pad = op.getPadScalar();
    if (!pad) {
      pad = arith::ConstantOp::create(e.b, e.loc, *op.getPad());
    }
    scf::YieldOp::create(e.b, e.loc, pad);
  }
  op.replaceAllUsesWith(branch.getResult(0));
  op.erase();
}

/// What `value` is before the bounds of a clamp that [low, high] makes
/// needless, or that become these bounds: integers with 0 between them, so that
/// a NaN, which goes through a clamp and is taken for 0, stays what it is.
Value withoutBounds(Value value, float &low, float &high) {
  while (Operation *op = value.getDefiningOp()) {
    FloatAttr bound;
    if (!isa<arith::MaximumFOp, arith::MinimumFOp>(op) ||
        !matchPattern(op->getOperand(1), m_Constant(&bound))) {
      return value;
    }
    const float limit = bound.getValue().convertToFloat();
    const bool isWhole = std::trunc(limit) == limit;
    if (isa<arith::MaximumFOp>(op) &&
        (limit <= low || (isWhole && limit <= 0))) {
      low = std::max(low, limit);
    } else if (isa<arith::MinimumFOp>(op) &&
               (limit >= high || (isWhole && limit >= 0))) {
      high = std::min(high, limit);
    } else {
      return value;
    }
    value = op->getOperand(0);
  }
  return value;
}

/// An f32 without a fraction as an element. Clamped before it is converted, so
/// that it fits, and converted by an instruction that rounds to the nearest
/// integer, ties to even: such a rounding before it is left out. Each select is
/// one instruction: a maximum or minimum that a NaN does not get through. Zero
/// as a bound is -0.0, since one with +0.0 would be a comparison and a mask.
Value quantizeFloat(Emitter &e, Value value, ElementType type,
                    mlir::Type storage) {
  auto constant = [&](float v) -> Value {
    return arith::ConstantOp::create(e.b, e.loc,
                                     e.b.getF32FloatAttr(v == 0 ? -0.0F : v));
  };
  auto keepIf = [&](arith::CmpFPredicate predicate, Value with, Value other) {
    Value keep = arith::CmpFOp::create(e.b, e.loc, predicate, value, with);
    value = arith::SelectOp::create(e.b, e.loc, keep, value, other);
  };
  auto least = static_cast<float>(type.minValue());
  auto most = static_cast<float>(type.maxValue());
  if (auto rounded = value.getDefiningOp<math::RoundEvenOp>()) {
    value = withoutBounds(rounded.getOperand(), least, most);
  }
  Value low = constant(least);
  Value high = constant(most);
  if (least != 0) {
    keepIf(arith::CmpFPredicate::ORD, value, constant(0));
  }
  keepIf(arith::CmpFPredicate::OGT, low, low); // A NaN becomes `low` here.
  keepIf(arith::CmpFPredicate::OLT, high, high);
  value = LLVM::LrintOp::create(e.b, e.loc, e.b.getI32Type(), value);
  const auto fits = type.isStorageSigned() ? arith::IntegerOverflowFlags::nsw
                                           : arith::IntegerOverflowFlags::nuw;
  return storage == value.getType()
             ? value
             : arith::TruncIOp::create(e.b, e.loc, storage, value, fits)
                   .getResult();
}

/// Clamps only to bounds that the value's own type can exceed.
Value clampInteger(Emitter &e, Value value, ElementType type) {
  if (value.getType().getIntOrFloatBitWidth() <= type.bits &&
      type.encoding == Encoding::Signed) {
    return value;
  }
  auto constant = [&](int64_t v) -> Value {
    return arith::ConstantOp::create(e.b, e.loc,
                                     e.b.getIntegerAttr(value.getType(), v));
  };
  value = arith::MaxSIOp::create(e.b, e.loc, value, constant(type.minValue()));
  return arith::MinSIOp::create(e.b, e.loc, value, constant(type.maxValue()));
}

void lower(lp::QuantizeOp op, Emitter &e) {
  ElementType type = lp::toElementType(op.getElement());
  Value value = op.getValue();
  if (type.isFloat()) {
    op.replaceAllUsesWith(e.encodeFloat(value, op.getElement()));
    op.erase();
    return;
  }
  value = isa<FloatType>(value.getType())
              ? quantizeFloat(e, value, type, op.getType())
              : clampInteger(e, value, type);
  if (type.encoding == Encoding::Bipolar) {
    Value one = arith::ConstantOp::create(
        e.b, e.loc, e.b.getIntegerAttr(value.getType(), 1));
    value = arith::OrIOp::create(e.b, e.loc, value, one);
  }
  op.replaceAllUsesWith(e.castInt(value, op.getType()));
  auto rounded = op.getValue().getDefiningOp<math::RoundEvenOp>();
  op.erase();
  if (rounded && rounded->use_empty()) {
    rounded->erase();
  }
}

void lower(lp::RequantizeOp op, Emitter &e) {
  auto i64 = e.b.getI64Type();
  auto c = [&](int64_t v) -> Value {
    return arith::ConstantOp::create(e.b, e.loc, e.b.getI64IntegerAttr(v));
  };
  auto compare = [&](arith::CmpIPredicate p, Value l, Value r) -> Value {
    return arith::CmpIOp::create(e.b, e.loc, p, l, r);
  };
  auto select = [&](Value condition, Value yes, Value no) -> Value {
    return arith::SelectOp::create(e.b, e.loc, condition, yes, no);
  };
  Value shift = e.castInt(op.getShift(), i64);
  Value left = arith::MaxSIOp::create(e.b, e.loc, shift, c(0));
  Value right = arith::MaxSIOp::create(e.b, e.loc, e.sub(c(0), shift), c(0));
  Value x =
      arith::ShLIOp::create(e.b, e.loc, e.castInt(op.getAcc(), i64), left);
  x = arith::MinSIOp::create(e.b, e.loc, x, c(INT32_MAX));
  x = arith::MaxSIOp::create(e.b, e.loc, x, c(INT32_MIN));
  Value p = e.mul(x, e.castInt(op.getMultiplier(), i64));
  Value nudge = select(compare(arith::CmpIPredicate::sge, p, c(0)),
                       c(int64_t{1} << 30), c(1 - (int64_t{1} << 30)));
  Value high =
      arith::DivSIOp::create(e.b, e.loc, e.add(p, nudge), c(int64_t{1} << 31));
  Value mask = e.sub(arith::ShLIOp::create(e.b, e.loc, c(1), right), c(1));
  Value negative = arith::ExtUIOp::create(
      e.b, e.loc, i64, compare(arith::CmpIPredicate::slt, high, c(0)));
  Value threshold =
      e.add(arith::ShRSIOp::create(e.b, e.loc, mask, c(1)), negative);
  Value low = arith::AndIOp::create(e.b, e.loc, high, mask);
  Value up = arith::ExtUIOp::create(
      e.b, e.loc, i64, compare(arith::CmpIPredicate::sgt, low, threshold));
  Value result = e.add(arith::ShRSIOp::create(e.b, e.loc, high, right), up);
  op.replaceAllUsesWith(e.castInt(result, op.getType()));
  op.erase();
}

void lower(lp::ThresholdOp op, Emitter &e) {
  Value count = e.reduce(
      e.index(0), e.index(op.getLevels()), e.i32(0), [&](Value k, Value sum) {
        SmallVector<Value> dims(op.getIndices());
        dims.push_back(k);
        SmallVector<Value> positions;
        for (AffineExpr expr : op.getMap().getResults()) {
          positions.push_back(applyMap(e, expr, dims));
        }
        Value loaded =
            memref::LoadOp::create(e.b, e.loc, op.getSource(), positions);
        mlir::Type element = op.getElement().value_or(loaded.getType());
        Value level = e.decode(loaded, element, op.getValue().getType());
        Value reached =
            isa<FloatType>(level.getType())
                ? arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OGE,
                                        op.getValue(), level)
                      .getResult()
                : arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::sge,
                                        op.getValue(), level)
                      .getResult();
        return e.add(
            sum, arith::ExtUIOp::create(e.b, e.loc, e.b.getI32Type(), reached));
      });
  op.replaceAllUsesWith(count);
  op.erase();
}

void lower(lp::RandomOp op, Emitter &e) {
  auto c = [&](uint64_t v) -> Value {
    return arith::ConstantOp::create(
        e.b, e.loc, e.b.getI64IntegerAttr(static_cast<int64_t>(v)));
  };
  auto mix = [&](Value z) {
    auto fold = [&](Value v, uint64_t shift) -> Value {
      return arith::XOrIOp::create(
          e.b, e.loc, v, arith::ShRUIOp::create(e.b, e.loc, v, c(shift)));
    };
    z = e.mul(fold(z, 30), c(0xBF58476D1CE4E5B9U));
    z = e.mul(fold(z, 27), c(0x94D049BB133111EBU));
    return fold(z, 31);
  };
  constexpr uint64_t golden = 0x9E3779B97F4A7C15U;
  Value inner = mix(e.add(e.mul(op.getSeed(), c(golden)), op.getCounter()));
  Value bits =
      arith::ShRUIOp::create(e.b, e.loc, mix(e.add(inner, c(golden))), c(40));
  Value number = arith::SIToFPOp::create(e.b, e.loc, e.b.getF32Type(),
                                         e.castInt(bits, e.b.getI32Type()));
  Value scale =
      arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(0x1p-24F));
  op.replaceAllUsesWith(
      arith::MulFOp::create(e.b, e.loc, number, scale).getResult());
  op.erase();
}

void lower(lp::FunctionOp op, Emitter &e) {
  FloatFunction function = *floatFunctionNamed(op.getFunction());
  op.replaceAllUsesWith(e.function(function, op.getOperand()));
  op.erase();
}

/// Moves the body into nested loops that carry the partial result; for argmax
/// and argmin the best term and its index.
void lower(lp::ReduceOp op, Emitter &e) {
  SmallVector<OpFoldResult> extents = mixedExtents(
      op.getExtents(), op.getDynamicExtents(), e.b, [](Value v) { return v; });
  Block &body = op.getBody().front();
  auto yield = cast<lp::YieldOp>(body.getTerminator());
  SmallVector<Value> carried = startOf(op, e);
  SmallVector<scf::ForOp> nest;
  SmallVector<Value> indices;
  for (OpFoldResult extent : extents) {
    auto loop = scf::ForOp::create(e.b, e.loc, e.index(0), e.value(extent),
                                   e.index(1), carried);
    nest.push_back(loop);
    indices.push_back(loop.getInductionVar());
    carried.assign(loop.getRegionIterArgs().begin(),
                   loop.getRegionIterArgs().end());
    e.b.setInsertionPointToStart(loop.getBody());
  }
  for (auto [argument, index] : llvm::zip_equal(body.getArguments(), indices)) {
    argument.replaceAllUsesWith(index);
  }
  Block *target = e.b.getInsertionBlock();
  target->getOperations().splice(e.b.getInsertionPoint(), body.getOperations(),
                                 body.begin(), yield->getIterator());
  carried = combine(op, e, carried, yield.getValues(), indices);
  for (scf::ForOp loop : llvm::reverse(nest)) {
    e.b.setInsertionPointToEnd(loop.getBody());
    scf::YieldOp::create(e.b, e.loc, carried);
    carried.assign(loop.getResults().begin(), loop.getResults().end());
    e.b.setInsertionPointAfter(loop);
  }
  op.replaceAllUsesWith(carried.back());
  op.erase();
}

struct LowerScalarsPass
    : public lpgen::impl::LowerScalarsPassBase<LowerScalarsPass> {
  void runOnOperation() override {
    // Post-order: the body of a reduction is lowered before the reduction moves
    // it.
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<lp::ReadOp, lp::QuantizeOp, lp::RequantizeOp, lp::ThresholdOp,
              lp::RandomOp, lp::FunctionOp, lp::ReduceOp>(op)) {
        ops.push_back(op);
      }
    });
    for (Operation *op : ops) {
      OpBuilder builder(op);
      Emitter e(builder, op->getLoc());
      llvm::TypeSwitch<Operation *>(op)
          .Case<lp::ReadOp, lp::QuantizeOp, lp::RequantizeOp, lp::ThresholdOp,
                lp::RandomOp, lp::FunctionOp, lp::ReduceOp>(
              [&](auto typed) { lower(typed, e); });
    }
  }
};

} // namespace
