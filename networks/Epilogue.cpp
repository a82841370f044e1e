// Steps first become fewer, then text, each with its constants.
#include "networks/Epilogue.h"
#include <algorithm>
#include <cmath>

namespace lpgen::networks {

static bool isPowerOfTwo(float value) {
  int exponent = 0;
  return value > 0 && std::frexp(value, &exponent) == 0.5F;
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

void Epilogue::add(Input tensor, std::string element) {
  steps.push_back({.kind = Kind::Add,
                   .tensor = std::move(tensor),
                   .element = std::move(element)});
}

void Epilogue::relu() { steps.push_back({.kind = Kind::Relu}); }

/// Writes one expression. A product may be multiplied as it is, a sum needs
/// parentheses.
class Epilogue::Writer {
public:
  explicit Writer(const std::string &element) { result.expression = element; }

  void write(const Step &step);
  void quantize(const Quantization &to);
  Text result;

private:
  std::string factor() const {
    return isSum ? "(" + result.expression + ")" : result.expression;
  }
  void multiply(const std::string &by) {
    result.expression = factor() + " * " + by;
    isSum = false;
  }
  void add(const std::string &term) {
    result.expression += " + " + term;
    isSum = true;
  }
  std::string scalar(const std::string &name, float value) {
    result.constants.push_back({name, "f32", -1, {value}, {}, {}});
    return name;
  }
  /// "gain[o]"
  std::string channels(const std::string &name,
                       const std::vector<float> &values) {
    result.constants.push_back({name,
                                "f32[" + std::to_string(values.size()) + "]",
                                -1,
                                values,
                                {},
                                {}});
    return name + "[o]";
  }
  /// "(peak / 127)"
  std::string batchScale(const std::string &name, const BatchScale &batch) {
    result.constants.push_back({name, "f32", batch.peak, {}, {}, {}});
    return "(" + name + " / " + std::to_string(batch.highest) + ")";
  }
  static std::string bounded(const std::string &value,
                             const QuantParams &grid) {
    return "round(clamp(" + value + ", " + std::to_string(grid.lowest) + ", " +
           std::to_string(grid.highest) + "))";
  }

  bool isSum = false;
};

void Epilogue::Writer::write(const Step &step) {
  switch (step.kind) {
  case Kind::Scale:
    return multiply(scalar("unit", step.factor));
  case Kind::BatchScale: {
    const std::string scale = batchScale("peak", step.batch);
    return multiply("(" + scale + " * " +
                    (step.gains.size() == 1 ? scalar("unit", step.gains[0])
                                            : channels("unit", step.gains)) +
                    ")");
  }
  case Kind::ChannelScale:
    return multiply(channels("alpha", step.gains));
  case Kind::ChannelOffset:
    return add(channels("bias", step.offsets));
  case Kind::Affine:
    multiply(channels("gain", step.gains));
    return add(channels("offset", step.offsets));
  case Kind::Round:
    // Grids of fixed point are powers of two: their inverses are exact.
    multiply(scalar("gridInverse", 1 / step.grid.scale));
    result.expression = bounded(result.expression, step.grid);
    return multiply(scalar("grid", step.grid.scale));
  case Kind::Add:
    result.constants.push_back(step.tensor);
    return add(step.element);
  case Kind::Relu:
    result.expression = "max(" + result.expression + ", 0)";
    isSum = false;
    return;
  }
}

void Epilogue::Writer::quantize(const Quantization &to) {
  const QuantParams &grid = to.grid;
  switch (grid.form) {
  case QuantParams::Form::Divided:
    if (grid.scale != 1) {
      result.expression = factor() + " / " + scalar("step", grid.scale);
    }
    result.expression = bounded(result.expression, grid);
    break;
  case QuantParams::Form::Multiplied:
    if (grid.followsBatch) {
      multiply("(1 / " + batchScale("range", to.batch) + ")");
    } else if (grid.scale != 1) {
      multiply(scalar("inverse", 1 / grid.scale));
    }
    result.expression = bounded(result.expression, grid);
    break;
  case QuantParams::Form::Clipped:
    result.expression = "round(clamp(" + result.expression + ", 0, " +
                        scalar("top", grid.top) + ") * " +
                        scalar("steps", float(grid.highest) / grid.top) + ")";
    break;
  case QuantParams::Form::Sign:
    result.expression = "2 * (" + result.expression + " >= 0) - 1";
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

Epilogue::Text
Epilogue::text(const std::string &element,
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
  Writer writer(element);
  for (const Step &step : left) {
    writer.write(step);
  }
  if (to) {
    writer.quantize(*to);
  }
  Text text = std::move(writer.result);
  text.grid = grid;
  text.summary = (folded.empty() ? "" : "gain and offset: " + folded);
  const auto note = [&](const std::string &what) {
    text.summary += (text.summary.empty() ? "" : "; ") + what;
  };
  for (const Step &step : left) {
    if (step.kind == Kind::ChannelScale) {
      note("alpha: scale of each filter");
    } else if (step.kind == Kind::BatchScale) {
      note("peak: of the batch");
    } else if (step.kind == Kind::Add) {
      note(step.tensor.name + ": added");
    }
  }
  if (dropsRelu) {
    note("relu: lower end of the clamp");
  }
  return text;
}

} // namespace lpgen::networks
