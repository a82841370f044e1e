// Integers forward, their values backward.
#include "training/contractions/TrainedBackend.h"

namespace lpgen::quant {

using nn::Product;

Status TrainedBackend::forward(const nn::FloatTensor &x,
                               const nn::FloatTensor &weight,
                               nn::FloatTensor &y,
                               const nn::StepContext &context) {
  {
    const nn::TimeAdder timer(seconds.quantize);
    LPGEN_RETURN_IF_ERROR(inputQuantizer->forward(x, context, input));
    LPGEN_RETURN_IF_ERROR(weightQuantizer->forward(weight, context, weights));
  }
  if (context.isTraining()) {
    const nn::TimeAdder timer(seconds.statistics);
    inputQuantizer->count(x, input, context);
    weightQuantizer->count(weight, weights, context);
  }
  const nn::TimeAdder timer(seconds.products[size_t(Product::Forward)]);
  LPGEN_RETURN_IF_ERROR(conv.forward(input, weights, y, context));
  if (const auto scales = weightQuantizer->filterScales(); !scales.empty()) {
    const auto channels = int64_t(scales.size());
    nn::forEachPart(context, y.size() / channels, [&](int, TaskRange rows) {
      for (int64_t i = rows.begin * channels; i < rows.end * channels; ++i) {
        y[i] *= scales[size_t(i % channels)];
      }
    });
  }
  return Status::success();
}

/// scale * q in the shape of `like`.
static void decode(const IntTensor &q, const nn::FloatTensor &like,
                   const nn::StepContext &context, nn::FloatTensor &values) {
  values.resize(like.shape());
  q.visit([&](const auto *codes) {
    nn::forEachPart(context, q.size(), [&](int, TaskRange range) {
      for (int64_t i = range.begin; i < range.end; ++i) {
        values[i] = float(codes[i]) * q.scale();
      }
    });
  });
}

Status TrainedBackend::backward(const nn::FloatTensor &x,
                                const nn::FloatTensor &weight,
                                const nn::FloatTensor &dy,
                                nn::FloatTensor *dWeight, nn::FloatTensor *dx,
                                const nn::StepContext &context) {
  {
    const nn::TimeAdder timer(seconds.quantize);
    decode(input, x, context, inputValues);
    decode(weights, weight, context, weightValues);
    const auto scales = weightQuantizer->filterScales();
    for (int64_t i = 0; !scales.empty() && i < weight.size(); ++i) {
      weightValues[i] *= scales[size_t(i / weight.sliceSize())];
    }
  }
  // A learned step of the input needs dx even where no layer does, one of the
  // weights dWeight.
  nn::FloatTensor &target = dx ? *dx : unwantedGradient;
  target.resize(x.shape());
  nn::FloatTensor &weightTarget = dWeight ? *dWeight : unwantedWeightGradient;
  weightTarget.resize(weight.shape());
  LPGEN_RETURN_IF_ERROR(gradients.backward(inputValues, weightValues, dy,
                                           &weightTarget, &target, context));
  for (const Product product :
       {Product::InputGradient, Product::WeightGradient}) {
    seconds.products[size_t(product)] =
        gradients.times().products[size_t(product)];
  }
  const nn::TimeAdder timer(seconds.quantize);
  inputQuantizer->backward(x, context, target);
  weightQuantizer->backward(weight, context, weightTarget);
  return Status::success();
}

void TrainedBackend::visitParameters(
    const std::function<void(nn::Parameter &)> &visit) {
  inputQuantizer->visitParameters(visit);
  weightQuantizer->visitParameters(visit);
}

void TrainedBackend::visitState(nn::StateVisitor &visitor) {
  inputQuantizer->visitState(visitor);
  weightQuantizer->visitState(visitor);
}

Result<networks::ForwardOperands> TrainedBackend::forwardOperands() const {
  networks::ForwardTerm term;
  term.channels = geometry.channels;
  term.input = inputQuantizer->quantParams();
  term.weight = weightQuantizer->quantParams();
  term.weight.scale = weights.scale();
  term.weights = weights.codes();
  const auto scales = weightQuantizer->filterScales();
  return networks::ForwardOperands{
      {std::move(term)}, {scales.begin(), scales.end()}, std::nullopt};
}

std::vector<nn::TensorReport> TrainedBackend::reportTensors() const {
  return {inputQuantizer->report(), weightQuantizer->report()};
}

std::string TrainedBackend::implementation(Product product) const {
  return product == Product::Forward ? conv.kernelOf(product)
                                     : gradients.implementation(product);
}

} // namespace lpgen::quant
