// How the reduction of a register tile is cut: what of the border a tile can
// leave out, and which slice of w stays in cache while tiles stream by.
//
// Halo positions store 0, so leaving them out changes no sum of integers.
// Shared by tiling and the cost model; nothing here creates IR.
#ifndef LPGEN_IR_ANALYSIS_TILEPLAN_H
#define LPGEN_IR_ANALYSIS_TILEPLAN_H

#include "ir/analysis/PackedForm.h"

namespace lpgen {

/// One loop over the reduction, outermost first.
struct ReductionLoop {
  int64_t count;
  int64_t xStride; ///< Bytes of x per trip.
  int64_t wSteps;  ///< Steps of w per trip.
  int loop;        ///< Loop of the contraction; -1 for the groups.
};

/// Rows [rowBegin, rowEnd) of a tile over taps [tapBegin, tapEnd) of the loop
/// along its rows.
struct TilePart {
  int64_t rowBegin;
  int64_t rowEnd;
  int64_t tapBegin;
  int64_t tapEnd;
  bool operator==(const TilePart &o) const {
    return rowBegin == o.rowBegin && rowEnd == o.rowEnd &&
           tapBegin == o.tapBegin && tapEnd == o.tapEnd;
  }
};

struct TilePlan {
  llvm::SmallVector<ReductionLoop> loops;

  /// Trips of loops[0] in one sweep over the tiles of a task.
  int64_t strip = 1;
  /// With strip 1: a tile leaves out the sweeps outside x for its row.
  std::optional<BorderDim> across;

  /// The loop along the rows of a tile, if some parts leave taps out, and the
  /// parts by class of the tile's position in the innermost row loop.
  std::optional<BorderDim> along;
  size_t alongLoop = 0; ///< Index into loops.
  llvm::SmallVector<llvm::SmallVector<TilePart>> classes;
  llvm::SmallVector<int32_t> classOf; ///< By position.

  /// True if every tile lies in one trip of the outer row loops.
  bool aligned = false;
  double stepFraction = 1;  ///< Of the steps that are done, mean over tiles.
  double piecesPerTile = 1; ///< Times that a tile is read and added to.
  bool findsW = true;       ///< Tiles find w in the first-level cache.

  int64_t sweeps() const { return (loops[0].count + strip - 1) / strip; }
  /// The most steps of one piece.
  int64_t stepsPerPiece() const {
    int64_t steps = strip;
    for (const ReductionLoop &loop : llvm::drop_begin(loops)) {
      steps *= loop.count;
    }
    return steps;
  }
  /// True if each tile is written once, by one piece.
  bool writesOnce() const { return sweeps() == 1 && !along; }

  /// The loops of one piece: `trips` of loops[0], taps of `part`, contiguous
  /// loops merged.
  llvm::SmallVector<ReductionLoop> loopsOf(int64_t trips,
                                           const TilePart *part) const;
};

/// Vector instructions that widen one accumulator over a piece of `steps` steps
/// and add it to the tile, all planes.
double widenCost(const PackedForm &form, const CellFacts &cell, double steps);

/// The cheapest plan for tiles of `rows` rows, `block` of them a task, on the
/// CPU of `machine`.
TilePlan planTile(const PackedForm &form, const CellFacts &cell, int64_t rows,
                  int64_t block, const Machine &machine);

} // namespace lpgen

#endif // LPGEN_IR_ANALYSIS_TILEPLAN_H
