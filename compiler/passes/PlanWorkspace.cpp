// lp-plan-workspace: slices of the workspace by lifetime. Stage `packed`.
//
// The plan is made for the bounds of run-time sizes. Where these are smaller,
// each slice begins at the end of the highest one below it, which phases and
// `<op>.workspace` compute.
#include "compiler/passes/Phases.h"
#include "compiler/passes/WorkspaceSlices.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

namespace lpgen {
#define GEN_PASS_DEF_PLANWORKSPACEPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

/// Slices begin at multiples of this many bytes.
static constexpr int64_t kSliceAlignment = 64;

/// Of the view's elements, for the bounds of run-time sizes.
static int64_t mostBytesOf(memref::ViewOp view) {
  auto type = cast<MemRefType>(view.getType());
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t extent : boundedExtents(type.getShape(), view.getSizes())) {
    bytes *= extent;
  }
  return bytes;
}

llvm::MapVector<Operation *, WorkspaceSlice>
lpgen::workspaceSlices(lp::KernelOp kernel) {
  Block &body = kernel.getBody().front();
  llvm::MapVector<Operation *, WorkspaceSlice> slices;
  size_t phase = 0;
  for (Operation &op : body) {
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands()) {
        if (auto part = operand.getDefiningOp<memref::SubViewOp>()) {
          operand = part.getSource();
        }
        auto view = operand.getDefiningOp<memref::ViewOp>();
        if (!view || view.getSource() != body.getArguments().back()) {
          continue;
        }
        const int64_t bytes = llvm::alignTo(mostBytesOf(view), kSliceAlignment);
        slices.try_emplace(view, WorkspaceSlice{bytes, phase, phase})
            .first->second.last = phase;
      }
    });
    ++phase;
  }
  return slices;
}

namespace {

class WorkspacePlanner {
public:
  explicit WorkspacePlanner(lp::KernelOp kernel)
      : kernel(kernel), body(kernel.getBody().front()),
        workspace(body.getArguments().back()) {}

  LogicalResult run();

private:
  using Resolve = llvm::function_ref<Value(Value)>;

  LogicalResult findSlices();
  Value bytesOf(memref::ViewOp view, Emitter &e, Resolve resolve);
  SmallVector<Value> emitOffsets(const WorkspacePlan &plan, Emitter &e,
                                 Resolve resolve);
  void emitSize(const WorkspacePlan &plan);

