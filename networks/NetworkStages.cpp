// The stages that compute pending elements. See NetworkBuilder.h; what is
// pending is decided in NetworkBuilder.cpp.
//
// Operators are written with parameters for all that differs between layers, so
// that equal computations are one operator: H, W, C extents of x, K of a
// window, S its stride, P padding, O outputs, A and B bits of x and of
// constants, R bits of the result.
#include "networks/NetworkBuilder.h"
#include <algorithm>
#include <cmath>

namespace lpgen::networks {

using builder::Expression;
using builder::Extent;

static constexpr ElementType f32 = {Encoding::Float, 32};

static ElementType typeOf(const Tensor &x) {
  return x.grid ? typeOf(*x.grid) : f32;
}

/// "y: u{R}[?n, ...]"
static builder::Declaration declareResult(ElementType type,
                                          const std::vector<Extent> &extents,
                                          const std::string &width = "R") {
  builder::Declaration result = {"y", type};
  result.width = type.isFloat() ? "" : width;
  result.extents = {Extent::declared("n")};
  result.extents.insert(result.extents.end(), extents.begin(), extents.end());
  return result;
}

static std::vector<Extent> parameters(std::initializer_list<const char *> all) {
  std::vector<Extent> extents;
  for (const char *name : all) {
    extents.push_back(Extent::of(name));
  }
  return extents;
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

/// [256, channels] of codes or floats.
static HostTensor tableOf(const std::vector<float> &ofPixel, int64_t channels,
                          const std::optional<QuantParams> &grid) {
  const int64_t pixels = int64_t(ofPixel.size()) / channels;
  HostTensor table(grid ? typeOf(*grid) : f32, {pixels, channels});
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      const float x = ofPixel[size_t(c * pixels + pixel)];
      const int64_t at = pixel * channels + c;
      if (grid) {
        table.setInt(at, encode(*grid, x));
      } else {
        table.setFloat(at, x);
      }
    }
  }
  return table;
}

static HostTensor reshaped(const HostTensor &tensor,
                           std::vector<int64_t> shape) {
  HostTensor result(tensor.type(), std::move(shape));
  assert(result.numElements() == tensor.numElements());
  std::copy_n(static_cast<const std::byte *>(tensor.data()), tensor.byteSize(),
              static_cast<std::byte *>(result.data()));
  return result;
}

static std::shared_ptr<const HostTensor> shared(HostTensor tensor) {
  return std::make_shared<const HostTensor>(std::move(tensor));
}

Tensor NetworkBuilder::emitTable(const std::optional<QuantParams> &grid) {
  // Rows of pixels of one channel are a row of channels.
  Shape shape = pending.shape;
  network.isFlat = pending.isFlattened && images.channels == 1;
  if (network.isFlat) {
    shape = {1, 1, shape.size(), true};
  }
  const ElementType type = grid ? typeOf(*grid) : f32;
  HostTensor table = tableOf(images.ofPixel, images.channels, grid);
  const std::vector<std::string> element = indices(shape);
  builder::Declaration x = declareImages("x", {Encoding::Unsigned, 8}, shape);
  x.width = "";
  const std::string pixel = Expression::element("x", element).text();
  Stage stage = {"input", "normalized and rounded pixels", "look_up"};
  std::vector<std::string> extents = {"256"};
  std::vector<std::string> subscripts = {pixel};
  if (!shape.isFlat) {
    extents.emplace_back("C");
    subscripts.emplace_back("o");
  } else {
    table = reshaped(table, {table.numElements()});
  }
  builder::Declaration formal = declareConstant("table", type, extents);
  stage.inputs = {{x, "", nullptr}, {formal, "", shared(std::move(table))}};
  stage.statements = {{Expression::element("y", element),
                       Expression::element("table", subscripts)}};
  stage.result = declareResult(
      type, shape.isFlat ? parameters({"C"}) : parameters({"H", "W", "C"}),
      formal.width);
  stage.type = type;
  network.stages.push_back(std::move(stage));
  return {"input", shape, grid, {}};
}

NetworkBuilder::Access NetworkBuilder::access(const std::string &name,
                                              const std::string &suffix,
                                              const PendingStage::Part &part,
                                              const Shape &shape) {
  const Tensor &x = part.tensor;
  Access made = {
      {declareImages(name, typeOf(x), x.shape, suffix), x.stage, nullptr},
      Expression::element(name, indices(x.shape)),
      {}};
  if (part.isWhole(shape)) {
    return made;
  }
  // Channels beyond those of the tensor lie outside and are 0.
  made.input.formal.isPadded = true;
  std::vector<std::string> subscripts = {"n"};
  if (!x.shape.isFlat) {
    subscripts = {"n", "T*h", "T*v"};
    made.parameters.push_back({"T", part.stride, 1});
  }
  subscripts.emplace_back("o + F");
  made.parameters.push_back({"F", part.first, 0});
  made.element = Expression::element(name, subscripts);
  return made;
}

