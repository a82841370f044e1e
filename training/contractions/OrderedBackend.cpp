// A few pixels and outputs at once: each has its own sum, so the order within a
// sum stays what it is.
#include "training/contractions/OrderedBackend.h"
#include "base/system/VectorClones.h"
#include "training/contractions/Columns.h"
#include "training/contractions/Transpose.h"
#include <array>
#include <cmath>

namespace lpgen::nn {

namespace {
/// Rows of x, [pixels, terms], and of weights, [terms, outputs].
struct Rows {
  const float *x;
  const float *weights;
  int64_t terms, outputs;
};
} // namespace

/// The sums of Pixels pixels and Outputs outputs, from the first of each on.
template <int Pixels, int Outputs>
static LPGEN_INLINE void addTile(const Rows &rows, int64_t pixel,
                                 int64_t output, float *y) {
  std::array<std::array<float, Outputs>, Pixels> sums = {};
  for (int64_t k = 0; k < rows.terms; ++k) {
    const float *w = rows.weights + k * rows.outputs + output;
    for (int p = 0; p < Pixels; ++p) {
      const float x = rows.x[(pixel + p) * rows.terms + k];
      for (int o = 0; o < Outputs; ++o) {
        sums[size_t(p)][size_t(o)] =
            std::fma(x, w[o], sums[size_t(p)][size_t(o)]);
      }
    }
  }
  for (int p = 0; p < Pixels; ++p) {
    std::copy(sums[size_t(p)].begin(), sums[size_t(p)].end(),
              y + (pixel + p) * rows.outputs + output);
  }
}

template <int Pixels>
static LPGEN_INLINE void addPixels(const Rows &rows, int64_t pixel, float *y) {
  int64_t output = 0;
  for (; output + 16 <= rows.outputs; output += 16) {
    addTile<Pixels, 16>(rows, pixel, output, y);
  }
  for (; output < rows.outputs; ++output) {
    addTile<Pixels, 1>(rows, pixel, output, y);
  }
}

LPGEN_VECTOR_CLONES
static void multiply(const Rows &rows, int64_t pixels, float *y) {
  int64_t pixel = 0;
  for (; pixel + 4 <= pixels; pixel += 4) {
    addPixels<4>(rows, pixel, y);
  }
  for (; pixel < pixels; ++pixel) {
    addPixels<1>(rows, pixel, y);
  }
}

Status OrderedBackend::forward(const FloatTensor &x, const FloatTensor &weight,
                               FloatTensor &y, const StepContext &context) {
  if (context.isTraining() || emulatesAccumulators()) {
    return FloatBackend::forward(x, weight, y, context);
  }
  const TimeAdder timer(seconds.products[size_t(Product::Forward)]);
  evaluated.assign(weight.values().begin(), weight.values().end());
  const int64_t outputs = geometry.outputs;
  const int64_t terms = geometry.reduction();
  std::vector<float> turned(size_t(terms * outputs)); // [terms, outputs]
  quant::transpose(weight.data(), outputs, terms, terms, outputs,
                   turned.data());
  forEachTask(context, x.extent(0), [&](int64_t image) {
    std::vector<float> columns(size_t(geometry.outPixels() * terms));
    imageToColumns(geometry, 0, x.data() + image * geometry.inputSize(), terms,
                   columns.data());
    multiply({columns.data(), turned.data(), terms, outputs},
             geometry.outPixels(), y.data() + image * geometry.outputSize());
  });
  return Status::success();
}

} // namespace lpgen::nn
