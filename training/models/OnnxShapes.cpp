// Nodes that change which elements there are and where: means, flattening,
// shortcuts of zeros.
#include "training/layers/SimpleLayers.h"
#include "training/models/OnnxLayers.h"
#include <algorithm>

namespace lpgen::nn {

/// The whole numbers of an attribute, or of an input where newer files have
/// them.
static std::vector<int64_t> numbersOf(const OnnxGraph &graph,
                                      const OnnxNode &node,
                                      const std::string &attribute, size_t i) {
  const Constant *known = graph.constant(node, i);
  return known ? known->integers() : node.integers(attribute);
}

/// Axes of a tensor of four dimensions, from 0, in order.
static std::vector<int64_t> axesOf(const OnnxGraph &graph, const OnnxNode &node,
                                   size_t i) {
  std::vector<int64_t> axes = numbersOf(graph, node, "axes", i);
  for (int64_t &axis : axes) {
    axis += axis < 0 ? 4 : 0;
  }
  std::ranges::sort(axes);
  return axes;
}

/// Those of rows and columns.
static std::vector<int64_t> imageAxes(const OnnxPlace &place) {
  return place.isByPixel ? std::vector<int64_t>{1, 2}
                         : std::vector<int64_t>{2, 3};
}

Status OnnxLayers::addMean(const OnnxNode &node, OnnxFlow &flow) {
  OnnxPlace &place = flow.place;
  const bool isGlobal = node.operation == "GlobalAveragePool";
  if (place.isFlat || (isGlobal && place.isByPixel) ||
      (!isGlobal && axesOf(graph, node, 1) != imageAxes(place)) ||
      place.height != place.width) {
    return nodeError(node, "it is no mean of rows and columns of a square "
                           "image, found " +
                               place.text());
  }
  flow.chain->add(std::make_unique<Pool>(nameOf(node), Pool::Kind::Average,
                                         place.height, place.height));
  place.height = place.width = 1;
  flow.product = {};
  if (!isGlobal && node.integer("keepdims", 1) == 0) {
    place.isFlat = true;
    flow.chain->add(std::make_unique<Flatten>(nameOf(node)));
  }
  return Status::success();
}

Status OnnxLayers::addFlatten(const OnnxNode &node, OnnxFlow &flow) {
  OnnxPlace &place = flow.place;
  bool isFlatten = true;
  if (node.operation == "Flatten") {
    isFlatten = node.integer("axis", 1) == 1;
  } else if (node.operation == "Squeeze") {
    isFlatten = place.height * place.width == 1 && !place.isFlat &&
                axesOf(graph, node, 1) == imageAxes(place);
  } else if (const Constant *shape = graph.constant(node, 1)) {
    const std::vector<int64_t> extents = shape->integers();
    isFlatten = extents.size() == 2 &&
                (extents[1] == -1 || extents[1] == place.size()) &&
                (extents[0] < 1 || extents[1] > 0 || extents[0] == 1);
  }
  if (!isFlatten) {
    return nodeError(node, "it does not make [n, " +
                               std::to_string(place.size()) + "] of " +
                               place.text());
  }
  if (!place.isFlat) {
    flow.chain->add(std::make_unique<Flatten>(nameOf(node)));
  }
  place.isFlat = true;
  flow.product = {};
  return Status::success();
}

Status OnnxLayers::addTranspose(const OnnxNode &node, OnnxFlow &flow) {
  OnnxPlace &place = flow.place;
  const std::vector<int64_t> order = node.integers("perm");
  const std::vector<int64_t> expected = place.isByPixel
                                            ? std::vector<int64_t>{0, 3, 1, 2}
                                            : std::vector<int64_t>{0, 2, 3, 1};
  if (place.isFlat || order != expected) {
    return nodeError(node, "it does not move the channels of an image to the "
                           "other end");
  }
  place.isByPixel = !place.isByPixel;
  return Status::success();
}

Status OnnxLayers::addSlice(const OnnxNode &node, OnnxFlow &flow) {
  OnnxPlace &place = flow.place;
  const std::vector<int64_t> starts = numbersOf(graph, node, "starts", 1);
  const std::vector<int64_t> ends = numbersOf(graph, node, "ends", 2);
  std::vector<int64_t> axes = numbersOf(graph, node, "axes", 3);
  const std::vector<int64_t> steps = numbersOf(graph, node, "", 4);
  const bool isWhole = !place.isFlat && !place.isByPixel && !axes.empty() &&
                       starts.size() == axes.size() &&
                       ends.size() == axes.size() &&
                       steps.size() == axes.size();
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = axes[i] + (axes[i] < 0 ? 4 : 0);
    const int64_t extent = axis == 2 ? place.height : place.width;
    if (!isWhole || (axis != 2 && axis != 3) || starts[i] != 0 ||
        ends[i] < extent || steps[i] < 1 || steps[i] > extent) {
      return nodeError(node, "it does not take every so many rows and columns "
                             "of an image");
    }
    (axis == 2 ? flow.rowStride : flow.columnStride) *= steps[i];
  }
  if (!isWhole) {
    return nodeError(node, "its bounds are not known");
  }
  if (flow.rowStride == flow.columnStride) {
    const int64_t stride = flow.rowStride;
    flow.rowStride = flow.columnStride = 1;
    flow.chain->add(
        std::make_unique<PaddedShortcut>(nameOf(node), stride, place.channels));
    place.height = (place.height + stride - 1) / stride;
    place.width = (place.width + stride - 1) / stride;
  }
  flow.product = {};
  return Status::success();
}

Status OnnxLayers::addPad(const OnnxNode &node, OnnxFlow &flow) {
  const std::vector<int64_t> pads = numbersOf(graph, node, "pads", 1);
  if (!pads.empty() && std::ranges::count(pads, 0) == long(pads.size())) {
    return Status::success();
  }
  const Constant *value = graph.constant(node, 2);
  std::vector<int64_t> others = pads;
  if (others.size() == 8) {
    others[5] = 0;
  }
  constexpr int64_t most = 1 << 16;
  const bool isZero = value ? value->count() == 1 && value->values[0] == 0
                            : node.real("value", 0) == 0 && !node.hasInput(2);
  if (pads.size() != 8 || node.hasInput(3) || !isZero ||
      node.text("mode", "constant") != "constant" || flow.place.isFlat ||
      flow.place.isByPixel || pads[5] < 1 || pads[5] > most ||
      std::ranges::any_of(others, [](int64_t pad) { return pad != 0; })) {
    return nodeError(node, "it does not add channels of zeros behind those of "
                           "an image");
  }
  flow.place.channels += pads[5];
  flow.chain->add(
      std::make_unique<PaddedShortcut>(nameOf(node), 1, flow.place.channels));
  flow.product = {};
  return Status::success();
}

} // namespace lpgen::nn
