// What a pass keeps of the center, and the products of differences.
#include "training/contractions/CenteredBackend.h"
#include <algorithm>
#include <cmath>

namespace lpgen::quant {

using nn::Product;
using Pass = nn::Centering::Pass;

CenteredBackend::CenteredBackend(const nn::LayerSpec &layer, int bits,
                                 KernelProvider &kernels)
    : OrderedBackend(layer.geometry), name(layer.name), place(layer.place),
      geometry(layer.geometry), bits(bits), ofCenter(geometry, kernels),
      ofOffset(geometry, kernels) {}

CenteredBackend::Center &
CenteredBackend::centerOf(const nn::Centering &centering) {
  if (!centering.keeps) {
    return current;
  }
  const auto number = size_t(centering.batch);
  kept.resize(std::max(kept.size(), number + 1));
  return kept[number];
}

static void copy(const nn::FloatTensor &from, nn::FloatTensor &to) {
  to.resize(from.shape());
  std::ranges::copy(from.values(), to.data());
}

/// to = a - b
static void subtract(const nn::FloatTensor &a, const nn::FloatTensor &b,
                     const nn::StepContext &context, nn::FloatTensor &to) {
  to.resize(a.shape());
  nn::forEachPart(context, a.size(), [&](int, TaskRange range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      to[i] = a[i] - b[i];
    }
  });
}

static void add(const nn::FloatTensor &a, const nn::StepContext &context,
                nn::FloatTensor &to) {
  nn::forEachPart(context, a.size(), [&](int, TaskRange range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      to[i] += a[i];
    }
  });
}

const IntTensor &
CenteredBackend::weightOffset(const nn::StepContext &context) const {
  const auto found = context.centering->offsets.find(name + ".weight");
  assert(found != context.centering->offsets.end() && "all have offsets");
  return found->second;
}

Status CenteredBackend::round(const char *tensor, const nn::FloatTensor &x,
                              Rounding rounding, const nn::StepContext &context,
                              IntTensor &q) {
  const nn::TimeAdder timer(seconds.quantize);
  const Magnitudes magnitudes = measureMagnitudes(x.values(), context);
  if (!std::isfinite(magnitudes.sum)) {
    return Status::error("tensor '" + name + tensor +
                         "' holds values that are no numbers: the run "
                         "diverged; remedy: a smaller learning rate");
  }
  const CodeRange codes =
      magnitudes.hasNegative ? symmetricCodes(bits) : unsignedCodes(bits);
  const std::optional<float> scale = scaleOf(magnitudes.max, codes);
  quant::quantize(x.values(), codes, scale.value_or(1.0F),
                  scale ? rounding : Rounding::Nearest,
                  context.random.of(name + tensor), context, q);
  return Status::success();
}

Status CenteredBackend::forward(const nn::FloatTensor &x,
                                const nn::FloatTensor &weight,
                                nn::FloatTensor &y,
                                const nn::StepContext &context) {
  if (context.centering && context.centering->pass == Pass::Offset) {
    return offsetForward(x, y, context);
  }
  LPGEN_RETURN_IF_ERROR(OrderedBackend::forward(x, weight, y, context));
  return context.centering ? keepForward(x, weight, y, context)
                           : Status::success();
}

Status CenteredBackend::keepForward(const nn::FloatTensor &x,
                                    const nn::FloatTensor &weight,
                                    const nn::FloatTensor &y,
                                    const nn::StepContext &context) {
  const nn::Centering &centering = *context.centering;
  if (centering.pass == Pass::Whole && !centering.keeps) {
    return Status::success();
  }
  Center &center = centerOf(centering);
  copy(y, center.y);
  if (place == nn::LayerPlace::First) {
    LPGEN_RETURN_IF_ERROR(
        round(".input", x, Rounding::Nearest, context, center.codes));
  } else {
    copy(x, center.x);
  }
  return round(".weight", weight, Rounding::Nearest, context, centerWeights);
}

