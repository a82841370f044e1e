// The stages that compute pending elements. See NetworkBuilder.h; what is
// pending is decided in NetworkBuilder.cpp.
#include "networks/NetworkBuilder.h"
#include <algorithm>
#include <cmath>

namespace lpgen::networks {

using builder::Expression;
using builder::Extent;
using builder::subscript;

int NetworkBuilder::addValue(const Shape &shape, unsigned bytes) {
  network.values.push_back({shape.size(), false, bytes});
  return int(network.values.size()) - 1;
}

Input NetworkBuilder::fromValue(const std::string &name, const Tensor &x,
                                bool isPadded) const {
  Input input = {
      declare(name, x.grid, Extent::upTo("n", network.imagesPerCall), x.shape),
      x.value,
      {},
      {}};
  input.tensor.isPadded = isPadded;
  return input;
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
  return {0,
          pending.isFlattened ? pending.shape.flattened() : pending.shape,
          grid,
          {}};
}

NetworkBuilder::Access NetworkBuilder::access(const std::string &name,
                                              const PendingStage::Part &part,
                                              const Shape &shape) const {
  const Tensor &x = part.tensor;
  // "o + 0" reads a part of the channels, "o" all.
  const std::string channel =
      shape.channels == x.shape.channels
          ? "o"
          : subscript("o", 1, std::to_string(part.first));
  const std::vector<std::string> subscripts =
      x.shape.isFlat
          ? std::vector{std::string("n"), channel}
          : std::vector{std::string("n"), subscript("h", part.stride),
                        subscript("v", part.stride), channel};
  // Channels beyond those of the tensor lie outside and are 0.
  const bool isPadded = part.first + shape.channels > x.shape.channels;
  return {fromValue(name, x, isPadded), Expression::element(name, subscripts)};
}

PendingStage NetworkBuilder::startPart(const PendingStage::Part &part,
                                       const Shape &shape) const {
  PendingStage made;
  made.source = PendingStage::Source::Tensor;
  made.part = part;
  made.shape = shape;
  Access read = access("x", part, shape);
  made.inputs.push_back(std::move(read.input));
  made.element = std::move(read.element);
  return made;
}

PendingStage NetworkBuilder::startProduct(const std::string &name,
                                          const ConvGeometry &g,
                                          const Tensor &x,
                                          Input weights) const {
  PendingStage made;
  made.source = PendingStage::Source::Operator;
  made.name = name;
  made.shape = {g.outHeight(), g.outWidth(), g.outputs, g.isLinear()};
  made.inputs.push_back(fromValue("x", x, g.padding > 0));
  made.inputs.push_back(std::move(weights));
  made.element = Expression::element("acc", indices(made.shape));
  const Expression sum =
      g.isLinear()
          ? Expression::reduction("sum", {"c"},
                                  Expression::element("x", {"n", "c"}) *
                                      Expression::element("w", {"o", "c"}))
          : Expression::reduction(
                "sum", {"r", "q", "c"},
                Expression::element(
                    "x", {"n", subscript("h", g.stride, "r", g.padding),
                          subscript("v", g.stride, "q", g.padding), "c"}) *
                    Expression::element("w", {"o", "r", "q", "c"}));
  made.statements = {{made.element, sum}};
  return made;
}

/// An output has the whole range of its type.
static builder::Declaration declareResult(const Tensor &y) {
  builder::Declaration result =
      declare("y", y.grid, Extent::declared("n"), y.shape);
  result.lowest = result.type.minValue();
  result.highest = result.type.maxValue();
  return result;
}

static Shape pooled(Shape shape, const PendingStage::Window &window) {
  shape.height = (shape.height - window.kernel) / window.stride + 1;
  shape.width = (shape.width - window.kernel) / window.stride + 1;
  return shape;
}

/// "max(r:2, q:2) x[n, 2*h + r, 2*v + q, o]"
static Expression reducedWindow(const PendingStage::Window &window,
                                const std::string &reduction) {
  const std::string kernel = ":" + std::to_string(window.kernel);
  return Expression::reduction(
      reduction, {"r" + kernel, "q" + kernel},
      Expression::element("x", {"n", subscript("h", window.stride, "r"),
                                subscript("v", window.stride, "q"), "o"}));
}

PendingStage NetworkBuilder::startWindow(const PendingStage::Window &window,
                                         const Tensor &x,
                                         const std::string &result,
                                         const std::string &reduction) const {
  PendingStage made;
  made.source = PendingStage::Source::Operator;
  made.name = window.name;
  made.shape = pooled(x.shape, window);
  made.inputs.push_back(fromValue("x", x));
  made.element = Expression::element(result, indices(made.shape));
  made.statements = {{made.element, reducedWindow(window, reduction)}};
  return made;
}

/// The stage of a maximum of codes or floats.
Tensor NetworkBuilder::emitPool(const PendingStage::Window &pool,
                                const Tensor &x) {
  Tensor y = x;
  y.shape = pooled(x.shape, pool);
  y.value = addValue(y.shape, network.values[size_t(x.value)].bytes);
  network.stages.push_back({pool.name,
                            x.grid ? "maximum of codes" : "maximum",
                            {fromValue("x", x)},
                            {{Expression::element("y", indices(y.shape)),
                              reducedWindow(pool, "max")}},
                            declareResult(y),
                            y.value});
  return y;
}

/// The stages that compute what is pending.
Tensor NetworkBuilder::emit(PendingStage from,
                            const std::optional<Quantization> &to) {
  Epilogue::Result made = from.epilogue.apply(from.element, to);
  Tensor y;
  y.shape = from.shape;
  unsigned bytes = 4;
  if (to) {
    y.grid = made.grid;
    y.batch = to->batch;
    bytes = typeOf(made.grid).storageBits() / 8;
  }
  y.value = addValue(y.shape, bytes);
  Stage stage;
  stage.name = from.name;
  stage.summary = made.summary.empty() ? (to ? "codes" : "sum") : made.summary;
  stage.inputs = std::move(from.inputs);
  stage.inputs.insert(stage.inputs.end(), made.constants.begin(),
                      made.constants.end());
  stage.statements = std::move(from.statements);
  stage.statements.push_back(
      {Expression::element("y", indices(from.shape)), made.expression});
  stage.result = declareResult(y);
  stage.output = y.value;
  network.stages.push_back(std::move(stage));
  for (const PendingStage::Window &pool : from.pools) {
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
  std::vector<std::string> subscripts = indices(x.shape);
  std::vector<std::string> ranges = subscripts;
  ranges.back() += ":" + std::to_string(channels);
  subscripts.back() = subscript("o", 1, std::to_string(first));
  network.stages.push_back(
      {name,
       "greatest magnitude of the batch",
       {fromValue("x", x)},
       {{Expression::scalar("y"),
         Expression::reduction(
             "max", ranges,
             Expression::call("abs", {Expression::element("x", subscripts)}))}},
       {"y"},
       value});
  network.followsBatch = true;
  return value;
}

Tensor NetworkBuilder::toFloats() {
  Tensor x;
  if (pending.source == PendingStage::Source::Image) {
    x = fillTable(std::nullopt);
  } else if (pending.source == PendingStage::Source::Tensor &&
             pending.part.isWhole(pending.shape)) {
    x.value = pending.part.tensor.value;
    x.shape = pending.isFlattened ? pending.shape.flattened() : pending.shape;
  } else {
    x = emit(std::move(pending), std::nullopt);
  }
  pending = startTensor(x);
  return x;
}

Tensor NetworkBuilder::toCodes(const std::string &layer,
                               const ForwardTerm &term,
                               const std::string &part) {
  if (!term.input.followsBatch) {
    if (pending.source == PendingStage::Source::Image) {
      return fillTable(term.input);
    }
    if (pending.source == PendingStage::Source::Operator) {
      return emit(std::move(pending), Quantization{term.input, {}});
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
  PendingStage channels = startPart({x, term.firstChannel}, shape);
  channels.name = layer + ".codes" + part;
  return emit(std::move(channels), to);
}

void NetworkBuilder::startLastPool() {
  if (pending.pools.empty()) {
    return;
  }
  const PendingStage::Window pool = pending.pools.back();
  pending.pools.pop_back();
  const Tensor x = toFloats();
  pending = startWindow(pool, x, "most", "max");
}

} // namespace lpgen::networks
