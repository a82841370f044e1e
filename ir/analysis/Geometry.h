// The geometry of a contraction seen as a GEMM over packed operands.
//
// Loops are sorted into roles, and from the roles follow the packed layouts:
// one computation, shared by legality, packing, tiling and the cost model.
// Nothing here creates IR.
#ifndef LPGEN_IR_ANALYSIS_GEOMETRY_H
#define LPGEN_IR_ANALYSIS_GEOMETRY_H

#include "ir/dialect/Lp.h"
#include <string>

namespace lpgen {

/// What a loop of the contraction is to the GEMM.
enum class LoopRole {
  Batch,  ///< Subscripts x, w and the output: batched GEMM, depthwise.
  Group,  ///< Subscripts x and w; a sum of its own, which factors scale.
  Row,    ///< Subscripts x and the output: pixels, rows of a GEMM.
  Column, ///< Subscripts w and the output: output channels.
  Tap,    ///< A reduction outside the packed groups: filter taps.
  Inner,  ///< The reduction that is packed into groups: input channels.
};

/// A dimension of the packed activations: positions [low, low + size) of
/// dimension `xDim` of the logical tensor; those outside it are halo.
struct PositionDim {
  unsigned xDim = 0;
  int64_t low = 0;
  int64_t size = 0;
  int64_t stride = 0; ///< Bytes from one position to the next, within a plane.
  bool hasHalo = false;
};

/// A tap loop that is part of the inner reduction: the positions that it leads
/// to lie side by side in a row without a gap, so that groups run over them.
struct MergedTap {
  unsigned loop = 0;
  PositionDim row; ///< Its positions; `stride` is that of one.
};

/// The loops, maps and shapes of a contraction, dynamic extents replaced by
/// bounds.
struct ContractShape {
  llvm::SmallVector<int64_t> extents;
  llvm::SmallVector<bool> isDynamic;
  llvm::SmallVector<mlir::Value> sizes; ///< Of dynamic loops; else null.
  unsigned parallel = 0;                ///< Loops that no sum runs over.
  unsigned groups = 0; ///< The last of them, whose sums are added up.
  mlir::AffineMap xMap;
  mlir::AffineMap wMap;
  llvm::SmallVector<int64_t> xShape; ///< Bounds of dynamic dimensions included.
  llvm::SmallVector<bool> isXDynamic; ///< By dimension of x.
  llvm::SmallVector<int64_t> wShape;
  bool mergesTaps = false; ///< Of packed operands; see MergedTap.
  /// The halo of packed x stores what x is outside, an element like others: a
  /// tap outside needs no correction, and no border differs from another.
  bool storesPadding = false;

  static ContractShape of(lp::ContractOp op);
  static ContractShape of(lp::PackOp op);
};

/// One subscript of x: constant + sum of coefficient * loop.
struct Subscript {
  llvm::SmallVector<int64_t> coefficients; ///< By loop.
  int64_t constant;
  bool uses(unsigned loop) const { return coefficients[loop] != 0; }
};
Subscript subscriptOf(const ContractShape &shape, unsigned dim);

/// How many inside-tap sets there are, and which taps each has. The last class
/// is the one with every tap inside.
struct BorderClasses {
  /// Class of a row loop's index, per padded position dimension.
  struct Dim {
    unsigned position; ///< Index into Geometry::positions.
    int rowLoop = -1;  ///< Loop that selects the class, or none.
    llvm::SmallVector<int32_t> classOf; ///< By index of that loop.
    /// Per class: is the tap combination of this dimension inside?
    llvm::SmallVector<llvm::SmallVector<bool>> inside;
  };
  llvm::SmallVector<Dim> dims;
  int64_t count() const {
    int64_t n = 1;
    for (const Dim &dim : dims) {
      n *= static_cast<int64_t>(dim.inside.size());
    }
    return n;
  }
};

/// A padded dimension of x whose subscript is
/// constant + rowStep * row + tapStep * tap, all of constant extent.
struct BorderDim {
  unsigned rowLoop;
  unsigned tapLoop;
  int64_t constant;
  int64_t rowStep;
  int64_t tapStep;
  int64_t size; ///< Of the dimension, without the padding.
  int64_t rows;
  int64_t taps;

