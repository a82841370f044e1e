// The loops of batch normalization, alone or with relu and 2x2 max pooling
// behind it. All arrays are rows of `channels` elements; what belongs to a
// channel is an array of `channels` elements.
#ifndef LPGEN_TRAINING_LAYERS_NORMALIZATIONLOOPS_H
#define LPGEN_TRAINING_LAYERS_NORMALIZATIONLOOPS_H

#include <cstdint>

namespace lpgen::nn {

/// What follows normalization in the same pass.
enum class Following { Nothing, Relu };

/// y = scale x + offset, then relu or nothing; xhat = (x - mean) inverse.
struct Normalization {
  const float *scale;
  const float *offset;
  const float *mean;
  const float *inverse;
  Following following;
};

/// dx = a g + b x + constant, g being the gradient behind relu.
struct NormalizationGradient {
  const float *a;
  const float *b;
  const float *constant;
};

/// sums[c] += x - shift, sums[channels + c] += (x - shift)^2.
void addMoments(const float *x, int64_t rows, int64_t channels,
                const float *shift, double *sums);
void normalizeRows(const float *x, int64_t rows, int64_t channels,
                   const Normalization &n, float *y);
/// sums[c] += g, sums[channels + c] += g xhat, where g = dy, or 0 where relu
/// gave 0.
void addGradients(const float *x, const float *dy, int64_t rows,
                  int64_t channels, const Normalization &n, double *sums);
void propagateRows(const float *x, const float *dy, int64_t rows,
                   int64_t channels, const Normalization &n,
                   const NormalizationGradient &gradient, float *dx);

/// One row of the greatest of 2x2 pixels behind normalization, `width` pixels
/// long, and the x of each, the first of equals. x is the upper of two rows of
/// pixels that are `rowLength` elements apart.
void normalizeAndPool(const float *x, int64_t rowLength, int64_t width,
                      int64_t channels, const Normalization &n, float *y,
                      float *winners);
/// Gradients of the four pixels of each window, into dx, laid out as x; dy is
/// that of the pooled row.
void propagatePooled(const float *x, int64_t rowLength, int64_t width,
                     int64_t channels, const Normalization &n,
                     const NormalizationGradient &gradient,
                     const float *winners, const float *dy, float *dx);

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_LAYERS_NORMALIZATIONLOOPS_H
