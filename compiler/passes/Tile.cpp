// lp-tile: one function for each phase, with a loop over its tasks. Stage
// `tiled`.
#include "compiler/passes/Lowering.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/BitVector.h"

namespace lpgen {
#define GEN_PASS_DEF_TILEPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

SmallVector<OpFoldResult>
lpgen::taskSizes(Operation *op, Emitter &e,
                 llvm::function_ref<Value(Value)> resolve) {
  if (auto compute = dyn_cast<lp::ComputeOp>(op)) {
    return computeTaskSizes(compute, e, resolve);
  }
  if (auto pack = dyn_cast<lp::PackOp>(op)) {
    return packTaskSizes(pack, e, resolve);
  }
  auto contract = cast<lp::ContractOp>(op);
  return loweringOf(contract)->taskSizes(contract, e, resolve);
}

namespace {

bool isPhase(Operation &op) {
  return isa<lp::ComputeOp, lp::PackOp, lp::ContractOp>(op);
}

/// The packs whose halo the phase of `op` fills.
SmallVector<lp::PackOp> halosOf(Operation *op) {
  SmallVector<lp::PackOp> chains;
  if (auto contract = dyn_cast<lp::ContractOp>(op)) {
    llvm::copy_if(lp::chainedPacks(contract), std::back_inserter(chains),
                  [](lp::PackOp pack) { return hasHalo(pack); });
  }
  return chains;
}

/// Bytes of scratch that the task of `op` needs, after replacing it by loops.
FailureOr<int64_t> lowerTask(Operation *op, Emitter &e, Coordinates task,
                             Value scratch) {
  if (auto compute = dyn_cast<lp::ComputeOp>(op)) {
    return emitTask(compute, e, task);
  }
  if (auto pack = dyn_cast<lp::PackOp>(op)) {
    return emitTask(pack, e, task, scratch);
  }
  auto contract = cast<lp::ContractOp>(op);
  return loweringOf(contract)->emitTask(contract, e, task, scratch);
}

/// Copies `op` and what it uses of its block to where `b` stands.
Operation *cloneWithUses(OpBuilder &b, Operation &op, IRMapping &mapping) {
  op.walk([&](Operation *inner) {
    for (Value operand : inner->getOperands()) {
      Operation *source = operand.getDefiningOp();
      if (source && source->getBlock() == op.getBlock() &&
          !mapping.contains(operand)) {
        cloneWithUses(b, *source, mapping);
      }
    }
  });
  return b.clone(op, mapping);
}

/// The phases of one kernel, as functions.
class Phases {
public:
  explicit Phases(lp::KernelOp kernel)
      : kernel(kernel), builder(kernel), loc(kernel.getLoc()) {}

  LogicalResult split();

private:
  LogicalResult checkBody();
  func::FuncOp createFunction(const Twine &suffix, ArrayRef<mlir::Type> inputs,
                              ArrayRef<mlir::Type> results);
  func::FuncOp createTaskCount(Operation &op, size_t number);
  PhaseFunction createPhase(Operation &op, size_t number,
                            SmallVectorImpl<int64_t> &takes);