  lp::KernelOp kernel;
  Block &body;
  BlockArgument workspace;
  SmallVector<memref::ViewOp> views;
  SmallVector<WorkspaceSlice> slices; ///< Of the views.
};

/// The run-time size of a packed x: what writes it, if the size is that of its
/// outermost dimension and nothing lies behind that.
lp::PackOp writerOfRows(memref::ViewOp view) {
  for (Operation *user : view->getUsers()) {
    auto pack = dyn_cast<lp::PackOp>(user);
    if (!pack || pack.getDestination() != view.getResult() ||
        pack.getLayout().isOfWeights() || pack.getLayout().getSums() ||
        pack.getLayout().getPlanes() > 1) {
      continue;
    }
    const Geometry g = packedGeometry(pack);
    if (!g.positions.empty() && !g.positions.front().hasHalo &&
        g.positions.front().low == 0) {
      return pack;
    }
  }
  return {};
}

/// Checks the views and finds their lifetimes; those that nothing uses go.
LogicalResult WorkspacePlanner::findSlices() {
  const llvm::DenseMap<Value, int64_t> greatest = greatestIndices(body);
  for (auto view : llvm::make_early_inc_range(body.getOps<memref::ViewOp>())) {
    if (failed(checkView(view, greatest))) {
      return failure();
    }
    if (view.use_empty()) {
      view.erase();
    }
  }
  for (auto [view, slice] : workspaceSlices(kernel)) {
    views.push_back(cast<memref::ViewOp>(view));
    slices.push_back(slice);
  }
  return success();
}

/// For the sizes that `resolve` gives, a multiple of the alignment.
Value WorkspacePlanner::bytesOf(memref::ViewOp view, Emitter &e,
                                Resolve resolve) {
  auto type = cast<MemRefType>(view.getType());
  int64_t fixed = mostBytesOf(view);
  Value scaled;
  if (!view.getSizes().empty()) {
    scaled = e.index(llvm::divideCeil(type.getElementTypeBitWidth(), 8));
    for (OpFoldResult extent :
         mixedExtents(type.getShape(), view.getSizes(), e.b, resolve)) {
      scaled = e.mul(scaled, e.value(extent));
    }
    fixed = 0;
  } else if (lp::PackOp pack = writerOfRows(view)) {
    const Geometry g = packedGeometry(pack);
    const PositionDim &rows = g.positions.front();
    if (auto size = dynamicSize(pack, rows.xDim, resolve)) {
      scaled = e.mul(e.value(*size), e.index(rows.stride));
      fixed -= rows.size * rows.stride;
    }
  }
  if (!scaled) {
    return e.index(llvm::alignTo(fixed, kSliceAlignment));
  }
  return e.mul(e.ceilDiv(e.add(scaled, e.index(fixed)), kSliceAlignment),
               e.index(kSliceAlignment));
}

/// Where the slices begin, and behind these the bytes of all.
SmallVector<Value> WorkspacePlanner::emitOffsets(const WorkspacePlan &plan,
                                                 Emitter &e, Resolve resolve) {
  SmallVector<std::pair<int64_t, size_t>> upwards;
  for (auto [i, offset] : llvm::enumerate(plan.offsets)) {
    upwards.push_back({offset, i});
  }
  llvm::sort(upwards);
  SmallVector<Value> offsets(slices.size());
  SmallVector<Value> ends(slices.size());
  Value total = e.index(0);
  for (auto [offset, i] : upwards) {
    offsets[i] = e.index(0);
    for (size_t low : plan.below[i]) {
      offsets[i] = e.max(offsets[i], ends[low]);
    }
    ends[i] = e.add(offsets[i], bytesOf(views[i], e, resolve));
    total = e.max(total, ends[i]);
  }
  offsets.push_back(total);
  return offsets;
}

/// `<op>.workspace(sizes)`: the bytes for these sizes.
void WorkspacePlanner::emitSize(const WorkspacePlan &plan) {
  OpBuilder b(kernel);
  SmallVector<mlir::Type> sizes(kernel.getSizes().size(), b.getIndexType());
  auto function = func::FuncOp::create(
      b, kernel.getLoc(), (kernel.getSymName() + ".workspace").str(),
      b.getFunctionType(sizes, b.getIndexType()));
  b.setInsertionPointToStart(function.addEntryBlock());
  Emitter e(b, kernel.getLoc());
  auto resolve = [&](Value size) -> Value {
    return function.getArgument(cast<BlockArgument>(size).getArgNumber());
  };
  func::ReturnOp::create(b, kernel.getLoc(),
                         emitOffsets(plan, e, resolve).back());
}

LogicalResult WorkspacePlanner::run() {
  if (failed(findSlices())) {
    return failure();
  }
  const WorkspacePlan plan = planWorkspace(slices);
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  Emitter e(b, kernel.getLoc());
  const SmallVector<Value> offsets =
      emitOffsets(plan, e, [](Value size) { return size; });
  for (auto [view, offset] : llvm::zip(views, offsets)) {
    Operation *before = view.getByteShift().getDefiningOp();
    view.getByteShiftMutable().assign(offset);
    if (before && isOpTriviallyDead(before)) {
      before->erase();
    }
  }
  if (!kernel.getSizes().empty()) {
    emitSize(plan);
  }
  kernel.setWorkspace(plan.bytes);
  auto type = MemRefType::get({plan.bytes}, b.getI8Type());
  workspace.setType(type);
  return success();
}

struct PlanWorkspacePass
    : public lpgen::impl::PlanWorkspacePassBase<PlanWorkspacePass> {
  void runOnOperation() override {
    SmallVector<lp::KernelOp> kernels(getOperation().getOps<lp::KernelOp>());
    for (lp::KernelOp kernel : kernels) {
      if (kernel.hasMemrefs() && failed(WorkspacePlanner(kernel).run())) {
        return signalPassFailure();
      }
    }
  }
};

} // namespace
