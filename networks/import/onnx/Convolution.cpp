// Convolutions as sums over taps and channels.
#include "base/tensor/Tensor.h"
#include "networks/import/onnx/Products.h"
#include "networks/import/onnx/Weights.h"
#include <algorithm>
#include <numeric>

namespace lpgen::importer::onnx {

using builder::Expression;

/// Weights [outputs, channels, ...] with groups, channels cut into the factors
/// that x has, taps before channels.
static Constant arrangeWeights(const Constant &weights, int64_t groups,
                               const Factors &channels, size_t spatial) {
  Extents shape = {groups, weights.shape[0] / groups};
  shape.insert(shape.end(), channels.begin(), channels.end());
  shape.insert(shape.end(), weights.shape.begin() + 2, weights.shape.end());
  std::vector<int> order = {0, 1};
  for (size_t i = 0; i < spatial; ++i) {
    order.push_back(int(2 + channels.size() + i));
  }
  for (size_t i = 0; i < channels.size(); ++i) {
    order.push_back(int(2 + i));
  }
  Constant result = weights.reshaped(shape).transposed(order);
  // No dimension of extent 1 for groups, outputs and channels.
  Extents kept;
  for (size_t d = 0; d < result.shape.size(); ++d) {
    const bool isTap = d >= 2 && d < 2 + spatial;
    if (isTap || result.shape[d] != 1) {
      kept.push_back(result.shape[d]);
    }
  }
  result.shape = kept;
  return result;
}

Outcome convolve(Lowering &lowering, const Node &node, const Value &input,
                 const Value &kernel, Value &result) {
  if (!kernel.constant || input.rank() < 3 || kernel.rank() != input.rank()) {
    return Refusal{"W",
                   "the weights are not known, or their rank is not that "
                   "of the input",
                   "export the model with its weights inside"};
  }
  const size_t spatial = input.rank() - 2;
  const int64_t groups = node.integer("group", 1);
  const Extents shape = kernel.constant->shape;
  if (groups < 1 || groups > shape[0] || shape[0] % groups != 0 ||
      shape[1] * groups != input.extent(1)) {
    return Refusal{"group",
                   "the weights " + shapeToString(shape) + " do not fit " +
                       std::to_string(input.extent(1)) + " channels in " +
                       std::to_string(groups) + " groups",
                   ""};
  }
  Window window;
  if (Outcome refusal =
          readWindow(node, input, {shape.begin() + 2, shape.end()}, window)) {
    return refusal;
  }
  Emitter &emitter = lowering.emitter;
  const bool isInteger = isUniformGrid(input);
  Weights weights = prepareWeights(lowering, kernel, 0, isInteger);
  Value x = isInteger && weights.isInteger ? input : emitter.real(input);
  // One index for each dimension that the window moves in.
  const bool isSplit =
      (groups > 1 && x.dims[1].size() > 1) ||
      std::any_of(x.dims.begin() + 2, x.dims.end(),
                  [](const Factors &f) { return f.size() > 1; });
  const std::vector<int> order = channelsLast(x.rank());
  x = isSplit ? emitter.flat(x, node.inputs[0]) : x;
  for (size_t i = 0; i < spatial; ++i) {
    x = window.kernel[i] > 1 ? withIndex(x, i + 2) : x;
  }
  x = emitter.stored(x, node.inputs[0], order);
  if (window.readsOutside) {
    x = emitter.padded(x, weights.isInteger ? std::to_string(zeroOf(x)) : "0");
  }
  const int64_t perGroup = shape[1];
  const Factors channels = groups > 1 ? Factors{perGroup} : x.dims[1];
  const Constant numbers =
      arrangeWeights(weights.numbers, groups, channels, spatial);
  const std::string w = addWeights(lowering, numbers, weights.isInteger);

  // The result: images, groups and outputs of each, places of the window.
  result = Value();
  result.dims.push_back(x.dims[0]);
  Factors outputs;
  if (groups > 1) {
    outputs.push_back(groups);
  }
  if (shape[0] / groups > 1) {
    outputs.push_back(shape[0] / groups);
  }
  result.dims.push_back(outputs);
  for (const int64_t places : window.outputs) {
    result.dims.push_back(places == 1 ? Factors{} : Factors{places});
  }
  result.order = order;
  result.isInteger = weights.isInteger;
  result.operations = 1;
  result.read = [=, dims = result.dims,
                 isInteger = weights.isInteger](const Subscripts &subscripts) {
    Subscripts at; // of x, dimension by dimension
    size_t next = 0;
    for (size_t i = 0; i < dims[0].size(); ++i) {
      at.push_back(subscripts[next++]);
    }
    std::vector<std::string> weightAt;
    Subscript group = 0;
    if (groups > 1) {
      group = subscripts[next++];
      weightAt.push_back(group.text());
    }
    if (shape[0] / groups > 1) {
      weightAt.push_back(subscripts[next++].text());
    }
    std::vector<std::string> bounds;
    std::vector<std::string> channelNames;
    for (size_t i = 0; i < channels.size(); ++i) {
      channelNames.push_back(i == 0 ? "k" : "k" + std::to_string(i));
    }
    if (groups > 1) {
      at.push_back(perGroup == 1 ? group
                                 : group * perGroup + Subscript::index("k"));
    } else {
      for (const std::string &name : channelNames) {
        at.push_back(Subscript::index(name));
      }
    }
    for (size_t i = 0; i < spatial; ++i) {
      const bool isOne = dims[i + 2].empty();
      const Subscript tap = Subscript::index(tapName(i));
      const Subscript place =
          (isOne ? Subscript(0) : subscripts[next++] * window.strides[i]) +
          tap * window.dilations[i] + Subscript(-window.begins[i]).partial();
      if (!x.dims[i + 2].empty()) {
        at.push_back(place);
      }
      bounds.push_back(tapName(i));
      weightAt.push_back(tapName(i));
    }
    for (size_t i = 0; i < channels.size(); ++i) {
      if (channels[i] != 1) {
        bounds.push_back(channelNames[i]);
        weightAt.push_back(channelNames[i]);
      }
    }
    const Expression element = isInteger ? centred(x.read(at), x) : x.read(at);
    return Expression::reduction("sum", bounds,
                                 element * Expression::element(w, weightAt));
  };
  const int64_t taps =
      std::accumulate(window.kernel.begin(), window.kernel.end(), int64_t{1},
                      std::multiplies<>());
  if (weights.isInteger) {
    boundSums(weights.numbers, perGroup * taps, x, result);
    result.quantization = scaleOfSums(x, weights, 1, x.rank());
  }
  addLayer(lowering, node, x, weights, result, perGroup * taps,
           *kernel.constant);
  result = emitter.assign(result, node.name + "_sum");
  return std::nullopt;
}

} // namespace lpgen::importer::onnx
