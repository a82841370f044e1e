// fixed: 16-bit fixed point without a float copy of the weights (Gupta et al.
// 2015, arXiv 1502.02551).
//
// Weights, biases, activations, gradients and the updated weights all lie on
// one grid. A product is exact and is rounded once, at its end. The velocity of
// the optimizer stays float32. The loss is scaled, since the gradients of a
// mean over the batch would lie below the grid.
#include "training/contractions/IntegerBackend.h"
#include "training/policies/Policies.h"
#include "training/quantizers/FixedPoint.h"

namespace lpgen::train {

namespace {

/// Integer products whose results are rounded to the grid.
class FixedBackend : public quant::IntegerBackend {
public:
  FixedBackend(const nn::LayerSpec &layer,
               const quant::FixedPointFormat &format, KernelProvider &kernels)
      : IntegerBackend(layer.geometry,
                       {make(layer.name + ".input", format),
                        make(layer.name + ".weight", format),
                        make(layer.name + ".gradient", format)},
                       kernels),
        name(layer.name), format(format) {}

  Status forward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                 nn::FloatTensor &y, const nn::StepContext &context) override {
    LPGEN_RETURN_IF_ERROR(IntegerBackend::forward(x, weight, y, context));
    quant::FixedPointFormat now = format;
    now.rounding =
        context.isTraining() ? format.rounding : quant::Rounding::Nearest;
    roundResult(now, y, ".output", context);
    return Status::success();
  }
  Result<networks::ForwardOperands> forwardOperands() const override {
    Result<networks::ForwardOperands> operands =
        IntegerBackend::forwardOperands();
    if (operands.ok()) {
      operands->result = format.quantParams();
    }
    return operands;
  }
  Status backward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                  const nn::FloatTensor &dy, nn::FloatTensor *dWeight,
                  nn::FloatTensor *dx,
                  const nn::StepContext &context) override {
    LPGEN_RETURN_IF_ERROR(
        IntegerBackend::backward(x, weight, dy, dWeight, dx, context));
    if (dWeight) {
      roundResult(format, *dWeight, ".weightGradient", context);
    }
    if (dx) {
      roundResult(format, *dx, ".inputGradient", context);
    }
    return Status::success();
  }

private:
  static std::unique_ptr<quant::Quantizer>
  make(const std::string &tensor, const quant::FixedPointFormat &format) {
    return std::make_unique<quant::FixedPointQuantizer>(tensor, format);
  }
  void roundResult(const quant::FixedPointFormat &grid, nn::FloatTensor &tensor,
                   const char *what, const nn::StepContext &context) {
    const nn::TimeAdder timer(seconds.quantize);
    roundToGrid(grid, tensor.values(), context.random.of(name + what), context);
  }

  std::string name;
  quant::FixedPointFormat format;
};

class FixedPolicy : public Policy {
public:
  FixedPolicy(const quant::FixedPointFormat &format, float scale,
              KernelProvider &kernels)
      : format(format), scale(scale), kernels(&kernels) {}

  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<FixedBackend>(layer, format, *kernels));
  }
  float lossScale() const override { return scale; }
  std::optional<quant::GradientRange>
  gradientRange(nn::LayerPlace place) const override {
    return quant::GradientRange{format.scale(),
                                float(format.codes().highest) * format.scale()};
  }
  void afterUpdate(const std::vector<nn::Parameter *> &parameters,
                   const nn::StepContext &context) override {
    for (nn::Parameter *parameter : parameters) {
      roundToGrid(format, parameter->value.values(),
                  context.random.of(parameter->name), context);
    }
  }

private:
  quant::FixedPointFormat format;
  float scale;
  KernelProvider *kernels;
};

} // namespace

static Result<std::unique_ptr<Policy>> make(const PolicyOptions &options,
                                            const PolicyContext &context) {
  quant::FixedPointFormat format;
  format.il = int(options.whole("il"));
  format.fl = int(options.whole("fl"));
  if (format.il + format.fl > 16) {
    return Status::error("policy 'fixed': il + fl is " +
                         std::to_string(format.il + format.fl) +
                         ", expected at most 16");
  }
  format.rounding = options.choice("rounding") == 0
                        ? quant::Rounding::Stochastic
                        : quant::Rounding::Nearest;
  assert(context.kernels && "fixed multiplies integers");
  return std::unique_ptr<Policy>(std::make_unique<FixedPolicy>(
      format, float(options.number("scale")), *context.kernels));
}

static constexpr PolicyOption options[] = {
    PolicyOption::whole("il", quant::FixedPointFormat().il, 1, 15),
    PolicyOption::whole("fl", quant::FixedPointFormat().fl, 1, 15),
    PolicyOption::number("scale", 128, 1, 65536),
    PolicyOption::choice("rounding", "stochastic|nearest")};
extern const PolicyKind fixedPolicy = {
    "fixed", "fixed point with stochastic rounding, weights included",
    Exports | NarrowsSums | RangesGradients, options, make};

} // namespace lpgen::train
