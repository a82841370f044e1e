// All outputs of a pixel at once: each has its own sum, so the order within a
// sum stays what it is.
#include "training/contractions/OrderedBackend.h"
#include "base/system/VectorClones.h"
#include "training/contractions/Columns.h"
#include "training/contractions/Transpose.h"
#include <cmath>

namespace lpgen::nn {

/// Adds value times the row to the sums, each with one rounding.
LPGEN_VECTOR_CLONES
static void addProducts(float value, const float *row, int64_t count,
                        float *__restrict sums) {
  for (int64_t i = 0; i < count; ++i) {
    sums[i] = std::fma(value, row[i], sums[i]);
  }
}

Status OrderedBackend::forward(const FloatTensor &x, const FloatTensor &weight,
                               FloatTensor &y, const StepContext &context) {
  if (context.isTraining()) {
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
    for (int64_t pixel = 0; pixel < geometry.outPixels(); ++pixel) {
      float *to = y.data() + image * geometry.outputSize() + pixel * outputs;
      std::fill_n(to, outputs, 0.0F);
      for (int64_t k = 0; k < terms; ++k) {
        addProducts(columns[size_t(pixel * terms + k)],
                    turned.data() + k * outputs, outputs, to);
      }
    }
  });
  return Status::success();
}

} // namespace lpgen::nn
