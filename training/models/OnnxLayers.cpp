// Products, and what follows them.
#include "training/models/OnnxLayers.h"
#include "base/tensor/Tensor.h"
#include "training/layers/ContractionLayer.h"
#include "training/layers/SimpleLayers.h"
#include <algorithm>
#include <array>
#include <cmath>

namespace lpgen::nn {

OnnxLayers::OnnxLayers(const OnnxGraph &graph, const MakeBackend &makeBackend,
                       const RandomKey &random)
    : graph(graph), makeBackend(makeBackend), random(random),
      products(graph.products()) {}

OnnxLayers::Add OnnxLayers::findRule(const std::string &operation) {
  using Layers = OnnxLayers;
  static constexpr std::array<std::pair<std::string_view, Add>, 19> rules = {{
      {"Conv", &Layers::addConv},
      {"Gemm", &Layers::addLinear},
      {"MatMul", &Layers::addLinear},
      {"BatchNormalization", &Layers::addNorm},
      {"Relu", &Layers::addRelu},
      {"MaxPool", &Layers::addPool},
      {"AveragePool", &Layers::addPool},
      {"GlobalAveragePool", &Layers::addMean},
      {"ReduceMean", &Layers::addMean},
      {"Flatten", &Layers::addFlatten},
      {"Reshape", &Layers::addFlatten},
      {"Squeeze", &Layers::addFlatten},
      {"Transpose", &Layers::addTranspose},
      {"Slice", &Layers::addSlice},
      {"Pad", &Layers::addPad},
      {"Identity", &Layers::addNothing},
      {"Dropout", &Layers::addNothing},
      {"Softmax", &Layers::addNothing},
      {"LogSoftmax", &Layers::addNothing},
  }};
  const auto *const found = std::ranges::find_if(
      rules, [&](const auto &rule) { return rule.first == operation; });
  return found == rules.end() ? nullptr : found->second;
}

Status OnnxLayers::add(const OnnxNode &node, OnnxFlow &flow) {
  const Result<std::optional<ByChannel>> map =
      mapByChannel(graph, node, flow.place);
  LPGEN_RETURN_IF_ERROR(map.status());
  const Add rule = findRule(node.operation);
  if (!rule && !map->has_value()) {
    return nodeError(node,
                     "it is not quantized: expected Conv, Gemm, MatMul, "
                     "BatchNormalization, Relu, pools, sums of two branches, "
                     "and numbers for each channel; remedy: the tool that the "
                     "file comes from, and lpgen inspect");
  }
  const bool isSliced = flow.rowStride != flow.columnStride;
  if (isSliced && node.operation != "Slice") {
    return nodeError(node, "what it reads has rows and columns left out "
                           "unequally, which is not quantized");
  }
  LPGEN_RETURN_IF_ERROR(map->has_value() ? addMap(node, flow, **map)
                                         : (this->*rule)(node, flow));
  flow.tensor = node.outputs.at(0);
  return Status::success();
}

static bool areFinite(std::span<const double> numbers) {
  return std::ranges::all_of(
      numbers, [](double number) { return std::isfinite(float(number)); });
}

template <typename Made>
Status OnnxLayers::addProduct(const OnnxNode &node,
                              const ConvGeometry &geometry,
                              std::span<const double> weights,
                              std::span<const double> bias, OnnxFlow &flow) {
  if (!areFinite(weights) || !areFinite(bias)) {
    return nodeError(node, "its weights are not all finite");
  }
  const bool isFirst = &node == products.front();
  const LayerPlace place = isFirst                    ? LayerPlace::First
                           : &node == products.back() ? LayerPlace::Last
                                                      : LayerPlace::Inner;
  const std::string name = nameOf(node);
  Result<std::unique_ptr<ContractionBackend>> backend =
      makeBackend({name, geometry, place});
  if (!backend.ok()) {
    return nodeError(node, backend.message());
  }
  auto layer = std::make_unique<Made>(name, geometry, Bias::Yes,
                                      isFirst ? InputGradient::NotWanted
                                              : InputGradient::Wanted,
                                      std::move(*backend), random);
  flow.product = {};
  layer->visitParameters([&](Parameter &parameter) {
    (flow.product.weight ? flow.product.bias : flow.product.weight) =
        &parameter.value;
  });
  std::ranges::transform(weights, flow.product.weight->data(),
                         [](double number) { return float(number); });
  for (size_t c = 0; c < bias.size(); ++c) {
    (*flow.product.bias)[int64_t(c)] = float(bias[c]);
  }
  flow.chain->add(std::move(layer));
  return Status::success();
}

/// The padding on every side; nothing if sides differ.
static std::optional<int64_t> paddingOf(const OnnxNode &node, int64_t kernel,
                                        int64_t stride) {
  const std::string automatic = node.text("auto_pad", "NOTSET");
  if (automatic == "VALID") {
    return 0;
  }
  if (automatic != "NOTSET") {
    return stride == 1 && kernel % 2 == 1 && automatic.starts_with("SAME_")
               ? std::optional(kernel / 2)
               : std::nullopt;
  }
  const std::vector<int64_t> pads = node.integers("pads", {0, 0, 0, 0});
  const bool areEqual = pads.size() == 4 && pads[0] == pads[1] &&
                        pads[0] == pads[2] && pads[0] == pads[3];
  return areEqual && pads[0] >= 0 && pads[0] < kernel ? std::optional(pads[0])
                                                      : std::nullopt;
}

/// All numbers of the attribute, one for rows and one for columns; nothing if
/// they differ.
static std::optional<int64_t> sideOf(const OnnxNode &node,
                                     const char *attribute, int64_t missing) {
  const std::vector<int64_t> sides =
      node.integers(attribute, {missing, missing});
  constexpr int64_t most = 1 << 16;
  return sides.size() == 2 && sides[0] == sides[1] && sides[0] >= 1 &&
                 sides[0] <= most
             ? std::optional(sides[0])
             : std::nullopt;
}

static Status checkImage(const OnnxNode &node, const OnnxPlace &place) {
  return !place.isFlat && !place.isByPixel
             ? Status::success()
             : nodeError(node, "its input " + place.text() +
                                   " is no image with channels first");
}

/// A bias: nothing, or numbers for each output.
static Result<std::vector<double>>
biasOf(const OnnxGraph &graph, const OnnxNode &node, int64_t outputs) {
  if (!node.hasInput(2)) {
    return std::vector<double>();
  }
  const Constant *bias = graph.constant(node, 2);
  if (!bias || (bias->count() != outputs && bias->count() != 1)) {
    return nodeError(node, "its bias is not known, or has not " +
                               std::to_string(outputs) + " numbers");
  }
  return bias->count() == outputs
             ? bias->values
             : std::vector<double>(size_t(outputs), bias->values[0]);
}

Status OnnxLayers::addConv(const OnnxNode &node, OnnxFlow &flow) {
  LPGEN_RETURN_IF_ERROR(checkImage(node, flow.place));
  const Constant *weights = graph.constant(node, 1);
  if (!weights || weights->shape.size() != 4 || weights->shape[0] < 1) {
    return nodeError(node, "its weights are not known, or no filters of rows "
                           "and columns");
  }
  const int64_t group = node.integer("group", 1);
  if (group != 1) {
    return nodeError(node, "its channels are in " + std::to_string(group) +
                               " groups, expected one");
  }
  const std::optional<int64_t> stride = sideOf(node, "strides", 1);
  const std::optional<int64_t> dilation = sideOf(node, "dilations", 1);
  ConvGeometry g;
  g.height = flow.place.height;
  g.width = flow.place.width;
  g.channels = flow.place.channels;
  g.outputs = weights->shape[0];
  g.kernel = weights->shape[2];
  const std::optional<int64_t> padding =
      stride ? paddingOf(node, g.kernel, *stride) : std::nullopt;
  if (weights->shape[1] != g.channels || weights->shape[3] != g.kernel ||
      g.kernel < 1 || dilation != 1 || !padding) {
    return nodeError(node, "filters " + shapeToString(weights->shape) + " on " +
                               flow.place.text() +
                               ": expected square ones for its channels, one "
                               "stride, one padding, no dilation");
  }
  g.stride = *stride;
  g.padding = *padding;
  if (std::min(g.height, g.width) + 2 * g.padding < g.kernel) {
    return nodeError(node, "its input " + flow.place.text() +
                               " is smaller than its filters");
  }
  const Result<std::vector<double>> bias = biasOf(graph, node, g.outputs);
  LPGEN_RETURN_IF_ERROR(bias.status());
  LPGEN_RETURN_IF_ERROR(addProduct<Conv2d>(
      node, g, weights->transposed({0, 2, 3, 1}).values, *bias, flow));
  flow.place = {g.outHeight(), g.outWidth(), g.outputs};
  return Status::success();
}

/// Weights [outputs, inputs] of a matrix product, times its factor.
static Constant rowsOf(const OnnxNode &node, const Constant &weights) {
  Constant rows = node.integer("transB", 0) != 0 && node.operation == "Gemm"
                      ? weights
                      : weights.transposed({1, 0});
  const double factor =
      node.operation == "Gemm" ? double(node.real("alpha", 1)) : 1;
  for (double &value : rows.values) {
    value *= factor;
  }
  return rows;
}

Status OnnxLayers::addLinear(const OnnxNode &node, OnnxFlow &flow) {
  const Constant *weights = graph.constant(node, 1);
  if (!weights || weights->shape.size() != 2 || weights->count() == 0 ||
      node.integer("transA", 0) != 0) {
    return nodeError(node, "it is no product of images and a known matrix");
  }
  const Constant rows = rowsOf(node, *weights);
  const ConvGeometry g = ConvGeometry::linear(flow.place.size(), rows.shape[0]);
  if (!flow.place.isFlat || rows.shape[1] != g.channels) {
    return nodeError(node, "its matrix takes " + std::to_string(rows.shape[1]) +
                               " elements, and is given " + flow.place.text());
  }
  Result<std::vector<double>> bias = biasOf(graph, node, g.outputs);
  LPGEN_RETURN_IF_ERROR(bias.status());
  for (double &value : *bias) {
    value *= double(node.real("beta", 1));
  }
  // The file may have each channel's pixels together; layers have each pixel's
  // channels.
  Constant ordered = rows;
  if (!flow.place.isByPixel) {
    ordered = rows.reshaped({g.outputs, flow.place.channels, flow.place.height,
                             flow.place.width})
                  .transposed({0, 2, 3, 1});
  }
  LPGEN_RETURN_IF_ERROR(
      addProduct<Linear>(node, g, ordered.values, *bias, flow));
  flow.place = {1, 1, g.outputs, true, false};
  return Status::success();
}

Status OnnxLayers::addMap(const OnnxNode &node, OnnxFlow &flow,
                          const ByChannel &map) {
  if (!flow.product.weight) {
    return nodeError(node, "it combines each channel with a number, and does "
                           "not follow a product with weights");
  }
  if (!areFinite(map.gain) || !areFinite(map.offset)) {
    return nodeError(node, "its numbers are not all finite");
  }
  flow.product.apply(map);
  return Status::success();
}

Status OnnxLayers::addNorm(const OnnxNode &node, OnnxFlow &flow) {
  std::array<std::vector<double>, 4> numbers;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const Constant *known = graph.constant(node, i + 1);
    if (!known || known->count() != flow.place.channels) {
      return nodeError(node, "its numbers are not known, or not one for each "
                             "channel of " +
                                 flow.place.text());
    }
    numbers[i] = known->values;
  }
  ByChannel map;
  const double epsilon = double(node.real("epsilon", 1e-5F));
  for (size_t c = 0; c < numbers[0].size(); ++c) {
    const double gain = numbers[0][c] / std::sqrt(numbers[3][c] + epsilon);
    map.gain.push_back(gain);
    map.offset.push_back(numbers[1][c] - numbers[2][c] * gain);
  }
  return addMap(node, flow, map);
}

