// Steps first become fewer, then an expression, each with its constants.
#include "networks/Epilogue.h"
#include "networks/NetworkText.h"
#include <algorithm>
#include <cmath>

namespace lpgen::networks {

using builder::Expression;

bool isPowerOfTwo(float value) {
  int exponent = 0;
  return value > 0 && std::frexp(value, &exponent) == 0.5F;
}

std::shared_ptr<const HostTensor> constantOf(const std::vector<float> &values,
                                             std::vector<int64_t> shape) {
  auto tensor = std::make_shared<HostTensor>(ElementType{Encoding::Float, 32},
                                             std::move(shape));
  for (size_t i = 0; i < values.size(); ++i) {
    tensor->setFloat(int64_t(i), values[i]);
  }
  return tensor;
}

bool scaleExactly(std::vector<float> &values, float factor) {
  const auto isExact = [&](float value) {
    const float product = value * factor;
    return value == 0 ||
           (std::isnormal(product) && std::isfinite(std::ldexp(product, 32)));
  };
  if (!isPowerOfTwo(factor) || !std::ranges::all_of(values, isExact)) {
    return false;
  }
  for (float &value : values) {
    value *= factor;
  }
  return true;
}

void Epilogue::multiply(float factor) {
  if (factor != 1) {
    steps.push_back({.kind = Kind::Scale, .factor = factor});
  }
}

void Epilogue::multiply(const BatchScale &batch, std::vector<float> scales) {
  steps.push_back(
      {.kind = Kind::BatchScale, .gains = std::move(scales), .batch = batch});
}

void Epilogue::multiplyChannels(std::vector<float> factors) {
  steps.push_back({.kind = Kind::ChannelScale, .gains = std::move(factors)});
}

void Epilogue::addChannels(std::vector<float> offsets) {
  steps.push_back({.kind = Kind::ChannelOffset, .offsets = std::move(offsets)});
}

void Epilogue::affine(std::vector<float> gains, std::vector<float> offsets) {
  steps.push_back({.kind = Kind::Affine,
                   .gains = std::move(gains),
                   .offsets = std::move(offsets)});
}

void Epilogue::roundTo(const QuantParams &grid) {
  steps.push_back({.kind = Kind::Round, .grid = grid});
}

void Epilogue::add(Input tensor, Expression element) {
  steps.push_back({.kind = Kind::Add,
                   .tensor = std::move(tensor),
                   .element = std::move(element)});
}

void Epilogue::relu() { steps.push_back({.kind = Kind::Relu}); }

/// Makes one expression.
class Epilogue::Writer {
public:
  Writer(const Expression &element, std::string channels)
      : result{element, {}, {}, "", {}}, channels(std::move(channels)) {}

  void write(const Step &step);
  void quantize(const Quantization &to);
  Result result;

private:
  Expression &value() { return result.expression; }
  void multiply(const Expression &by) { value() = value() * by; }
  void add(const Expression &term) { value() = value() + term; }
  Expression scalar(const std::string &name, float constant) {
    result.inputs.push_back({{name}, "", constantOf({constant}, {})});
    return Expression::scalar(name);
  }
  /// "gain[o]"
  Expression ofChannels(const std::string &name,
                        const std::vector<float> &values) {
    result.inputs.push_back(
        {declareConstant(name, {Encoding::Float, 32}, {channels}), "",
         constantOf(values, {int64_t(values.size())})});
    return Expression::element(name, {"o"});
  }
  Expression parameter(const std::string &name, int64_t value,
                       std::optional<int64_t> usual = std::nullopt) {
    result.parameters.push_back({name, value, usual});
    return Expression::scalar(name);
  }
  /// "peak / TOP"
  Expression batchScale(const std::string &name, const BatchScale &batch) {
    result.inputs.push_back({{name}, batch.peak, nullptr});
    return Expression::scalar(name) / parameter("TOP", batch.highest);
  }
  /// Rounded to integers between two parameters of these names.
  Expression bounded(const Expression &x, const QuantParams &grid,
                     const std::string &lowest, const std::string &highest) {
    const Expression low = parameter(lowest, grid.lowest, 0);
    return Expression::call(
        "round", {Expression::call(
                     "clamp", {x, low, parameter(highest, grid.highest)})});
  }

