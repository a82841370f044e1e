// Mean squares, the bound, and two calls of the products where dW and dx take
// the gradient at different scales.
#include "training/contractions/LossScaledBackend.h"
#include "training/core/ElementLoops.h"
#include "training/quantizers/Quantize.h"
#include <algorithm>
#include <numbers>

namespace lpgen::quant {

double inverseErf(double y) {
  assert(y > 0 && y < 1 && "erf^-1 has no finite value there");
  // Newton; from the left, where erf is concave, it cannot step beyond.
  const double slope = 2 / std::sqrt(std::numbers::pi);
  double x = y / slope;
  for (int i = 0; i < 100; ++i) {
    const double step = (y - std::erf(x)) / (slope * std::exp(-x * x));
    x += step;
    if (std::fabs(step) <= 1e-13 * x) {
      break;
    }
  }
  return x;
}

int lossScaleExponent(const LossScaleOptions &options,
                      const GradientRange &range,
                      const LossScaleStatistics &statistics, int incoming) {
  const double sigma =
      std::sqrt(statistics.gradientSquare * statistics.weightSquare *
                statistics.reduction / 2);
  if (!(sigma > 0)) {
    return 0;
  }
  const double wanted =
      double(range.least) /
      (std::numbers::sqrt2 * inverseErf(options.underflow) * sigma);
  const double fits =
      double(range.most) /
      (statistics.reduction * statistics.gradientMax * statistics.weightMax);
  const double scale = std::min(std::max(1.0, wanted), fits);
  return std::min({int(std::floor(std::log2(scale))), options.upperExponent,
                   options.totalExponent - incoming});
}

LossScaledBackend::LossScaledBackend(
    const nn::LayerSpec &layer, std::unique_ptr<nn::ContractionBackend> inner,
    const GradientRange &range, const LossScaleOptions &options)
    : name(layer.name),
      reduction(layer.geometry.groupOutputs() * layer.geometry.kernel *
                layer.geometry.kernel),
      inner(std::move(inner)), range(range), options(options) {}

nn::BackendReport LossScaledBackend::report() const {
  nn::BackendReport report = inner->report();
  report.times.statistics += seconds.statistics;
  report.gradientScaleExponent = total;
  return report;
}

Status LossScaledBackend::forward(const nn::FloatTensor &x,
                                  const nn::FloatTensor &weight,
                                  nn::FloatTensor &y,
                                  const nn::StepContext &context) {
  return inner->forward(x, weight, y, context);
}

static double meanSquare(const nn::FloatTensor &x,
                         const nn::StepContext &context) {
  return sumOfSquares(x, context) / double(std::max<int64_t>(x.size(), 1));
}

int LossScaledBackend::excess(const nn::FloatTensor &dy,
                              const nn::StepContext &context) {
  const nn::TimeAdder timer(seconds.statistics);
  const double max = double(measureMagnitudes(dy.values(), context).max);
  if (!(max > double(range.most)) || std::isinf(max)) {
    return 0;
  }
  return int(std::ceil(std::log2(max / double(range.most))));
}

void LossScaledBackend::choose(const nn::FloatTensor &weight,
                               const nn::FloatTensor &dy, int incoming,
                               const nn::StepContext &context) {
  const nn::TimeAdder timer(seconds.statistics);
  LossScaleStatistics statistics;
  statistics.gradientSquare = meanSquare(dy, context);
  statistics.weightSquare = meanSquare(weight, context);
  statistics.gradientMax = double(measureMagnitudes(dy.values(), context).max);
  statistics.weightMax =
      double(measureMagnitudes(weight.values(), context).max);
  statistics.reduction = double(reduction);
  exponent = lossScaleExponent(options, range, statistics, incoming);
}

/// to = 2^exponent x.
static void scaleBy(const nn::FloatTensor &x, int exponent,
                    const nn::StepContext &context, nn::FloatTensor &to) {
  to.resize(x.shape());
  const float factor = std::ldexp(1.0F, exponent);
  nn::forEachPart(context, x.size(), [&](int, TaskRange range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      to[i] = factor * x[i];
    }
  });
}

Status LossScaledBackend::backward(const nn::FloatTensor &x,
                                   const nn::FloatTensor &weight,
                                   const nn::FloatTensor &dy,
                                   nn::FloatTensor *dWeight,
                                   nn::FloatTensor *dx,
                                   const nn::StepContext &context) {
  // Branches that met before this layer may have a sum that is too large.
  const int down = excess(dy, context);
  const nn::FloatTensor *gradient = &dy;
  nn::FloatTensor fitting;
  if (down > 0) {
    scaleBy(dy, -down, context, fitting);
    gradient = &fitting;
  }
  const int incoming = dy.scaleExponent() - down;
  if (dx) {
    if (context.step % options.period == 0) {
      choose(weight, *gradient, incoming, context);
    }
    total = incoming + exponent;
    dx->setScaleExponent(total);
  }
  if (dx && exponent != 0) {
    scaleBy(*gradient, exponent, context, scaled);
    LPGEN_RETURN_IF_ERROR(
        inner->backward(x, weight, scaled, nullptr, dx, context));
    dx = nullptr;
  }
  if (dWeight || dx) {
    LPGEN_RETURN_IF_ERROR(
        inner->backward(x, weight, *gradient, dWeight, dx, context));
  }
  if (dWeight && down > 0) {
    nn::unscale(*dWeight, -down); // To the scale of dy.
  }
  return Status::success();
}

void LossScaledBackend::visitState(nn::StateVisitor &visitor) {
  inner->visitState(visitor);
  visitor.visit(name + ".lossScaleExponent", exponent);
}

} // namespace lpgen::quant
