// Small emitters for loops and index arithmetic. See Emitter.h.
#include "compiler/passes/Emitter.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace lpgen;

Value Emitter::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}
Value Emitter::i32(int64_t value) { return integer(value, b.getI32Type()); }
Value Emitter::integer(int64_t value, mlir::Type type) {
  const int64_t wrapped =
      type.isInteger(32) ? static_cast<int32_t>(value) : value;
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, wrapped));
}
Value Emitter::add(Value lhs, Value rhs) {
  return b.createOrFold<arith::AddIOp>(loc, lhs, rhs);
}
Value Emitter::sub(Value lhs, Value rhs) {
  return b.createOrFold<arith::SubIOp>(loc, lhs, rhs);
}
Value Emitter::mul(Value lhs, Value rhs) {
  return b.createOrFold<arith::MulIOp>(loc, lhs, rhs);
}
Value Emitter::min(Value lhs, Value rhs) {
  return b.createOrFold<arith::MinSIOp>(loc, lhs, rhs);
}
Value Emitter::max(Value lhs, Value rhs) {
  return b.createOrFold<arith::MaxSIOp>(loc, lhs, rhs);
}
Value Emitter::ceilDiv(Value lhs, int64_t rhs) {
  return rhs == 1 ? lhs
                  : b.createOrFold<arith::DivUIOp>(
                        loc, add(lhs, index(rhs - 1)), index(rhs));
}
Value Emitter::less(Value lhs, Value rhs) {
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, lhs,
                                       rhs);
}

Value Emitter::value(OpFoldResult size) {
  if (auto value = dyn_cast<Value>(size)) {
    return value;
  }
  return index(cast<IntegerAttr>(cast<Attribute>(size)).getInt());
}

Value Emitter::product(ArrayRef<OpFoldResult> sizes) {
  Value result = index(1);
  for (OpFoldResult size : sizes) {
    result = mul(result, value(size));
  }
  return result;
}

Value Emitter::dot(ArrayRef<Value> values, ArrayRef<int64_t> coefficients,
                   Value start) {
  for (auto [v, c] : llvm::zip_equal(values, coefficients)) {
    if (c != 0) {
      start = add(start, c == 1 ? v : mul(v, index(c)));
    }
  }
  return start;
}

SmallVector<Value> Emitter::delinearize(Value linear,
                                        ArrayRef<OpFoldResult> sizes) {
  // The outermost size bounds nothing. Unsigned, since a position is never
  // negative: `affine.delinearize_index` would round towards minus infinity.
  SmallVector<Value> coordinates(sizes.size());
  for (size_t i = sizes.size(); i-- > 1;) {
    Value size = value(sizes[i]);
    coordinates[i] = b.createOrFold<arith::RemUIOp>(loc, linear, size);
    linear = b.createOrFold<arith::DivUIOp>(loc, linear, size);
  }
  if (!sizes.empty()) {
    coordinates[0] = linear;
  }
  return coordinates;
}

Value Emitter::castInt(Value value, mlir::Type type) {
  unsigned have = value.getType().getIntOrFloatBitWidth();
  unsigned want = type.getIntOrFloatBitWidth();
  if (have < want) {
    return arith::ExtSIOp::create(b, loc, type, value);
  }
  return have > want ? arith::TruncIOp::create(b, loc, type, value).getResult()
                     : value;
}

/// scalar::loadFloat.
Value Emitter::decodeFloat(Value bits, mlir::Type element) {
  if (element.isF16()) {
    Value half = arith::BitcastOp::create(b, loc, element, bits);
    return arith::ExtFOp::create(b, loc, b.getF32Type(), half);
  }
  Value word = arith::ExtUIOp::create(b, loc, b.getI32Type(), bits);
  word = arith::ShLIOp::create(b, loc, word, i32(16));
  return arith::BitcastOp::create(b, loc, b.getF32Type(), word);
}

/// scalar::storeFloat. Not the conversion to bf16 of LLVM: instructions for it
/// take denormals for zeros.
Value Emitter::encodeFloat(Value value, mlir::Type element) {
  mlir::Type storage = b.getI16Type();
  if (element.isF16()) {
    Value half = arith::TruncFOp::create(b, loc, element, value);
    return arith::BitcastOp::create(b, loc, storage, half);
  }
  Value bits = arith::BitcastOp::create(b, loc, b.getI32Type(), value);
  Value high = arith::ShRUIOp::create(b, loc, bits, i32(16));
  Value last = arith::AndIOp::create(b, loc, high, i32(1));
  Value rounded = arith::ShRUIOp::create(
      b, loc, add(add(bits, i32(0x7fff)), last), i32(16));
  Value quiet = arith::OrIOp::create(b, loc, high, i32(0x40));
  Value isNumber =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD, value, value);
  return arith::TruncIOp::create(
      b, loc, storage,
      arith::SelectOp::create(b, loc, isNumber, rounded, quiet));
}

Value Emitter::decode(Value loaded, mlir::Type element, mlir::Type type) {
  if (element.isF16() || element.isBF16()) {
    return decodeFloat(loaded, element);
  }
  if (isa<FloatType>(element) || loaded.getType() == type) {
    return loaded;
  }
  if (loaded.getType().getIntOrFloatBitWidth() > type.getIntOrFloatBitWidth()) {
    // Only where the range of the elements is known to fit.
    return arith::TruncIOp::create(b, loc, type, loaded);
  }
  return lp::toElementType(element).isStorageSigned()
             ? arith::ExtSIOp::create(b, loc, type, loaded).getResult()
             : arith::ExtUIOp::create(b, loc, type, loaded).getResult();
}

