// Expressions of the syntax tree -> arith, math and lp ops. See EmitExpr.h.
#include "compiler/emit/EmitExpr.h"
#include "ir/dialect/Bounds.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lpgen;

unsigned ExprEmitter::bitsFor(const ast::IntRange &range) {
  return range.lo >= INT32_MIN && range.hi <= INT32_MAX ? 32 : 64;
}

SmallVector<int64_t> ExprEmitter::splitExtents(
    const ast::Op &op, ArrayRef<const ast::Index *> indices,
    ArrayRef<Value> symbols, SmallVectorImpl<Value> &dynamic) {
  SmallVector<int64_t> extents;
  for (const ast::Index *index : indices) {
    if (index->extent.isStatic()) {
      extents.push_back(index->extent.size);
    } else {
      extents.push_back(ShapedType::kDynamic);
      dynamic.push_back(symbols[op.sizeNumber(index->extent)]);
    }
  }
  return extents;
}

Value ExprEmitter::castInt(Value value, unsigned bits) {
  unsigned have = value.getType().getIntOrFloatBitWidth();
  mlir::Type type = builder.getIntegerType(bits);
  if (have < bits) {
    return arith::ExtSIOp::create(builder, loc, type, value);
  }
  if (have > bits) {
    return arith::TruncIOp::create(builder, loc, type, value);
  }
  return value;
}

Value ExprEmitter::emit(const ast::Expr &expr) {
  switch (expr.kind) {
  case ast::Expr::Kind::Int:
    return arith::ConstantOp::create(
        builder, loc,
        builder.getIntegerAttr(builder.getIntegerType(bitsFor(expr.range)),
                               expr.intValue));
  case ast::Expr::Kind::Float:
    return arith::ConstantOp::create(builder, loc,
                                     builder.getF32FloatAttr(expr.floatValue));
  case ast::Expr::Kind::Index:
    return arith::IndexCastOp::create(
        builder, loc, builder.getIntegerType(bitsFor(expr.range)),
        indices[expr.indices[0]]);
  case ast::Expr::Kind::Size:
    return arith::IndexCastOp::create(
        builder, loc, builder.getIntegerType(bitsFor(expr.range)),
        symbols[op.sizeNumber(expr.size)]);
  case ast::Expr::Kind::Read:
    return emitRead(expr);
  case ast::Expr::Kind::Unary:
    return emitUnary(expr);
  case ast::Expr::Kind::Binary:
    return emitBinary(expr);
  case ast::Expr::Kind::Reduce:
    return emitReduce(expr);
  case ast::Expr::Kind::Rescale:
    return lp::RequantizeOp::create(builder, loc,
                                    castInt(emit(*expr.operands[0]), 32),
                                    castInt(emit(*expr.operands[1]), 32),
                                    castInt(emit(*expr.operands[2]), 32));
  case ast::Expr::Kind::Select:
    return emitSelect(expr);
  }
  llvm_unreachable("unknown expression kind");
}

/// A subscript that is an expression, in a dimension of `size`. Unless the read
/// has a padding, it is inside: proved where types say so, else clamped, which
/// changes nothing if inputs keep their declared ranges.
Value ExprEmitter::emitSubscript(const ast::Expr &subscript, int64_t size,
                                 bool isPadded) {
  Value value = emit(subscript);
  auto index =
      arith::IndexCastOp::create(builder, loc, builder.getIndexType(), value);
  const auto range = lp::factsOf(index.getResult()).range;
  if (isPadded || (range && range->low >= 0 && range->high < size)) {
    return index;
  }
  index.erase();
  const auto constant = [&](int64_t v) -> Value {
    return arith::ConstantOp::create(
        builder, loc, builder.getIntegerAttr(value.getType(), v));
  };
  const int64_t most = value.getType().isInteger(32)
                           ? std::min<int64_t>(size - 1, INT32_MAX)
                           : size - 1;
  value = arith::MaxSIOp::create(builder, loc, value, constant(0));
  value = arith::MinSIOp::create(builder, loc, value, constant(most));
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    value);
}

