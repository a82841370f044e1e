// Batch normalization in training, alone or with relu behind it, on arrays: the
// loops of the trainer, for lpgen.torch.BatchNorm2d.
#ifndef LPGEN_PYTHON_NORMALIZATION_H
#define LPGEN_PYTHON_NORMALIZATION_H

#include "python/TrainedLayer.h"
#include "training/core/ChannelSums.h"
#include "training/layers/BatchStatistics.h"
#include <array>
#include <cmath>

namespace lpgen {

/// A call in training. Arrays are [rows..., channels], those of channels
/// [channels].
class BatchNormCall {
public:
  /// `shift` is near the means and keeps the digits of the variances.
  BatchNormCall(std::shared_ptr<Precision> precision, const Floats &x,
                Floats gamma, Floats beta, const Floats &shift, double epsilon,
                bool hasRelu)
      : precision(std::move(precision)), gamma(std::move(gamma)),
        beta(std::move(beta)),
        following(hasRelu ? nn::Following::Relu : nn::Following::Nothing),
        shape(x.shape(), x.shape() + x.ndim()) {
    if (shape.empty() || shape.back() < 1 || x.size() == 0) {
      raise("batch normalization: expected an input of [..., channels], found "
            "no elements");
    }
    const std::array<const Floats *, 3> ofChannels = {&this->gamma, &this->beta,
                                                      &shift};
    for (const Floats *each : ofChannels) {
      if (each->ndim() != 1 || each->size() != channels()) {
        raise("batch normalization: expected arrays of " +
              std::to_string(channels()) + " channels");
      }
    }
    const nn::FloatTensor input = viewOf(x);
    const py::gil_scoped_release released;
    const std::lock_guard lock(this->precision->mutex);
    const nn::StepContext context =
        this->precision->context(nn::Mode::Train, 0);
    moments = nn::momentsOf(input, viewOf(shift).values(), context);
    for (size_t c = 0; c < moments.mean.size(); ++c) {
      mean.push_back(float(moments.mean[c]));
      inverse.push_back(float(1.0 / std::sqrt(moments.variance[c] + epsilon)));
    }
    affine = nn::affineOf(valuesOf(this->gamma), valuesOf(this->beta), mean,
                          inverse);
    result = this->precision->results->take(shape);
    nn::forEachPart(context, rows(), [&](int, TaskRange range) {
      const int64_t first = range.begin * channels();
      nn::normalizeRows(input.data() + first, range.size(), channels(),
                        normalization(), result.data() + first);
    });
  }

  /// y, once.
  py::array takeResult() {
    return precision->results->arrayOf(std::move(result));
  }
  /// Means and biased variances of the channels, float64.
  std::pair<py::array, py::array> statistics() const {
    return {py::array_t<double>(channels(), moments.mean.data()),
            py::array_t<double>(channels(), moments.variance.data())};
  }

  /// dx, dGamma and dBeta; x is that of the call.
  std::tuple<py::array, py::array, py::array> backward(const Floats &x,
                                                       const Floats &dy) {
    for (const Floats *each : {&x, &dy}) {
      if (shape !=
          std::vector<int64_t>(each->shape(), each->shape() + each->ndim())) {
        raise("batch normalization: the operands of backward are not those of "
              "the call");
      }
    }
    const nn::FloatTensor input = viewOf(x);
    const nn::FloatTensor gradient = viewOf(dy);
    ResultMemory &results = *precision->results;
    nn::FloatTensor dx = results.take(shape);
    nn::FloatTensor dGamma = results.take({channels()});
    nn::FloatTensor dBeta = results.take({channels()});
    {
      const py::gil_scoped_release released;
      const std::lock_guard lock(precision->mutex);
      propagate(input, gradient, dx, dGamma, dBeta);
    }
    return {results.arrayOf(std::move(dx)), results.arrayOf(std::move(dGamma)),
            results.arrayOf(std::move(dBeta))};
  }

private:
  static std::span<const float> valuesOf(const Floats &array) {
    return {array.data(), size_t(array.size())};
  }
  int64_t channels() const { return shape.back(); }
  int64_t rows() const {
    int64_t count = 1;
    for (size_t i = 0; i + 1 < shape.size(); ++i) {
      count *= shape[i];
    }
    return count;
  }
  nn::Normalization normalization() const {
    return {affine.scale.data(), affine.offset.data(), mean.data(),
            inverse.data(), following};
  }
  void propagate(const nn::FloatTensor &x, const nn::FloatTensor &dy,
                 nn::FloatTensor &dx, nn::FloatTensor &dGamma,
                 nn::FloatTensor &dBeta) {
    const nn::StepContext context = precision->context(nn::Mode::Train, 0);
    const std::vector<double> sums = nn::sumRows(
        context, rows(), 2 * channels(), [&](TaskRange range, double *sum) {
          const int64_t first = range.begin * channels();
          nn::addGradients(x.data() + first, dy.data() + first, range.size(),
                           channels(), normalization(), sum);
        });
    for (int64_t c = 0; c < channels(); ++c) {
      dBeta[c] = float(sums[size_t(c)]);
      dGamma[c] = float(sums[size_t(channels() + c)]);
    }
    const nn::GradientFactors factors =
        nn::gradientFactors(sums, rows(), valuesOf(gamma), mean, inverse);
    nn::forEachPart(context, rows(), [&](int, TaskRange range) {
      const int64_t first = range.begin * channels();
      nn::propagateRows(x.data() + first, dy.data() + first, range.size(),
                        channels(), normalization(), factors.pointers(),
                        dx.data() + first);
    });
  }

  std::shared_ptr<Precision> precision;
  Floats gamma, beta;
  nn::Following following;
  std::vector<int64_t> shape; ///< Of x.
  nn::BatchMoments moments;
  std::vector<float> mean, inverse;
  nn::Affine affine;
  nn::FloatTensor result;
};

} // namespace lpgen

#endif // LPGEN_PYTHON_NORMALIZATION_H
