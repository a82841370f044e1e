// The demo's bank of 3x3 filters, from image processing, quantized to signed 2
// bits.
#include "examples/demo/Filters.h"
#include <algorithm>
#include <cmath>
#include <numbers>

using namespace lpgen;
using namespace lpgen::demo;

namespace {

/// The even Gabor filter exp(-(u^2 + v^2/4) / 2 sigma^2) cos(2 pi u / lambda),
/// where u runs across the line at `degrees`; its mean is taken off, as usual,
/// so that flat areas give 0.
Filter gabor(const std::string &name, double degrees) {
  constexpr double sigma = 0.9;
  constexpr double lambda = 2.6;
  const double angle = degrees * std::numbers::pi / 180;
  Filter filter{name, {}};
  double mean = 0;
  for (size_t row = 0; row < 3; ++row) {
    for (size_t column = 0; column < 3; ++column) {
      const double x = double(column) - 1;
      const double y = 1 - double(row);
      const double u = -x * std::sin(angle) + y * std::cos(angle);
      const double v = x * std::cos(angle) + y * std::sin(angle);
      const double tap = std::exp(-(u * u + v * v / 4) / (2 * sigma * sigma)) *
                         std::cos(2 * std::numbers::pi * u / lambda);
      filter.taps[3 * row + column] = tap;
      mean += tap / 9;
    }
  }
  for (double &tap : filter.taps) {
    tap -= mean;
  }
  return filter;
}

double dot(const std::array<double, 9> &left,
           const std::array<double, 9> &right) {
  double sum = 0;
  for (size_t tap = 0; tap < 9; ++tap) {
    sum += left[tap] * right[tap];
  }
  return sum;
}

} // namespace

std::vector<Filter> demo::filterBank() {
  return {
      {"SOBEL X", {-1, 0, 1, -2, 0, 2, -1, 0, 1}},
      {"SOBEL Y", {-1, -2, -1, 0, 0, 0, 1, 2, 1}},
      {"SOBEL 45", {0, 1, 2, -1, 0, 1, -2, -1, 0}},
      {"SOBEL 135", {-2, -1, 0, -1, 0, 1, 0, 1, 2}},
      {"PREWITT X", {-1, 0, 1, -1, 0, 1, -1, 0, 1}},
      {"PREWITT Y", {-1, -1, -1, 0, 0, 0, 1, 1, 1}},
      {"SCHARR X", {-3, 0, 3, -10, 0, 10, -3, 0, 3}},
      {"KIRSCH N", {5, 5, 5, -3, 0, -3, -3, -3, -3}},
      {"KIRSCH W", {5, -3, -3, 5, 0, -3, 5, -3, -3}},
      {"LAPLACE", {0, 1, 0, 1, -4, 1, 0, 1, 0}},
      {"EMBOSS", {-2, -1, 0, -1, 1, 1, 0, 1, 2}},
      gabor("GABOR 0", 0),
      gabor("GABOR 45", 45),
      gabor("GABOR 90", 90),
      gabor("GABOR 135", 135),
      {"GAUSS", {1, 2, 1, 2, 4, 2, 1, 2, 1}},
  };
}

QuantizedFilter demo::quantize(const Filter &filter) {
  double largest = 0;
  for (double tap : filter.taps) {
    largest = std::max(largest, std::abs(tap));
  }
  const double norm = std::sqrt(dot(filter.taps, filter.taps));
  QuantizedFilter best{filter.name, {}, 0, -1};
  double bestScore = -2;
  // Both signs, and steps that send the largest tap to somewhere in 0.5 .. 4.
  for (int step = -160; step <= 160; ++step) {
    if (step > -20 && step < 20) {
      continue;
    }
    const double reciprocal = step / 40.0 / largest;
    std::array<int8_t, 9> codes;
    std::array<double, 9> values;
    for (size_t tap = 0; tap < 9; ++tap) {
      codes[tap] = int8_t(
          std::clamp(std::round(filter.taps[tap] * reciprocal), -2.0, 1.0));
      values[tap] = codes[tap];
    }
    const double length = std::sqrt(dot(values, values));
    if (length == 0) {
      continue;
    }
    const double cosine = dot(filter.taps, values) / (norm * length);
    if (std::abs(cosine) > bestScore + 1e-9) {
      bestScore = std::abs(cosine);
      // The factor that makes the error smallest.
      best = {filter.name, codes, dot(filter.taps, values) / (length * length),
              std::abs(cosine)};
    }
  }
  return best;
}
