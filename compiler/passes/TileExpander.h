// One register tile as vector code: the loops over the reduction, which are the
// same for every cell, and the sums in memory.
//
// Private to the files that define it: ExpandTile.cpp and TileSums.cpp.
#ifndef LPGEN_COMPILER_PASSES_TILEEXPANDER_H
#define LPGEN_COMPILER_PASSES_TILEEXPANDER_H

#include "compiler/passes/Emitter.h"
#include "ir/analysis/PackedForm.h"
#include "targets/Target.h"

namespace lpgen {

class TileExpander {
public:
  TileExpander(lp::TileOp op, const Cell &cell, mlir::OpBuilder &builder);

  /// Replaces the tile by vector code.
  void expand();

private:
  void findCarried();
  void emitPlanes();
  void emitPlanePair(mlir::Value x, mlir::Value step, mlir::Value coefficient);
  void emitMemoryLoops(unsigned depth, mlir::Value x, mlir::Value step,
                       mlir::Value coefficient);
  void emitStrip(mlir::Value begin, int64_t length, mlir::Value x,
                 mlir::Value step, mlir::Value coefficient);
  int64_t stepsFrom(unsigned depth) const;
  llvm::SmallVector<mlir::Value>
  carriedLoops(unsigned depth, mlir::Value x, mlir::Value step,
               llvm::SmallVector<mlir::Value> acc);
  llvm::SmallVector<mlir::Value> innermost(mlir::Value x, mlir::Value step,
                                           llvm::SmallVector<mlir::Value> acc);
  Cell::Values loadRows(int64_t block, mlir::Value x, int64_t count);
  llvm::SmallVector<mlir::Value> emitSteps(mlir::Value x, mlir::Value w,
                                           int64_t count,
                                           llvm::SmallVector<mlir::Value> acc);
  void prefetchStep(mlir::Value w);
  llvm::SmallVector<mlir::Value> firstAccumulators();
  unsigned perAcc() const { return cell.facts().accRegisters; }
  mlir::scf::ForOp carry(mlir::Value low, mlir::Value high, int64_t step,
                         llvm::ArrayRef<mlir::Value> acc);
  mlir::Value coefficientOf(mlir::Value plane, llvm::ArrayRef<int64_t> planes);

  // TileSums.cpp: the sums in memory.
  void zero(mlir::Value memory, int64_t memoryRows, int64_t memoryVectors);
  void addToTile(llvm::ArrayRef<mlir::Value> acc, mlir::Value coefficient);
  Cell::Values loadHalves(int64_t i);
  void addToHalves(llvm::ArrayRef<mlir::Value> acc);
  void addHalvesToTile(mlir::Value coefficient);
  void addVector(int64_t row, int64_t lane, mlir::Value wide,
                 mlir::Value coefficient);

  lp::TileOp op;
  const Cell &cell;
  Emitter e;
  PlanesTogether together;
  int64_t rows;         ///< With planes of x in the place of rows.
  int64_t blocks;       ///< Accumulators per vector of weights.
  int64_t panelVectors; ///< Of one plane of w.
  int64_t vectors;      ///< Of all planes of w that are together.
  llvm::ArrayRef<int64_t> counts;
  /// Counts, or of a strip, of the carried loops.
  llvm::SmallVector<int64_t> trips;
  llvm::ArrayRef<int64_t> strides;
  llvm::ArrayRef<int64_t> wSteps;
  bool hasHalves;
  int64_t stepBytes = 0;
  /// Loops [carried, end) keep accumulators in registers.
  unsigned carried = 0;
  int64_t strip = 0; ///< Trips of loop carried - 1 that still fit the chunk.
};

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_TILEEXPANDER_H
