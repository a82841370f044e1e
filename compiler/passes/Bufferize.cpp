// lp-bufferize: tensors to memrefs and packed buffers. Stage `packed`.
//
// One-shot bufferization of upstream is not used: two ops reach this point,
// both write whole results at their own index, so where a result lives is known
// at once and copies cannot arise.
#include "compiler/passes/PackedForm.h"
#include "compiler/passes/Passes.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/Support/MathExtras.h"

namespace lpgen {
#define GEN_PASS_DEF_BUFFERIZEPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

namespace {

MemRefType bufferType(mlir::Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  return MemRefType::get(type.getShape(),
                         lp::getStorageType(type.getElementType()));
}

MemRefType bytesType(MLIRContext *context, int64_t bytes) {
  return MemRefType::get({bytes}, IntegerType::get(context, 8));
}

class Bufferizer {
public:
  explicit Bufferizer(func::FuncOp function)
      : function(function), builder(function.getContext()) {}

  LogicalResult run();

private:
  LogicalResult planForms();
  void makeElementsExplicit();
  func::FuncOp createKernel();
  void convert(lp::ComputeOp op);
  LogicalResult convert(lp::ContractOp op);
  void findFused();
  Value packX(lp::ContractOp op, const PackedForm &form);
  Value packW(lp::ContractOp op, const PackedForm &form);
  lp::PackOp createPack(lp::ContractOp op, Value source, Value destination,
                        lp::LayoutAttr layout, mlir::Type element,
                        ValueRange dynamic);
  void createPackFunction(lp::ContractOp op, BlockArgument w,
                          const PackedForm &form);
  Value allocate(int64_t bytes);
  Value allocateTensor(Value tensor, Operation *op);
  SmallVector<Value> destinations(Operation *op);
  bool isPackedByCaller(Value w);