  std::string channels;
};

void Epilogue::Writer::write(const Step &step) {
  switch (step.kind) {
  case Kind::Scale:
    return multiply(scalar("unit", step.factor));
  case Kind::BatchScale: {
    const Expression scale = batchScale("peak", step.batch);
    return multiply(scale * (step.gains.size() == 1
                                 ? scalar("unit", step.gains[0])
                                 : ofChannels("unit", step.gains)));
  }
  case Kind::ChannelScale:
    return multiply(ofChannels("alpha", step.gains));
  case Kind::ChannelOffset:
    return add(ofChannels("bias", step.offsets));
  case Kind::Affine:
    multiply(ofChannels("gain", step.gains));
    return add(ofChannels("offset", step.offsets));
  case Kind::Round:
    // Grids of fixed point are powers of two: their inverses are exact.
    multiply(scalar("gridInverse", 1 / step.grid.scale));
    value() = bounded(value(), step.grid, "LEAST", "MOST");
    return multiply(scalar("grid", step.grid.scale));
  case Kind::Add:
    result.inputs.push_back(step.tensor);
    return add(step.element);
  case Kind::Relu:
    value() = Expression::call("max", {value(), 0});
    return;
  }
}

void Epilogue::Writer::quantize(const Quantization &to) {
  const QuantParams &grid = to.grid;
  switch (grid.form) {
  case QuantParams::Form::Divided:
    if (grid.scale != 1) {
      value() = value() / scalar("step", grid.scale);
    }
    value() = bounded(value(), grid, "LO", "HI");
    break;
  case QuantParams::Form::Multiplied:
    if (grid.followsBatch) {
      multiply(1 / batchScale("range", to.batch));
    } else if (grid.scale != 1) {
      multiply(scalar("inverse", 1 / grid.scale));
    }
    value() = bounded(value(), grid, "LO", "HI");
    break;
  case QuantParams::Form::Clipped: {
    const Expression clipped =
        Expression::call("clamp", {value(), 0, scalar("top", grid.top)});
    value() = Expression::call(
        "round", {clipped * scalar("steps", float(grid.highest) / grid.top)});
    break;
  }
  case QuantParams::Form::Sign:
    value() = 2 * (value() >= 0) - 1;
    break;
  }
}

/// A scale before a bias or a batch norm goes into it.
void Epilogue::foldScale(std::vector<Step> &steps, std::string &summary) {
  for (size_t i = 0; i < steps.size(); ++i) {
    const bool isScaled = i > 0 && steps[i - 1].kind == Kind::Scale;
    if (steps[i].kind == Kind::ChannelOffset && isScaled) {
      steps[i].kind = Kind::Affine;
      steps[i].gains.assign(steps[i].offsets.size(), steps[i - 1].factor);
      steps.erase(steps.begin() + int64_t(--i));
      summary += "scale and bias";
    } else if (steps[i].kind == Kind::Affine) {
      summary += "batch norm";
      if (isScaled && scaleExactly(steps[i].gains, steps[i - 1].factor)) {
        steps.erase(steps.begin() + int64_t(--i));
        summary += ", scale of the sum";
      }
    }
  }
}

Epilogue::Result
Epilogue::apply(const Expression &element, const std::string &channels,
                const std::optional<Quantization> &quantization) const {
  std::vector<Step> left = steps;
  std::string folded;
  foldScale(left, folded);
  std::optional<Quantization> to = quantization;
  bool dropsRelu = false;
  if (to && !left.empty() && left.back().kind == Kind::Relu &&
      to->grid.form != QuantParams::Form::Sign) {
    dropsRelu = true;
    left.pop_back();
    to->grid.lowest = std::max(to->grid.lowest, 0);
  }
  const bool isLinear = to && !to->grid.followsBatch &&
                        (to->grid.form == QuantParams::Form::Divided ||
                         to->grid.form == QuantParams::Form::Multiplied);
  QuantParams grid = to ? to->grid : QuantParams();
  if (isLinear && !left.empty() && left.back().kind == Kind::Affine) {
    Step scaled = left.back();
    if (scaleExactly(scaled.gains, 1 / to->grid.scale) &&
        scaleExactly(scaled.offsets, 1 / to->grid.scale)) {
      left.back() = std::move(scaled);
      to->grid.scale = 1;
      folded += ", scale of the result";
    }
  }
  Writer writer(element, channels);
  for (const Step &step : left) {
    writer.write(step);
  }
  if (to) {
    writer.quantize(*to);
  }
  Result made = std::move(writer.result);
  made.grid = grid;
  made.summary = (folded.empty() ? "" : "gain and offset: " + folded);
  const auto note = [&](const std::string &what) {
    made.summary += (made.summary.empty() ? "" : "; ") + what;
  };
  for (const Step &step : left) {
    if (step.kind == Kind::ChannelScale) {
      note("alpha: scale of each filter");
    } else if (step.kind == Kind::BatchScale) {
      note("peak: of the batch");
    } else if (step.kind == Kind::Add) {
      note(step.tensor.formal.name + ": added");
    }
  }
  if (dropsRelu) {
    note("relu: lower end of the clamp");
  }
  return made;
}

} // namespace lpgen::networks
