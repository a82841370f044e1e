// Written so that compilers make vectors of the loops over channels: no load
// depends on a condition.
#include "training/layers/NormalizationLoops.h"
#include "base/system/VectorClones.h"

namespace lpgen::nn {

/// NaN stays: it must be seen.
static LPGEN_INLINE float rectify(float v, Following following) {
  return following == Following::Relu && v < 0.0F ? 0.0F : v;
}

/// The gradient before `following`, where its input is v.
static LPGEN_INLINE float gate(float gradient, float v, Following following) {
  return following == Following::Relu && !(v > 0.0F) ? 0.0F : gradient;
}

LPGEN_VECTOR_CLONES
void addMoments(const float *x, int64_t rows, int64_t channels,
                const float *shift, double *__restrict sums) {
  double *squares = sums + channels;
  for (int64_t row = 0; row < rows; ++row, x += channels) {
#pragma clang loop vectorize(assume_safety)
    for (int64_t c = 0; c < channels; ++c) {
      const double v = double(x[c]) - double(shift[c]);
      sums[c] += v;
      squares[c] += v * v;
    }
  }
}

LPGEN_VECTOR_CLONES
void normalizeRows(const float *x, int64_t rows, int64_t channels,
                   const Normalization &n, float *__restrict y) {
  const float *scale = n.scale;
  const float *offset = n.offset;
  const Following following = n.following;
  for (int64_t row = 0; row < rows; ++row, x += channels, y += channels) {
    for (int64_t c = 0; c < channels; ++c) {
      y[c] = rectify(x[c] * scale[c] + offset[c], following);
    }
  }
}

LPGEN_VECTOR_CLONES
void addGradients(const float *x, const float *dy, int64_t rows,
                  int64_t channels, const Normalization &n,
                  double *__restrict sums) {
  const auto [scale, offset, mean, inverse, following] = n;
  double *products = sums + channels;
  for (int64_t row = 0; row < rows; ++row, x += channels, dy += channels) {
#pragma clang loop vectorize(assume_safety)
    for (int64_t c = 0; c < channels; ++c) {
      const float g = gate(dy[c], x[c] * scale[c] + offset[c], following);
      const float xhat = (x[c] - mean[c]) * inverse[c];
      sums[c] += double(g);
      products[c] += double(g * xhat);
    }
  }
}

LPGEN_VECTOR_CLONES
void propagateRows(const float *x, const float *dy, int64_t rows,
                   int64_t channels, const Normalization &n,
                   const NormalizationGradient &gradient,
                   float *__restrict dx) {
  const float *scale = n.scale;
  const float *offset = n.offset;
  const Following following = n.following;
  const auto [a, b, constant] = gradient;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < channels; ++c) {
      const float g = gate(dy[c], x[c] * scale[c] + offset[c], following);
      dx[c] = a[c] * g + b[c] * x[c] + constant[c];
    }
    x += channels;
    dy += channels;
    dx += channels;
  }
}

LPGEN_VECTOR_CLONES
void normalizeAndPool(const float *x, int64_t rowLength, int64_t width,
                      int64_t channels, const Normalization &n,
                      float *__restrict y, float *__restrict winners) {
  const float *scale = n.scale;
  const float *offset = n.offset;
  const Following following = n.following;
  for (int64_t v = 0; v < width; ++v) {
    const float *below = x + rowLength;
    for (int64_t c = 0; c < channels; ++c) {
      float winner = x[c];
      float best = rectify(winner * scale[c] + offset[c], following);
      const auto meet = [&](float other) {
        const float value = rectify(other * scale[c] + offset[c], following);
        winner = value > best ? other : winner;
        best = value > best ? value : best;
      };
      meet(x[channels + c]);
      meet(below[c]);
      meet(below[channels + c]);
      y[c] = best;
      winners[c] = winner;
    }
    x += 2 * channels;
    y += channels;
    winners += channels;
  }
}

LPGEN_VECTOR_CLONES
void propagatePooled(const float *x, int64_t rowLength, int64_t width,
                     int64_t channels, const Normalization &n,
                     const NormalizationGradient &gradient,
                     const float *winners, const float *dy,
                     float *__restrict dx) {
  const float *scale = n.scale;
  const float *offset = n.offset;
  const Following following = n.following;
  const auto [a, b, constant] = gradient;
  for (int64_t v = 0; v < width; ++v) {
#pragma clang loop vectorize(assume_safety)
    for (int64_t c = 0; c < channels; ++c) {
      const float winner = winners[c];
      float left = gate(dy[c], winner * scale[c] + offset[c], following);
      // The first pixel that is the winner gets the gradient.
      const auto give = [&](int64_t i) {
        const bool takes = x[i] == winner;
        const float g = takes ? left : 0.0F;
        left = takes ? 0.0F : left;
        dx[i] = a[c] * g + b[c] * x[i] + constant[c];
      };
      give(c);
      give(channels + c);
      give(rowLength + c);
      give(rowLength + channels + c);
    }
    x += 2 * channels;
    dx += 2 * channels;
    winners += channels;
    dy += channels;
  }
}

} // namespace lpgen::nn
