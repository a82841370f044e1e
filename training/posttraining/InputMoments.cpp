// The product of the columns with themselves is the weight gradient of a linear
// layer.
#include "training/posttraining/InputMoments.h"
#include "training/contractions/Columns.h"
#include "training/contractions/FloatBackend.h"
#include <algorithm>
#include <vector>

namespace lpgen::posttraining {

/// Rows [rows, reduction] less their mean.
static nn::FloatTensor centeredRows(const nn::FloatTensor &x,
                                    const ConvGeometry &g, int64_t mostRows) {
  const int64_t length = g.reduction();
  const int64_t all = x.extent(0) * g.outPixels();
  const int64_t count = std::min(all, mostRows);
  nn::FloatTensor rows({count, length});
  std::vector<float> columns(size_t(g.outPixels() * length));
  int64_t image = -1;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = i * all / count;
    if (row / g.outPixels() != image) {
      image = row / g.outPixels();
      nn::imageToColumns(g, 0, x.data() + image * g.inputSize(), length,
                         columns.data());
    }
    std::copy_n(columns.data() + row % g.outPixels() * length, length,
                rows.data() + i * length);
  }
  std::vector<double> mean(size_t(length), 0.0);
  for (int64_t i = 0; i < rows.size(); ++i) {
    mean[size_t(i % length)] += double(rows[i]) / double(count);
  }
  for (int64_t i = 0; i < rows.size(); ++i) {
    rows[i] -= float(mean[size_t(i % length)]);
  }
  return rows;
}

nn::FloatTensor columnMoments(const nn::FloatTensor &x,
                              const ConvGeometry &geometry, int64_t mostRows,
                              const nn::StepContext &context) {
  const nn::FloatTensor rows = centeredRows(x, geometry, mostRows);
  const int64_t length = geometry.reduction();
  nn::FloatTensor moments({length, length});
  nn::FloatBackend product(ConvGeometry::linear(length, length));
  // Float products do not fail.
  const Status status =
      product.backward(rows, moments, rows, &moments, nullptr, context);
  assert(status.ok() && "a float product");
  (void)status;
  double trace = 0;
  for (int64_t i = 0; i < length; ++i) {
    trace += double(moments[i * length + i]);
  }
  const auto count = float(rows.extent(0));
  for (float &value : moments.values()) {
    value /= count;
  }
  const auto least = float(1e-4 * trace / double(length) / double(count));
  for (int64_t i = 0; i < length; ++i) {
    moments[i * length + i] += least;
  }
  return moments;
}

double varianceOf(std::span<const float> e, const nn::FloatTensor &moments) {
  const size_t length = e.size();
  double sum = 0;
  for (size_t i = 0; i < length; ++i) {
    const float *row = moments.data() + i * length;
    double product = 0;
    for (size_t j = 0; j < length; ++j) {
      product += double(row[j]) * double(e[j]);
    }
    sum += double(e[i]) * product;
  }
  return sum;
}

} // namespace lpgen::posttraining