Status CenteredBackend::offsetForward(const nn::FloatTensor &x,
                                      nn::FloatTensor &y,
                                      const nn::StepContext &context) {
  Center &center = centerOf(*context.centering);
  const IntTensor &offset = weightOffset(context);
  const bool isFirst = place == nn::LayerPlace::First;
  if (!isFirst) {
    LPGEN_RETURN_IF_ERROR(
        round(".input", x, Rounding::Nearest, context, inputCodes));
    subtract(x, center.x, context, difference);
    LPGEN_RETURN_IF_ERROR(round(".inputOffset", difference, Rounding::Nearest,
                                context, inputOffsetCodes));
  }
  const nn::TimeAdder timer(seconds.products[size_t(Product::Forward)]);
  LPGEN_RETURN_IF_ERROR(ofOffset.forward(isFirst ? center.codes : inputCodes,
                                         offset, y, context));
  if (!isFirst) {
    part.resize(y.shape());
    LPGEN_RETURN_IF_ERROR(
        ofCenter.forward(inputOffsetCodes, centerWeights, part, context));
    add(part, context, y);
  }
  add(center.y, context, y);
  return Status::success();
}

Status CenteredBackend::backward(const nn::FloatTensor &x,
                                 const nn::FloatTensor &weight,
                                 const nn::FloatTensor &dy,
                                 nn::FloatTensor *dWeight, nn::FloatTensor *dx,
                                 const nn::StepContext &context) {
  const nn::Centering *centering = context.centering;
  if (!centering) {
    return OrderedBackend::backward(x, weight, dy, dWeight, dx, context);
  }
  if (centering->pass == Pass::Offset) {
    const Center &center = centerOf(*centering);
    subtract(dy, center.dy, context, difference);
    LPGEN_RETURN_IF_ERROR(round(".gradientOffset", difference,
                                Rounding::Stochastic, context,
                                gradientOffsetCodes));
    LPGEN_RETURN_IF_ERROR(offsetWeightGradient(center, x, *dWeight, context));
    return dx ? offsetInputGradient(center, dy, *dx, context)
              : Status::success();
  }
  const bool isWhole = centering->pass == Pass::Whole;
  LPGEN_RETURN_IF_ERROR(OrderedBackend::backward(
      x, weight, dy, isWhole ? dWeight : nullptr, dx, context));
  if (!isWhole || centering->keeps) {
    Center &center = centerOf(*centering);
    copy(dy, center.dy);
    if (dx) {
      copy(*dx, center.dx);
    }
  }
  return Status::success();
}

Status CenteredBackend::offsetWeightGradient(const Center &center,
                                             const nn::FloatTensor &x,
                                             nn::FloatTensor &dWeight,
                                             const nn::StepContext &context) {
  const bool isFirst = place == nn::LayerPlace::First;
  if (!isFirst) {
    LPGEN_RETURN_IF_ERROR(round(".centerGradient", center.dy,
                                Rounding::Stochastic, context,
                                centerGradientCodes));
  }
  const nn::TimeAdder timer(seconds.products[size_t(Product::WeightGradient)]);
  LPGEN_RETURN_IF_ERROR(
      ofCenter.weightGradient(isFirst ? center.codes : inputCodes,
                              gradientOffsetCodes, dWeight, context));
  if (isFirst) {
    return Status::success();
  }
  part.resize(dWeight.shape());
  LPGEN_RETURN_IF_ERROR(ofOffset.weightGradient(
      inputOffsetCodes, centerGradientCodes, part, context));
  add(part, context, dWeight);
  return Status::success();
}

Status CenteredBackend::offsetInputGradient(const Center &center,
                                            const nn::FloatTensor &dy,
                                            nn::FloatTensor &dx,
                                            const nn::StepContext &context) {
  const IntTensor &offset = weightOffset(context);
  LPGEN_RETURN_IF_ERROR(
      round(".gradient", dy, Rounding::Stochastic, context, gradientCodes));
  const nn::TimeAdder timer(seconds.products[size_t(Product::InputGradient)]);
  LPGEN_RETURN_IF_ERROR(
      ofOffset.inputGradient(gradientCodes, offset, dx, context));
  part.resize(dx.shape());
  LPGEN_RETURN_IF_ERROR(ofCenter.inputGradient(gradientOffsetCodes,
                                               centerWeights, part, context));
  add(part, context, dx);
  add(center.dx, context, dx);
  return Status::success();
}

nn::BackendReport CenteredBackend::report() const {
  nn::BackendReport report = startReport();
  for (const Product product :
       {Product::Forward, Product::InputGradient, Product::WeightGradient}) {
    report.implementations[size_t(product)] =
        (product == Product::WeightGradient ? ofCenter : ofOffset)
            .kernelOf(product);
  }
  return report;
}

} // namespace lpgen::quant