  bool isInside(int64_t row, int64_t tap) const {
    int64_t at = constant + rowStep * row + tapStep * tap;
    return at >= 0 && at < size;
  }
};

/// The GEMM view of a contraction and the layout of its packed operands.
class Geometry {
public:
  /// Sorts the loops. Returns nothing, and why in `reason`, if the contraction
  /// has no packed form (no plain reduction dimension in x, exact division,
  /// ...).
  static std::optional<Geometry> analyze(const ContractShape &shape,
                                         std::string &reason);

  /// Makes the innermost taps a part of the inner reduction. False, and nothing
  /// done, if their positions do not lie side by side in x, or are none of
  /// constant number.
  bool mergeTaps();
  /// Fixes layouts: strides of x and w for the given group and lanes.
  void setLayouts(lp::LayoutAttr x, lp::LayoutAttr w);

  ContractShape shape;
  llvm::SmallVector<LoopRole> roles;
  unsigned innerLoop = 0;
  unsigned innerXDim = 0;
  llvm::SmallVector<PositionDim> positions;
  /// Batch and group loops inside x's inner dimension with their coefficient
  /// there.
  llvm::SmallVector<std::pair<unsigned, int64_t>> innerBatch;

  std::optional<MergedTap> merged;

  llvm::SmallVector<unsigned> loopsOf(LoopRole role) const;
  int64_t extentOf(LoopRole role) const; ///< Product of extents.
  int64_t innerExtent() const {
    return shape.extents[innerLoop] *
           (merged ? shape.extents[merged->loop] : 1);
  }
  /// Elements that are packed side by side: of a position, or of a row of them.
  int64_t runExtent() const {
    return merged ? shape.extents[innerLoop] * merged->row.size : innerExtent();
  }
  /// Reduction steps in elements of the logical operands.
  int64_t reductionSize() const {
    return extentOf(LoopRole::Tap) * innerExtent();
  }

  // The members below are valid after setLayouts.
  lp::LayoutAttr xLayout;
  lp::LayoutAttr wLayout;
  int64_t groups = 0;       ///< Groups per position.
  int64_t runBytes = 0;     ///< Bytes of what is packed side by side.
  int64_t xPlaneBytes = 0;  ///< Bytes of one plane of x, or of all of x.
  int64_t xBytes = 0;       ///< Bytes of all of packed x, sums included.
  int64_t steps = 0;        ///< Reduction steps (groups) per output.
  int64_t stepBytes = 0;    ///< Bytes of w per step: lanes * groupBytes.
  int64_t wPlaneBytes = 0;  ///< Bytes of one plane of one panel.
  int64_t panelBytes = 0;   ///< Bytes of one panel of w, all planes.
  int64_t panels = 0;       ///< Panels of w per batch and group.
  int64_t wTableOffset = 0; ///< Where the border sums of w begin.
  int64_t wBytes = 0; ///< Bytes of all of packed w, header and sums included.
  BorderClasses classes;

  /// Panels of all batches, [batch][panel][group].
  int64_t panelCount() const {
    return extentOf(LoopRole::Batch) * panels * extentOf(LoopRole::Group);
  }
  /// Bytes of a packed column, a word for each column of w in each group.
  int64_t columnBytes() const;
  /// Bytes that loop `loop` adds to the address of x per iteration.
  int64_t xStride(unsigned loop) const;
  /// Bytes of x at all-zero loops, constants of the map and the halo included.
  int64_t xOrigin() const;
  /// The padded dimensions of x that have one row loop and one tap loop.
  llvm::SmallVector<BorderDim> borderDims() const;
  /// True if border classes can be told statically, one row loop per padded
  /// dim.
  bool computeClasses(std::string &reason);
};

/// Bytes of the header of a packed w: its layout id.
constexpr int64_t kPackedHeaderBytes = 64;

/// `extents` with dynamic ones replaced by their bounds.
llvm::SmallVector<int64_t> boundedExtents(llvm::ArrayRef<int64_t> extents,
                                          mlir::ValueRange dynamic);

} // namespace lpgen

#endif // LPGEN_IR_ANALYSIS_GEOMETRY_H
