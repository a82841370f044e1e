// FINN's MultiThreshold.
#include "networks/import/onnx/Quantizers.h"
#include <algorithm>
#include <cmath>

namespace lpgen::importer::onnx {

using builder::Expression;
using Elements = std::span<const Expression>;

/// out_scale * (how many thresholds the element has reached) + out_bias
static Outcome lowerMultiThreshold(Lowering &lowering, const Node &node) {
  Value value = lowering.emitter.real(lowering.input(node, 0));
  std::optional<Constant> thresholds = lowering.constantInput(node, 1);
  if (!thresholds || thresholds->shape.size() != 2 || value.rank() == 0) {
    return Refusal{"thresholds",
                   "they are no known matrix, or the input has no channels",
                   ""};
  }
  const std::string layout = node.text("data_layout", "NCHW");
  const size_t dim =
      layout == "NHWC" || value.rank() < 2 ? value.rank() - 1 : 1;
  const int64_t count = thresholds->shape[1];
  const double scale = node.real("out_scale", 1);
  const double bias = node.real("out_bias", 0);
  constexpr double most = 0x1p31;
  if (count < 1 || !(std::abs(scale) < most) || !(std::abs(bias) < most)) {
    return Refusal{"out_scale",
                   "it or out_bias is too large, or there are no "
                   "thresholds",
                   ""};
  }
  if (thresholds->shape[0] != 1 && thresholds->shape[0] != value.extent(dim)) {
    return Refusal{"thresholds", "their rows are not as many as channels", ""};
  }
  if (value.isInteger) { // v >= t is v >= ceil(t)
    for (double &t : thresholds->values) {
      t = std::clamp(std::ceil(t), -0x1p40, 0x1p40);
    }
    thresholds->isInteger = true;
  }
  if (count > 1 && value.tensor.empty()) {
    value = lowering.emitter.store(value, node.inputs[0], value.order);
  }
  // A last dimension, over which the sum runs.
  Value wide = value;
  if (count > 1) {
    wide.dims.emplace_back();
    wide.order.push_back(int(value.rank()));
  }
  Extents shape(value.rank() + (count > 1 ? 1 : 0), 1);
  shape[dim] = thresholds->shape[0];
  if (count > 1) {
    shape.back() = count;
  }
  thresholds->name = node.inputs[1];
  const Value limits = constantValue(thresholds->reshaped(shape));
  std::vector<Value> operands = {wide, limits};
  std::optional<Value> counts = lowering.emitter.elementwise(
      operands, [](Elements e) { return e[0] >= e[1]; });
  if (!counts) {
    return notBroadcast();
  }
  const bool isWhole = std::trunc(scale) == scale && std::trunc(bias) == bias;
  Value result = value;
  result.tensor.clear();
  result.beforeRelu = nullptr;
  result.dims = counts->dims;
  if (count > 1) {
    result.dims.pop_back();
  }
  result.read = [read = counts->read, count, scale, bias,
                 isWhole](const Subscripts &subscripts) {
    Subscripts all = subscripts;
    Expression number = 0;
    if (count > 1) {
      all.push_back(Subscript::index("t"));
      number = Expression::reduction("sum", {"t"}, read(all));
    } else {
      number = read(all);
    }
    const auto literal = [&](double v) {
      return isWhole ? Expression(int64_t(v)) : Expression::real(float(v));
    };
    number = scale == 1 ? number : literal(scale) * number;
    return bias == 0  ? number
           : bias < 0 ? number - literal(-bias)
                      : number + literal(bias);
  };
  result.isInteger = isWhole;
  result.lowest = int64_t(std::min(bias, bias + scale * double(count)));
  result.highest = int64_t(std::max(bias, bias + scale * double(count)));
  result.isOdd = isWhole && int64_t(scale) % 2 == 0 && int64_t(bias) % 2 != 0;
  lowering.define(node,
                  lowering.emitter.store(result, node.name, result.order));
  return std::nullopt;
}

std::span<const Rule> thresholdRules() {
  static constexpr Rule rules[] = {
      {"MultiThreshold", lowerMultiThreshold,
       "out_scale out_bias out_dtype data_layout", 2},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
