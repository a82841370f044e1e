// Which taps of a padded contraction lie inside x. See Geometry.h.
#include "ir/analysis/Geometry.h"

using namespace mlir;
using namespace lpgen;

/// Positions times taps that are looked at one by one.
static constexpr int64_t kMostPairs = int64_t{1} << 24;

static bool areTooMany(int64_t positions, int64_t taps) {
  return positions > kMostPairs / std::max<int64_t>(taps, 1);
}

bool Geometry::computeClasses(std::string &reason) {
  SmallVector<unsigned> taps = loopsOf(LoopRole::Tap);
  int64_t tapCount = extentOf(LoopRole::Tap);
  for (auto [number, position] : llvm::enumerate(positions)) {
    if (!position.hasHalo || shape.storesPadding) {
      continue;
    }
    if (shape.isXDynamic[position.xDim]) {
      reason = "a padded dimension has a run-time extent";
      return false;
    }
    Subscript s = subscriptOf(shape, position.xDim);
    BorderClasses::Dim dim{static_cast<unsigned>(number), -1, {}, {}};
    for (unsigned loop = 0; loop < shape.parallel; ++loop) {
      if (!s.uses(loop)) {
        continue;
      }
      if (dim.rowLoop >= 0 || shape.isDynamic[loop]) {
        reason = "a padded dimension has no single row loop of constant extent";
        return false;
      }
      dim.rowLoop = static_cast<int>(loop);
    }
    int64_t rows = dim.rowLoop < 0 ? 1 : shape.extents[dim.rowLoop];
    if (areTooMany(rows, tapCount)) {
      reason = "a padded dimension has more than 2^24 pairs of a row and a tap";
      return false;
    }
    for (int64_t row = 0; row < rows; ++row) {
      SmallVector<bool> inside;
      for (int64_t tap = 0; tap < tapCount; ++tap) {
        int64_t at = s.constant;
        if (dim.rowLoop >= 0) {
          at += s.coefficients[dim.rowLoop] * row;
        }
        int64_t rest = tap;
        for (unsigned loop : llvm::reverse(taps)) {
          at += s.coefficients[loop] * (rest % shape.extents[loop]);
          rest /= shape.extents[loop];
        }
        inside.push_back(at >= 0 && at < shape.xShape[position.xDim]);
      }
      auto *known = llvm::find(dim.inside, inside);
      dim.classOf.push_back(static_cast<int32_t>(known - dim.inside.begin()));
      if (known == dim.inside.end()) {
        dim.inside.push_back(inside);
      }
    }
    classes.dims.push_back(std::move(dim));
  }
  return true;
}

SmallVector<BorderDim> Geometry::borderDims() const {
  SmallVector<BorderDim> found;
  for (const PositionDim &position : positions) {
    if (!position.hasHalo || shape.storesPadding ||
        shape.isXDynamic[position.xDim]) {
      continue;
    }
    Subscript s = subscriptOf(shape, position.xDim);
    SmallVector<unsigned> rows;
    SmallVector<unsigned> taps;
    for (unsigned loop = 0; loop < shape.extents.size(); ++loop) {
      if (s.uses(loop)) {
        (loop < shape.parallel ? rows : taps).push_back(loop);
      }
    }
    if (rows.size() == 1 && taps.size() == 1 &&
        roles[rows[0]] == LoopRole::Row && !shape.isDynamic[rows[0]] &&
        !areTooMany(shape.extents[rows[0]], shape.extents[taps[0]])) {
      found.push_back({rows[0], taps[0], s.constant, s.coefficients[rows[0]],
                       s.coefficients[taps[0]], shape.xShape[position.xDim],
                       shape.extents[rows[0]], shape.extents[taps[0]]});
    }
  }
  return found;
}