mlir::Type ExprEmitter::scalarType(ElementType type) {
  return type.isFloat() ? mlir::Type(builder.getF32Type())
                        : builder.getIntegerType(type.scalarBits());
}

/// A padding known at run time as a value of `type`: that of a scalar, or of
/// position `last` of `operands` in the last dimension.
Value ExprEmitter::emitPadding(const ast::Padding &padding, mlir::Type type,
                               ValueRange operands, AffineExpr last) {
  const bool isOfChannel = padding.kind == ast::Padding::Kind::Channel;
  const auto map = isOfChannel ? AffineMap::get(operands.size(), 0, last)
                               : AffineMap::get(0, 0, {}, builder.getContext());
  Value value = lp::ReadOp::create(
      builder, loc, scalarType(op.tensors[padding.tensor].type),
      tensors[padding.tensor], isOfChannel ? operands : ValueRange{}, map);
  return type.isInteger() ? castInt(value, type.getIntOrFloatBitWidth())
                          : value;
}

Value ExprEmitter::emitRead(const ast::Expr &expr) {
  const ast::Tensor &tensor = op.tensors[expr.tensor];
  SmallVector<Value> operands;
  SmallVector<int> position(statement.indices.size(), -1);
  SmallVector<AffineExpr> results;
  SmallVector<int64_t> divisors;
  for (const ast::Subscript &subscript : expr.subscripts) {
    AffineExpr result =
        builder.getAffineConstantExpr(subscript.affine.constant);
    if (subscript.computed) {
      result = builder.getAffineDimExpr(operands.size());
      const int64_t size = tensor.shape[results.size()].size;
      operands.push_back(
          emitSubscript(*subscript.computed, size, expr.padding.has_value()));
      results.push_back(result);
      divisors.push_back(1);
      continue;
    }
    for (const ast::AffineForm::Term &term : subscript.affine.terms) {
      int &dim = position[term.index];
      if (dim < 0) {
        dim = static_cast<int>(operands.size());
        operands.push_back(indices[term.index]);
      }
      result = result + builder.getAffineDimExpr(dim) * term.coefficient;
    }
    results.push_back(result);
    divisors.push_back(subscript.affine.divisor);
  }
  mlir::Type type = scalarType(tensor.type);
  TypedAttr pad;
  Value padScalar;
  if (const std::optional<ast::Padding> &padding = expr.padding) {
    if (padding->kind != ast::Padding::Kind::Value) {
      padScalar = emitPadding(*padding, type, operands, results.back());
    } else if (tensor.type.isFloat()) {
      pad = builder.getF32FloatAttr(padding->floatValue);
    } else {
      pad = cast<TypedAttr>(builder.getIntegerAttr(type, padding->value));
    }
  }
  return lp::ReadOp::create(
      builder, loc, type, tensors[expr.tensor], operands, padScalar,
      AffineMapAttr::get(
          AffineMap::get(operands.size(), 0, results, builder.getContext())),
      builder.getDenseI64ArrayAttr(divisors), pad,
      /*element=*/mlir::TypeAttr(), /*range=*/DenseI64ArrayAttr());
}

/// Row-major position of the statement's element, the counter of random().
Value ExprEmitter::emitElementCounter() {
  const ast::Tensor &target = op.tensors[statement.tensor];
  Value counter = arith::ConstantIndexOp::create(builder, loc, 0);
  for (unsigned i = 0; i < target.shape.size(); ++i) {
    const ast::Extent &extent = target.shape[i];
    Value size = extent.isStatic()
                     ? arith::ConstantIndexOp::create(builder, loc, extent.size)
                     : symbols[op.sizeNumber(extent)];
    counter = arith::MulIOp::create(builder, loc, counter, size);
    counter = arith::AddIOp::create(builder, loc, counter, indices[i]);
  }
  return arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                    counter);
}

