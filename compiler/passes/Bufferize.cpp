// lp-bufferize: tensors to memrefs and packed buffers. Stage `packed`.
//
// One-shot bufferization of upstream is not used: two ops reach this point,
// both write whole results at their own index, so where a result lives is known
// at once and copies cannot arise.
#include "compiler/passes/Lowering.h"
#include "compiler/passes/Passes.h"
#include "ir/analysis/Chains.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
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

/// A contraction's result that it writes packed, as x of `consumer`.
struct Chain {
  unsigned result;
  lp::ContractOp consumer;
  Value packed;
};

class Bufferizer {
public:
  explicit Bufferizer(lp::KernelOp kernel)
      : kernel(kernel), builder(kernel.getContext()) {}

  LogicalResult run();

private:
  LogicalResult checkOutputs();
  LogicalResult planForms();
  void makeElementsExplicit();
  void separateConstants();
  lp::KernelOp createKernel();
  void convert(lp::ComputeOp op);
  void convert(lp::ContractOp op);
  bool isOnlyPacked(OpResult result);
  void createChains(lp::ContractOp op, lp::ContractOp converted,
                    ArrayRef<Chain> chains);
  Value findPackedX(lp::ContractOp op);
  Value allocateX(lp::ContractOp op);
  Value packX(lp::ContractOp op);
  void packComputed(lp::ComputeOp producer, lp::ContractOp consumer);
  lp::PackOp createPackX(lp::ContractOp op, Value source, Value packed);
  Value packW(lp::ContractOp op, const PackedForm &form);
  static lp::PackOp createPack(OpBuilder &b, lp::ContractOp op, Value source,
                               Value destination, lp::LayoutAttr layout,
                               mlir::Type element, ArrayRef<int64_t> extents,
                               ArrayRef<int64_t> xShape, ValueRange dynamic);
  FlatSymbolRefAttr createPackFunction(lp::ContractOp op, StringRef name);
  Value allocate(int64_t bytes);
  Value allocateTensor(Value tensor, Operation *op);
  Value destination(OpResult result);
  bool isPackedByCaller(Value w);

  lp::KernelOp kernel; ///< As it was, on tensors.
  OpBuilder builder;
  IRMapping mapping;
  llvm::MapVector<Operation *, PackedForm> forms;
  /// The contractions that read a value as the x that its producer writes
  /// packed, and the first one that an elementwise producer computes x for.
  llvm::DenseMap<Value, SmallVector<lp::ContractOp>> chainsOf;
  llvm::DenseMap<Operation *, lp::ContractOp> computedFor;
  llvm::DenseMap<Value, unsigned> outputOf; ///< Number of a yielded value.
  llvm::SmallPtrSet<Value, 4> packedInputs;
  /// By x: the contractions that a buffer of packed x was made for, and it.
  llvm::DenseMap<Value, SmallVector<std::pair<lp::ContractOp, Value>>> packedXs;
  Value workspace;
  int64_t workspaceBytes = 0;
};

