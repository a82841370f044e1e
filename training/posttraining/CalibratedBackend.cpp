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
  const auto length = size_t(weights.sliceSize());
  for (const WeightPoint &point : integers.points) {
    for (size_t i = 0; i < point.codes.size(); ++i) {
      weights[int64_t(i)] += float(point.codes[i]) * point.scales[i / length];
    }
  }
}

void CalibratedBackend::setIntegers(LayerIntegers given) {
  const auto filtersOf = [](const LayerIntegers &integers) {
    std::vector<size_t> filters;
    filters.reserve(integers.points.size());
    for (const WeightPoint &point : integers.points) {
      filters.push_back(point.scales.size());
    }
    return filters;
  };
  if (!chosen || filtersOf(*chosen) != filtersOf(given)) {
    convs.clear();
    for (const size_t filters : filtersOf(given)) {
      ConvGeometry geometry = spec.geometry;
      geometry.outputs = int64_t(filters);
      convs.emplace_back(geometry, *kernels);
    }
  }
  chosen = std::move(given);
}

/// to[row, c] = from[row, c] factors[c], plus sum[row, c] where there is one:
/// it has fewer channels, and what lies beyond them is 0.
static void addTerm(const nn::FloatTensor &from,
                    const std::vector<float> &factors,
                    const nn::FloatTensor &sum, int64_t sumChannels,
                    const nn::StepContext &context, nn::FloatTensor &to) {
  const auto channels = int64_t(factors.size());
  nn::forEachPart(context, from.size() / channels, [&](int, TaskRange rows) {
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t i = row * channels + c;
        const float term = from[i] * factors[size_t(c)];
        to[i] = sumChannels == 0  ? term
                : c < sumChannels ? term + sum[row * sumChannels + c]
                                  : term + 0.0F;
      }
    }
  });
}

Status CalibratedBackend::multiplyIntegers(const nn::FloatTensor &x,
                                           nn::FloatTensor &y,
                                           const nn::StepContext &context) {
  int64_t sumChannels = 0;
  for (size_t p = chosen->points.size(); p-- > 0;) {
    const WeightPoint &point = chosen->points[p];
    weights.reset(int64_t(point.codes.size()),
                  std::max(point.grid.highest, -point.grid.lowest), 1.0F);
    weights.visit([&](auto *codes) { std::ranges::copy(point.codes, codes); });
    std::vector<float> factors = point.scales;
    for (float &factor : factors) {
      factor *= chosen->input.scale;
    }
    const auto channels = int64_t(factors.size());
    term.resize({x.extent(0), spec.geometry.outPixels() * channels});
    LPGEN_RETURN_IF_ERROR(convs[p].forward(input, weights, term, context));
    if (p == 0) {
      addTerm(term, factors, sum, sumChannels, context, y);
    } else {
      nn::FloatTensor next(term.shape());
      addTerm(term, factors, sum, sumChannels, context, next);
      sum = std::move(next);
      sumChannels = channels;
    }
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
  operands.sharesInput = true;
  // The last point has the fewest filters; it is added to first.
  for (size_t p = chosen->points.size(); p-- > 0;) {
    const WeightPoint &point = chosen->points[p];
    networks::ForwardTerm term;
    term.channels = spec.geometry.channels;
    term.outputs = int64_t(point.scales.size());
    term.input = chosen->input;
    term.weight = point.grid;
    term.weightScales = point.scales;
    term.weights = point.codes;
    operands.terms.push_back(std::move(term));
  }
  return operands;
}

} // namespace lpgen::posttraining
