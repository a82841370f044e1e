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

/// Weights of an integer grid, [outputs, ...] in the order of the layer.
static HostTensor weightsOf(const std::vector<int32_t> &weights,
                            const QuantParams &grid) {
  HostTensor tensor(typeOf(grid), {int64_t(weights.size())});
  for (size_t i = 0; i < weights.size(); ++i) {
    tensor.setInt(int64_t(i), weights[i]);
  }
  return tensor;
}

/// Weights of `channels` inputs for those of a term; the others meet zeros.
static std::vector<int32_t> spread(const ForwardTerm &term, int64_t outputs,
                                   int64_t channels) {
  std::vector<int32_t> all(size_t(outputs * channels), 0);
  for (int64_t o = 0; o < outputs; ++o) {
    std::copy_n(term.weights.begin() + o * term.channels, term.channels,
                all.begin() + o * channels + term.firstChannel);
  }
  return all;
}

/// Pixels of an image are no channels of it: a linear layer that takes a part
/// of them takes all, with weights of 0.
static bool takesPixels(const ConvGeometry &geometry, const ForwardTerm &term,
                        const Shape &shape) {
  return geometry.isLinear() && term.channels < geometry.channels &&
         shape.height * shape.width > 1;
}

Result<Tensor> NetworkBuilder::inputOf(const std::string &name,
                                       const ConvGeometry &geometry,
                                       const ForwardTerm &term,
                                       const std::string &part, bool isSpread) {
  const bool takesAll = term.channels == geometry.channels;
  if ((isSpread && term.weight.isOdd) ||
      (!takesAll && term.input.followsBatch)) {
    return refuse(name, "takes a part of its input that cannot be exported");
  }
  return toCodes(name, term, part, takesAll || isSpread);
}

PendingStage NetworkBuilder::startTerm(const std::string &name,
                                       const ConvGeometry &geometry,
                                       const ForwardTerm &term, const Tensor &x,
                                       bool isSpread) {
  ConvGeometry g = geometry;
  g.channels = isSpread ? geometry.channels : term.channels;
  g.outputs = term.outputs > 0 ? term.outputs : geometry.outputs;
  PendingStage product = startProduct(
      name, g, x,
      weightsOf(isSpread ? spread(term, g.outputs, g.channels) : term.weights,
                term.weight));
  std::vector<float> scales = term.weightScales;
  if (term.input.followsBatch) {
    product.epilogue.multiply(x.batch, scales.empty()
                                           ? std::vector{term.weight.scale}
                                           : std::move(scales));
  } else if (scales.empty()) {
    product.epilogue.multiply(term.input.scale * term.weight.scale);
  } else {
    for (float &scale : scales) {
      scale *= term.input.scale;
    }
    product.epilogue.multiplyChannels(std::move(scales));
  }
  return product;
}

Status NetworkBuilder::addIntegers(const std::string &layer,
                                   const ConvGeometry &geometry,
                                   const ForwardOperands &operands) {
  if (operands.terms.size() > 1 && !operands.sharesInput) {
    toFloats(); // Each term takes its channels of it.
  }
  const PendingStage input = pending;
  const Shape shape = pending.shape;
  Tensor x;
  PendingStage sum;
  for (size_t i = 0; i < operands.terms.size(); ++i) {
    const ForwardTerm &term = operands.terms[i];
    const std::string part =
        operands.terms.size() == 1 ? "" : std::to_string(i + 1);
    const bool isSpread = takesPixels(geometry, term, shape);
    if (i == 0 || !operands.sharesInput) {
      pending = input;
      Result<Tensor> codes = inputOf(
          layer, geometry, term, operands.sharesInput ? "" : part, isSpread);
      LPGEN_RETURN_IF_ERROR(codes.status());
      x = std::move(*codes);
    }
    PendingStage product = startTerm(layer, geometry, term, x, isSpread);
    if (i + 1 < operands.terms.size()) {
      product.name += ".term" + part;
    }
    if (i > 0) {
      const Tensor before = emit(std::move(sum), std::nullopt);
      Access added = access("before", "B", {before}, product.shape);
      product.parameters.insert(product.parameters.end(),
                                added.parameters.begin(),
                                added.parameters.end());
      product.epilogue.add(std::move(added.input), std::move(added.element));
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
  return Status::success();
}

void NetworkBuilder::addFloats(const std::string &layer,
                               const ConvGeometry &geometry,
                               const std::vector<float> &weights) {
  const Tensor x = toFloats();
  pending = startProduct(layer, geometry, x,
                         *constantOf(weights, {int64_t(weights.size())}));
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
    return addIntegers(layer, geometry, operands);
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
  pending.isFlattened = true; // A linear layer takes pixels and channels.
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
  Access added = access("s", "S", pending.part, pending.shape);
  sum.parameters.insert(sum.parameters.end(), added.parameters.begin(),
                        added.parameters.end());
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
  emit(std::move(pending), std::nullopt);
  return std::move(network);
}

} // namespace lpgen::networks
