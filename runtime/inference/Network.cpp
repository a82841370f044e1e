// Walks the layers in order. What has been read so far stands open, as a sum
// with an epilogue, until the next layer with weights says how it wants its
// input.
#include "runtime/inference/Network.h"
#include "runtime/inference/Epilogue.h"
#include "runtime/inference/NetworkText.h"
#include "runtime/nn/BatchNorm.h"
#include "runtime/nn/Containers.h"
#include "runtime/nn/OrderedProducts.h"
#include "runtime/nn/ProductLayer.h"
#include "runtime/nn/SimpleLayers.h"
#include <algorithm>
#include <cmath>

namespace lpgen::inference {

namespace {

/// A value with its shape; its grid if it holds codes.
struct Tensor {
  int value = -1;
  Shape shape;
  std::optional<nn::IntegerGrid> grid;
  BatchScale batch;
};

/// Elements that are not computed yet.
struct Open {
  enum class Source {
    Image,   ///< What the table makes of the pixels.
    Tensor,  ///< A value of floats.
    Operator ///< A sum or a maximum.
  };
  struct MaxPool {
    std::string name;
    int64_t kernel;
    int64_t stride;
  };
  Source source = Source::Image;
  int value = -1;   ///< Of a tensor.
  std::string name; ///< Of the stage that will compute it.
  std::vector<Input> inputs;
  std::string statement; ///< "  acc[n,h,v,o] = ..."
  std::string element;   ///< What the epilogue begins with: "acc[n,h,v,o]".
  Shape shape;           ///< Before the pools.
  Epilogue epilogue;
  std::vector<MaxPool> pools; ///< After the epilogue.
  bool isFlattened = false;
};

class Builder {
public:
  Builder(const data::Dataset &data, int64_t batchSize);
  Status add(const nn::Layer &layer);
  Result<Network> finish();

private:
  Status addProduct(const nn::ProductLayer &layer);
  Status addIntegers(const nn::ProductLayer &layer,
                     const nn::ForwardOperands &operands);
  void addFloats(const nn::ProductLayer &layer,
                 const nn::OrderedProducts &products);
  Status addPool(const nn::Pool &layer);
  Status addResidual(const nn::Residual &layer);
  static Status refuse(const nn::Layer &layer, const std::string &reason) {
    return Status::error("layer '" + layer.name() + "' " + reason);
  }

  int addValue(const Shape &shape, unsigned bytes);
  Open openTensor(const Tensor &tensor, int64_t first, int64_t channels) const;
  Open openProduct(const std::string &name, const nn::ConvGeometry &g,
                   const Tensor &x, Input weights) const;
  Tensor emit(Open from, const std::optional<Quantization> &to);
  Tensor emitPool(const Open::MaxPool &pool, const Tensor &x);
  int emitPeak(const std::string &name, const Tensor &x, int64_t first,
               int64_t channels);
  /// The open elements as a value of floats, from now on the open tensor.
  Tensor toFloats();
  /// Channels of the open elements as codes. The open elements are used up,
  /// unless they are a tensor.
  Tensor toCodes(const std::string &layer, const nn::ForwardTerm &term,
                 const std::string &part);
  /// Computes the pools, but the last, which becomes the open operator.
  void openLastPool();
  Tensor fillTable(const std::optional<nn::IntegerGrid> &grid);
  Input fromValue(const std::string &name, const Tensor &x,
                  const std::string &padding = "") const;

