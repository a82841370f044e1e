// A packed contraction as tasks. One task computes `block` register tiles of
// one panel of output channels: the panel of w, or a slice of it, stays in
// cache while rows of x stream by (TilePlan). The sums gather in scratch; then
// they are completed and handed to the body.
//
// Private to the files that define it: ContractTiler.cpp, ContractSweeps.cpp
// and ContractEpilogue.cpp.
#ifndef LPGEN_COMPILER_PASSES_CONTRACTTILER_H
#define LPGEN_COMPILER_PASSES_CONTRACTTILER_H

#include "compiler/passes/Phases.h"
#include "ir/analysis/TilePlan.h"

namespace lpgen {

/// Emits one task of `op`, whose packed form is `form`. `scratch` is a buffer
/// of bytes of the task's own.
class ContractTiler {
public:
  ContractTiler(lp::ContractOp op, Emitter &e, PackedForm form,
                mlir::Value scratch);

  /// Task (batch, panel, block of rows); see contractTaskSizes.
  void emit(Coordinates task);
  /// Bytes of scratch that the task needs.
  int64_t scratchBytes();

private:
  struct RowTerms; ///< What the completed sums need of one row.

  // Scratch: the sums, 16-bit sums of a tile, a row for each chain.
  int64_t sumsBytes() const;
  /// Of 16-bit sums of one tile, those of all planes that share it.
  int64_t halvesBytes() const;
  /// Of the sums of the task's tiles, those of 16 bits among them.
  int64_t tileBytes() const;
  /// Of the f32 that sums of groups add up to, if there are groups.
  int64_t totalsBytes();
  // [rows of the task, lanes].
  mlir::Value viewOf(mlir::Type type, int64_t offset);
  mlir::Value viewOfSums() { return viewOf(sumType, 0); }
  mlir::Value viewOfTotals() { return viewOf(e.b.getF32Type(), tileBytes()); }

  // Loops of the contraction and where they lead in x.
  llvm::SmallVector<mlir::OpFoldResult> extentsOf(LoopRole role);
  void setLoops(LoopRole role, mlir::Value linear);
  mlir::Value strideDot(LoopRole role, mlir::Value start, int64_t divisor);

  void emitPanels(mlir::Value number);
  void emitPanel();
  void emitSums(mlir::Value group);
  void zero(mlir::Value sums);

  // ContractSweeps.cpp: sweeps over the tiles of the task.
  struct RowLoops {
    llvm::SmallVector<mlir::OpFoldResult> sizes;
    llvm::SmallVector<int64_t> strides; ///< Bytes of x.
  };
  RowLoops rowLoops();
  llvm::SmallVector<mlir::Value> rowAddresses(mlir::Value first, int64_t count);
  void emitTiles(llvm::function_ref<void(mlir::Value, int64_t)> tile);
  void emitSweep(mlir::Value firstTrip, int64_t trips);
  void emitTile(mlir::Value row, int64_t rows, mlir::Value firstTrip,
                int64_t trips);
  mlir::Value sumsOfTile(mlir::Value row, int64_t rows);
  void emitPiece(llvm::ArrayRef<mlir::Value> offsets, mlir::Value row,
                 mlir::Value firstTrip, int64_t trips, const TilePart *part);

  // ContractEpilogue.cpp: the sums as values of the body, and what it yields.
  mlir::Value number(int64_t value);    ///< In the type of the sums.
  mlir::Value asSum(mlir::Value value); ///< Likewise.
  mlir::Value lessZero(int64_t bias, mlir::Value zero,
                       std::optional<mlir::Type> element,
                       std::optional<mlir::AffineMap> map);
  mlir::Value outsideX();
  mlir::Value sumOfX();
  mlir::Value borderClass();
  RowTerms rowTerms();
  mlir::Value complete(const RowTerms &terms, mlir::Value sum,
                       mlir::Value lane);
  mlir::Value narrowed(mlir::Value sum);
  mlir::Value zeroOfW(mlir::Value lane);
  mlir::Value ownColumns();
  void emitRows(llvm::function_ref<void(mlir::Value)> body);
  mlir::Value columnAt(unsigned number, mlir::Value lane);
  void addGroup();
  mlir::Value sumOf(const RowTerms &terms, mlir::Value row, mlir::Value lane);
  bool sumsAreResults();
  bool hasAdjacentRows();
  mlir::Value withRowsAsOne(mlir::Value output);
  void emitEpilogue();

  lp::ContractOp op;
  Emitter &e;
  PackedForm form;
  Geometry &g;
  lp::ScheduleAttr schedule;
  const Cell &cell;
  mlir::Value scratch;
  int64_t lanes;
  mlir::Type sumType; ///< i32 or i64.
  int64_t rowBytes;   ///< Of one row of sums.
  int64_t taskPanels; ///< One, or all.
  TilePlan plan;
  PlanesTogether together;
  bool hasHalves; ///< 16-bit sums of a tile follow the sums in scratch.
  /// The only output, as a matrix: tiles write their sums to it. Else null.
  mlir::Value results;
  mlir::Value begin; ///< First row of the task.
  mlir::Value end;   ///< Past its last row.
  mlir::Value batch;
  mlir::Value panel;
  mlir::Value wOffset;     ///< Byte where the panel begins in w.
  mlir::Value panelNumber; ///< Of batch, panel and group.
  mlir::Value xBase;       ///< Byte of x at this batch and group, and row 0.
  /// Current value of each parallel loop.
  llvm::SmallVector<mlir::Value> loops;
};

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_CONTRACTTILER_H
