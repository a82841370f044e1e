// Integers are multiplied at scale 1, then each output gets its factor: the
// operations of an exported network, in its order.
#include "training/posttraining/CalibratedBackend.h"
#include "training/quantizers/ElementQuantizer.h"
#include <algorithm>

namespace lpgen::posttraining {

bool encodeInput(const nn::FloatTensor &x, const QuantParams &grid,
                 const nn::StepContext &context, quant::IntTensor &q) {
  const auto lowest = float(grid.lowest);
  const auto highest = float(grid.highest);
  const bool isValid = quant::encodeElements(
      x, std::max(grid.highest, -grid.lowest), 1.0F, context, q, [&](float v) {
        return std::lrint(std::clamp(v / grid.scale, lowest, highest));
      });
  if (grid.lowest == 0) {
    q.setNonNegative();
  }
  return isValid;
}

void decodeWeights(const LayerIntegers &integers, nn::FloatTensor &weights) {
  std::ranges::fill(weights.values(), 0.0F);
  for (const WeightPoint &point : integers.points) {
    const int64_t row = weights.size() / int64_t(point.scales.size());
    for (int64_t i = 0; i < weights.size(); ++i) {
      weights[i] +=
          float(point.codes[size_t(i)]) * point.scales[size_t(i / row)];
    }
  }
}

void CalibratedBackend::setIntegers(LayerIntegers given) {
  while (convs.size() < given.points.size()) {
    convs.emplace_back(spec.geometry, *kernels);
  }
  chosen = std::move(given);
}

Status CalibratedBackend::multiplyIntegers(const nn::FloatTensor &x,
                                           nn::FloatTensor &y,
                                           const nn::StepContext &context) {
  const int64_t channels = spec.geometry.outputs;
  for (size_t p = 0; p < chosen->points.size(); ++p) {
    const WeightPoint &point = chosen->points[p];
    weights.reset(int64_t(point.codes.size()),
                  std::max(point.grid.highest, -point.grid.lowest), 1.0F);
    weights.visit([&](auto *codes) { std::ranges::copy(point.codes, codes); });
    nn::FloatTensor &to = p == 0 ? y : part;
    to.resize(y.shape());
    LPGEN_RETURN_IF_ERROR(convs[p].forward(input, weights, to, context));
    std::vector<float> factors = point.scales;
    for (float &factor : factors) {
      factor *= chosen->input.scale;
    }
    nn::forEachPart(context, y.size() / channels, [&](int, TaskRange rows) {
      for (int64_t i = rows.begin * channels; i < rows.end * channels; ++i) {
        const float term = to[i] * factors[size_t(i % channels)];
        y[i] = p == 0 ? term : term + y[i];
      }
    });
  }
  return Status::success();
}

Status CalibratedBackend::forward(const nn::FloatTensor &x,
                                  const nn::FloatTensor &weight,
                                  nn::FloatTensor &y,
                                  const nn::StepContext &context) {
  if (beforeProduct) {
    beforeProduct(x);
  }
  if (arithmetic == Arithmetic::Float) {
    LPGEN_RETURN_IF_ERROR(floats.forward(x, weight, y, context));
  } else {
    assert(chosen && "a product of integers without integers");
    if (!encodeInput(x, chosen->input, context, input)) {
      return Status::error("the input of layer '" + spec.name +
                           "' holds values that are no numbers");
    }
    if (arithmetic == Arithmetic::Integer) {
      LPGEN_RETURN_IF_ERROR(multiplyIntegers(x, y, context));
    } else {
      inputValues.resize(x.shape());
      input.visit([&](const auto *codes) {
        for (int64_t i = 0; i < x.size(); ++i) {
          inputValues[i] = float(codes[i]) * chosen->input.scale;
        }
      });
      weightValues.resize(weight.shape());
      decodeWeights(*chosen, weightValues);
      LPGEN_RETURN_IF_ERROR(
          floats.forward(inputValues, weightValues, y, context));
    }
  }
  if (afterProduct) {
    afterProduct(y);
  }
  return Status::success();
}

Status CalibratedBackend::backward(const nn::FloatTensor &x,
                                   const nn::FloatTensor &weight,
                                   const nn::FloatTensor &dy,
                                   nn::FloatTensor *dWeight,
                                   nn::FloatTensor *dx,
                                   const nn::StepContext &context) {
  return floats.backward(x, weight, dy, dWeight, dx, context);
}

nn::BackendReport CalibratedBackend::report() const {
  nn::BackendReport report = floats.report();
  if (chosen && !convs.empty()) {
    report.implementations[size_t(nn::Product::Forward)] =
        convs[0].kernelOf(nn::Product::Forward);
  }
  return report;
}

Result<networks::ForwardOperands> CalibratedBackend::forwardOperands() const {
  if (!chosen) {
    return Status::error("it was not quantized");
  }
  networks::ForwardOperands operands;
  for (const WeightPoint &point : chosen->points) {
    networks::ForwardTerm term;
    term.channels = spec.geometry.channels;
    term.input = chosen->input;
    term.weight = point.grid;
    term.weightScales = point.scales;
    term.weights = point.codes;
    operands.terms.push_back(std::move(term));
  }
  return operands;
}

} // namespace lpgen::posttraining
