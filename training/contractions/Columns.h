// im2col and its adjoint: what turns the products of a convolution into matrix
// products, for float and integer elements alike.
//
// The columns of a group are a matrix [images * outPixels, reduction]: the
// inputs under the filter at each output pixel, in the order of a row of
// weights, outside inputs 0.
#ifndef LPGEN_TRAINING_CONTRACTIONS_COLUMNS_H
#define LPGEN_TRAINING_CONTRACTIONS_COLUMNS_H

#include "operators/builder/ConvGeometry.h"
#include <algorithm>

namespace lpgen::nn {

/// Elements that are adjacent in an image and in its columns.
struct ColumnRun {
  int64_t column; ///< Offset in the columns.
  int64_t pixel;  ///< Offset in the image, or -1 if the taps lie outside.
  int64_t count;
};

/// Calls `visit(run)` for runs that together cover the columns of one image of
/// a group, whose rows are `rowLength` elements apart. In NHWC the taps of one
/// filter row are adjacent if there is a single group.
template <typename Visit>
void visitColumnRuns(const ConvGeometry &g, int64_t group, int64_t rowLength,
                     Visit visit) {
  const int64_t channels = g.groupChannels();
  const int64_t tapsOfRun = g.groups == 1 ? g.kernel : 1;
  for (int64_t h = 0; h < g.outHeight(); ++h) {
    for (int64_t v = 0; v < g.outWidth(); ++v) {
      int64_t column = (h * g.outWidth() + v) * rowLength;
      for (int64_t r = 0; r < g.kernel; ++r) {
        const int64_t y = h * g.stride + r - g.padding;
        const bool rowInside = y >= 0 && y < g.height;
        for (int64_t s = 0; s < g.kernel; s += tapsOfRun) {
          // Taps of the run that lie left of, in and right of the image.
          const int64_t x = v * g.stride + s - g.padding;
          const int64_t left =
              rowInside ? std::clamp<int64_t>(-x, 0, tapsOfRun) : tapsOfRun;
          const int64_t inside =
              std::clamp<int64_t>(g.width - x, left, tapsOfRun) - left;
          const int64_t right = tapsOfRun - left - inside;
          if (left > 0) {
            visit(ColumnRun{column, -1, left * channels});
          }
          if (inside > 0) {
            visit(ColumnRun{column + left * channels,
                            (y * g.width + x + left) * g.channels +
                                group * channels,
                            inside * channels});
          }
          if (right > 0) {
            visit(ColumnRun{column + (left + inside) * channels, -1,
                            right * channels});
          }
          column += tapsOfRun * channels;
        }
      }
    }
  }
}

/// Writes the columns of one image, rows `rowLength` >= reduction() elements
/// apart; what is beyond the reduction is left alone.
template <typename T>
void imageToColumns(const ConvGeometry &g, int64_t group, const T *image,
                    int64_t rowLength, T *columns) {
  visitColumnRuns(g, group, rowLength, [&](const ColumnRun &run) {
    if (run.pixel < 0) {
      std::fill_n(columns + run.column, run.count, T(0));
    } else {
      std::copy_n(image + run.pixel, run.count, columns + run.column);
    }
  });
}

/// Elements from one to the next.
struct ImageStrides {
  int64_t pixel;
  int64_t channel;
};
struct ColumnStrides {
  int64_t pixel;
  int64_t tap; ///< And channel of a tap.
};

/// to[i * toStride] = from[i * fromStride]
template <typename T>
void copyStrided(const T *from, int64_t fromStride, int64_t count, T *to,
                 int64_t toStride) {
  if (fromStride == 1 && toStride == 1) {
    std::copy_n(from, count, to);
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    to[i * toStride] = from[i * fromStride];
  }
}

/// imageToColumns tap by tap: for other layouts of images and of columns, and
/// where the runs of adjacent elements would be few bytes long. `image` begins
/// with the first channel of the group.
template <typename T>
void imageToColumnsByTap(const ConvGeometry &g, const T *image,
                         ImageStrides from, T *columns, ColumnStrides to) {
  const int64_t width = g.outWidth();
  for (int64_t k = 0; k < g.reduction(); ++k) {
    const int64_t tap = k / g.groupChannels();
    const int64_t r = tap / g.kernel - g.padding;
    const int64_t s = tap % g.kernel - g.padding;
    const T *plane = image + k % g.groupChannels() * from.channel;
    T *row = columns + k * to.tap;
    for (int64_t h = 0; h < g.outHeight(); ++h, row += width * to.pixel) {
      const int64_t y = h * g.stride + r;
      const bool isInside = y >= 0 && y < g.height;
      const TaskRange inside =
          isInside ? g.outColumnsInside(s) : TaskRange{width, width};
      for (int64_t v = 0; v < inside.begin; ++v) {
        row[v * to.pixel] = T(0);
      }
      const int64_t first =
          isInside ? y * g.width + s + inside.begin * g.stride : 0;
      copyStrided(plane + first * from.pixel, g.stride * from.pixel,
                  inside.size(), row + inside.begin * to.pixel, to.pixel);
      for (int64_t v = inside.end; v < width; ++v) {
        row[v * to.pixel] = T(0);
      }
    }
  }
}

/// Adds columns to the image that they were taken from: the adjoint. `image` is
/// a pointer, or something whose [i] knows +=.
template <typename T, typename Image>
void addColumnsToImage(const ConvGeometry &g, int64_t group, const T *columns,
                       int64_t rowLength, Image image) {
  visitColumnRuns(g, group, rowLength, [&](const ColumnRun &run) {
    if (run.pixel >= 0) {
      for (int64_t i = 0; i < run.count; ++i) {
        image[run.pixel + i] += columns[run.column + i];
      }
    }
  });
}

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CONTRACTIONS_COLUMNS_H
