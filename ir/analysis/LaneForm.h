// The form of a contraction whose channels stay in the lanes: depthwise and
// grouped convolution, where each output channel has few products of its own.
//
// A lane is an output channel. In place of one group of x for all lanes, a step
// of the cell takes a vector with a group for each: as many elements of the
// reduction as a group has, along the innermost taps or along the channels of a
// set. A task copies the part of x that it reads, padded, into a strip of such
// vectors.
#ifndef LPGEN_IR_ANALYSIS_LANEFORM_H
#define LPGEN_IR_ANALYSIS_LANEFORM_H

#include "ir/analysis/PackedForm.h"

namespace lpgen {

/// How rows of x roll through a strip of as many as there are taps.
struct LaneRoll {
  unsigned dim = 0; ///< Of x.
  int64_t taps = 1;
  int64_t step = 1; ///< Rows from one trip of the second row loop to the next.
};

struct LaneForm {
  /// w is packed as that of the unfolded GEMM, whose x has a row for each
  /// output position and each product of its own: no x is packed. Its inner
  /// loop is the one that groups are made of.
  PackedForm unfolded;
  ContractShape shape;     ///< Of the contraction.
  int64_t vectorLanes = 0; ///< Of the cell.

  // Channels, the last dimension of x. Lane `i` begins at channel
  // firstChannel + i / share * pitch.
  int64_t firstChannel = 0;
  int64_t share = 1; ///< Lanes, one after the other, that read the same.
  int64_t pitch = 1;
  /// The dimension of x in which groups lie, and from one element of a group to
  /// the next. The last one: a group has channels, else positions.
  unsigned groupDim = 0;
  int64_t groupStep = 1;

  /// The strips of all vectors of a whole panel are filled at once: from bytes
  /// side by side in x, a lane each, that are stored as bytes or, not negative
  /// and without an offset, in 16 bits.
  bool fillsPanels = false;

  /// A strip has the rows of x that one trip of the second row loop reads, of
  /// all vectors of a panel. Each trip fills in what is new, at the places of
  /// what is read no more.
  std::optional<LaneRoll> roll;

  /// Strips in the scratch of a task.
  int64_t stripVectors() const {
    return fillsPanels || roll
               ? unfolded.geometry.wLayout.getLanes() / vectorLanes
               : 1;
  }
  /// Trips of the second row loop, of `block`, whose x and sums a task holds.
  int64_t tripsAtOnce(int64_t block) const { return roll ? 1 : block; }
  /// Positions that a piece of a task copies, of its strip and of what follows.
  int64_t copiedPositions(int64_t block, int64_t length) const;
  bool groupsChannels() const { return groupDim + 1 == shape.xShape.size(); }
  int64_t lanes() const { return unfolded.geometry.extentOf(LoopRole::Column); }
  /// Row loops within a task: the innermost one, in pieces, and `block` trips
  /// of the next.
  unsigned along() const {
    return unfolded.geometry.loopsOf(LoopRole::Row).back();
  }
  std::optional<unsigned> across() const;
  /// Elements that `count` lanes, of whole sets, read at a position.
  int64_t segment(int64_t count) const {
    return (count / share - 1) * pitch +
           (groupsChannels() ? unfolded.geometry.innerExtent() : 1);
  }
};

/// A dimension of x, but the last, within a strip: positions
/// low + sum of coefficients of row loops, `size` of them.
struct StripDim {
  Subscript subscript;
  int64_t size = 1;   ///< With all rows of a piece.
  int64_t stride = 0; ///< Bytes.
};

/// The copy of x that a piece of a task reads, for one vector of lanes.
struct Strip {
  llvm::SmallVector<StripDim> dims;
  int64_t bytes = 0;
  int64_t positions = 1; ///< All sizes.
  /// Bytes that a trip of `loop` adds to the address.
  int64_t strideOf(unsigned loop) const;
};

/// The form of `contract` for `cell` with `vectors` vectors of lanes in a panel
/// of w; nothing, and the reason, if there is none.
std::optional<LaneForm> planLaneForm(lp::ContractOp contract, const Cell &cell,
                                     int64_t vectors, std::string &reason);

/// The same for its schedule, of template `lanes`. Errors are emitted on the
/// op.
mlir::FailureOr<LaneForm> scheduledLaneForm(lp::ContractOp contract);

/// The strip of `length` positions of the innermost row loop and `block` trips
/// of the second one, or one where rows roll.
Strip planStrip(const LaneForm &form, int64_t block, int64_t length);

/// Positions of the innermost row loop in a piece of a task with `block` trips
/// of the second one: so many that x, its strip and the sums of a panel stay in
/// a first-level cache of `l1Bytes`.
int64_t pieceLength(const LaneForm &form, int64_t block, int64_t l1Bytes);

/// The name of the template.
constexpr llvm::StringLiteral kLanesTemplate = "lanes";

} // namespace lpgen

#endif // LPGEN_IR_ANALYSIS_LANEFORM_H
