// How each op of a kernel becomes a loop over independent tasks. Shared by the
// Tile* files of lp-tile.
#ifndef LPGEN_COMPILER_PASSES_PHASES_H
#define LPGEN_COMPILER_PASSES_PHASES_H

#include "compiler/passes/Passes.h"
#include "ir/analysis/PackedForm.h"

namespace lpgen {

/// Marks a loop whose trips are independent.
constexpr llvm::StringLiteral elementwiseAttrName = "lp.elementwise";

/// Small emitters, all with one builder and location.
class Emitter {
public:
  Emitter(mlir::OpBuilder &builder, mlir::Location loc)
      : b(builder), loc(loc) {}

  mlir::Value index(int64_t value);
  mlir::Value i32(int64_t value);
  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  mlir::Value sub(mlir::Value lhs, mlir::Value rhs);
  mlir::Value mul(mlir::Value lhs, mlir::Value rhs);
  mlir::Value min(mlir::Value lhs, mlir::Value rhs); ///< Of indices, signed.
  mlir::Value max(mlir::Value lhs, mlir::Value rhs); ///< Likewise.
  mlir::Value ceilDiv(mlir::Value lhs, int64_t rhs);
  mlir::Value value(mlir::OpFoldResult size);
  mlir::Value product(llvm::ArrayRef<mlir::OpFoldResult> sizes);
  /// sum of coefficient * value; zero coefficients cost nothing.
  mlir::Value dot(llvm::ArrayRef<mlir::Value> values,
                  llvm::ArrayRef<int64_t> coefficients, mlir::Value start);
  /// `linear` as row-major coordinates of `sizes`.
  llvm::SmallVector<mlir::Value>
  delinearize(mlir::Value linear, llvm::ArrayRef<mlir::OpFoldResult> sizes);
  mlir::Value castInt(mlir::Value value, mlir::Type type);
  /// A loaded element as a logical value of `type`.
  mlir::Value decode(mlir::Value loaded, mlir::Type element, mlir::Type type);
  /// An element as a logical value: lp.read of a memref.
  mlir::Value read(mlir::Value source, llvm::ArrayRef<mlir::Value> indices,
                   mlir::Type element);
  /// for (i = low; i < high; i += step) body(i)
  mlir::scf::ForOp loop(mlir::Value low, mlir::Value high, int64_t step,
                        llvm::function_ref<void(mlir::Value)> body);
  /// The same for trips that do not depend on each other, i the innermost
  /// subscript of what is stored: lp-vectorize-elementwise takes it.
  void elementwiseLoop(mlir::Value low, mlir::Value high,
                       llvm::function_ref<void(mlir::Value)> body);
  /// The same with one value carried from trip to trip.
  mlir::Value
  reduce(mlir::Value low, mlir::Value high, mlir::Value start,
         llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> body);
  void ifThen(mlir::Value condition, llvm::function_ref<void()> body);
  mlir::Value less(mlir::Value lhs, mlir::Value rhs); ///< Signed.
  /// A constant table of the module, as a memref.
  mlir::Value table(llvm::ArrayRef<int32_t> values);
  /// `buffer[offset...]` as elements of `bits` bits.
  mlir::Value view(mlir::Value buffer, int64_t offset, int64_t elements,
                   unsigned bits);

