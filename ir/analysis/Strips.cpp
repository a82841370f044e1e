// The strips of x that a contraction with its channels in the lanes reads. See
// LaneForm.h.
#include "ir/analysis/LaneForm.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;

int64_t Strip::strideOf(unsigned loop) const {
  int64_t stride = 0;
  for (const StripDim &dim : dims) {
    stride += dim.subscript.coefficients[loop] * dim.stride;
  }
  return stride;
}

Strip lpgen::planStrip(const LaneForm &form, int64_t block, int64_t length) {
  const Geometry &g = form.unfolded.geometry;
  Strip strip;
  for (unsigned d = 0; d + 1 < form.shape.xShape.size(); ++d) {
    StripDim dim{subscriptOf(form.shape, d)};
    auto reach = [&](unsigned loop, int64_t trips) {
      dim.size += dim.subscript.coefficients[loop] * (trips - 1);
    };
    for (unsigned loop = form.shape.parallel; loop < form.shape.extents.size();
         ++loop) {
      // Groups are filled up.
      reach(loop, loop == g.innerLoop ? g.groups * g.xLayout.getGroup()
                                      : form.shape.extents[loop]);
    }
    reach(form.along(), length);
    if (auto across = form.across()) {
      reach(*across, form.tripsAtOnce(block));
    }
    strip.positions *= dim.size;
    strip.dims.push_back(std::move(dim));
  }
  strip.bytes = form.vectorLanes * g.xLayout.getGroupBytes() *
                (form.groupsChannels() ? g.groups : 1);
  for (StripDim &dim : llvm::reverse(strip.dims)) {
    dim.stride = strip.bytes;
    strip.bytes *= dim.size;
  }
  return strip;
}

int64_t LaneForm::copiedPositions(int64_t block, int64_t length) const {
  const int64_t positions = planStrip(*this, block, length).positions;
  return roll ? positions / roll->taps * (roll->taps + roll->step * (block - 1))
              : positions;
}

int64_t lpgen::pieceLength(const LaneForm &form, int64_t block,
                           int64_t l1Bytes) {
  constexpr int64_t sumBytes = 4;
  constexpr int64_t lineBytes = 64;
  const int64_t lanes = form.unfolded.geometry.wLayout.getLanes();
  const auto fits = [&](int64_t length) {
    const Strip strip = planStrip(form, block, length);
    const int64_t read = std::max(form.segment(lanes), lineBytes);
    // A quarter is left to w, the results and what comes next.
    return strip.bytes * form.stripVectors() + strip.positions * read +
               form.tripsAtOnce(block) * length * lanes * sumBytes <=
           l1Bytes / 4 * 3;
  };
  const int64_t extent = form.shape.extents[form.along()];
  int64_t length = extent;
  for (int64_t pieces = 2; length > 1 && !fits(length); ++pieces) {
    length = static_cast<int64_t>(llvm::divideCeil(extent, pieces));
  }
  return length;
}
