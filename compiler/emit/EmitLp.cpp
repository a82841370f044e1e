// Checked syntax tree -> lp dialect: the kernel and its statements. See
// EmitLp.h.
#include "compiler/emit/EmitLp.h"
#include "compiler/emit/EmitExpr.h"
#include "compiler/emit/LiveSlices.h"
#include "compiler/emit/PairSums.h"
#include "ir/dialect/Lp.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"
#include <map>

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

static lp::BufferRole roleOf(const ast::Tensor &tensor) {
  switch (tensor.role) {
  case ast::Role::Output:
    return lp::BufferRole::Output;
  case ast::Role::Constant:
    return lp::BufferRole::Constant;
  case ast::Role::Input:
  case ast::Role::Intermediate:
    break;
  }
  return lp::BufferRole::Input;
}

/// Of a constant's values, "" of other tensors.
static std::string digestOf(const ast::Tensor &tensor) {
  if (!tensor.values) {
    return "";
  }
  const auto digest =
      llvm::SHA256::hash({static_cast<const uint8_t *>(tensor.values->data()),
                          static_cast<size_t>(tensor.values->byteSize())});
  return llvm::toHex(digest, /*LowerCase=*/true);
}

/// The buffer that an input, a constant or an output is.
static lp::BufferAttr bufferOf(MLIRContext &context, const ast::Op &op,
                               const ast::Tensor &tensor) {
  const auto numberOf = [&](const ast::Extent &extent) {
    return extent.isStatic() ? extent.size
                             : ~static_cast<int64_t>(op.sizeNumber(extent));
  };
  const auto shape = llvm::map_to_vector(tensor.shape, numberOf);
  const auto strides = llvm::map_to_vector(tensor.strides, numberOf);
  SmallVector<int64_t> range;
  if (!tensor.type.isFloat()) {
    range = {tensor.range.lo, tensor.range.hi};
  }
  SmallVector<int64_t> pairSums;
  SmallVector<int64_t> live;
  if (tensor.values) {
    live = liveSlicesOf(*tensor.values);
    pairSums = pairSumsOf(*tensor.values, live);
  }
  return lp::BufferAttr::get(&context, tensor.name, roleOf(tensor),
                             lp::getElementType(&context, tensor.type), shape,
                             range, lp::PackedBufferAttr(), digestOf(tensor),
                             pairSums, live, strides);
}

/// Sizes that follow from those in `sizes`, behind them.
static void addComputedSizes(MLIRContext *context, const ast::Op &op,
                             SmallVectorImpl<Attribute> &sizes) {
  for (const ComputedSize &size : op.computedSizes) {
    std::map<int64_t, int64_t> coefficients; // by position
    int64_t most = size.constant;
    for (const SizeTerm &term : size.terms) {
      const size_t number = op.sizeNumber({0, term.size});
      coefficients[static_cast<int64_t>(number)] = term.coefficient;
      if (term.coefficient > 0) {
        most += term.coefficient * cast<lp::SizeAttr>(sizes[number]).getBound();
      }
    }
    sizes.push_back(lp::SizeAttr::get(
        context, "", std::max<int64_t>(most / size.divisor, 1),
        lp::ComputedSizeAttr::get(
            context, llvm::to_vector(llvm::make_first_range(coefficients)),
            llvm::to_vector(llvm::make_second_range(coefficients)),
            size.constant, size.divisor, size.isFloor)));
  }
}

/// The kernel of `op` with an empty body: inputs, constants, outputs.
static lp::KernelOp createKernel(OpBuilder &builder, Location loc,
                                 const ast::Op &op, StringRef targetName) {
  MLIRContext *context = builder.getContext();
  SmallVector<Attribute> sizes;
  for (const ast::Symbol &symbol : op.symbols) {
    sizes.push_back(lp::SizeAttr::get(context, symbol.name, symbol.bound, {}));
  }
  addComputedSizes(context, op, sizes);
  SmallVector<mlir::Type> arguments(sizes.size(), builder.getIndexType());
  SmallVector<Attribute> buffers;
  for (ast::Role role :
       {ast::Role::Input, ast::Role::Constant, ast::Role::Output}) {
    for (const ast::Tensor &tensor : op.tensors) {
      if (tensor.role != role) {
        continue;
      }
      const lp::BufferAttr buffer = bufferOf(*context, op, tensor);
      buffers.push_back(buffer);
      if (!buffer.isOutput()) {
        arguments.push_back(buffer.tensorType());
      }
    }
  }
  auto kernel = lp::KernelOp::create(
      builder, loc, op.name, lp::TargetAttr::get(context, targetName, ""),
      builder.getArrayAttr(sizes), builder.getArrayAttr(buffers), ArrayAttr(),
      StringAttr(), IntegerAttr(), IntegerAttr(), ArrayAttr());
  kernel.getBody().emplaceBlock().addArguments(
      arguments, SmallVector<Location>(arguments.size(), loc));
  return kernel;
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
      ExprEmitter::splitExtents(op, parallel, symbols, dynamic);
  DenseI64ArrayAttr range; // what contractions of it can rely on
  if (!target.type.isFloat()) {
    range = builder.getDenseI64ArrayAttr({target.range.lo, target.range.hi});
  }
  auto compute = lp::ComputeOp::create(
      builder, loc, mlir::TypeRange{tensorType(*builder.getContext(), target)},
      dynamic, ValueRange{}, extents, builder.getStringAttr(target.name),
      range);

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
  OpBuilder builder(&context);
  builder.setInsertionPointToStart(module->getBody());
  lp::KernelOp kernel = createKernel(builder, loc, op, targetName);
  Block *entry = &kernel.getBody().front();
  builder.setInsertionPointToStart(entry);

  SmallVector<Value> symbols(
      entry->getArguments().take_front(kernel.getSizes().size()));
  SmallVector<Value> tensors(op.tensors.size());
  unsigned argument = kernel.getSizes().size();
  for (ast::Role role : {ast::Role::Input, ast::Role::Constant}) {
    for (auto [i, tensor] : llvm::enumerate(op.tensors)) {
      if (tensor.role == role) {
        tensors[i] = entry->getArgument(argument++);
      }
    }
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
  lp::YieldOp::create(builder, loc, results);
  return module;
}
