// A contraction with its channels in the lanes (LaneForm) as tasks. A task
// computes some rows of a panel of channels, in pieces that stay in the
// first-level cache. For each vector of lanes, or all of the panel at once, it
// copies what a piece reads of x into a strip, padded, in vectors with a group
// for each lane; register tiles of positions run over the strip (lp.tile). The
// sums gather in scratch and are then handed to the body; what it yields is
// packed for other contractions as well (ChainWriter.h).
//
// Private to the files that define it: LaneTiler.cpp, LaneStrip.cpp,
// LanePanel.cpp and LaneRoll.cpp.
#ifndef LPGEN_COMPILER_PASSES_LANETILER_H
#define LPGEN_COMPILER_PASSES_LANETILER_H

#include "compiler/passes/ChainWriter.h"
#include "ir/analysis/LaneForm.h"

namespace lpgen {

/// Groups of neighbouring taps in all vectors of a panel, four of them from
/// each register of bytes. Positions come from the last one to the first.
class PanelGroups {
public:
  PanelGroups(Emitter &e, const LaneForm &form);

  /// Bytes in a register, each a channel.
  int64_t width() const { return bytes; }
  /// A register of x as it is interleaved.
  mlir::Value stored(mlir::Value loaded);
  mlir::Value padding(int64_t stored);
  /// Registers that go from a position to the one before it.
  int64_t stateSize() const { return hasPairs ? 1 : 5; }
  /// Those of zeros.
  llvm::SmallVector<mlir::Value> none();
  /// The groups of the four vectors that begin at the position of `here`.
  llvm::SmallVector<mlir::Value>
  step(mlir::Value here, llvm::SmallVectorImpl<mlir::Value> &state);

private:
  mlir::VectorType typeOf(unsigned bits);
  mlir::Value splat(int64_t value);
  mlir::Value interleave(mlir::Value a, mlir::Value b, unsigned bits,
                         bool upper);

  Emitter &e;
  const LaneForm &form;
  int64_t bytes;
  bool hasPairs; ///< Of elements of 16 bits; else four bytes.
};

/// Copies x into the strip of one vector of lanes, or of all in a panel.
class StripFiller {
public:
  StripFiller(lp::ContractOp op, Emitter &e, const LaneForm &form,
              int64_t block, int64_t length, mlir::Value buffer);

  /// The first `lanes` lanes of the vector that begins at `firstChannel`.
  /// `rows` has the first trip of each row loop in the piece, `acrossTrips` how
  /// many of the second there are.
  void fill(mlir::Value firstChannel, int64_t lanes,
            llvm::ArrayRef<mlir::Value> rows, mlir::Value acrossTrips);
  /// Likewise all vectors of a panel, one strip after the other.
  void fillPanel(mlir::Value firstChannel, llvm::ArrayRef<mlir::Value> rows,
                 mlir::Value acrossTrips);
  /// Of strips whose rows roll, row `number` after the first one of the piece,
  /// which goes to its place `slot`: of the vector at `firstChannel`, whose
  /// strip begins at byte `first`, or of all vectors of a panel.
  void fillRow(mlir::Value firstChannel, int64_t lanes, bool allVectors,
               llvm::ArrayRef<mlir::Value> rows, mlir::Value number,
               mlir::Value slot, mlir::Value first);

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
  llvm::SmallVector<mlir::Value> panelStep(llvm::ArrayRef<mlir::Value> at,
                                           mlir::Value offset,
                                           llvm::ArrayRef<mlir::Value> before,
                                           bool isInside);
  void storeGroups(mlir::Value offset, llvm::ArrayRef<mlir::Value> groups,
                   int64_t apart);
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
  PanelGroups panel;
  bool isPanel = false; ///< All vectors of a panel are filled.
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
  int64_t stripsEnd() const;
  int64_t tileBytes() const;
  int64_t panelLanes() const { return g.wLayout.getLanes(); }
  void emitPanel(int64_t lanes);
  void emitPiece(int64_t lanes);
  mlir::Value firstChannel(mlir::Value vector);
  llvm::ArrayRef<mlir::Value> firstRows() const;
  void emitVector(mlir::Value vector, int64_t count);
  void emitRows(mlir::Value vector, mlir::Value stripStart);
  int64_t tapRowBytes() const;
  int64_t rolledBytes() const;
  void copyWeights();
  void fillRow(int64_t lanes, mlir::Value number);
  void emitRolling(int64_t lanes);
  void emitTiles(mlir::Value vector, mlir::Value row, mlir::Value stripStart);
  void emitTile(mlir::Value vector, mlir::Value row, mlir::Value first,
                int64_t rows, mlir::Value stripStart);
  void readLanesAsOne(mlir::Block &body, mlir::Value number);
  void emitPosition(mlir::Value sums, llvm::ArrayRef<mlir::Value> at,
                    int64_t lanes, ChainWriter &chains);
  void emitEpilogue(int64_t lanes, mlir::Value trips);
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
  mlir::Value weights;     ///< Where tiles read w,
  mlir::Value weightStart; ///< from this byte on.
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
