// Layers, in order, as what they add to the open elements. See
// NetworkBuilder.h; stages are made in NetworkStages.cpp.
#include "networks/NetworkBuilder.h"
#include "networks/NetworkText.h"
#include "training/contractions/OrderedProducts.h"
#include "training/layers/BatchNorm.h"
#include "training/layers/Containers.h"
#include "training/layers/ProductLayer.h"
#include "training/layers/SimpleLayers.h"

namespace lpgen::inference {

NetworkBuilder::NetworkBuilder(const data::Dataset &data, int64_t batchSize)
    : data(data) {
  network.height = data.height;
  network.width = data.width;
  network.channels = data.channels;
  network.classes = data.classes;
  network.imagesPerCall = batchSize;
  open.shape = {data.height, data.width, data.channels, false};
  network.values.push_back({open.shape.size(), false, 4});
}

static Status refuse(const nn::Layer &layer, const std::string &reason) {
  return Status::error("layer '" + layer.name() + "' " + reason);
}

static std::string weightExtents(const nn::ConvGeometry &g) {
  const std::string taps = g.isLinear() ? ""
                                        : std::to_string(g.kernel) + ", " +
                                              std::to_string(g.kernel) + ", ";
  return "[" + std::to_string(g.outputs) + ", " + taps +
         std::to_string(g.channels) + "]";
}

Status NetworkBuilder::addIntegers(const nn::ProductLayer &layer,
                                   const nn::ForwardOperands &operands) {
  if (operands.terms.size() > 1) {
    toFloats(); // Each term takes its channels of it.
  }
  const Open input = open;
  Open sum;
  for (size_t i = 0; i < operands.terms.size(); ++i) {
    const nn::ForwardTerm &term = operands.terms[i];
    const std::string part =
        operands.terms.size() == 1 ? "" : std::to_string(i + 1);
    open = input;
    const Tensor x = toCodes(layer.name(), term, part);
    nn::ConvGeometry g = layer.shape();
    g.channels = term.channels;
    const ElementText element(term.weight);
    Open product = openProduct(
        layer.name() + (i + 1 < operands.terms.size() ? ".term" + part : ""), g,
        x,
        {"w",
         element.type + weightExtents(g) + element.range,
         -1,
         {},
         term.weights,
         typeOf(term.weight)});
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
      product.epilogue.add(fromValue("before", before),
                           "before" + indices(before.shape));
    }
    sum = std::move(product);
  }
  open = std::move(sum);
  if (!operands.filterScales.empty()) {
    open.epilogue.multiplyChannels(operands.filterScales);
  }
  if (operands.result) {
    open.epilogue.roundTo(*operands.result);
  }
  hasIntegers = true;
  return Status::success();
}

void NetworkBuilder::addFloats(const nn::ProductLayer &layer,
                               const nn::OrderedProducts &products) {
  const Tensor x = toFloats();
  open = openProduct(layer.name(), layer.shape(), x,
                     {"w",
                      "f32" + weightExtents(layer.shape()),
                      -1,
                      {products.weights().begin(), products.weights().end()},
                      {},
                      {}});
}

Status NetworkBuilder::addProduct(const nn::ProductLayer &layer) {
  if (layer.shape().groups != 1) {
    return refuse(layer, "has groups");
  }
  const auto *ordered =
      dynamic_cast<const nn::OrderedProducts *>(layer.products());
  if (ordered) {
    addFloats(layer, *ordered);
  } else {
    const Result<nn::ForwardOperands> operands =
        layer.products()->forwardOperands();
    if (!operands.ok()) {
      return refuse(layer, "has no integer product: " + operands.message() +
                               "; remedy: train under apt, static, pfq, "
                               "dynasty, fixed, lsq, dorefa, pact, xnor or "
                               "binary");
    }
    LPGEN_RETURN_IF_ERROR(addIntegers(layer, *operands));
  }
  if (const std::span<const float> biases = layer.biases(); !biases.empty()) {
    open.epilogue.addChannels({biases.begin(), biases.end()});
  }
  return Status::success();
}