Value Emitter::read(Value source, ArrayRef<Value> indices, mlir::Type element) {
  mlir::Type type = b.getF32Type();
  if (!isa<FloatType>(element)) {
    type = b.getIntegerType(lp::toElementType(element).scalarBits());
  }
  auto read = lp::ReadOp::create(
      b, loc, type, source, indices,
      AffineMap::getMultiDimIdentityMap(indices.size(), b.getContext()));
  read.setElementAttr(mlir::TypeAttr::get(element));
  return read;
}

scf::ForOp Emitter::loop(Value low, Value high, int64_t step,
                         llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, loc, low, high, index(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
  return loop;
}

void Emitter::elementwiseLoop(Value low, Value high,
                              llvm::function_ref<void(Value)> body) {
  lp::LpDialect::ElementwiseAttrHelper(b.getContext())
      .setAttr(loop(low, high, 1, body), b.getUnitAttr());
}

Value Emitter::reduce(Value low, Value high, Value start,
                      llvm::function_ref<Value(Value, Value)> body) {
  auto loop = scf::ForOp::create(b, loc, low, high, index(1), start);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value next = body(loop.getInductionVar(), loop.getRegionIterArg(0));
  scf::YieldOp::create(b, loc, next);
  return loop.getResult(0);
}

void Emitter::ifThen(Value condition, llvm::function_ref<void()> body) {
  auto branch = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&branch.getThenRegion().front());
  body();
}

Value Emitter::table(ArrayRef<int32_t> values) {
  auto module =
      b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  auto type =
      MemRefType::get({static_cast<int64_t>(values.size())}, b.getI32Type());
  auto data = DenseElementsAttr::get(
      RankedTensorType::get(type.getShape(), b.getI32Type()), values);
  int number = 0;
  // All tables stand at the start, before the functions.
  for (Operation &op : *module.getBody()) {
    auto global = dyn_cast<memref::GlobalOp>(op);
    if (!global) {
      break;
    }
    if (global.getInitialValue() == std::optional<Attribute>(data)) {
      return memref::GetGlobalOp::create(b, loc, type, global.getSymName());
    }
    ++number;
  }
  std::string name = "lp.table" + std::to_string(number);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    memref::GlobalOp::create(b, loc, name, b.getStringAttr("private"), type,
                             data,
                             /*constant=*/true, /*alignment=*/nullptr);
  }
  return memref::GetGlobalOp::create(b, loc, type, name);
}

Value Emitter::view(Value buffer, int64_t offset, int64_t elements,
                    unsigned bits) {
  auto type = MemRefType::get({elements}, b.getIntegerType(bits));
  return memref::ViewOp::create(b, loc, type, buffer, index(offset),
                                ValueRange{});
}

static void nest(Emitter &e, ArrayRef<OpFoldResult> extents,
                 SmallVectorImpl<Value> &indices,
                 llvm::function_ref<void(ArrayRef<Value>)> body) {
  if (indices.size() == extents.size()) {
    return body(indices);
  }
  e.loop(e.index(0), e.value(extents[indices.size()]), 1, [&](Value i) {
    indices.push_back(i);
    nest(e, extents, indices, body);
    indices.pop_back();
  });
}

void lpgen::forEach(Emitter &e, ArrayRef<OpFoldResult> extents,
                    llvm::function_ref<void(ArrayRef<Value>)> body) {
  SmallVector<Value> indices;
  nest(e, extents, indices, body);
}

SmallVector<OpFoldResult>
lpgen::mixedExtents(ArrayRef<int64_t> extents, ValueRange dynamic, OpBuilder &b,
                    llvm::function_ref<Value(Value)> resolve) {
  SmallVector<OpFoldResult> sizes;
  unsigned next = 0;
  for (int64_t extent : extents) {
    if (ShapedType::isDynamic(extent)) {
      sizes.push_back(resolve(dynamic[next++]));
    } else {
      sizes.push_back(b.getIndexAttr(extent));
    }
  }
  return sizes;
}

SmallVector<Value> lpgen::inlineBody(Emitter &e, Region &from,
                                     ArrayRef<Value> arguments) {
  IRMapping mapping;
  Block &body = from.front();
  for (auto [argument, value] :
       llvm::zip_equal(body.getArguments(), arguments)) {
    mapping.map(argument, value);
  }
  for (Operation &op : body.without_terminator()) {
    e.b.clone(op, mapping);
  }
  return llvm::map_to_vector(
      cast<lp::YieldOp>(body.getTerminator()).getValues(),
      [&](Value value) { return mapping.lookupOrDefault(value); });
}

void lpgen::inlineBody(Emitter &e, Region &from, ArrayRef<Value> arguments,
                       ValueRange outputs, ArrayRef<Value> indices) {
  for (auto [value, output] :
       llvm::zip_equal(inlineBody(e, from, arguments), outputs)) {
    memref::StoreOp::create(e.b, e.loc, value, output, indices);
  }
}
