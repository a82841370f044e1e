// lp-bufferize: tensors to memrefs and packed buffers. Stage `packed`.
//
// One-shot bufferization of upstream is not used: two ops reach this point,
// both write whole results at their own index, so where a result lives is known
// at once and copies cannot arise.
#include "compiler/passes/Bufferizer.h"
#include "compiler/passes/Passes.h"
#include "ir/analysis/Chains.h"
#include "llvm/Support/MathExtras.h"

namespace lpgen {
#define GEN_PASS_DEF_BUFFERIZEPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

MemRefType lpgen::bufferType(mlir::Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  return MemRefType::get(type.getShape(),
                         lp::getStorageType(type.getElementType()));
}

MemRefType lpgen::bytesType(MLIRContext *context, int64_t bytes) {
  return MemRefType::get({bytes}, IntegerType::get(context, 8));
}

/// On memrefs encodings and ranges stand in attributes; write them while types
/// and producers still say them.
void Bufferizer::makeElementsExplicit() {
  auto elementOf = [](Value source) {
    return mlir::TypeAttr::get(
        cast<ShapedType>(source.getType()).getElementType());
  };
  kernel.walk([&](Operation *op) {
    if (auto read = dyn_cast<lp::ReadOp>(op)) {
      if (!isa<FloatType>(read.logicalElement())) {
        read.setRange(read.elementRange());
      }
      read.setElementAttr(elementOf(read.getSource()));
    } else if (auto threshold = dyn_cast<lp::ThresholdOp>(op)) {
      threshold.setElementAttr(elementOf(threshold.getSource()));
    } else if (auto quantize = dyn_cast<lp::QuantizeOp>(op)) {
      quantize.getResult().setType(lp::getStorageType(quantize.getElement()));
    }
  });
}

/// `<op>.pack.<input>`, and the number of the buffer for one of a constant.
static std::string packerOf(lp::KernelOp kernel, lp::BufferAttr buffer,
                            size_t number) {
  std::string name = (kernel.getSymName() + ".pack." + buffer.getName()).str();
  return buffer.isConstant() ? name + "." + std::to_string(number) : name;
}

bool lpgen::isOfPanels(OpOperand &use) {
  auto contract = dyn_cast<lp::ContractOp>(use.getOwner());
  return contract &&
         (&use == &contract.getWMutable() ||
          llvm::any_of(contract.getColumnsMutable(),
                       [&](OpOperand &column) { return &use == &column; }));
}

/// A constant is a buffer of its own for each contraction that reads it as its
/// w or as a column, and finds it packed as it wants.
void Bufferizer::separateConstants() {
  Block &body = kernel.getBody().front();
  const size_t sizes = kernel.getSizes().size();
  SmallVector<Attribute> buffers;
  for (lp::BufferAttr buffer : kernel.bufferList()) {
    buffers.push_back(buffer);
    if (!buffer.isConstant()) {
      continue;
    }
    BlockArgument argument = body.getArgument(sizes + buffers.size() - 1);
    for (OpOperand &use : llvm::make_early_inc_range(argument.getUses())) {
      if (!argument.hasOneUse() && isOfPanels(use)) {
        use.set(body.insertArgument(sizes + buffers.size(), argument.getType(),
                                    argument.getLoc()));
        buffers.push_back(buffer);
      }
    }
  }
  kernel.setBuffersAttr(builder.getArrayAttr(buffers));
}

/// The kernel with buffers for arguments; its body is filled in later.
lp::KernelOp Bufferizer::createKernel() {
  const size_t sizes = kernel.getSizes().size();
  SmallVector<Attribute> buffers;
  for (auto [i, buffer] : llvm::enumerate(kernel.bufferList())) {
    Value input = buffer.isOutput()
                      ? Value()
                      : kernel.getBody().front().getArgument(sizes + i);
    if (input && packedInputs.contains(input)) {
      auto packed = createPackFunction(input, packerOf(kernel, buffer, i));
      buffer = buffer.packedAs(packed);
    }
    buffers.push_back(buffer);
  }
  builder.setInsertionPoint(kernel);
  auto result =
      cast<lp::KernelOp>(builder.cloneWithoutRegions(*kernel.getOperation()));
  result.setBuffersAttr(builder.getArrayAttr(buffers));
  SmallVector<mlir::Type> types = result.memrefArgumentTypes();
  Block &entry = result.getBody().emplaceBlock();
  entry.addArguments(types,
                     SmallVector<Location>(types.size(), kernel.getLoc()));
  for (BlockArgument argument : kernel.getBody().getArguments()) {
    mapping.map(argument, entry.getArgument(argument.getArgNumber()));
  }
  workspace = entry.getArguments().back();
  builder.setInsertionPointToStart(&entry);
  return result;
}

Value Bufferizer::allocate(int64_t bytes) {
  Value offset =
      arith::ConstantIndexOp::create(builder, kernel.getLoc(), workspaceBytes);
  workspaceBytes += llvm::alignTo(bytes, 64);
  return memref::ViewOp::create(builder, kernel.getLoc(),
                                bytesType(builder.getContext(), bytes),
                                workspace, offset, ValueRange{});
}

static ValueRange dynamicExtentsOf(Operation *op) {
  auto compute = dyn_cast<lp::ComputeOp>(op);
  return compute ? ValueRange(compute.getDynamicExtents())
                 : ValueRange(cast<lp::ContractOp>(op).getDynamicExtents());
}

/// A slice of the workspace for an intermediate, sized for the bounds.
Value Bufferizer::allocateTensor(Value tensor, Operation *op) {
  MemRefType type = bufferType(tensor.getType());
  const ValueRange dynamic =
      dynamicExtentsOf(op).take_front(type.getNumDynamicDims());
  int64_t bytes = type.getElementTypeBitWidth() / 8;
  for (int64_t extent : boundedExtents(type.getShape(), dynamic)) {
    bytes *= extent;
  }
  SmallVector<Value> sizes;
  for (Value extent : dynamic) {
    sizes.push_back(mapping.lookup(extent));
  }
  Value offset =
      arith::ConstantIndexOp::create(builder, op->getLoc(), workspaceBytes);
  workspaceBytes += llvm::alignTo(bytes, 64);
  return memref::ViewOp::create(builder, op->getLoc(), type, workspace, offset,
                                sizes);
}

/// The interleaved tensor that `result` is a part of; null if it is none.
static lp::InterleaveOp wholeOf(OpResult result) {
  return result.hasOneUse()
             ? dyn_cast<lp::InterleaveOp>(*result.getUsers().begin())
             : lp::InterleaveOp();
}

/// Where the elements of part `result` lie in `whole`.
Value Bufferizer::placeOfPart(OpResult result, lp::InterleaveOp whole) {
  auto interleaved = cast<OpResult>(whole.getResult());
  Value buffer = mapping.lookupOrNull(interleaved);
  if (!buffer) {
    buffer = destination(interleaved, result.getOwner());
  }
  OpOperand &use = *result.getUses().begin();
  SmallVector<OpFoldResult> offsets;
  SmallVector<OpFoldResult> strides;
  for (auto [residue, period] : llvm::zip_equal(
           whole.residuesOf(use.getOperandNumber()), whole.getPeriods())) {
    offsets.push_back(builder.getIndexAttr(residue));
    strides.push_back(builder.getIndexAttr(period));
  }
  auto type = cast<RankedTensorType>(result.getType());
  const SmallVector<OpFoldResult> sizes = mixedExtents(
      type.getShape(),
      dynamicExtentsOf(result.getOwner()).take_front(type.getNumDynamicDims()),
      builder, [&](Value size) { return mapping.lookup(size); });
  return memref::SubViewOp::create(builder, whole.getLoc(), buffer, offsets,
                                   sizes, strides);
}

/// Where `result` goes: an output argument or the workspace, or a place in an
/// interleaved tensor. Its run-time sizes are those of `op`.
Value Bufferizer::destination(OpResult result, Operation *op) {
  if (lp::InterleaveOp whole = wholeOf(result)) {
    Value place = placeOfPart(result, whole);
    mapping.map(result, place);
    return place;
  }
  auto output = outputOf.find(result);
  Value buffer = output != outputOf.end()
                     ? builder.getInsertionBlock()->getArgument(
                           kernel.getBody().getNumArguments() + output->second)
                     : allocateTensor(result, op);
  mapping.map(result, buffer);
  return buffer;
}

SmallVector<Value> Bufferizer::mapAll(ValueRange values) {
  return llvm::map_to_vector(values,
                             [&](Value v) { return mapping.lookup(v); });
}

void Bufferizer::convert(lp::ComputeOp op) {
  if (auto consumer = computedFor.find(op); consumer != computedFor.end()) {
    return packComputed(op, consumer->second);
  }
  Value output = destination(op->getResult(0), op);
  auto compute = lp::ComputeOp::create(
      builder, op.getLoc(), mlir::TypeRange{}, mapAll(op.getDynamicExtents()),
      output, op.getExtents(), op.getLabelAttr(), op.getRangeAttr());
  op.getBody().cloneInto(&compute.getBody(), mapping);
}

void Bufferizer::convert(lp::ContractOp op) {
  auto lookup = [&](Value v) { return v ? mapping.lookup(v) : Value(); };
  Value x;
  Value w;
  SmallVector<Value> columns;
  lp::LayoutAttr xLayout;
  lp::LayoutAttr wLayout;
  if (auto *found = forms.find(op); found != forms.end()) {
    if (readsPackedX(op)) {
      x = packX(op);
      xLayout = found->second.geometry.xLayout;
    } else {
      x = mapping.lookup(op.getX());
    }
    w = packW(op, found->second);
    wLayout = found->second.geometry.wLayout;
    for (unsigned i = 0; i < op.getColumns().size(); ++i) {
      columns.push_back(packColumn(op, i));
    }
  } else {
    x = mapping.lookup(op.getX());
    w = mapping.lookup(op.getW());
    columns = mapAll(op.getColumns());
  }
  SmallVector<Value> outputs;
  SmallVector<Chain> chains;
  for (OpResult result : op->getResults()) {
    if (!isOnlyPacked(result)) {
      outputs.push_back(destination(result, op));
    }
    for (lp::ContractOp consumer : chainsOf.lookup(result)) {
      if (!findPackedX(consumer)) {
        chains.push_back(
            {result.getResultNumber(), consumer, allocateX(consumer)});
      }
    }
  }
  // Zero points and paddings are memrefs now; their encoding is kept beside
  // them.
  auto elementOf = [](Value source) {
    return source ? mlir::TypeAttr::get(
                        cast<ShapedType>(source.getType()).getElementType())
                  : mlir::TypeAttr();
  };
  ArrayAttr elements;
  if (!columns.empty()) {
    elements = builder.getTypeArrayAttr(
        llvm::map_to_vector(op.getColumns().getTypes(), [](mlir::Type type) {
          return cast<ShapedType>(type).getElementType();
        }));
  }
  auto contract = lp::ContractOp::create(
      builder, op.getLoc(), mlir::TypeRange{}, x, w, lookup(op.getXZero()),
      lookup(op.getWZero()), lookup(op.getXPadScalar()), columns,
      mapAll(op.getDynamicExtents()), outputs, op.getExtents(),
      op.getParallel(), op.getGroupsAttr(), op.getXMap(), op.getWMap(),
      op.getXDivisors(), op.getXPadAttr(), op.getXZeroMapAttr(),
      op.getWZeroMapAttr(), op.getXAffineAttr(), op.getWAffineAttr(),
      op.getXElement(), op.getWElement(), op.getXRange(), op.getWRange(),
      op.getXShape(), op.getWShape(), xLayout, wLayout, op.getScheduleAttr(),
      op.getLabelAttr(), op.getChoiceAttr(), elementOf(op.getXZero()),
      elementOf(op.getWZero()), elementOf(op.getXPadScalar()),
      op.getColumnMapsAttr(), elements, op.getWZeroColumnAttr());
  op.getBody().cloneInto(&contract.getBody(), mapping);
  op.getFactors().cloneInto(&contract.getFactors(), mapping);
  if (!chains.empty()) {
    createChains(op, contract, chains);
  }
}

/// Each output is the result of an op of its own, which writes it.
LogicalResult Bufferizer::checkOutputs() {
  Operation *yield = kernel.getBody().front().getTerminator();
  for (auto [number, output] : llvm::enumerate(yield->getOperands())) {
    Operation *op = output.getDefiningOp();
    if (!isa_and_present<lp::ComputeOp, lp::ContractOp, lp::InterleaveOp>(op) ||
        !outputOf.try_emplace(output, number).second) {
      return yield->emitOpError("must yield distinct results of lp.compute, "
                                "lp.contract and lp.interleave to be "
                                "bufferized");
    }
  }
  return success();
}

/// Each part is the result of an op of its own, which wrote it into the whole.
static LogicalResult checkParts(lp::InterleaveOp op) {
  for (Value part : op.getParts()) {
    if (!part.hasOneUse() ||
        !isa_and_present<lp::ComputeOp, lp::ContractOp>(part.getDefiningOp())) {
      return op.emitOpError("cannot be bufferized: expected parts that "
                            "lp.compute and lp.contract make for it alone");
    }
  }
  return success();
}

LogicalResult Bufferizer::run() {
  if (failed(checkOutputs())) {
    return failure();
  }
  separateConstants();
  if (failed(planForms())) {
    return failure();
  }
  makeElementsExplicit();
  lp::KernelOp result = createKernel();
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (auto compute = dyn_cast<lp::ComputeOp>(op)) {
      convert(compute);
    } else if (auto contract = dyn_cast<lp::ContractOp>(op)) {
      convert(contract);
    } else if (op.hasTrait<OpTrait::ConstantLike>()) {
      builder.clone(op, mapping); // folding moved it out of a body
    } else if (auto interleave = dyn_cast<lp::InterleaveOp>(op)) {
      if (failed(checkParts(interleave))) {
        return failure();
      }
    } else {
      return op.emitError("cannot be bufferized: expected lp.compute or "
                          "lp.contract");
    }
  }
  lp::YieldOp::create(builder, kernel.getLoc());
  result.setWorkspace(workspaceBytes);
  workspace.setType(bytesType(builder.getContext(), workspaceBytes));
  kernel.erase();
  return success();
}

namespace {
struct BufferizePass : public lpgen::impl::BufferizePassBase<BufferizePass> {
  void runOnOperation() override {
    SmallVector<lp::KernelOp> kernels(getOperation().getOps<lp::KernelOp>());
    for (lp::KernelOp kernel : kernels) {
      if (kernel.hasTensors() && failed(Bufferizer(kernel).run())) {
        return signalPassFailure();
      }
    }
  }
};

} // namespace