Status NetworkBuilder::addPool(const nn::Pool &layer) {
  if (layer.poolKind() == nn::Pool::Kind::Max) {
    if (open.source != Open::Source::Operator) {
      return refuse(layer, "pools what no layer with weights has made");
    }
    open.pools.push_back(
        {layer.name(), layer.kernelSize(), layer.strideSize()});
    return Status::success();
  }
  const int64_t size = layer.kernelSize();
  const Tensor x = toFloats();
  open = openWindow({layer.name(), size, layer.strideSize()}, x, "acc", "sum");
  open.epilogue.multiply(1.0F / float(size * size));
  return Status::success();
}

Status NetworkBuilder::addResidual(const nn::Residual &layer) {
  const Tensor shortcut = toFloats();
  LPGEN_RETURN_IF_ERROR(add(layer.mainBranch()));
  openLastPool();
  if (open.source != Open::Source::Operator) {
    return refuse(layer, "has no layer with weights beside its shortcut");
  }
  const auto &parts = layer.shortcutBranch().children();
  if (parts.empty()) {
    open.epilogue.add(fromValue("s", shortcut), "s[n,h,v,o]");
  } else if (const auto *padded =
                 dynamic_cast<const nn::PaddedShortcut *>(parts[0].get());
             padded && parts.size() == 1) {
    // Channels beyond those of the input lie outside and are 0.
    const std::string stride = std::to_string(padded->strideSize()) + "*";
    open.epilogue.add(fromValue("s", shortcut, " pad(0)"),
                      "s[n, " + stride + "h, " + stride + "v, o + 0]");
  } else {
    return refuse(layer, "has a shortcut with layers that cannot be exported");
  }
  if (layer.activationOfSum() == nn::Activation::Relu) {
    open.epilogue.relu();
  }
  return Status::success();
}

Status NetworkBuilder::add(const nn::Layer &layer) {
  if (const auto *chain = dynamic_cast<const nn::Sequential *>(&layer)) {
    for (const std::unique_ptr<nn::Layer> &child : chain->children()) {
      LPGEN_RETURN_IF_ERROR(add(*child));
    }
    return Status::success();
  }
  if (const auto *residual = dynamic_cast<const nn::Residual *>(&layer)) {
    return addResidual(*residual);
  }
  if (const auto *product = dynamic_cast<const nn::ProductLayer *>(&layer)) {
    return addProduct(*product);
  }
  if (const auto *pool = dynamic_cast<const nn::Pool *>(&layer)) {
    return addPool(*pool);
  }
  if (dynamic_cast<const nn::Flatten *>(&layer)) {
    open.isFlattened = true; // Elements are in the same order after it.
    return Status::success();
  }
  openLastPool();
  if (open.source == Open::Source::Operator) {
    if (const auto *norm = dynamic_cast<const nn::BatchNorm *>(&layer)) {
      nn::BatchNorm::Affine affine = norm->evaluationAffine();
      open.epilogue.affine(std::move(affine.scale), std::move(affine.offset));
      return Status::success();
    }
    if (dynamic_cast<const nn::Relu *>(&layer)) {
      open.epilogue.relu();
      return Status::success();
    }
  }
  return refuse(layer, "is of a kind, or at a place, that cannot be exported");
}

Result<Network> NetworkBuilder::finish() {
  if (open.source != Open::Source::Operator || !open.pools.empty() ||
      !open.shape.isFlat || open.shape.channels != network.classes) {
    return Status::error("the network does not end in a layer with weights");
  }
  if (!hasIntegers) {
    return Status::error("the network has no integer product");
  }
  emit(std::move(open), std::nullopt);
  return std::move(network);
}

Result<Network> makeNetwork(const nn::Layer &root, const data::Dataset &data,
                            int64_t batchSize) {
  NetworkBuilder builder(data, batchSize);
  LPGEN_RETURN_IF_ERROR(builder.add(root));
  return builder.finish();
}

} // namespace lpgen::inference
