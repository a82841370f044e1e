// How each op of a kernel becomes a loop over independent tasks. Shared by the
// Tile* files of lp-tile.
#ifndef LPGEN_COMPILER_PASSES_PHASES_H
#define LPGEN_COMPILER_PASSES_PHASES_H

#include "compiler/passes/Emitter.h"
#include "ir/analysis/PackedForm.h"
#include "ir/analysis/Scans.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace lpgen {

/// The sizes whose product is the number of tasks of `op`; their values are
/// emitted by `e`. `resolve` maps run-time sizes of the kernel to values at
/// hand.
llvm::SmallVector<mlir::OpFoldResult>
taskSizes(mlir::Operation *op, Emitter &e,
          llvm::function_ref<mlir::Value(mlir::Value)> resolve);

/// Replaces `op` by loops that run task `coordinates` (one per task size).
/// Returns the bytes of scratch it needs.
using Coordinates = llvm::ArrayRef<mlir::Value>;
int64_t emitTask(lp::ComputeOp op, Emitter &e, Coordinates task);
int64_t emitTask(lp::PackOp op, Emitter &e, Coordinates task,
                 mlir::Value scratch);
mlir::FailureOr<int64_t> emitTask(lp::ContractOp op, Emitter &e,
                                  Coordinates task, mlir::Value scratch);

/// The loop whose positions one task of a scan goes along together; none where
/// the scan's own loop is the innermost.
std::optional<unsigned> loopBeside(lp::ComputeOp op, const Scan &scan);
/// Like emitTask, for a statement with running sums.
void emitScan(lp::ComputeOp op, const Scan &scan, Emitter &e, Coordinates task);

llvm::SmallVector<mlir::OpFoldResult>
computeTaskSizes(lp::ComputeOp op, Emitter &e,
                 llvm::function_ref<mlir::Value(mlir::Value)> resolve);
llvm::SmallVector<mlir::OpFoldResult>
packTaskSizes(lp::PackOp op, Emitter &e,
              llvm::function_ref<mlir::Value(mlir::Value)> resolve);
llvm::SmallVector<mlir::OpFoldResult>
contractTaskSizes(lp::ContractOp op, Emitter &e,
                  llvm::function_ref<mlir::Value(mlir::Value)> resolve);

/// The run-time size of dimension `dim` of x, if it is dynamic and subscripted
/// by one loop: the extent of that.
std::optional<mlir::OpFoldResult>
dynamicSize(lp::PackOp op, unsigned dim,
            llvm::function_ref<mlir::Value(mlir::Value)> resolve);

/// Errors, on the op, where a verified phase cannot be lowered: there is no
/// packed form, it is not that of the layouts, or memory is too small.
mlir::LogicalResult checkPhase(mlir::Operation *op);
mlir::LogicalResult checkPack(lp::PackOp op);
/// The greatest values of indices that a kernel's body computes from constants
/// and run-time sizes by what grows with them.
llvm::DenseMap<mlir::Value, int64_t> greatestIndices(mlir::Block &body);
/// Likewise for a slice of the workspace: it lies within.
mlir::LogicalResult
checkView(mlir::memref::ViewOp view,
          const llvm::DenseMap<mlir::Value, int64_t> &greatest);

/// A function of a phase, and its argument that is the workspace; null if it
/// takes none.
struct PhaseFunction {
  mlir::func::FuncOp function;
  mlir::BlockArgument workspace;
};
/// Gives phases that are equal but for their places in the workspace one
/// function, which theirs call.
void sharePhases(llvm::ArrayRef<PhaseFunction> phases);
/// Likewise for packers of buffers: equal ones become one.
void sharePackers(mlir::ModuleOp module);

/// True if a chain has a halo, which tasks of its own fill: as many as those
/// of the same pack as a phase.
bool hasHalo(lp::PackOp op);
/// Fills the halo positions of one row of them with zeros.
void emitHaloTask(lp::PackOp op, Emitter &e, Coordinates task,
                  mlir::Value scratch);

/// Sets the loops of one role, all of constant extent, from their row-major
/// number.
void setLoops(Emitter &e, const Geometry &g, LoopRole role, mlir::Value linear,
              llvm::SmallVectorImpl<mlir::Value> &loops);

/// The results of a map of linear subscripts, at the current loops.
llvm::SmallVector<mlir::Value> mapIndices(Emitter &e, mlir::AffineMap map,
                                          llvm::ArrayRef<mlir::Value> loops);

/// The geometry of the contraction that a packed operand serves: same loops,
/// same layout.
Geometry packedGeometry(lp::PackOp op);

/// The contraction as an elementwise op whose body holds the sum: what `direct`
/// runs, and the meaning of lp.contract.
lp::ComputeOp contractToCompute(lp::ContractOp op);

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_PHASES_H