LogicalResult Bufferizer::planForms() {
  auto result = kernel.walk([&](lp::ContractOp op) {
    const Lowering *lowering = loweringOf(op);
    auto form = lowering ? lowering->formOf(op)
                         : FailureOr<std::optional<PackedForm>>(failure());
    if (failed(form)) {
      return WalkResult::interrupt();
    }
    if (*form) {
      const XSource source = findXSource(op, **form);
      if (source.origin == XOrigin::Chained) {
        chainsOf[op.getX()].push_back(op);
      } else if (source.origin == XOrigin::Computed) {
        computedFor.try_emplace(source.producer, op);
      }
      forms.insert({op, **form});
    }
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

/// An input that one contraction reads, as its w only, arrives packed.
bool Bufferizer::isPackedByCaller(Value w) {
  auto argument = dyn_cast<BlockArgument>(w);
  return argument && llvm::hasSingleElement(w.getUses()) &&
         cast<lp::ContractOp>(*w.getUsers().begin()).getW() == w;
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

/// A constant is a buffer of its own for each contraction that reads it as its
/// w, and finds it packed as it wants.
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
      auto contract = dyn_cast<lp::ContractOp>(use.getOwner());
      if (!argument.hasOneUse() && contract &&
          &use == &contract.getWMutable()) {
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
      auto contract = cast<lp::ContractOp>(*input.getUsers().begin());
      const Geometry &g = forms.find(contract)->second.geometry;
      auto packed = lp::PackedBufferAttr::get(
          builder.getContext(), g.wBytes, g.wLayout,
          createPackFunction(contract, packerOf(kernel, buffer, i)));
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

/// Where `result` goes: an output argument or the workspace.
Value Bufferizer::destination(OpResult result) {
  auto output = outputOf.find(result);
  Value buffer = output != outputOf.end()
                     ? builder.getInsertionBlock()->getArgument(
                           kernel.getBody().getNumArguments() + output->second)
                     : allocateTensor(result, result.getOwner());
  mapping.map(result, buffer);
  return buffer;
}

static SmallVector<Value> mapAll(IRMapping &mapping, ValueRange values) {
  return llvm::map_to_vector(values,
                             [&](Value v) { return mapping.lookup(v); });
}

void Bufferizer::convert(lp::ComputeOp op) {
  if (auto consumer = computedFor.find(op); consumer != computedFor.end()) {
    return packComputed(op, consumer->second);
  }
  Value output = destination(op->getResult(0));
  auto compute = lp::ComputeOp::create(builder, op.getLoc(), mlir::TypeRange{},
                                       mapAll(mapping, op.getDynamicExtents()),
                                       output, op.getExtents(),
                                       op.getLabelAttr(), op.getRangeAttr());
  op.getBody().cloneInto(&compute.getBody(), mapping);
}

lp::PackOp Bufferizer::createPack(OpBuilder &b, lp::ContractOp op, Value source,
                                  Value destination, lp::LayoutAttr layout,
                                  mlir::Type element, ArrayRef<int64_t> extents,
                                  ArrayRef<int64_t> xShape,
                                  ValueRange dynamic) {
  return lp::PackOp::create(b, op.getLoc(), source, destination,
                            /*logical=*/{}, dynamic, layout, extents,
                            op.getParallel(), op.getXMap(), op.getWMap(),
                            xShape, op.getWShape(), element,
                            /*yielded=*/{});
}

lp::PackOp Bufferizer::createPackX(lp::ContractOp op, Value source,
                                   Value packed) {
  return createPack(builder, op, source, packed,
                    forms.find(op)->second.geometry.xLayout, op.getXElement(),
                    op.getExtents(), op.getXShape(),
                    mapAll(mapping, op.getDynamicExtents()));
}

/// The packed x of `op`, if it is there, perhaps made for another contraction.
Value Bufferizer::findPackedX(lp::ContractOp op) {
  const Geometry &g = forms.find(op)->second.geometry;
  for (auto &[other, packed] : packedXs.lookup(op.getX())) {
    if (havePackedXAlike(forms.find(other)->second.geometry, g)) {
      return packed;
    }
  }
  return {};
}

/// A buffer for the packed x of `op`.
Value Bufferizer::allocateX(lp::ContractOp op) {
  Value packed = allocate(forms.find(op)->second.geometry.xBytes);
  packedXs[op.getX()].push_back({op, packed});
  return packed;
}

Value Bufferizer::packX(lp::ContractOp op) {
  if (Value packed = findPackedX(op)) {
    return packed;
  }
  Value packed = allocateX(op);
  createPackX(op, mapping.lookup(op.getX()), packed);
  return packed;
}

/// The phase that packs what `producer` computes for `consumer`; if others read
/// it too, as it is, the phase stores it for them.
void Bufferizer::packComputed(lp::ComputeOp producer, lp::ContractOp consumer) {
  Value logical;
  if (!producer->getResult(0).hasOneUse()) {
    logical = destination(producer->getResult(0));
  }
  lp::PackOp pack = createPackX(consumer, {}, allocateX(consumer));
  pack.getLogicalMutable().assign(logical ? ValueRange(logical) : ValueRange());
  producer.getBody().cloneInto(&pack.getProducer(), mapping);
}

/// A function (logical, packed) that packs the w of `op`. Run-time sizes do not
/// reach w: the function packs for their bounds.
FlatSymbolRefAttr Bufferizer::createPackFunction(lp::ContractOp op,
                                                 StringRef name) {
  const Geometry &g = forms.find(op)->second.geometry;
  OpBuilder b = OpBuilder::atBlockEnd(kernel->getBlock());
  auto pack = func::FuncOp::create(
      b, op.getLoc(), name,
      b.getFunctionType({bufferType(op.getW().getType()),
                         bytesType(b.getContext(), g.wBytes)},
                        {}));
  b.setInsertionPointToStart(pack.addEntryBlock());
  createPack(b, op, pack.getArgument(0), pack.getArgument(1), g.wLayout,
             op.getWElement(), g.shape.extents, g.shape.xShape, {});
  func::ReturnOp::create(b, op.getLoc());
  return FlatSymbolRefAttr::get(pack);
}

Value Bufferizer::packW(lp::ContractOp op, const PackedForm &form) {
  if (packedInputs.contains(op.getW())) {
    return mapping.lookup(op.getW());
  }
  Value packed = allocate(form.geometry.wBytes);
  createPack(builder, op, mapping.lookup(op.getW()), packed,
             form.geometry.wLayout, op.getWElement(), op.getExtents(),
             op.getXShape(), mapAll(mapping, op.getDynamicExtents()));
  return packed;
}

/// True if nothing reads `result` but contractions that find it packed.
bool Bufferizer::isOnlyPacked(OpResult result) {
  return !result.use_empty() && chainsOf.contains(result) &&
         llvm::all_of(result.getUses(), [&](OpOperand &use) {
           auto contract = dyn_cast<lp::ContractOp>(use.getOwner());
           return contract && &use == &contract.getXMutable() &&
                  llvm::is_contained(chainsOf[result], contract);
         });
}

/// The buffers of the contractions that `op` writes x of, as chains of
/// `converted`. Values that only chains take are yielded after the outputs.
void Bufferizer::createChains(lp::ContractOp op, lp::ContractOp converted,
                              ArrayRef<Chain> chains) {
  auto yield = cast<lp::YieldOp>(converted.getBody().front().getTerminator());
  SmallVector<Value> values;
  for (OpResult result : op->getResults()) {
    if (!isOnlyPacked(result)) {
      values.push_back(yield.getValues()[result.getResultNumber()]);
    }
  }
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&converted.getChains());
  for (const Chain &chain : chains) {
    Value value = yield.getValues()[chain.result];
    auto *at = llvm::find(values, value);
    lp::PackOp pack = createPackX(chain.consumer, {}, chain.packed);
    pack.setYielded(at - values.begin());
    if (at == values.end()) {
      values.push_back(value);
    }
  }
  lp::YieldOp::create(builder, op.getLoc());
  yield.getValuesMutable().assign(values);
}

void Bufferizer::convert(lp::ContractOp op) {
  auto lookup = [&](Value v) { return v ? mapping.lookup(v) : Value(); };
  Value x;
  Value w;
  lp::LayoutAttr xLayout;
  lp::LayoutAttr wLayout;
  if (auto *found = forms.find(op); found != forms.end()) {
    x = packX(op);
    w = packW(op, found->second);
    xLayout = found->second.geometry.xLayout;
    wLayout = found->second.geometry.wLayout;
  } else {
    x = mapping.lookup(op.getX());
    w = mapping.lookup(op.getW());
  }
  SmallVector<Value> outputs;
  SmallVector<Chain> chains;
  for (OpResult result : op->getResults()) {
    if (!isOnlyPacked(result)) {
      outputs.push_back(destination(result));
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
  auto contract = lp::ContractOp::create(
      builder, op.getLoc(), mlir::TypeRange{}, x, w, lookup(op.getXZero()),
      lookup(op.getWZero()), lookup(op.getXPadScalar()),
      mapAll(mapping, op.getDynamicExtents()), outputs, op.getExtents(),
      op.getParallel(), op.getXMap(), op.getWMap(), op.getXDivisors(),
      op.getXPadAttr(), op.getXZeroMapAttr(), op.getWZeroMapAttr(),
      op.getXAffineAttr(), op.getWAffineAttr(), op.getXElement(),
      op.getWElement(), op.getXRange(), op.getWRange(), op.getXShape(),
      op.getWShape(), xLayout, wLayout, op.getScheduleAttr(), op.getLabelAttr(),
      op.getChoiceAttr(), elementOf(op.getXZero()), elementOf(op.getWZero()),
      elementOf(op.getXPadScalar()));
  op.getBody().cloneInto(&contract.getBody(), mapping);
  if (!chains.empty()) {
    createChains(op, contract, chains);
  }
}

/// Each output is the result of an op of its own, which writes it.
LogicalResult Bufferizer::checkOutputs() {
  Operation *yield = kernel.getBody().front().getTerminator();
  for (auto [number, output] : llvm::enumerate(yield->getOperands())) {
    Operation *op = output.getDefiningOp();
    if (!isa_and_present<lp::ComputeOp, lp::ContractOp>(op) ||
        !outputOf.try_emplace(output, number).second) {
      return yield->emitOpError("must yield distinct results of lp.compute and "
                                "lp.contract to be bufferized");
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
