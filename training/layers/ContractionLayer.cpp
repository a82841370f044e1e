// Weights and bias around the three products of a backend.
#include "training/layers/ContractionLayer.h"
#include "networks/NetworkSink.h"
#include "training/core/ChannelSums.h"

namespace lpgen::nn {

ContractionLayer::ContractionLayer(std::string name,
                                   const ConvGeometry &geometry, Bias hasBias,
                                   InputGradient inputGradient,
                                   std::unique_ptr<ContractionBackend> backend,
                                   const RandomKey &random)
    : Layer(std::move(name)), geometry(geometry), wanted(inputGradient),
      implementation(std::move(backend)) {
  weight.name = this->name() + ".weight";
  weight.value.resize(geometry.weightShape());
  const RandomKey key = random.of(weight.name);
  const float deviation = std::sqrt(2.0F / float(geometry.reduction()));
  for (int64_t i = 0; i < weight.value.size(); ++i) {
    weight.value[i] = deviation * key.normal(uint64_t(i));
  }
  weight.gradient.resize(geometry.weightShape());
  bias.name = this->name() + ".bias";
  bias.decays = false;
  bias.value.resize({hasBias == Bias::Yes ? geometry.outputs : 0});
  bias.gradient.resize(bias.value.shape());
}

Status ContractionLayer::forward(const FloatTensor &x, FloatTensor &y,
                                 const StepContext &context) {
  const int64_t images = x.extent(0);
  assert(x.size() == images * geometry.inputSize() && "input shape");
  input = &x;
  y.resize(outputShape(images));
  LPGEN_RETURN_IF_ERROR(implementation->forward(x, weight.value, y, context));
  if (bias.value.size() != 0) {
    const int64_t channels = geometry.outputs;
    forEachPart(context, y.size() / channels, [&](int, TaskRange rows) {
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        for (int64_t c = 0; c < channels; ++c) {
          y[i * channels + c] += bias.value[c];
        }
      }
    });
  }
  return Status::success();
}

Status ContractionLayer::backward(const FloatTensor &dy, FloatTensor &dx,
                                  const StepContext &context) {
  assert(input && "backward follows forward");
  const int64_t channels = geometry.outputs;
  if (bias.value.size() != 0) {
    const std::vector<double> sums =
        sumRows(context, dy.size() / channels, channels,
                [&](TaskRange rows, double *sum) {
                  for (int64_t row = rows.begin; row < rows.end; ++row) {
                    for (int64_t c = 0; c < channels; ++c) {
                      sum[c] += dy[row * channels + c];
                    }
                  }
                });
    for (int64_t c = 0; c < channels; ++c) {
      bias.gradient[c] = float(sums[size_t(c)]);
    }
  }
  const bool isWanted = wanted == InputGradient::Wanted;
  dx.resize(isWanted ? input->shape() : std::vector<int64_t>{0});
  LPGEN_RETURN_IF_ERROR(
      implementation->backward(*input, weight.value, dy, &weight.gradient,
                               isWanted ? &dx : nullptr, context));
  visitParameters([&](Parameter &parameter) {
    unscale(parameter.gradient, dy.scaleExponent());
  });
  return Status::success();
}

void ContractionLayer::visitParameters(
    const std::function<void(Parameter &)> &visit) {
  visit(weight);
  if (bias.value.size() != 0) {
    visit(bias);
  }
  implementation->visitParameters(visit);
}

void ContractionLayer::visitState(StateVisitor &visitor) {
  implementation->visitState(visitor);
}

Status ContractionLayer::describe(networks::NetworkSink &network) const {
  const Result<networks::ForwardOperands> operands =
      implementation->forwardOperands();
  if (!operands.ok()) {
    return Status::error("layer '" + name() +
                         "' has no integer product: " + operands.message());
  }
  LPGEN_RETURN_IF_ERROR(network.addProduct(name(), geometry, *operands));
  return bias.value.size() == 0 ? Status::success()
                                : network.addBias(name(), bias.value.values());
}

} // namespace lpgen::nn