  const data::Dataset &data;
  Network network;
  Open open;
  bool hasIntegers = false;
};

} // namespace

Builder::Builder(const data::Dataset &data, int64_t batchSize) : data(data) {
  network.height = data.height;
  network.width = data.width;
  network.channels = data.channels;
  network.classes = data.classes;
  network.imagesPerCall = batchSize;
  open.shape = {data.height, data.width, data.channels, false};
  network.values.push_back({open.shape.size(), false, 4});
}

int Builder::addValue(const Shape &shape, unsigned bytes) {
  network.values.push_back({shape.size(), false, bytes});
  return int(network.values.size()) - 1;
}

Input Builder::fromValue(const std::string &name, const Tensor &x,
                         const std::string &padding) const {
  const ElementText element = x.grid ? ElementText(*x.grid) : ElementText();
  return {name,    inputType(element, x.shape, network.imagesPerCall) + padding,
          x.value, {},
          {},      {}};
}

static int32_t encode(const nn::IntegerGrid &grid, float x) {
  using Form = nn::IntegerGrid::Form;
  const auto bounded = [&](float v) {
    return int32_t(
        std::nearbyint(std::clamp(v, float(grid.lowest), float(grid.highest))));
  };
  switch (grid.form) {
  case Form::Divided:
    return bounded(x / grid.scale);
  case Form::Multiplied:
    return bounded(x * (1.0F / grid.scale));
  case Form::Clipped:
    return int32_t(std::nearbyint(std::clamp(x, 0.0F, grid.top) *
                                  (float(grid.highest) / grid.top)));
  case Form::Sign:
    return x >= 0 ? 1 : -1;
  }
  return 0;
}

/// What pixels become, codes of a grid or floats.
Tensor Builder::fillTable(const std::optional<nn::IntegerGrid> &grid) {
  network.tableType = grid ? typeOf(*grid) : ElementType{Encoding::Float, 32};
  for (int64_t c = 0; c < data.channels; ++c) {
    for (int pixel = 0; pixel < 256; ++pixel) {
      const float x = data.normalized(uint8_t(pixel), c);
      if (grid) {
        network.codes.push_back(encode(*grid, x));
      } else {
        network.floats.push_back(x);
      }
    }
  }
  network.values[0].bytes = network.tableType.storageBits() / 8;
  return {0, open.isFlattened ? open.shape.flattened() : open.shape, grid, {}};
}

/// Channels [first, first + channels) of a tensor of floats.
Open Builder::openTensor(const Tensor &tensor, int64_t first,
                         int64_t channels) const {
  Open opened;
  opened.source = Open::Source::Tensor;
  opened.value = tensor.value;
  opened.inputs.push_back(fromValue("x", tensor));
  opened.shape = tensor.shape;
  opened.shape.channels = channels;
  // "o + 0" reads a part of the channels, "o" all.
  const std::string channel = channels == tensor.shape.channels
                                  ? "o]"
                                  : "o + " + std::to_string(first) + "]";
  opened.element = (tensor.shape.isFlat ? "x[n," : "x[n,h,v,") + channel;
  return opened;
}

Open Builder::openProduct(const std::string &name, const nn::ConvGeometry &g,
                          const Tensor &x, Input weights) const {
  Open opened;
  opened.source = Open::Source::Operator;
  opened.name = name;
  opened.shape = {g.outHeight(), g.outWidth(), g.outputs, g.isLinear()};
  opened.inputs.push_back(fromValue("x", x, g.padding > 0 ? " pad(0)" : ""));
  opened.inputs.push_back(std::move(weights));
  opened.element = "acc" + indices(opened.shape);
  opened.statement =
      "  " + opened.element + " = " +
      (g.isLinear()
           ? "sum(c) x[n,c] * w[o,c]"
           : "sum(r, q, c) x[n, " + subscript("h", "r", g.stride, g.padding) +
                 ", " + subscript("v", "q", g.stride, g.padding) +
                 ", c] * w[o,r,q,c]") +
      "\n";
  return opened;
}

Tensor Builder::emitPool(const Open::MaxPool &pool, const Tensor &x) {
  Shape shape = x.shape;
  shape.height = (shape.height - pool.kernel) / pool.stride + 1;
  shape.width = (shape.width - pool.kernel) / pool.stride + 1;
  const ElementText element = x.grid ? ElementText(*x.grid) : ElementText();
  Tensor y = x;
  y.shape = shape;
  y.value = addValue(shape, network.values[size_t(x.value)].bytes);
  const std::string kernel = std::to_string(pool.kernel);
  network.stages.push_back({pool.name,
                            x.grid ? "maximum of codes" : "maximum",
                            {fromValue("x", x)},
                            "  y[n,h,v,o] = max(r:" + kernel + ", q:" + kernel +
                                ") x[n, " +
                                subscript("h", "r", pool.stride, 0) + ", " +
                                subscript("v", "q", pool.stride, 0) + ", o]\n",
                            outputType(element, shape),
                            y.value});
  return y;
}

/// The stages that compute what is open.
Tensor Builder::emit(Open from, const std::optional<Quantization> &to) {
  const Epilogue::Text text = from.epilogue.text(from.element, to);
  Tensor y;
  y.shape = from.shape;
  ElementText element;
  unsigned bytes = 4;
  if (to) {
    y.grid = text.grid;
    y.batch = to->batch;
    element = ElementText(text.grid);
    bytes = typeOf(text.grid).storageBits() / 8;
  }
  y.value = addValue(y.shape, bytes);
  Stage stage;
  stage.name = from.name;
  stage.summary = text.summary.empty() ? (to ? "codes" : "sum") : text.summary;
  stage.inputs = std::move(from.inputs);
  stage.inputs.insert(stage.inputs.end(), text.constants.begin(),
                      text.constants.end());
  stage.statements = from.statement + "  y" + indices(from.shape) + " = " +
                     text.expression + "\n";
  stage.outputType = outputType(element, from.shape);
  stage.output = y.value;
  network.stages.push_back(std::move(stage));
  for (const Open::MaxPool &pool : from.pools) {
    y = emitPool(pool, y);
  }
  if (from.isFlattened) {
    y.shape = y.shape.flattened();
  }
  return y;
}

/// The greatest magnitude of a batch.
int Builder::emitPeak(const std::string &name, const Tensor &x, int64_t first,
                      int64_t channels) {
  network.values.push_back({1, true, 4});
  const int value = int(network.values.size()) - 1;
  const std::string list = x.shape.isFlat ? "n, " : "n, h, v, ";
  network.stages.push_back({name,
                            "greatest magnitude of the batch",
                            {fromValue("x", x)},
                            "  y = max(" + list +
                                "o:" + std::to_string(channels) + ") abs(x[" +
                                list + "o + " + std::to_string(first) + "])\n",
                            "f32",
                            value});
  network.followsBatch = true;
  return value;
}

Tensor Builder::toFloats() {
  Tensor x;
  if (open.source == Open::Source::Image) {
    x = fillTable(std::nullopt);
  } else if (open.source == Open::Source::Tensor && open.epilogue.isEmpty()) {
    x.value = open.value;
    x.shape = open.isFlattened ? open.shape.flattened() : open.shape;
  } else {
    x = emit(std::move(open), std::nullopt);
  }
  open = openTensor(x, 0, x.shape.channels);
  return x;
}

Tensor Builder::toCodes(const std::string &layer, const nn::ForwardTerm &term,
                        const std::string &part) {
  if (!term.input.followsBatch) {
    if (open.source == Open::Source::Image) {
      return fillTable(term.input);
    }
    if (open.source == Open::Source::Operator) {
      return emit(std::move(open), Quantization{term.input, {}});
    }
  }
  const Tensor x = toFloats();
  Quantization to = {term.input, {}};
  if (term.input.followsBatch) {
    to.batch = {
        emitPeak(layer + ".peak" + part, x, term.firstChannel, term.channels),
        term.input.highest};
  }
  Open channels = openTensor(x, term.firstChannel, term.channels);
  channels.name = layer + ".codes" + part;
  return emit(std::move(channels), to);
}

void Builder::openLastPool() {
  if (open.pools.empty()) {
    return;
  }
  const Open::MaxPool pool = open.pools.back();
  open.pools.pop_back();
  const Tensor x = toFloats();
  Open opened;
  opened.source = Open::Source::Operator;
  opened.name = pool.name;
  opened.shape = x.shape;
  opened.shape.height = (x.shape.height - pool.kernel) / pool.stride + 1;
  opened.shape.width = (x.shape.width - pool.kernel) / pool.stride + 1;
  opened.inputs.push_back(fromValue("x", x));
  const std::string kernel = std::to_string(pool.kernel);
  opened.element = "most[n,h,v,o]";
  opened.statement = "  most[n,h,v,o] = max(r:" + kernel + ", q:" + kernel +
                     ") x[n, " + subscript("h", "r", pool.stride, 0) + ", " +
                     subscript("v", "q", pool.stride, 0) + ", o]\n";
  open = std::move(opened);
}

static std::string weightExtents(const nn::ConvGeometry &g) {
  const std::string taps = g.isLinear() ? ""
                                        : std::to_string(g.kernel) + ", " +
                                              std::to_string(g.kernel) + ", ";
  return "[" + std::to_string(g.outputs) + ", " + taps +
         std::to_string(g.channels) + "]";
}

Status Builder::addIntegers(const nn::ProductLayer &layer,
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

void Builder::addFloats(const nn::ProductLayer &layer,
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

Status Builder::addProduct(const nn::ProductLayer &layer) {
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

Status Builder::addPool(const nn::Pool &layer) {
  if (layer.poolKind() == nn::Pool::Kind::Max) {
    if (open.source != Open::Source::Operator) {
      return refuse(layer, "pools what no layer with weights has made");
    }
    open.pools.push_back(
        {layer.name(), layer.kernelSize(), layer.strideSize()});
    return Status::success();
  }
  const Tensor x = toFloats();
  Open opened;
  opened.source = Open::Source::Operator;
  opened.name = layer.name();
  opened.shape = x.shape;
  opened.shape.height =
      (x.shape.height - layer.kernelSize()) / layer.strideSize() + 1;
  opened.shape.width =
      (x.shape.width - layer.kernelSize()) / layer.strideSize() + 1;
  opened.inputs.push_back(fromValue("x", x));
  const std::string kernel = std::to_string(layer.kernelSize());
  opened.element = "acc[n,h,v,o]";
  opened.statement = "  acc[n,h,v,o] = sum(r:" + kernel + ", q:" + kernel +
                     ") x[n, " + subscript("h", "r", layer.strideSize(), 0) +
                     ", " + subscript("v", "q", layer.strideSize(), 0) +
                     ", o]\n";
  opened.epilogue.multiply(1.0F /
                           float(layer.kernelSize() * layer.kernelSize()));
  open = std::move(opened);
  return Status::success();
}

Status Builder::addResidual(const nn::Residual &layer) {
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

Status Builder::add(const nn::Layer &layer) {
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

Result<Network> Builder::finish() {
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
  Builder builder(data, batchSize);
  LPGEN_RETURN_IF_ERROR(builder.add(root));
  return builder.finish();
}

} // namespace lpgen::inference
