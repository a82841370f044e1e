// With M = R^T R the error is the sum of squares of R e, e = w - scale q. Row i
// of R has e_i and those behind it only: from the last code to the first, each
// makes its row as small as it can.
//
// With g = M e, a code that changes by d steps changes the error by
//   -2 d scale g_i + (d scale)^2 M_ii
#include "training/posttraining/LearnedRounding.h"
#include "training/posttraining/InputMoments.h"
#include "training/posttraining/WeightScale.h"
#include <algorithm>
#include <cmath>

namespace lpgen::posttraining {

namespace {
struct Change {
  size_t index = 0;
  int32_t by = 0;
  double gain = 0; ///< What the error falls by.
};
} // namespace

static Change bestChange(const std::vector<double> &products,
                         const nn::FloatTensor &moments,
                         const QuantParams &grid, double scale,
                         std::span<const int32_t> codes) {
  const int32_t step = grid.isOdd ? 2 : 1;
  const double size = step * scale;
  const size_t length = codes.size();
  Change best;
  for (size_t i = 0; i < length; ++i) {
    const double gain =
        size * (2 * std::fabs(products[i]) -
                size * double(moments[int64_t(i * length + i)]));
    if (gain > best.gain) {
      const int32_t by = products[i] > 0 ? step : -step;
      if (codes[i] + by >= grid.lowest && codes[i] + by <= grid.highest) {
        best = {i, by, gain};
      }
    }
  }
  return best;
}

/// Cholesky's factorization, row by row; M is positive definite.
static std::vector<double> upperFactor(const nn::FloatTensor &moments) {
  const auto n = size_t(moments.extent(0));
  std::vector<double> factor(moments.values().begin(), moments.values().end());
  for (size_t k = 0; k < n; ++k) {
    double *pivot = factor.data() + k * n;
    const double root = std::sqrt(std::max(pivot[k], 1e-30));
    for (size_t j = k; j < n; ++j) {
      pivot[j] /= root;
    }
    for (size_t i = k + 1; i < n; ++i) {
      double *row = factor.data() + i * n;
      const double by = pivot[i];
      for (size_t j = i; j < n; ++j) {
        row[j] -= by * pivot[j];
      }
    }
  }
  return factor;
}

LearnedRounding::LearnedRounding(const nn::FloatTensor &moments)
    : moments(moments), factor(upperFactor(moments)) {}

void LearnedRounding::roundInOrder(std::span<const float> weights,
                                   const QuantParams &grid, float scale,
                                   std::span<int32_t> codes) const {
  const size_t n = weights.size();
  std::vector<double> errors(n);
  for (size_t i = n; i-- > 0;) {
    const double *row = factor.data() + i * n;
    double behind = 0;
    for (size_t j = i + 1; j < n; ++j) {
      behind += row[j] * errors[j];
    }
    codes[i] =
        nearestCode(float(double(weights[i]) + behind / row[i]), grid, scale);
    errors[i] = double(weights[i]) - double(scale) * codes[i];
  }
}

void LearnedRounding::changeSteps(std::span<const float> weights,
                                  const QuantParams &grid, float scale,
                                  std::span<int32_t> codes) const {
  const size_t length = weights.size();
  std::vector<double> products(length, 0.0);
  for (size_t j = 0; j < length; ++j) {
    const double e = double(weights[j]) - double(scale) * codes[j];
    const float *row = moments.data() + j * length;
    for (size_t i = 0; i < length; ++i) {
      products[i] += e * double(row[i]);
    }
  }
  double error = 0;
  for (size_t j = 0; j < length; ++j) {
    error += (double(weights[j]) - double(scale) * codes[j]) * products[j];
  }
  // Gains below this are rounding; the bound keeps an unlucky sum from turning
  // around for ever.
  const double least = 1e-9 * error;
  for (size_t changes = 0; changes < 20 * length; ++changes) {
    const Change change =
        bestChange(products, moments, grid, double(scale), codes);
    if (change.gain <= least) {
      return;
    }
    codes[change.index] += change.by;
    const double by = change.by * double(scale);
    const float *row = moments.data() + change.index * length;
    for (size_t i = 0; i < length; ++i) {
      products[i] -= by * double(row[i]);
    }
  }
}

double LearnedRounding::error(std::span<const float> weights, float scale,
                              std::span<const int32_t> codes) const {
  std::vector<float> rest(weights.begin(), weights.end());
  for (size_t i = 0; i < rest.size(); ++i) {
    rest[i] -= scale * float(codes[i]);
  }
  return varianceOf(rest, moments);
}

float LearnedRounding::fittedScale(std::span<const float> weights,
                                   std::span<const int32_t> codes) const {
  const size_t length = weights.size();
  double product = 0; // q^T M w
  double square = 0;  // q^T M q
  for (size_t i = 0; i < length; ++i) {
    if (codes[i] == 0) {
      continue;
    }
    const float *row = moments.data() + i * length;
    double withWeights = 0;
    double withCodes = 0;
    for (size_t j = 0; j < length; ++j) {
      withWeights += double(row[j]) * double(weights[j]);
      withCodes += double(row[j]) * codes[j];
    }
    product += codes[i] * withWeights;
    square += codes[i] * withCodes;
  }
  return square > 0 ? float(product / square) : 0;
}

void LearnedRounding::improve(std::span<const float> weights,
                              const QuantParams &grid, float scale,
                              std::span<int32_t> codes) const {
  std::vector<int32_t> inOrder(codes.size());
  roundInOrder(weights, grid, scale, inOrder);
  if (error(weights, scale, inOrder) < error(weights, scale, codes)) {
    std::ranges::copy(inOrder, codes.begin());
  }
  changeSteps(weights, grid, scale, codes);
}

} // namespace lpgen::posttraining
