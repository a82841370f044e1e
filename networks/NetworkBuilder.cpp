// Layers, in order, as what they add to the pending elements. See
// NetworkBuilder.h; stages are made in NetworkStages.cpp.
#include "networks/NetworkBuilder.h"

namespace lpgen::networks {

NetworkBuilder::NetworkBuilder(ImageFormat format, int64_t imagesPerCall)
    : images(std::move(format)) {
  network.height = images.height;
  network.width = images.width;
  network.channels = images.channels;
  network.classes = images.classes;
  network.imagesPerCall = imagesPerCall;
  pending.shape = {images.height, images.width, images.channels, false};
  network.values.push_back({pending.shape.size(), false, 4});
}

static Status refuse(const std::string &layer, const std::string &reason) {
  return Status::error("layer '" + layer + "' " + reason);
}

Status NetworkBuilder::needOperator(const std::string &layer) {
  startLastPool();
  return pending.source == PendingStage::Source::Operator
             ? Status::success()
             : refuse(layer, "is of a kind, or at a place, that cannot be "
                             "exported");
}

static builder::Declaration
declareWeights(const ConvGeometry &g, const std::optional<QuantParams> &grid) {
  return g.isLinear()
             ? declare("w", grid, {g.outputs, g.channels})
             : declare("w", grid, {g.outputs, g.kernel, g.kernel, g.channels});
}

void NetworkBuilder::addIntegers(const std::string &layer,
                                 const ConvGeometry &geometry,
                                 const ForwardOperands &operands) {
  if (operands.terms.size() > 1) {
    toFloats(); // Each term takes its channels of it.
  }
  const PendingStage input = pending;
  PendingStage sum;
  for (size_t i = 0; i < operands.terms.size(); ++i) {
    const ForwardTerm &term = operands.terms[i];
    const std::string part =
        operands.terms.size() == 1 ? "" : std::to_string(i + 1);
    pending = input;
    const Tensor x = toCodes(layer, term, part);
    ConvGeometry g = geometry;
    g.channels = term.channels;
    PendingStage product = startProduct(
        layer + (i + 1 < operands.terms.size() ? ".term" + part : ""), g, x,
        {declareWeights(g, term.weight), -1, {}, term.weights});
    std::vector<float> scales = term.weightScales;
    if (term.input.followsBatch) {
      product.epilogue.multiply(
          x.batch, scales.empty() ? std::vector<float>{term.weight.scale}
                                  : std::move(scales));
    } else if (scales.empty()) {
      product.epilogue.multiply(term.input.scale * term.weight.scale);
    } else {
      for (float &scale : scales) {
        scale *= term.input.scale;
      }
      product.epilogue.multiplyChannels(std::move(scales));
    }
    if (i > 0) {
      const Tensor before = emit(std::move(sum), std::nullopt);
      product.epilogue.add(
          fromValue("before", before),
          builder::Expression::element("before", indices(before.shape)));
    }
    sum = std::move(product);
  }
  pending = std::move(sum);
  if (!operands.filterScales.empty()) {
    pending.epilogue.multiplyChannels(operands.filterScales);
  }
  if (operands.result) {
    pending.epilogue.roundTo(*operands.result);
  }
  hasIntegers = true;
}

void NetworkBuilder::addFloats(const std::string &layer,
                               const ConvGeometry &geometry,
                               const std::vector<float> &weights) {
  const Tensor x = toFloats();
  pending =
      startProduct(layer, geometry, x,
                   {declareWeights(geometry, std::nullopt), -1, weights, {}});
}

Status NetworkBuilder::addProduct(const std::string &layer,
                                  const ConvGeometry &geometry,
                                  const ForwardOperands &operands) {
  if (geometry.groups != 1) {
    return refuse(layer, "has groups");
  }
  if (operands.terms.empty()) {
    addFloats(layer, geometry, operands.floatWeights);
  } else {
    addIntegers(layer, geometry, operands);
  }
  return Status::success();
}

Status NetworkBuilder::addBias(const std::string &layer,
                               std::span<const float> biases) {
  LPGEN_RETURN_IF_ERROR(needOperator(layer));
  pending.epilogue.addChannels({biases.begin(), biases.end()});
  return Status::success();
}

Status NetworkBuilder::addAffine(const std::string &layer,
                                 std::vector<float> gains,
                                 std::vector<float> offsets) {
  LPGEN_RETURN_IF_ERROR(needOperator(layer));
  pending.epilogue.affine(std::move(gains), std::move(offsets));
  return Status::success();
}

Status NetworkBuilder::addRelu(const std::string &layer) {
  LPGEN_RETURN_IF_ERROR(needOperator(layer));
  pending.epilogue.relu();
  return Status::success();
}

Status NetworkBuilder::addMaxPool(const std::string &layer, int64_t kernel,
                                  int64_t stride) {
  if (pending.source != PendingStage::Source::Operator) {
    return refuse(layer, "pools what no layer with weights has made");
  }
  pending.pools.push_back({layer, kernel, stride});
  return Status::success();
}

Status NetworkBuilder::addAveragePool(const std::string &layer, int64_t kernel,
                                      int64_t stride) {
  const Tensor x = toFloats();
  pending = startWindow({layer, kernel, stride}, x, "acc", "sum");
  pending.epilogue.multiply(1.0F / float(kernel * kernel));
  return Status::success();
}

void NetworkBuilder::flatten() {
  pending.isFlattened = true; // Elements are in the same order after it.
}

Status NetworkBuilder::addPaddedPixels(const std::string &layer, int64_t stride,
                                       int64_t channels) {
  const Tensor x = toFloats();
  if (x.shape.isFlat || channels < x.shape.channels) {
    return refuse(layer, "is at a place that cannot be exported");
  }
  pending = startPart({x, 0, stride},
                      {(x.shape.height - 1) / stride + 1,
                       (x.shape.width - 1) / stride + 1, channels, false});
  pending.name = layer;
  return Status::success();
}

Status NetworkBuilder::addBranches(const std::string &layer, const Branch &main,
                                   const Branch &shortcut) {
  const Tensor input = toFloats();
  LPGEN_RETURN_IF_ERROR(main(*this));
  startLastPool();
  if (pending.source != PendingStage::Source::Operator) {
    return refuse(layer, "has no layer with weights beside its shortcut");
  }
  PendingStage sum = std::exchange(pending, startTensor(input));
  LPGEN_RETURN_IF_ERROR(shortcut(*this));
  if (pending.source != PendingStage::Source::Tensor || pending.isFlattened) {
    return refuse(layer, "has a shortcut with layers that cannot be exported");
  }
  Access added = access("s", pending.part, pending.shape);
  sum.epilogue.add(std::move(added.input), std::move(added.element));
  pending = std::move(sum);
  return Status::success();
}

Result<Network> NetworkBuilder::finish() {
  if (pending.source != PendingStage::Source::Operator ||
      !pending.pools.empty() || !pending.shape.isFlat ||
      pending.shape.channels != network.classes) {
    return Status::error("the network does not end in a layer with weights");
  }
  if (!hasIntegers) {
    return Status::error("the network has no integer product");
  }
  emit(std::move(pending), std::nullopt);
  return std::move(network);
}

} // namespace lpgen::networks