PendingStage NetworkBuilder::startPart(const PendingStage::Part &part,
                                       const Shape &shape) {
  PendingStage made;
  made.source = PendingStage::Source::Tensor;
  made.kind = "round_to_codes";
  made.part = part;
  made.shape = shape;
  Access read = access("x", "", part, shape);
  made.inputs.push_back(std::move(read.input));
  made.element = std::move(read.element);
  made.parameters = std::move(read.parameters);
  if (part.isWhole(shape)) {
    made.extents =
        shape.isFlat ? parameters({"C"}) : parameters({"H", "W", "C"});
    return made;
  }
  made.parameters.push_back({"D", shape.channels, std::nullopt});
  if (!shape.isFlat) {
    made.extents = {Extent::of("floordiv(H - 1, T) + 1"),
                    Extent::of("floordiv(W - 1, T) + 1")};
  }
  made.extents.push_back(Extent::of("D"));
  return made;
}

/// A linear layer: of a row of channels, or of pixels and channels.
static void addLinearSum(PendingStage &made, const Shape &x,
                         const HostTensor &weights) {
  const int64_t outputs = made.shape.channels;
  std::vector<int64_t> shape = {outputs, x.height, x.width, x.channels};
  std::vector<std::string> extents = {"O", "H", "W", "C"};
  std::vector<std::string> inner = {"h", "v", "c"};
  if (x.isFlat) {
    shape = {outputs, x.channels};
    extents = {"O", "C"};
    inner = {"c"};
  }
  const auto element = [&](const char *tensor, const char *outer) {
    std::vector<std::string> subscripts = inner;
    subscripts.insert(subscripts.begin(), outer);
    return Expression::element(tensor, subscripts);
  };
  made.kind = "linear";
  made.inputs.push_back({declareConstant("w", weights.type(), extents), "",
                         shared(reshaped(weights, std::move(shape)))});
  made.statements = {
      {made.element, Expression::reduction(
                         "sum", inner, element("x", "n") * element("w", "o"))}};
  made.extents = parameters({"O"});
}

static void addConvolutionSum(PendingStage &made, const ConvGeometry &g,
                              const HostTensor &weights) {
  made.kind = "conv";
  made.parameters = {{"S", g.stride, 1}, {"P", g.padding, 0}};
  made.inputs[0].formal.isPadded = true;
  made.inputs.push_back(
      {declareConstant("w", weights.type(), {"O", "K", "K", "C"}), "",
       shared(reshaped(weights, g.weightShape()))});
  made.statements = {
      {made.element,
       Expression::reduction(
           "sum", {"r", "q", "c"},
           Expression::element("x", {"n", "S*h + r - P", "S*v + q - P", "c"}) *
               Expression::element("w", {"o", "r", "q", "c"}))}};
  made.extents = {Extent::of("floordiv(H + 2*P - K, S) + 1"),
                  Extent::of("floordiv(W + 2*P - K, S) + 1"), Extent::of("O")};
}

PendingStage NetworkBuilder::startProduct(const std::string &name,
                                          const ConvGeometry &g,
                                          const Tensor &x,
                                          const HostTensor &weights) {
  PendingStage made;
  made.source = PendingStage::Source::Operator;
  made.name = name;
  made.shape = {g.outHeight(), g.outWidth(), g.outputs, g.isLinear()};
  made.inputs.push_back(
      {declareImages("x", typeOf(x), x.shape), x.stage, nullptr});
  made.element = Expression::element("acc", indices(made.shape));
  if (g.isLinear()) {
    addLinearSum(made, x.shape, weights);
  } else {
    addConvolutionSum(made, g, weights);
  }
  return made;
}

static Shape pooled(Shape shape, const PendingStage::Window &window) {
  shape.height = (shape.height - window.kernel) / window.stride + 1;
  shape.width = (shape.width - window.kernel) / window.stride + 1;
  return shape;
}

static Expression reducedWindow(const std::string &reduction) {
  return Expression::reduction(
      reduction, {"r:K", "q:K"},
      Expression::element("x", {"n", "S*h + r", "S*v + q", "o"}));
}