  lp::KernelOp kernel;
  OpBuilder builder;
  Location loc;
  int64_t scratchBytes = 0; ///< Of the phases so far.
};

/// A body on memrefs has phases, and what they use without an effect.
LogicalResult Phases::checkBody() {
  if (!kernel.hasMemrefs()) {
    return kernel.emitOpError("cannot be tiled: expected a body of memrefs, "
                              "stage 'packed'");
  }
  Block &body = kernel.getBody().front();
  const llvm::DenseMap<Value, int64_t> greatest = greatestIndices(body);
  for (Operation &op : body.without_terminator()) {
    auto view = dyn_cast<memref::ViewOp>(op);
    if (view && failed(checkView(view, greatest))) {
      return failure();
    }
    if (isPhase(op) ? op.getNumResults() > 0 : !isPure(&op)) {
      return op.emitError("cannot be tiled: expected a phase on memrefs or an "
                          "op without effects");
    }
    if (failed(checkPhase(&op))) {
      return failure();
    }
  }
  return success();
}

func::FuncOp Phases::createFunction(const Twine &suffix,
                                    ArrayRef<mlir::Type> inputs,
                                    ArrayRef<mlir::Type> results) {
  builder.setInsertionPoint(kernel);
  auto function =
      func::FuncOp::create(builder, loc, (kernel.getSymName() + suffix).str(),
                           builder.getFunctionType(inputs, results));
  builder.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

/// `<op>.tasksN(sizes)`: the tasks of phase `op`, halos of chains included.
func::FuncOp Phases::createTaskCount(Operation &op, size_t number) {
  SmallVector<mlir::Type> sizes(kernel.getSizes().size(),
                                builder.getIndexType());
  func::FuncOp count =
      createFunction(".tasks" + Twine(number), sizes, builder.getIndexType());
  Emitter e(builder, loc);
  auto resolve = [&](Value size) -> Value {
    return count.getArgument(cast<BlockArgument>(size).getArgNumber());
  };
  Value total = e.product(taskSizes(&op, e, resolve));
  for (lp::PackOp chain : halosOf(&op)) {
    total = e.add(total, e.product(packTaskSizes(chain, e, resolve)));
  }
  func::ReturnOp::create(builder, loc, total);
  return count;
}

/// The tasks of `op` itself, then those that fill the halos of chains. Returns
/// the bytes of scratch that they need.
FailureOr<int64_t> loopOverTasks(Operation *op, Value begin, Value end,
                                 Value scratch) {
  OpBuilder builder(op);
  Emitter e(builder, op->getLoc());
  auto same = [](Value v) { return v; };
  SmallVector<lp::PackOp> halos = halosOf(op);
  SmallVector<OpFoldResult> sizes = taskSizes(op, e, same);
  Value next = e.product(sizes);
  Value last = halos.empty() ? end : e.min(end, next);
  for (lp::PackOp chain : halos) {
    SmallVector<OpFoldResult> halo = packTaskSizes(chain, e, same);
    Value past = e.add(next, e.product(halo));
    e.loop(e.max(begin, next), e.min(end, past), 1, [&](Value task) {
      emitHaloTask(chain, e, e.delinearize(e.sub(task, next), halo), scratch);
    });
    next = past;
  }
  FailureOr<int64_t> bytes = failure();
  e.loop(begin, last, 1, [&](Value task) {
    bytes = lowerTask(op, e, e.delinearize(task, sizes), scratch);
  });
  return bytes;
}

/// `<op>.phaseN(sizes, buffers, workspace, scratch, begin, end)`, of the first
/// three those that it uses, whose numbers go to `takes`; null on an error.
/// Scratch gets its size at the end. The tasks are lowered in a kernel, where
/// run-time sizes have bounds, whose body then becomes the function's.
PhaseFunction Phases::createPhase(Operation &op, size_t number,
                                  SmallVectorImpl<int64_t> &takes) {
  SmallVector<mlir::Type> types(kernel.getBody().getArgumentTypes());
  const size_t count = types.size();
  types.push_back(MemRefType::get({0}, builder.getI8Type()));
  types.append(2, builder.getIndexType());
  builder.setInsertionPoint(kernel);
  auto phase =
      cast<lp::KernelOp>(builder.cloneWithoutRegions(*kernel.getOperation()));
  Block &body = phase.getBody().emplaceBlock();
  body.addArguments(types, SmallVector<Location>(types.size(), loc));
  builder.setInsertionPointToStart(&body);
  IRMapping mapping;
  for (BlockArgument argument : kernel.getBody().getArguments()) {
    mapping.map(argument, body.getArgument(argument.getArgNumber()));
  }
  Operation *copy = cloneWithUses(builder, op, mapping);
  func::ReturnOp::create(builder, loc);
  FailureOr<int64_t> bytes =
      loopOverTasks(copy, body.getArgument(count + 1),
                    body.getArgument(count + 2), body.getArgument(count));
  PhaseFunction result;
  if (succeeded(bytes)) {
    llvm::BitVector unused(body.getNumArguments());
    for (size_t i = 0; i < count; ++i) {
      if (body.getArgument(i).use_empty()) {
        unused.set(i);
      } else {
        takes.push_back(static_cast<int64_t>(i));
      }
    }
    if (!unused.test(count - 1)) {
      result.workspace = body.getArgument(count - 1);
    }
    body.eraseArguments(unused);
    builder.setInsertionPoint(kernel);
    result.function = func::FuncOp::create(
        builder, loc, (kernel.getSymName() + ".phase" + Twine(number)).str(),
        builder.getFunctionType(body.getArgumentTypes(), {}));
    result.function.getBody().takeBody(phase.getBody());
    scratchBytes = std::max(scratchBytes, *bytes);
  }
  phase.erase();
  return result;
}

lp::PhaseKind kindOf(Operation &op) {
  return isa<lp::ComputeOp>(op) ? lp::PhaseKind::Compute
         : isa<lp::PackOp>(op)  ? lp::PhaseKind::Pack
                                : lp::PhaseKind::Contract;
}

LogicalResult Phases::split() {
  if (failed(checkBody())) {
    return failure();
  }
  SmallVector<lp::ContractOp> contracts;
  kernel.walk([&](lp::ContractOp op) { contracts.push_back(op); });
  for (lp::ContractOp op : contracts) {
    const Lowering *lowering = loweringOf(op);
    if (!lowering || failed(lowering->replace(op))) {
      return failure();
    }
  }
  SmallVector<Attribute> phases;
  SmallVector<PhaseFunction> functions;
  for (Operation &op :
       llvm::make_filter_range(kernel.getBody().front(), isPhase)) {
    func::FuncOp tasks = createTaskCount(op, phases.size());
    SmallVector<int64_t> takes;
    const PhaseFunction run = createPhase(op, phases.size(), takes);
    if (!run.function) {
      return failure();
    }
    functions.push_back(run);
    phases.push_back(lp::PhaseAttr::get(kernel.getContext(), kindOf(op),
                                        FlatSymbolRefAttr::get(run.function),
                                        FlatSymbolRefAttr::get(tasks), takes));
  }
  // Views of scratch need a size that the ops within know only now.
  auto type = MemRefType::get({scratchBytes}, builder.getI8Type());
  for (const PhaseFunction &phase : functions) {
    func::FuncOp function = phase.function;
    SmallVector<mlir::Type> types(function.getArgumentTypes());
    const size_t scratch = types.size() - 3;
    types[scratch] = type;
    function.getArgument(scratch).setType(type);
    function.setFunctionType(builder.getFunctionType(types, {}));
  }
  sharePhases(functions);
  kernel.getBody().front().erase();
  kernel.setScratch(scratchBytes);
  kernel.setPhasesAttr(builder.getArrayAttr(phases));
  return success();
}

/// The packs of a function that the caller packs by: loops over all tasks.
LogicalResult lowerPacks(func::FuncOp function) {
  SmallVector<lp::PackOp> packs(function.getOps<lp::PackOp>());
  for (lp::PackOp pack : packs) {
    if (!pack.getDynamicExtents().empty() || !pack.getLayout().isOfWeights()) {
      return pack.emitOpError("in a function must pack weights, of constant "
                              "extents");
    }
    if (failed(checkPack(pack))) {
      return failure();
    }
    OpBuilder builder(pack);
    Emitter e(builder, pack.getLoc());
    Value count = e.product(taskSizes(pack, e, [](Value v) { return v; }));
    if (failed(loopOverTasks(pack, e.index(0), count, {}))) {
      return failure();
    }
  }
  return success();
}

struct TilePass : public lpgen::impl::TilePassBase<TilePass> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    SmallVector<lp::KernelOp> kernels(getOperation().getOps<lp::KernelOp>());
    for (func::FuncOp function : functions) {
      if (!function.isExternal() && failed(lowerPacks(function))) {
        return signalPassFailure();
      }
    }
    for (lp::KernelOp kernel : kernels) {
      if (failed(Phases(kernel).split())) {
        return signalPassFailure();
      }
    }
    sharePackers(getOperation());
  }
};

} // namespace
