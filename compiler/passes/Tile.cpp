// lp-tile: one function for each phase, with a loop over its tasks. Stage
// `tiled`.
#include "compiler/passes/Lowering.h"
#include "mlir/IR/IRMapping.h"

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

struct TilePass : public lpgen::impl::TilePassBase<TilePass> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp function : functions) {
      LogicalResult done =
          function->hasAttr("lp.kernel")  ? splitPhases(function)
          : function->hasAttr("lp.packs") ? lowerPackFunction(function)
                                          : success();
      if (failed(done)) {
        return signalPassFailure();
      }
    }
  }

  /// `<op>.phaseN` and `<op>.tasksN` for each op; the kernel itself stays as
  /// the list of its arguments.
  LogicalResult splitPhases(func::FuncOp kernel) {
    SmallVector<lp::ContractOp> contracts;
    kernel.walk([&](lp::ContractOp op) { contracts.push_back(op); });
    for (lp::ContractOp op : contracts) {
      const Lowering *lowering = loweringOf(op);
      if (!lowering || failed(lowering->replace(op))) {
        return failure();
      }
    }
    int64_t phases = llvm::count_if(kernel.getBody().front(), isPhase);
    int64_t scratchBytes = 0;
    SmallVector<func::FuncOp> created;
    for (int64_t phase = 0; phase < phases; ++phase) {
      createTaskCount(kernel, phase);
      FailureOr<int64_t> bytes = createPhase(kernel, phase);
      if (failed(bytes)) {
        return failure();
      }
      scratchBytes = std::max(scratchBytes, *bytes);
    }
    Builder builder(&getContext());
    kernel->setAttr("lp.phases", builder.getI64IntegerAttr(phases));
    kernel->setAttr("lp.scratch", builder.getI64IntegerAttr(scratchBytes));
    eraseAllBut(kernel, -1);
    return success();
  }

  /// Erases every phase op but number `keep`, and what then has no use.
  static Operation *eraseAllBut(func::FuncOp function, int64_t keep) {
    Operation *kept = nullptr;
    int64_t number = 0;
    for (Operation &op :
         llvm::make_early_inc_range(function.getBody().front())) {
      if (!isPhase(op)) {
        continue;
      }
      if (number++ == keep) {
        kept = &op;
      } else {
        op.erase();
      }
    }
    for (Operation &op : llvm::make_early_inc_range(
             llvm::reverse(function.getBody().front()))) {
      if (isOpTriviallyDead(&op)) {
        op.erase();
      }
    }
    return kept;
  }

  void createTaskCount(func::FuncOp kernel, int64_t phase) {
    OpBuilder builder(kernel);
    unsigned sizes = llvm::count_if(kernel.getArgumentTypes(),
                                    [](mlir::Type t) { return t.isIndex(); });
    SmallVector<mlir::Type> types(sizes, builder.getIndexType());
    auto count = func::FuncOp::create(
        builder, kernel.getLoc(),
        (kernel.getName() + ".tasks" + Twine(phase)).str(),
        builder.getFunctionType(types, builder.getIndexType()));
    Block *entry = count.addEntryBlock();
    builder.setInsertionPointToStart(entry);
    Emitter e(builder, kernel.getLoc());
    int64_t number = 0;
    for (Operation &op : kernel.getBody().front()) {
      if (!isPhase(op) || number++ != phase) {
        continue;
      }
      auto resolve = [&](Value size) -> Value {
        return entry->getArgument(cast<BlockArgument>(size).getArgNumber());
      };
      Value total = e.product(taskSizes(&op, e, resolve));
      for (lp::PackOp chain : halosOf(&op)) {
        total = e.add(total, e.product(packTaskSizes(chain, e, resolve)));
      }
      func::ReturnOp::create(builder, kernel.getLoc(), total);
      return;
    }
  }

  FailureOr<int64_t> createPhase(func::FuncOp kernel, int64_t phase) {
    OpBuilder builder(kernel);
    auto function = cast<func::FuncOp>(builder.clone(*kernel.getOperation()));
    function.setName((kernel.getName() + ".phase" + Twine(phase)).str());
    function->removeAttr("lp.kernel");
    Location loc = kernel.getLoc();
    unsigned count = function.getNumArguments();
    auto bytes = MemRefType::get({0}, builder.getI8Type());
    auto none = builder.getDictionaryAttr({});
    if (failed(function.insertArgument(count, bytes, none, loc)) ||
        failed(function.insertArgument(count + 1, builder.getIndexType(), none,
                                       loc)) ||
        failed(function.insertArgument(count + 2, builder.getIndexType(), none,
                                       loc))) {
      return failure();
    }
    Operation *op = eraseAllBut(function, phase);
    function->setAttr("lp.phase",
                      builder.getStringAttr(op->getName().getStringRef()));
    BlockArgument scratch = function.getArgument(count);
    FailureOr<int64_t> scratchBytes =
        loopOverTasks(op, function.getArgument(count + 1),
                      function.getArgument(count + 2), scratch);
    if (failed(scratchBytes)) {
      return failure();
    }
    // Views of scratch need a size that the ops within know only now.
    auto type = MemRefType::get({*scratchBytes}, builder.getI8Type());
    scratch.setType(type);
    SmallVector<mlir::Type> types(function.getArgumentTypes());
    types[count] = type;
    function.setFunctionType(builder.getFunctionType(types, {}));
    return *scratchBytes;
  }

  /// The tasks of `op` itself, then those that fill the halos of chains.
  static FailureOr<int64_t> loopOverTasks(Operation *op, Value begin, Value end,
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

  static LogicalResult lowerPackFunction(func::FuncOp function) {
    auto pack = *function.getOps<lp::PackOp>().begin();
    OpBuilder builder(pack);
    Emitter e(builder, pack.getLoc());
    Value count = e.product(taskSizes(pack, e, [](Value v) { return v; }));
    return loopOverTasks(pack, e.index(0), count, {});
  }
};

} // namespace