  mlir::OpBuilder &b;
  mlir::Location loc;
};

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
int64_t emitTask(lp::UnpackOp op, Emitter &e, Coordinates task);
mlir::FailureOr<int64_t> emitTask(lp::ContractOp op, Emitter &e,
                                  Coordinates task, mlir::Value scratch);

llvm::SmallVector<mlir::OpFoldResult>
computeTaskSizes(lp::ComputeOp op, Emitter &e,
                 llvm::function_ref<mlir::Value(mlir::Value)> resolve);
llvm::SmallVector<mlir::OpFoldResult>
packTaskSizes(lp::PackOp op, Emitter &e,
              llvm::function_ref<mlir::Value(mlir::Value)> resolve);
llvm::SmallVector<mlir::OpFoldResult>
unpackTaskSizes(lp::UnpackOp op, Emitter &e,
                llvm::function_ref<mlir::Value(mlir::Value)> resolve);
llvm::SmallVector<mlir::OpFoldResult>
contractTaskSizes(lp::ContractOp op, Emitter &e,
                  llvm::function_ref<mlir::Value(mlir::Value)> resolve);

/// True if a chain has a halo, which tasks of its own fill: as many as those
/// of the same pack as a phase.
bool hasHalo(lp::PackOp op);
/// Fills the halo positions of one row of them with zeros.
void emitHaloTask(lp::PackOp op, Emitter &e, Coordinates task,
                  mlir::Value scratch);

/// Loops `body(indices)` over `extents`, outermost first.
void forEach(Emitter &e, llvm::ArrayRef<mlir::OpFoldResult> extents,
             llvm::function_ref<void(llvm::ArrayRef<mlir::Value>)> body);

/// Sets the loops of one role, all of constant extent, from their row-major
/// number.
void setLoops(Emitter &e, const Geometry &g, LoopRole role, mlir::Value linear,
              llvm::SmallVectorImpl<mlir::Value> &loops);

/// The results of a map of single loops and constants, at the current loops.
llvm::SmallVector<mlir::Value> mapIndices(Emitter &e, mlir::AffineMap map,
                                          llvm::ArrayRef<mlir::Value> loops);

/// The geometry of the contraction that a packed operand serves: same loops,
/// same layout.
template <typename PackedOp>
Geometry packedGeometry(PackedOp op) {
  std::string reason;
  auto g = Geometry::analyze(ContractShape::of(op), reason);
  assert(g && "packed operands exist only where there is a packed form");
  lp::LayoutAttr layout = op.getLayout();
  if (layout.getSums() && layout.getKind() == lp::OperandKind::Weights) {
    g->computeClasses(reason);
  }
  g->setLayouts(layout, layout);
  return *g;
}

/// The run-time size of dimension `dim` of x, if it is dynamic and subscripted
/// by one loop: the extent of that.
template <typename PackedOp>
std::optional<mlir::OpFoldResult>
dynamicSize(PackedOp op, unsigned dim,
            llvm::function_ref<mlir::Value(mlir::Value)> resolve) {
  auto loop = llvm::dyn_cast<mlir::AffineDimExpr>(op.getXMap().getResult(dim));
  if (!mlir::ShapedType::isDynamic(op.getXShape()[dim]) || !loop) {
    return std::nullopt;
  }
  llvm::ArrayRef<int64_t> before =
      op.getExtents().take_front(loop.getPosition());
  return mlir::OpFoldResult(resolve(
      op.getDynamicExtents()[llvm::count(before, mlir::ShapedType::kDynamic)]));
}

/// Extents of an op as sizes: constants, or the run-time values.
llvm::SmallVector<mlir::OpFoldResult>
mixedExtents(llvm::ArrayRef<int64_t> extents, mlir::ValueRange dynamic,
             mlir::OpBuilder &b,
             llvm::function_ref<mlir::Value(mlir::Value)> resolve);

/// Clones the body of `from` with its arguments replaced; returns what it
/// yields.
llvm::SmallVector<mlir::Value>
inlineBody(Emitter &e, mlir::Region &from,
           llvm::ArrayRef<mlir::Value> arguments);
/// The same, and stores what it yields at `indices` of `outputs`.
void inlineBody(Emitter &e, mlir::Region &from,
                llvm::ArrayRef<mlir::Value> arguments, mlir::ValueRange outputs,
                llvm::ArrayRef<mlir::Value> indices);

/// The contraction as an elementwise op whose body holds the sum: what `direct`
/// runs, and the meaning of lp.contract.
lp::ComputeOp contractToCompute(lp::ContractOp op);

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_PHASES_H
