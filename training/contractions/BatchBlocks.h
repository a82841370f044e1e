// Blocks of images as tasks of workers that have memory of their own.
#ifndef LPGEN_TRAINING_CONTRACTIONS_BLOCKS_H
#define LPGEN_TRAINING_CONTRACTIONS_BLOCKS_H

#include "training/contractions/Columns.h"
#include "training/contractions/ContractionBackend.h"
#include <algorithm>
#include <vector>

namespace lpgen::quant {

/// Images [begin, end) of a batch.
using ImageRange = TaskRange;

/// Runs `work(worker, images)` -> Status for all blocks of `length` images of a
/// batch; returns an error if there was one. Which worker gets which block must
/// not matter.
template <typename Work>
Status forEachBlock(int64_t length, int64_t images,
                    const nn::StepContext &context, Work work) {
  const int workers = context.pool ? context.pool->numWorkers() : 1;
  std::vector<Status> results(static_cast<size_t>(workers));
  const auto share = [&](int worker, TaskRange blocks) {
    Status &result = results[size_t(worker)];
    for (int64_t b = blocks.begin; b < blocks.end && result.ok(); ++b) {
      result = work(worker,
                    ImageRange{b * length, std::min((b + 1) * length, images)});
    }
  };
  const int64_t blocks = (images + length - 1) / length;
  if (context.pool) {
    context.pool->run(blocks, share);
  } else {
    share(0, {0, blocks});
  }
  for (Status &result : results) {
    LPGEN_RETURN_IF_ERROR(result);
  }
  return Status::success();
}

/// The same for the blocks of the geometry.
template <typename Work>
Status forEachBlock(const ConvGeometry &g, int64_t images,
                    const nn::StepContext &context, Work work) {
  return forEachBlock(g.imagesPerBlock(), images, context, work);
}

/// to[column, row] = from[row, column] of a matrix whose rows are `fromStride`
/// elements apart; the columns become rows `toStride` apart. In squares, so
/// that cache lines are used up.
template <typename T>
void transpose(const T *from, int64_t rows, int64_t columns, int64_t fromStride,
               int64_t toStride, T *to) {
  constexpr int64_t side = 16;
  for (int64_t r0 = 0; r0 < rows; r0 += side) {
    const int64_t r1 = std::min(r0 + side, rows);
    for (int64_t c0 = 0; c0 < columns; c0 += side) {
      const int64_t c1 = std::min(c0 + side, columns);
      for (int64_t c = c0; c < c1; ++c) {
        for (int64_t r = r0; r < r1; ++r) {
          to[c * toStride + r] = from[r * fromStride + c];
        }
      }
    }
  }
}

/// The columns of one image of a group, transposed: [taps, pixels], rows
/// `rowLength` elements apart. `planes` is the image as [channels, height,
/// width].
template <typename T>
void planesToTransposedColumns(const ConvGeometry &g, int64_t group,
                               const T *planes, int64_t rowLength, T *columns) {
  const int64_t channels = g.groupChannels();
  for (int64_t tap = 0; tap < g.kernel * g.kernel; ++tap) {
    const int64_t r = tap / g.kernel - g.padding;
    const int64_t s = tap % g.kernel - g.padding;
    const auto [first, last] = g.outColumnsInside(s);
    for (int64_t c = 0; c < channels; ++c) {
      T *row = columns + (tap * channels + c) * rowLength;
      const T *plane = planes + (group * channels + c) * g.height * g.width;
      for (int64_t h = 0; h < g.outHeight(); ++h, row += g.outWidth()) {
        const int64_t y = h * g.stride + r;
        if (y < 0 || y >= g.height) {
          std::fill_n(row, g.outWidth(), T(0));
          continue;
        }
        const int64_t line = y * g.width + s;
        std::fill_n(row, first, T(0));
        if (g.stride == 1) {
          std::copy_n(plane + line + first, last - first, row + first);
        }
        for (int64_t v = first; g.stride != 1 && v < last; ++v) {
          row[v] = plane[line + v * g.stride];
        }
        std::fill(row + last, row + g.outWidth(), T(0));
      }
    }
  }
}

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_BLOCKS_H
