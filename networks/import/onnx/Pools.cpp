// Windows without weights.
#include "networks/import/onnx/Products.h"
#include "networks/import/onnx/Reductions.h"
#include <algorithm>

namespace lpgen::importer::onnx {

using builder::Expression;

/// x as a tensor that a window can read, one index for each dimension.
static Value windowInput(Lowering &lowering, const Node &node, Value x,
                         const Window &window) {
  Emitter &emitter = lowering.emitter;
  if (std::any_of(x.dims.begin() + 2, x.dims.end(),
                  [](const Factors &f) { return f.size() > 1; })) {
    x = emitter.flat(x, node.inputs[0]);
  }
  for (size_t i = 0; i < window.kernel.size(); ++i) {
    x = window.kernel[i] > 1 ? withIndex(x, i + 2) : x;
  }
  return emitter.stored(x, node.inputs[0], channelsLast(x.rank()));
}

/// `reduction` of what the window reads of x, which is a tensor.
static Value reduceWindow(const Value &x, const Window &window,
                          const std::string &reduction,
                          const std::function<Expression(Expression)> &term) {
  Value result = x;
  result.tensor.clear();
  result.beforeRelu = nullptr;
  for (size_t i = 0; i < window.outputs.size(); ++i) {
    result.dims[i + 2] =
        window.outputs[i] == 1 ? Factors{} : Factors{window.outputs[i]};
  }
  result.read = [=, dims = result.dims](const Subscripts &subscripts) {
    Subscripts at;
    std::vector<std::string> bounds;
    size_t next = 0;
    for (size_t d = 0; d < dims.size(); ++d) {
      if (d < 2) {
        for (size_t i = 0; i < dims[d].size(); ++i) {
          at.push_back(subscripts[next++]);
        }
        continue;
      }
      const size_t i = d - 2;
      const Subscript place = dims[d].empty()
                                  ? Subscript(0)
                                  : subscripts[next++] * window.strides[i];
      if (!x.dims[d].empty()) {
        at.push_back((place +
                      Subscript::index(tapName(i)) * window.dilations[i] +
                      Subscript(-window.begins[i]))
                         .partial());
        bounds.push_back(tapName(i) + ":" + std::to_string(window.kernel[i]));
      }
    }
    return bounds.empty()
               ? term(x.read(at))
               : Expression::reduction(reduction, bounds, term(x.read(at)));
  };
  result.operations = 1;
  return result;
}

/// The image that a window goes over, with one scale for all elements.
static Outcome readPool(Lowering &lowering, const Node &node, Value &x,
                        Window &window) {
  x = lowering.input(node, 0);
  if (x.rank() < 3) {
    return Refusal{"X", "it is no image", ""};
  }
  x = hasOrderedCodes(x) ? x : lowering.emitter.real(x);
  return readWindow(node, x, node.integers("kernel_shape"), window);
}

static Outcome lowerMaxPool(Lowering &lowering, const Node &node) {
  if (node.outputs.size() > 1 && !node.outputs[1].empty()) {
    return Refusal{"Indices", "the places of the maxima are not supported", ""};
  }
  Value x;
  Window window;
  if (Outcome refusal = readPool(lowering, node, x, window)) {
    return refusal;
  }
  x = windowInput(lowering, node, x, window);
  if (window.readsOutside) {
    x = lowering.emitter.padded(x, "lowest");
  }
  const Value result =
      reduceWindow(x, window, "max", [](Expression e) { return e; });
  lowering.define(node, lowering.emitter.store(result, node.name, x.order));
  return std::nullopt;
}

/// Sums of the numbers that windows read, as integers of x's scale.
static Value sumOf(const Value &x, const Window &window, int64_t taps) {
  const int64_t zero =
      x.quantization ? int64_t(x.quantization->zero.values[0]) : 0;
  Value sums = reduceWindow(x, window, "sum", [zero](const Expression &e) {
    return zero == 0 ? e : e - zero;
  });
  makeSum(x, taps, sums);
  return sums;
}

/// How many elements of the image, or of it with its padding, each window
/// holds. The last window may go beyond both.
static Constant countsOf(const Value &x, const Window &window,
                         bool isPadCounted) {
  Constant counts;
  counts.name = "counts";
  counts.shape = window.outputs;
  forEachElement(window.outputs, [&](const Extents &place) {
    double count = 1;
    for (size_t i = 0; i < place.size(); ++i) {
      // Taps from the first to the last one that reads inside.
      const int64_t before = isPadCounted ? window.begins[i] : 0;
      const int64_t first =
          place[i] * window.strides[i] - window.begins[i] + before;
      const int64_t step = window.dilations[i];
      const int64_t from = first < 0 ? (-first + step - 1) / step : 0;
      const int64_t behind = isPadCounted ? window.ends[i] : 0;
      const int64_t last = before + x.extent(i + 2) + behind - 1 - first;
      const int64_t to =
          last < 0 ? 0 : std::min(last / step + 1, window.kernel[i]);
      count *= double(std::max<int64_t>(to - from, 0));
    }
    counts.values.push_back(count);
  });
  return counts;
}

static Outcome lowerAveragePool(Lowering &lowering, const Node &node) {
  Value x;
  Window window;
  if (Outcome refusal = readPool(lowering, node, x, window)) {
    return refusal;
  }
  const int64_t taps = elementCount(window.kernel);
  constexpr int64_t mostPlaces = 1 << 22;
  if (elementCount(window.outputs) > mostPlaces) {
    return Refusal{"strides", "the window has too many places", ""};
  }
  const bool isPadCounted = node.integer("count_include_pad", 0) != 0;
  x = windowInput(lowering, node, x, window);
  if (window.readsOutside) {
    const int64_t zero =
        x.quantization ? int64_t(x.quantization->zero.values[0]) : 0;
    x = lowering.emitter.padded(x, std::to_string(zero));
  }
  const Value sums =
      lowering.emitter.assign(sumOf(x, window, taps), node.name + "_sum");
  Constant counts = window.readsOutside ? countsOf(x, window, isPadCounted)
                                        : Constant::scalar(double(taps));
  const std::vector<Value> operands = {lowering.emitter.real(sums),
                                       constantValue(std::move(counts))};
  lowering.define(node, *lowering.emitter.elementwise(
                            operands, [](std::span<const Expression> e) {
                              return Expression::call("f32", {e[0]}) / e[1];
                            }));
  return std::nullopt;
}

std::span<const Rule> poolRules() {
  static constexpr Rule rules[] = {
      {"MaxPool", lowerMaxPool,
       "auto_pad ceil_mode dilations kernel_shape pads storage_order strides"},
      {"AveragePool", lowerAveragePool,
       "auto_pad ceil_mode count_include_pad dilations kernel_shape pads "
       "strides"},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
