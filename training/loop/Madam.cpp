// A weight is kept as the float that its code stands for, from which the code
// is found again exactly.
#include "training/loop/Madam.h"
#include "training/core/ElementLoops.h"
#include <algorithm>
#include <array>
#include <cmath>

namespace lpgen::train {

int32_t LogarithmicGrid::codeOf(float magnitude) const {
  if (!(magnitude > 0)) {
    return most;
  }
  const double code = -steps * std::log2(double(magnitude) / double(limit));
  return int32_t(std::clamp(std::nearbyint(code), 0.0, double(most)));
}

/// 2^(-i / steps)
static const std::array<double, LogarithmicGrid::steps> &fractions() {
  static const auto table = [] {
    std::array<double, LogarithmicGrid::steps> powers = {};
    for (size_t i = 0; i < powers.size(); ++i) {
      powers[i] = std::exp2(-double(i) / LogarithmicGrid::steps);
    }
    return powers;
  }();
  return table;
}

float LogarithmicGrid::magnitude(int32_t code) const {
  return float(std::ldexp(double(limit) * fractions()[size_t(code % steps)],
                          -(code / steps)));
}

namespace {

class Madam : public Optimizer {
public:
  explicit Madam(const std::vector<nn::Parameter *> &parameters)
      : limits(parameters.size(), 0.0F) {
    for (const nn::Parameter *parameter : parameters) {
      squares.emplace_back(parameter->value.shape());
    }
  }

  void update(const std::vector<nn::Parameter *> &parameters,
              double learningRate, const nn::StepContext &context) override {
    ++updates;
    const double correction = 1.0 - std::pow(0.999, double(updates));
    for (size_t p = 0; p < parameters.size(); ++p) {
      nn::Parameter &parameter = *parameters[p];
      const bool isFilter = parameter.value.shape().size() > 1;
      if (isFilter && updates == 1) {
        limits[p] =
            3 * float(std::sqrt(quant::sumOfSquares(parameter.value, context) /
                                double(parameter.value.size())));
      }
      const LogarithmicGrid grid = {limits[p]};
      const nn::RandomKey random =
          context.random.of("madam").of(parameter.name);
      nn::forEachPart(
          context, parameter.value.size(), [&](int, TaskRange range) {
            for (int64_t i = range.begin; i < range.end; ++i) {
              const float g = parameter.gradient[i];
              float &s = squares[p][i];
              s = 0.999F * s + 0.001F * g * g;
              const double n =
                  s > 0 ? std::clamp(double(g) / std::sqrt(s / correction),
                                     -10.0, 10.0)
                        : 0;
              float &w = parameter.value[i];
              if (isFilter) {
                w = moved(grid, w, learningRate * std::nearbyint(n),
                          random.uniform(uint64_t(i)));
              } else {
                w -= float(learningRate * n);
              }
            }
          });
    }
  }
  void visitState(nn::StateVisitor &visitor) override {
    visitor.visit("madam.updates", updates);
    visitor.visit("madam.limits", std::span<float>(limits));
    for (size_t p = 0; p < squares.size(); ++p) {
      visitor.visit("madam.squares" + std::to_string(p), squares[p]);
    }
  }

private:
  /// w, its code moved by `powers` powers of two towards 0, or away from it
  /// where w is negative; noise from [0, 1).
  static float moved(const LogarithmicGrid &grid, float w, double powers,
                     float noise) {
    const bool isNegative = std::signbit(w);
    const double move =
        LogarithmicGrid::steps * (isNegative ? -powers : powers);
    const auto code = int32_t(std::clamp(double(grid.codeOf(std::fabs(w))) +
                                             std::floor(move + double(noise)),
                                         0.0, double(LogarithmicGrid::most)));
    const float magnitude = grid.magnitude(code);
    return isNegative ? -magnitude : magnitude;
  }

  int64_t updates = 0;
  std::vector<float> limits; ///< Of filters, by parameter.
  std::vector<nn::FloatTensor> squares;
};

} // namespace

std::unique_ptr<Optimizer>
makeMadam(const std::vector<nn::Parameter *> &parameters) {
  return std::make_unique<Madam>(parameters);
}

} // namespace lpgen::train
