// The stages that compute open elements. See NetworkBuilder.h; what stands open
// is decided in NetworkBuilder.cpp.
#include "networks/NetworkBuilder.h"
#include <algorithm>
#include <cmath>

namespace lpgen::networks {

int NetworkBuilder::addValue(const Shape &shape, unsigned bytes) {
  network.values.push_back({shape.size(), false, bytes});
  return int(network.values.size()) - 1;
}

Input NetworkBuilder::fromValue(const std::string &name, const Tensor &x,
                                const std::string &padding) const {
  const ElementText element = x.grid ? ElementText(*x.grid) : ElementText();
  return {name,    inputType(element, x.shape, network.imagesPerCall) + padding,
          x.value, {},
          {},      {}};
}

static int32_t encode(const QuantParams &grid, float x) {
  using Form = QuantParams::Form;
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
Tensor NetworkBuilder::fillTable(const std::optional<QuantParams> &grid) {
  network.tableType = grid ? typeOf(*grid) : ElementType{Encoding::Float, 32};
  for (const float x : images.ofPixel) {
    if (grid) {
      network.codes.push_back(encode(*grid, x));
    } else {
      network.floats.push_back(x);
    }
  }
  network.values[0].bytes = network.tableType.storageBits() / 8;
  return {0, open.isFlattened ? open.shape.flattened() : open.shape, grid, {}};
}

NetworkBuilder::Access NetworkBuilder::access(const std::string &name,
                                              const Open::Part &part,
                                              const Shape &shape) const {
  const Tensor &x = part.tensor;
  // Channels beyond those of the tensor lie outside and are 0.
  const bool isPadded = part.first + shape.channels > x.shape.channels;
  Access read = {fromValue(name, x, isPadded ? " pad(0)" : ""), name + "[n"};
  if (!x.shape.isFlat) {
    const std::string stride =
        part.stride == 1 ? "" : std::to_string(part.stride) + "*";
    read.element += ", " + stride + "h, " + stride + "v";
  }
  // "o + 0" reads a part of the channels, "o" all.
  read.element += shape.channels == x.shape.channels
                      ? ", o]"
                      : ", o + " + std::to_string(part.first) + "]";
  return read;
}

Open NetworkBuilder::openPart(const Open::Part &part,
                              const Shape &shape) const {
  Open opened;
  opened.source = Open::Source::Tensor;
  opened.part = part;
  opened.shape = shape;
  Access read = access("x", part, shape);
  opened.inputs.push_back(std::move(read.input));
  opened.element = std::move(read.element);
  return opened;
}

Open NetworkBuilder::openProduct(const std::string &name, const ConvGeometry &g,
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

static Shape pooled(Shape shape, const Open::Window &window) {
  shape.height = (shape.height - window.kernel) / window.stride + 1;
  shape.width = (shape.width - window.kernel) / window.stride + 1;
  return shape;
}

/// "  y[n,h,v,o] = max(r:2, q:2) x[n, 2*h + r, 2*v + q, o]\n"
static std::string windowStatement(const Open::Window &window,
                                   const std::string &result,
                                   const std::string &reduction) {
  const std::string kernel = std::to_string(window.kernel);
  return "  " + result + "[n,h,v,o] = " + reduction + "(r:" + kernel +
         ", q:" + kernel + ") x[n, " + subscript("h", "r", window.stride, 0) +
         ", " + subscript("v", "q", window.stride, 0) + ", o]\n";
}

Open NetworkBuilder::openWindow(const Open::Window &window, const Tensor &x,
                                const std::string &result,
                                const std::string &reduction) const {
  Open opened;
  opened.source = Open::Source::Operator;
  opened.name = window.name;
  opened.shape = pooled(x.shape, window);
  opened.inputs.push_back(fromValue("x", x));
  opened.element = result + "[n,h,v,o]";
  opened.statement = windowStatement(window, result, reduction);
  return opened;
}

/// The stage of a maximum of codes or floats.
Tensor NetworkBuilder::emitPool(const Open::Window &pool, const Tensor &x) {
  const ElementText element = x.grid ? ElementText(*x.grid) : ElementText();
  Tensor y = x;
  y.shape = pooled(x.shape, pool);
  y.value = addValue(y.shape, network.values[size_t(x.value)].bytes);
  network.stages.push_back({pool.name,
                            x.grid ? "maximum of codes" : "maximum",
                            {fromValue("x", x)},
                            windowStatement(pool, "y", "max"),
                            outputType(element, y.shape),
                            y.value});
  return y;
}

/// The stages that compute what is open.
Tensor NetworkBuilder::emit(Open from, const std::optional<Quantization> &to) {
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
  for (const Open::Window &pool : from.pools) {
    y = emitPool(pool, y);
  }
  if (from.isFlattened) {
    y.shape = y.shape.flattened();
  }
  return y;
}

/// The greatest magnitude of a batch.
int NetworkBuilder::emitPeak(const std::string &name, const Tensor &x,
                             int64_t first, int64_t channels) {
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

Tensor NetworkBuilder::toFloats() {
  Tensor x;
  if (open.source == Open::Source::Image) {
    x = fillTable(std::nullopt);
  } else if (open.source == Open::Source::Tensor &&
             open.part.isWhole(open.shape)) {
    x.value = open.part.tensor.value;
    x.shape = open.isFlattened ? open.shape.flattened() : open.shape;
  } else {
    x = emit(std::move(open), std::nullopt);
  }
  open = openTensor(x);
  return x;
}

Tensor NetworkBuilder::toCodes(const std::string &layer,
                               const ForwardTerm &term,
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
  Shape shape = x.shape;
  shape.channels = term.channels;
  Open channels = openPart({x, term.firstChannel}, shape);
  channels.name = layer + ".codes" + part;
  return emit(std::move(channels), to);
}

void NetworkBuilder::openLastPool() {
  if (open.pools.empty()) {
    return;
  }
  const Open::Window pool = open.pools.back();
  open.pools.pop_back();
  const Tensor x = toFloats();
  open = openWindow(pool, x, "most", "max");
}

} // namespace lpgen::networks
