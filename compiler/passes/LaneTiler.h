// A contraction with its channels in the lanes (LaneForm) as tasks. A task
// computes some rows of a panel of channels, in pieces that stay in the
// first-level cache. For each vector of lanes it copies what a piece reads of x
// into a strip, padded, in vectors with a group for each lane; register tiles
// of positions run over the strip (lp.tile). The sums gather in scratch and are
// then handed to the body; what it yields is packed for other contractions as
// well (ChainWriter.h).
//
// Private to the files that define it: LaneTiler.cpp and LaneStrip.cpp.
#ifndef LPGEN_COMPILER_PASSES_LANETILER_H
#define LPGEN_COMPILER_PASSES_LANETILER_H

#include "compiler/passes/ChainWriter.h"
#include "ir/analysis/LaneForm.h"

namespace lpgen {

/// Copies x into the strip of one vector of lanes.
class StripFiller {
public:
  StripFiller(lp::ContractOp op, Emitter &e, const LaneForm &form,
              int64_t block, int64_t length, mlir::Value buffer);

  /// The first `lanes` lanes of the vector that begins at `firstChannel`.
  /// `rows` has the first trip of each row loop in the piece, `acrossTrips` how
  /// many of the second there are.
  void fill(mlir::Value firstChannel, int64_t lanes,
            llvm::ArrayRef<mlir::Value> rows, mlir::Value acrossTrips);

private:
  mlir::Value groupsOf(int64_t value);
  mlir::Value splatPadding();
  mlir::Value elementOf(mlir::Value segment, int64_t element);
  mlir::Value lanesOf(mlir::Value segment, int64_t element);
  bool canInterleave();
  mlir::Value interleaved(mlir::Value low, mlir::Value high);
  llvm::SmallVector<mlir::Value> wholeGroups(mlir::Value segment);
  mlir::Value storedElements(mlir::Value elements);
  llvm::SmallVector<mlir::Value> channelGroups(mlir::Value segment);
  mlir::Value inside(llvm::ArrayRef<mlir::Value> at, unsigned walk);
  void walk(mlir::ValueRange at, mlir::Value offset);
  llvm::SmallVector<mlir::Value> walkPart(mlir::Value from, mlir::Value to,
                                          llvm::ArrayRef<mlir::Value> before,
                                          bool isInside);
  void storeGroups(mlir::Value offset, llvm::ArrayRef<mlir::Value> groups);
  bool canBeOutside(unsigned d) const;

  lp::ContractOp op;
  Emitter &e;
  const LaneForm &form;
  const Geometry &g;
  int64_t block;  ///< Trips of the second row loop.
  int64_t length; ///< Of the innermost one.
  Strip strip;
  mlir::Value buffer;
  unsigned laneBits;    ///< Of a group.
  unsigned elementBits; ///< Of an element in a group.
  unsigned walkDim;     ///< The dimension of the innermost loop.
  mlir::Value padding;  ///< A group of padding in each lane.
  bool interleaves;     ///< Groups are made of bytes as they lie in x.
  // Of the vector at hand:
  mlir::Value channel;
  int64_t count = 0;
  llvm::SmallVector<mlir::Value> source; ///< Position of x.
  mlir::Value start;                     ///< Byte where the walk begins.
};

class LaneTiler {
public:
  LaneTiler(lp::ContractOp op, Emitter &e, LaneForm form, mlir::Value scratch);

  /// Task (outer row loops, block of the second row loop, panel); see
  /// laneTaskSizes.
  void emit(Coordinates task);
  int64_t scratchBytes() const;

private:
  int64_t sumsBytes() const;
  int64_t tileBytes() const;
  int64_t panelLanes() const { return g.wLayout.getLanes(); }
  void emitPanel(int64_t lanes);
  void emitPiece(int64_t lanes);
  void emitVector(mlir::Value vector, int64_t count);
  void emitTiles(mlir::Value vector, mlir::Value row);
  void emitTile(mlir::Value vector, mlir::Value row, mlir::Value first,
                int64_t rows);
  void readLanesAsOne(mlir::Block &body, mlir::Value number);
  void emitPosition(mlir::Value sums, llvm::ArrayRef<mlir::Value> at,
                    int64_t lanes, ChainWriter &chains);
  void emitEpilogue(int64_t lanes);
  mlir::Value correction(mlir::Value lane);

  lp::ContractOp op;
  Emitter &e;
  LaneForm form;
  const Geometry &g;
  lp::ScheduleAttr schedule;
  mlir::Value scratch;
  int64_t
      block; ///< Trips of the second row loop in a task; 1 if there is none.
  int64_t length; ///< Positions of a piece.
  Strip strip;
  mlir::Value stripBuffer;
  mlir::Value panel;
  mlir::Value blockTrips;
  /// Current value of each loop, the first one of the piece of row loops.
  llvm::SmallVector<mlir::Value> loops;
};

llvm::SmallVector<mlir::OpFoldResult>
laneTaskSizes(lp::ContractOp op, Emitter &e,
              llvm::function_ref<mlir::Value(mlir::Value)> resolve);
mlir::FailureOr<int64_t> emitLaneTask(lp::ContractOp op, Emitter &e,
                                      Coordinates task, mlir::Value scratch);

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_LANETILER_H
