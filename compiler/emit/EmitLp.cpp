// Checked syntax tree -> lp dialect: functions and statements. See EmitLp.h.
#include "compiler/emit/EmitLp.h"
#include "compiler/emit/EmitExpr.h"
#include "ir/dialect/Lp.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace lpgen;

static Location locationOf(MLIRContext &context, const llvm::SourceMgr &sources,
                           llvm::SMLoc loc) {
  if (!loc.isValid()) {
    return UnknownLoc::get(&context);
  }
  unsigned buffer = sources.FindBufferContainingLoc(loc);
  auto [line, column] = sources.getLineAndColumn(loc, buffer);
  return FileLineColLoc::get(
      &context, sources.getMemoryBuffer(buffer)->getBufferIdentifier(), line,
      column);
}

static RankedTensorType tensorType(MLIRContext &context,
                                   const ast::Tensor &tensor) {
  SmallVector<int64_t> shape;
  for (const ast::Extent &extent : tensor.shape) {
    shape.push_back(extent.isStatic() ? extent.size : ShapedType::kDynamic);
  }
  return RankedTensorType::get(shape,
                               lp::getElementType(&context, tensor.type));
}

/// What types cannot carry: the name in the file, the element's type, and which
/// run-time size each dimension is (-1 for constants).
static NamedAttrList bufferAttributes(OpBuilder &builder,
                                      const ast::Tensor &tensor) {
  SmallVector<int64_t> symbols;
  for (const ast::Extent &extent : tensor.shape) {
    symbols.push_back(extent.symbol);
  }
  NamedAttrList attributes;
  attributes.set("lp.name", builder.getStringAttr(tensor.name));
  attributes.set("lp.element", mlir::TypeAttr::get(lp::getElementType(
                                   builder.getContext(), tensor.type)));
  attributes.set("lp.symbols", builder.getDenseI64ArrayAttr(symbols));
  if (!tensor.type.isFloat()) {
    attributes.set("lp.range", builder.getDenseI64ArrayAttr(
                                   {tensor.range.lo, tensor.range.hi}));
  }
  return attributes;
}

static func::FuncOp createFunction(OpBuilder &builder, Location loc,
                                   const ast::Op &op) {
  SmallVector<mlir::Type> arguments(op.symbols.size(), builder.getIndexType());
  SmallVector<mlir::Type> results;
  for (const ast::Tensor &tensor : op.tensors) {
    RankedTensorType type = tensorType(*builder.getContext(), tensor);
    if (tensor.role == ast::Role::Input) {
      arguments.push_back(type);
    } else if (tensor.role == ast::Role::Output) {
      results.push_back(type);
    }
  }
  auto function = func::FuncOp::create(
      builder, loc, op.name, builder.getFunctionType(arguments, results));
  for (auto [i, symbol] : llvm::enumerate(op.symbols)) {
    function.setArgAttr(i, "lp.name", builder.getStringAttr(symbol.name));
    function.setArgAttr(i, "lp.bound", builder.getI64IntegerAttr(symbol.bound));
  }
  unsigned argument = op.symbols.size();
  unsigned result = 0;
  for (const ast::Tensor &tensor : op.tensors) {
    if (tensor.role == ast::Role::Intermediate) {
      continue;
    }
    DictionaryAttr attributes =
        bufferAttributes(builder, tensor).getDictionary(builder.getContext());
    if (tensor.role == ast::Role::Input) {
      function.setArgAttrs(argument++, attributes);
    } else {
      function.setResultAttrs(result++, attributes);
    }
  }
  return function;
}

static Value emitStatement(OpBuilder &builder, Location loc, const ast::Op &op,
                           const ast::Statement &statement,
                           ArrayRef<Value> tensors, ArrayRef<Value> symbols) {
  const ast::Tensor &target = op.tensors[statement.tensor];
  unsigned rank = target.shape.size();
  SmallVector<const ast::Index *> parallel;
  for (unsigned i = 0; i < rank; ++i) {
    parallel.push_back(&statement.indices[i]);
  }
  SmallVector<Value> dynamic;
  SmallVector<int64_t> extents =
      ExprEmitter::splitExtents(parallel, symbols, dynamic);
  auto compute = lp::ComputeOp::create(
      builder, loc, mlir::TypeRange{tensorType(*builder.getContext(), target)},
      dynamic, ValueRange{}, extents);
  compute->setAttr("label", builder.getStringAttr(target.name));
  if (!target.type.isFloat()) { // what contractions of it can rely on
    compute->setAttr("lp.range", builder.getDenseI64ArrayAttr(
                                     {target.range.lo, target.range.hi}));
  }

  OpBuilder::InsertionGuard guard(builder);
  Block &block = compute.getBody().emplaceBlock();
  builder.setInsertionPointToStart(&block);
  ExprEmitter emitter(builder, op, statement, tensors, symbols);
  emitter.at(loc);
  for (unsigned i = 0; i < rank; ++i) {
    emitter.bindIndex(i, block.addArgument(builder.getIndexType(), loc));
  }
  lp::YieldOp::create(builder, loc,
                      emitter.emitStored(*statement.value, target.type));
  return compute.getResult(0);
}

OwningOpRef<ModuleOp> lpgen::emitLp(MLIRContext &context, const ast::Op &op,
                                    const llvm::SourceMgr &sources,
                                    llvm::StringRef targetName) {
  Location loc = locationOf(context, sources, op.loc);
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  (*module)->setAttr("lp.target",
                     lp::TargetAttr::get(&context, targetName, ""));
  OpBuilder builder(&context);
  builder.setInsertionPointToStart(module->getBody());
  func::FuncOp function = createFunction(builder, loc, op);
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToStart(entry);

  SmallVector<Value> symbols(
      entry->getArguments().take_front(op.symbols.size()));
  SmallVector<Value> tensors(op.tensors.size());
  for (unsigned i = 0, n = op.numInputs(); i < n; ++i) {
    tensors[i] = entry->getArgument(op.symbols.size() + i);
  }
  for (const ast::Statement &statement : op.statements) {
    tensors[statement.tensor] =
        emitStatement(builder, locationOf(context, sources, statement.loc), op,
                      statement, tensors, symbols);
  }
  SmallVector<Value> results;
  for (auto [i, tensor] : llvm::enumerate(op.tensors)) {
    if (tensor.role == ast::Role::Output) {
      results.push_back(tensors[i]);
    }
  }
  func::ReturnOp::create(builder, loc, results);
  return module;
}