PendingStage NetworkBuilder::startWindow(const PendingStage::Window &window,
                                         const Tensor &x,
                                         const std::string &result,
                                         const std::string &reduction) {
  PendingStage made;
  made.source = PendingStage::Source::Operator;
  made.name = window.name;
  made.kind = reduction == "max" ? "max_pool" : "average_pool";
  made.shape = pooled(x.shape, window);
  made.parameters = {{"K", window.kernel, std::nullopt},
                     {"S", window.stride, std::nullopt}};
  made.inputs.push_back(
      {declareImages("x", typeOf(x), x.shape), x.stage, nullptr});
  made.element = Expression::element(result, indices(made.shape));
  made.statements = {{made.element, reducedWindow(reduction)}};
  made.extents = {Extent::of("floordiv(H - K, S) + 1"),
                  Extent::of("floordiv(W - K, S) + 1"), Extent::of("C")};
  return made;
}

/// The stage of a maximum of codes or floats.
Tensor NetworkBuilder::emitPool(const PendingStage::Window &pool,
                                const Tensor &x) {
  PendingStage made = startWindow(pool, x, "y", "max");
  Stage stage = {pool.name, x.grid ? "maximum of codes" : "maximum", made.kind};
  stage.parameters = std::move(made.parameters);
  stage.inputs = std::move(made.inputs);
  stage.statements = std::move(made.statements);
  stage.type = typeOf(x);
  stage.result = declareResult(stage.type, made.extents, "A");
  network.stages.push_back(std::move(stage));
  Tensor y = x;
  y.stage = pool.name;
  y.shape = made.shape;
  return y;
}

/// The parameter that says the channels of the result: "O".
static std::string channelsOf(const PendingStage &from) {
  return from.extents.back().text();
}

/// The stages that compute what is pending.
Tensor NetworkBuilder::emit(PendingStage from,
                            const std::optional<Quantization> &to) {
  Epilogue::Result made =
      from.epilogue.apply(from.element, channelsOf(from), to);
  Tensor y;
  y.stage = from.name;
  y.shape = from.shape;
  if (to) {
    y.grid = made.grid;
    y.batch = to->batch;
  }
  Stage stage = {from.name,
                 made.summary.empty() ? (to ? "codes" : "sum") : made.summary,
                 from.kind};
  stage.parameters = std::move(from.parameters);
  stage.parameters.insert(stage.parameters.end(), made.parameters.begin(),
                          made.parameters.end());
  stage.inputs = std::move(from.inputs);
  stage.inputs.insert(stage.inputs.end(), made.inputs.begin(),
                      made.inputs.end());
  stage.statements = std::move(from.statements);
  stage.statements.push_back(
      {Expression::element("y", indices(from.shape)), made.expression});
  stage.type = typeOf(y);
  stage.result = declareResult(stage.type, from.extents);
  network.stages.push_back(std::move(stage));
  for (const PendingStage::Window &pool : from.pools) {
    y = emitPool(pool, y);
  }
  return y;
}

/// The greatest magnitude of a batch: the name of its stage.
std::string NetworkBuilder::emitPeak(const std::string &name, const Tensor &x) {
  const std::vector<std::string> element = indices(x.shape);
  Stage stage = {name, "greatest magnitude of the batch", "peak"};
  stage.inputs = {{declareImages("x", typeOf(x), x.shape), x.stage, nullptr}};
  stage.statements = {
      {Expression::scalar("y"),
       Expression::reduction(
           "max", element,
           Expression::call("abs", {Expression::element("x", element)}))}};
  stage.result = {"y"};
  stage.type = f32;
  network.stages.push_back(std::move(stage));
  network.followsBatch = true;
  return name;
}

Tensor NetworkBuilder::toFloats() {
  Tensor x;
  if (pending.source == PendingStage::Source::Image) {
    x = emitTable(std::nullopt);
  } else if (pending.source == PendingStage::Source::Tensor &&
             pending.part.isWhole(pending.shape)) {
    x = pending.part.tensor;
  } else {
    x = emit(std::move(pending), std::nullopt);
  }
  pending = startTensor(x);
  return x;
}

Tensor NetworkBuilder::toCodes(const std::string &layer,
                               const ForwardTerm &term, const std::string &part,
                               bool isWhole) {
  if (!term.input.followsBatch) {
    if (pending.source == PendingStage::Source::Image) {
      return emitTable(term.input);
    }
    if (pending.source == PendingStage::Source::Operator) {
      return emit(std::move(pending), Quantization{term.input, {}});
    }
  }
  const Tensor x = toFloats();
  Shape shape = x.shape;
  PendingStage::Part taken = {x};
  if (!isWhole) {
    taken.first = term.firstChannel;
    shape.channels = term.channels;
  }
  Quantization to = {term.input, {}};
  if (term.input.followsBatch) {
    to.batch = {emitPeak(layer + ".peak" + part, x), term.input.highest};
  }
  PendingStage channels = startPart(taken, shape);
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