  func::FuncOp function;
  OpBuilder builder;
  IRMapping mapping;
  llvm::DenseMap<Operation *, PackedForm> forms;
  llvm::SmallPtrSet<Value, 4> packedInputs;
  /// Elementwise ops that are computed where their result is packed.
  llvm::SmallPtrSet<Operation *, 4> fused;
  Value workspace;
  int64_t workspaceBytes = 0;
};

LogicalResult Bufferizer::planForms() {
  auto result = function.walk([&](lp::ContractOp op) {
    if (!op.getSchedule() || op.getSchedule()->getCell().empty()) {
      return WalkResult::advance();
    }
    FailureOr<PackedForm> form = scheduledForm(op);
    if (failed(form)) {
      return WalkResult::interrupt();
    }
    forms.insert({op, *form});
    return WalkResult::advance();
  });
  if (result.wasInterrupted()) {
    return failure();
  }
  for (auto &[op, form] : forms) {
    Value w = cast<lp::ContractOp>(op).getW();
    if (isPackedByCaller(w)) {
      packedInputs.insert(w);
    }
  }
  return success();
}

/// An intermediate that only one contraction reads, as its x, is computed where
/// it is packed: each element is packed once, as packed intermediates have no
/// halo (only outputs can be read outside).
void Bufferizer::findFused() {
  for (auto &[op, form] : forms) {
    Value x = cast<lp::ContractOp>(op).getX();
    auto compute = x.getDefiningOp<lp::ComputeOp>();
    auto type = cast<RankedTensorType>(x.getType());
    bool hasHalo = llvm::any_of(form.geometry.positions,
                                [](const PositionDim &p) { return p.hasHalo; });
    if (compute && compute->getNumResults() == 1 && x.hasOneUse() &&
        type.hasStaticShape() && !hasHalo) {
      fused.insert(compute);
    }
  }
}

/// An input that one contraction reads, as its w only, arrives packed.
bool Bufferizer::isPackedByCaller(Value w) {
  auto argument = dyn_cast<BlockArgument>(w);
  return argument && llvm::hasSingleElement(w.getUses()) &&
         cast<lp::ContractOp>(*w.getUsers().begin()).getW() == w;
}

/// On memrefs the encoding stands in attributes; write it while types still say
/// it.
void Bufferizer::makeElementsExplicit() {
  auto elementOf = [](Value source) {
    return mlir::TypeAttr::get(
        cast<ShapedType>(source.getType()).getElementType());
  };
  function.walk([&](Operation *op) {
    if (auto read = dyn_cast<lp::ReadOp>(op)) {
      read.setElementAttr(elementOf(read.getSource()));
    } else if (auto threshold = dyn_cast<lp::ThresholdOp>(op)) {
      threshold.setElementAttr(elementOf(threshold.getSource()));
    } else if (auto quantize = dyn_cast<lp::QuantizeOp>(op)) {
      quantize.getResult().setType(lp::getStorageType(quantize.getElement()));
    }
  });
}

/// The function with buffers for arguments; its body is filled in later.
func::FuncOp Bufferizer::createKernel() {
  SmallVector<mlir::Type> types;
  SmallVector<DictionaryAttr> attributes;
  for (BlockArgument argument : function.getArguments()) {
    NamedAttrList list(function.getArgAttrDict(argument.getArgNumber()));
    mlir::Type type = argument.getType();
    if (isa<RankedTensorType>(type)) {
      type = bufferType(type);
    }
    if (packedInputs.contains(argument)) {
      const PackedForm &form = forms.at(*argument.getUsers().begin());
      list.set("lp.logical", mlir::TypeAttr::get(type));
      type = bytesType(builder.getContext(), form.geometry.wBytes);
    }
    types.push_back(type);
    attributes.push_back(list.getDictionary(builder.getContext()));
  }
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    types.push_back(bufferType(type));
    NamedAttrList list(function.getResultAttrDict(i));
    list.set("lp.output", builder.getUnitAttr());
    attributes.push_back(list.getDictionary(builder.getContext()));
  }
  types.push_back(
      bytesType(builder.getContext(), 0)); // workspace, sized at the end
  attributes.push_back(builder.getDictionaryAttr(
      builder.getNamedAttr("lp.workspace", builder.getUnitAttr())));
  builder.setInsertionPoint(function);
  auto kernel =
      func::FuncOp::create(builder, function.getLoc(), function.getName(),
                           builder.getFunctionType(types, {}));
  kernel->setAttr("lp.kernel", builder.getUnitAttr());
  kernel.setAllArgAttrs(attributes);
  Block *entry = kernel.addEntryBlock();
  for (BlockArgument argument : function.getArguments()) {
    mapping.map(argument, entry->getArgument(argument.getArgNumber()));
  }
  workspace = entry->getArguments().back();
  builder.setInsertionPointToStart(entry);
  return kernel;
}

Value Bufferizer::allocate(int64_t bytes) {
  Value offset = arith::ConstantIndexOp::create(builder, function.getLoc(),
                                                workspaceBytes);
  workspaceBytes += llvm::alignTo(bytes, 64);
  return memref::ViewOp::create(builder, function.getLoc(),
                                bytesType(builder.getContext(), bytes),
                                workspace, offset, ValueRange{});
}

/// A slice of the workspace for an intermediate, sized for the bounds.
Value Bufferizer::allocateTensor(Value tensor, Operation *op) {
  MemRefType type = bufferType(tensor.getType());
  ValueRange dynamic =
      isa<lp::ComputeOp>(op)
          ? ValueRange(cast<lp::ComputeOp>(op).getDynamicExtents())
          : ValueRange(cast<lp::ContractOp>(op).getDynamicExtents());
  dynamic = dynamic.take_front(type.getNumDynamicDims());
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

/// Where the results of `op` go: output arguments or the workspace.
SmallVector<Value> Bufferizer::destinations(Operation *op) {
  SmallVector<Value> buffers;
  auto ret = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  unsigned firstOutput = function.getNumArguments();
  Block *entry = builder.getInsertionBlock();
  for (Value result : op->getResults()) {
    Value buffer;
    for (auto [i, returned] : llvm::enumerate(ret.getOperands())) {
      if (returned == result) {
        buffer = entry->getArgument(firstOutput + i);
      }
    }
    if (!buffer) {
      buffer = allocateTensor(result, op);
    }
    mapping.map(result, buffer);
    buffers.push_back(buffer);
  }
  return buffers;
}

static SmallVector<Value> mapAll(IRMapping &mapping, ValueRange values) {
  return llvm::map_to_vector(values,
                             [&](Value v) { return mapping.lookup(v); });
}

void Bufferizer::convert(lp::ComputeOp op) {
  SmallVector<Value> outputs = destinations(op);
  auto compute = lp::ComputeOp::create(builder, op.getLoc(), mlir::TypeRange{},
                                       mapAll(mapping, op.getDynamicExtents()),
                                       outputs, op.getExtents());
  op.getBody().cloneInto(&compute.getBody(), mapping);
}

lp::PackOp Bufferizer::createPack(lp::ContractOp op, Value source,
                                  Value destination, lp::LayoutAttr layout,
                                  mlir::Type element, ValueRange dynamic) {
  return lp::PackOp::create(builder, op.getLoc(), source, destination, dynamic,
                            layout, op.getExtents(), op.getParallel(),
                            op.getXMap(), op.getWMap(), op.getXShape(),
                            op.getWShape(), element);
}

Value Bufferizer::packX(lp::ContractOp op, const PackedForm &form) {
  Value packed = allocate(form.geometry.xBytes);
  Operation *producer = op.getX().getDefiningOp();
  bool isFused = fused.contains(producer);
  lp::PackOp pack =
      createPack(op, isFused ? Value() : mapping.lookup(op.getX()), packed,
                 form.geometry.xLayout, op.getXElement(),
                 mapAll(mapping, op.getDynamicExtents()));
  if (isFused) {
    cast<lp::ComputeOp>(producer).getBody().cloneInto(&pack.getProducer(),
                                                      mapping);
  }
  return packed;
}

/// `<op>.pack.<input>(logical, packed)`: what the caller uses to pack w.
void Bufferizer::createPackFunction(lp::ContractOp op, BlockArgument w,
                                    const PackedForm &form) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(function);
  StringRef name =
      function.getArgAttrOfType<StringAttr>(w.getArgNumber(), "lp.name");
  SmallVector<mlir::Type> types(op.getDynamicExtents().size(),
                                builder.getIndexType());
  types.push_back(bufferType(w.getType()));
  types.push_back(bytesType(builder.getContext(), form.geometry.wBytes));
  auto pack = func::FuncOp::create(builder, op.getLoc(),
                                   (function.getName() + ".pack." + name).str(),
                                   builder.getFunctionType(types, {}));
  pack->setAttr("lp.packs", builder.getI64IntegerAttr(w.getArgNumber()));
  Block *entry = pack.addEntryBlock();
  for (auto [i, extent] : llvm::enumerate(op.getDynamicExtents())) {
    pack.setArgAttr(i, "lp.bound", builder.getI64IntegerAttr(boundOf(extent)));
  }
  builder.setInsertionPointToStart(entry);
  ArrayRef<BlockArgument> arguments = entry->getArguments();
  createPack(op, arguments[arguments.size() - 2], arguments.back(),
             form.geometry.wLayout, op.getWElement(),
             ValueRange(arguments.drop_back(2)));
  func::ReturnOp::create(builder, op.getLoc());
}

Value Bufferizer::packW(lp::ContractOp op, const PackedForm &form) {
  if (packedInputs.contains(op.getW())) {
    createPackFunction(op, cast<BlockArgument>(op.getW()), form);
    return mapping.lookup(op.getW());
  }
  Value packed = allocate(form.geometry.wBytes);
  createPack(op, mapping.lookup(op.getW()), packed, form.geometry.wLayout,
             op.getWElement(), mapAll(mapping, op.getDynamicExtents()));
  return packed;
}

LogicalResult Bufferizer::convert(lp::ContractOp op) {
  auto lookup = [&](Value v) { return v ? mapping.lookup(v) : Value(); };
  Value x;
  Value w;
  lp::LayoutAttr xLayout;
  lp::LayoutAttr wLayout;
  if (auto found = forms.find(op); found != forms.end()) {
    const PackedForm &form = found->second;
    x = packX(op, form);
    w = packW(op, form);
    xLayout = form.geometry.xLayout;
    wLayout = form.geometry.wLayout;
  } else {
    x = mapping.lookup(op.getX());
    w = mapping.lookup(op.getW());
  }
  SmallVector<Value> outputs = destinations(op);
  auto contract = lp::ContractOp::create(
      builder, op.getLoc(), mlir::TypeRange{}, x, w, lookup(op.getXZero()),
      lookup(op.getWZero()), lookup(op.getXPadScalar()),
      mapAll(mapping, op.getDynamicExtents()), ValueRange{}, outputs,
      op.getExtents(), op.getParallel(), op.getXMap(), op.getWMap(),
      op.getXDivisors(), op.getXPadAttr(), op.getWZeroMapAttr(),
      op.getXElement(), op.getWElement(), op.getXRange(), op.getWRange(),
      op.getXShape(), op.getWShape(), xLayout, wLayout, op.getScheduleAttr(),
      op.getLabelAttr());
  // Zero points and paddings are memrefs now; their encoding is kept beside
  // them.
  auto keep = [&](StringRef name, Value source) {
    if (source) {
      contract->setAttr(
          name, mlir::TypeAttr::get(
                    cast<ShapedType>(source.getType()).getElementType()));
    }
  };
  keep("xZeroElement", op.getXZero());
  keep("wZeroElement", op.getWZero());
  keep("xPadElement", op.getXPadScalar());
  op.getBody().cloneInto(&contract.getBody(), mapping);
  return success();
}

LogicalResult Bufferizer::run() {
  if (failed(planForms())) {
    return failure();
  }
  findFused();
  makeElementsExplicit();
  func::FuncOp kernel = createKernel();
  for (Operation &op : function.getBody().front()) {
    if (fused.contains(&op)) {
      continue;
    }
    if (auto compute = dyn_cast<lp::ComputeOp>(op)) {
      convert(compute);
    } else if (auto contract = dyn_cast<lp::ContractOp>(op)) {
      if (failed(convert(contract))) {
        return failure();
      }
    } else if (op.hasTrait<OpTrait::ConstantLike>()) {
      builder.clone(op, mapping); // folding moved it out of a body
    } else if (!isa<func::ReturnOp>(op)) {
      return op.emitError("cannot be bufferized: expected lp.compute or "
                          "lp.contract");
    }
  }
  func::ReturnOp::create(builder, function.getLoc());
  auto type = bytesType(builder.getContext(), workspaceBytes);
  workspace.setType(type);
  SmallVector<mlir::Type> inputs(kernel.getFunctionType().getInputs());
  inputs.back() = type;
  kernel.setFunctionType(builder.getFunctionType(inputs, {}));
  function.erase();
  return success();
}

struct BufferizePass : public lpgen::impl::BufferizePassBase<BufferizePass> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp function : functions) {
      if (failed(Bufferizer(function).run())) {
        return signalPassFailure();
      }
    }
  }
};

} // namespace
