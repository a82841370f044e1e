// Maps by channel, and what they do to weights.
#include "training/models/OnnxFlow.h"
#include "base/tensor/Tensor.h"
#include <algorithm>

namespace lpgen::nn {

std::string OnnxPlace::text() const {
  if (isFlat) {
    return "[n, " + std::to_string(size()) + "]";
  }
  std::vector<int64_t> extents = {height, width};
  extents.insert(isByPixel ? extents.end() : extents.begin(), channels);
  return "[n, " + shapeToString(extents).substr(1);
}

std::optional<std::vector<double>> numbersByChannel(const Constant &numbers,
                                                    const OnnxPlace &place) {
  const int64_t channels = place.isFlat ? place.size() : place.channels;
  if (numbers.count() == 1) {
    return std::vector<double>(size_t(channels), numbers.values[0]);
  }
  const size_t after = place.isFlat || place.isByPixel ? 0 : 2;
  const size_t rank = numbers.shape.size();
  const bool isByChannel = numbers.count() == channels && rank > after &&
                           numbers.shape[rank - 1 - after] == channels;
  return isByChannel ? std::optional(numbers.values) : std::nullopt;
}

Result<std::optional<ByChannel>> mapByChannel(const OnnxGraph &graph,
                                              const OnnxNode &node,
                                              const OnnxPlace &place) {
  const std::string &operation = node.operation;
  if ((operation != "Add" && operation != "Sub" && operation != "Mul" &&
       operation != "Div") ||
      node.inputs.size() != 2) {
    return std::optional<ByChannel>();
  }
  const bool isSecond = graph.constant(node, 1) != nullptr;
  const Constant *numbers = graph.constant(node, isSecond ? 1 : 0);
  if (!numbers) {
    return std::optional<ByChannel>();
  }
  const auto known = numbersByChannel(*numbers, place);
  if (!known) {
    return nodeError(node, "its numbers are not one, or one for each channel "
                           "of " +
                               place.text());
  }
  if (operation == "Div" && !isSecond) {
    return nodeError(node, "it divides by what the network computes, which is "
                           "not quantized");
  }
  ByChannel map;
  for (const double number : *known) {
    const bool isProduct = operation == "Mul" || operation == "Div";
    const double sign = operation == "Sub" ? -1 : 1;
    map.gain.push_back(operation == "Mul"   ? number
                       : operation == "Div" ? 1 / number
                       : isSecond           ? 1
                                            : sign);
    map.offset.push_back(isProduct ? 0 : isSecond ? sign * number : number);
  }
  return std::optional(map);
}

void OnnxProduct::apply(const ByChannel &map) {
  const int64_t length = weight->sliceSize();
  for (int64_t i = 0; i < weight->size(); ++i) {
    (*weight)[i] = float(double((*weight)[i]) * map.gain[size_t(i / length)]);
  }
  for (int64_t c = 0; c < bias->size(); ++c) {
    (*bias)[c] =
        float(double((*bias)[c]) * map.gain[size_t(c)] + map.offset[size_t(c)]);
  }
}

} // namespace lpgen::nn