/// How many numbers there are from 0 to `last`.
static Value numbersUpTo(OpBuilder &builder, Location loc, Value last) {
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  return arith::AddIOp::create(builder, loc, last, one);
}

Value ExprEmitter::emitReduce(const ast::Expr &expr) {
  SmallVector<const ast::Index *> bound;
  for (unsigned index : expr.indices) {
    bound.push_back(&statement.indices[index]);
  }
  SmallVector<Value> dynamic;
  SmallVector<int64_t> extents = splitExtents(op, bound, symbols, dynamic);
  if (bound.front()->last) { // it stands alone
    extents = {ShapedType::kDynamic};
    dynamic = {numbersUpTo(builder, loc, indices[*bound.front()->last])};
  }
  mlir::Type type = builder.getF32Type();
  if (!expr.isFloat) {
    type = builder.getIntegerType(std::max(bitsFor(expr.range), 32U));
  }
  auto kind = expr.isFusedSum() ? lp::ReduceKind::Fma
                                : static_cast<lp::ReduceKind>(expr.reduceOp);
  auto reduce = lp::ReduceOp::create(builder, loc, type, dynamic, kind,
                                     ArrayRef<int64_t>(extents));
  OpBuilder::InsertionGuard guard(builder);
  Block &block = reduce.getBody().emplaceBlock();
  builder.setInsertionPointToStart(&block);
  for (unsigned index : expr.indices) {
    indices[index] = block.addArgument(builder.getIndexType(), loc);
  }
  const ast::Expr &term = *expr.operands[0];
  if (expr.isFusedSum()) {
    Value lhs = emit(*term.operands[0]);
    Value rhs = emit(*term.operands[1]);
    lp::YieldOp::create(builder, loc, ValueRange{lhs, rhs});
    return reduce.getResult();
  }
  Value value = emit(term);
  if (!expr.isFloat && !reduce.isIndex()) {
    unsigned bits = std::max(type.getIntOrFloatBitWidth(),
                             value.getType().getIntOrFloatBitWidth());
    if (bits > type.getIntOrFloatBitWidth()) {
      reduce.getResult().setType(builder.getIntegerType(bits));
    }
    value = castInt(value, bits);
  }
  lp::YieldOp::create(builder, loc, value);
  return reduce.getResult();
}

static bool isRounding(const ast::Expr &expr) {
  return expr.kind == ast::Expr::Kind::Unary &&
         (expr.unaryOp == ast::UnaryOp::Round ||
          expr.unaryOp == ast::UnaryOp::Floor ||
          expr.unaryOp == ast::UnaryOp::Ceil ||
          expr.unaryOp == ast::UnaryOp::Trunc ||
          expr.unaryOp == ast::UnaryOp::RoundHalfAway ||
          expr.unaryOp == ast::UnaryOp::RoundHalfUp);
}

Value ExprEmitter::emitStored(const ast::Expr &expr, ElementType type) {
  mlir::Type element = lp::getElementType(builder.getContext(), type);
  if (type.isFloat()) {
    Value value = emit(expr);
    if (type.isNarrowFloat()) {
      value = lp::QuantizeOp::create(builder, loc, element, value, element);
    }
    return value;
  }
  const bool narrow = isa<lp::IntType>(element);
  if (narrow && type.bits <= 16 && isRounding(expr)) {
    Value value = emitRounded(expr.unaryOp, emit(*expr.operands[0]));
    return lp::QuantizeOp::create(builder, loc, element, value, element);
  }
  Value value = emit(expr);
  // Of u32, whose values need 64 bits; what has more bits is clamped.
  if (type.scalarBits() > value.getType().getIntOrFloatBitWidth()) {
    value = castInt(value, type.scalarBits());
  }
  if (!narrow && expr.range.lo >= type.minValue() &&
      expr.range.hi <= type.maxValue()) {
    return castInt(value, type.bits);
  }
  return lp::QuantizeOp::create(builder, loc, element, value, element);
}
