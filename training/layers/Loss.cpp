// p = exp(score - max) / sum; d(mean loss)/d(score) = (p - right) / images.
#include "training/layers/Loss.h"
#include <algorithm>

namespace lpgen::nn {

int64_t greatestClass(const FloatTensor &scores, int64_t image) {
  const int64_t classes = scores.sliceSize();
  const float *row = scores.data() + image * classes;
  return std::max_element(row, row + classes) - row;
}

LossValue softmaxCrossEntropy(const FloatTensor &scores,
                              const std::vector<uint8_t> &labels, float scale,
                              FloatTensor *gradient) {
  const int64_t images = scores.extent(0);
  const int64_t classes = scores.sliceSize();
  assert(int64_t(labels.size()) == images && "one label for each image");
  if (gradient) {
    gradient->resize(scores.shape());
  }
  LossValue loss;
  loss.images = images;
  std::vector<double> powers(static_cast<size_t>(classes));
  for (int64_t i = 0; i < images; ++i) {
    const float *row = scores.data() + i * classes;
    const int64_t label = labels[size_t(i)];
    assert(label < classes && "labels are checked when they are read");
    const int64_t winner = greatestClass(scores, i);
    const float greatest = row[winner];
    loss.correct += winner == label;
    double total = 0;
    for (int64_t c = 0; c < classes; ++c) {
      powers[size_t(c)] = std::exp(double(row[c]) - double(greatest));
      total += powers[size_t(c)];
    }
    loss.sum += std::log(total) - (double(row[label]) - double(greatest));
    for (int64_t c = 0; gradient && c < classes; ++c) {
      const double right = c == label ? 1.0 : 0.0;
      (*gradient)[i * classes + c] = float(
          double(scale) * (powers[size_t(c)] / total - right) / double(images));
    }
  }
  return loss;
}

} // namespace lpgen::nn