Status OnnxLayers::addRelu(const OnnxNode &node, OnnxFlow &flow) {
  flow.chain->add(std::make_unique<Relu>(nameOf(node)));
  flow.product = {};
  return Status::success();
}

Status OnnxLayers::addPool(const OnnxNode &node, OnnxFlow &flow) {
  LPGEN_RETURN_IF_ERROR(checkImage(node, flow.place));
  const std::optional<int64_t> kernel = sideOf(node, "kernel_shape", 0);
  const std::optional<int64_t> stride = sideOf(node, "strides", 1);
  OnnxPlace &place = flow.place;
  const bool isPlain = kernel && stride && sideOf(node, "dilations", 1) == 1 &&
                       paddingOf(node, *kernel, *stride) == 0 &&
                       std::min(place.height, place.width) >= *kernel;
  const auto isWhole = [&](int64_t extent) {
    return (extent - *kernel) % *stride == 0;
  };
  if (!isPlain || (node.integer("ceil_mode", 0) != 0 &&
                   !(isWhole(place.height) && isWhole(place.width)))) {
    return nodeError(node, "its window on " + place.text() +
                               ": expected a square one with one stride and "
                               "no padding");
  }
  flow.chain->add(std::make_unique<Pool>(
      nameOf(node),
      node.operation == "MaxPool" ? Pool::Kind::Max : Pool::Kind::Average,
      *kernel, *stride));
  place.height = (place.height - *kernel) / *stride + 1;
  place.width = (place.width - *kernel) / *stride + 1;
  flow.product = {};
  return Status::success();
}

Status OnnxLayers::addNothing(const OnnxNode &node, OnnxFlow &flow) {
  const bool isSoftmax = node.operation.ends_with("Softmax");
  return isSoftmax && !graph.readers(node.outputs.at(0)).empty()
             ? nodeError(node, "it is not the end of the network")
             : Status::success();
}

} // namespace lpgen::nn
