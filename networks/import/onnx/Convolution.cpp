// Convolutions as sums over taps and channels.
#include "base/tensor/Tensor.h"
#include "networks/import/Spread.h"
#include "networks/import/onnx/Products.h"
#include "networks/import/onnx/Weights.h"
#include <algorithm>
#include <numeric>

namespace lpgen::importer::onnx {

using builder::Expression;

/// Weights [outputs, channels, ...] with groups, channels cut into the factors
/// that x has, taps before channels.
static Constant arrangeWeights(const Constant &weights, int64_t groups,
                               const Factors &channels, size_t spatial) {
  Extents shape = {groups, weights.shape[0] / groups};
  shape.insert(shape.end(), channels.begin(), channels.end());
  shape.insert(shape.end(), weights.shape.begin() + 2, weights.shape.end());
  std::vector<int> order = {0, 1};
  for (size_t i = 0; i < spatial; ++i) {
    order.push_back(int(2 + channels.size() + i));
  }
  for (size_t i = 0; i < channels.size(); ++i) {
    order.push_back(int(2 + i));
  }
  Constant result = weights.reshaped(shape).transposed(order);
  // No dimension of extent 1 for groups, outputs and the channels of a group.
  Extents kept;
  for (size_t d = 0; d < result.shape.size(); ++d) {
    const bool isTap = d >= 2 && d < 2 + spatial;
    const bool isChannel = d >= 2 + spatial && groups == 1;
    if (isTap || isChannel || result.shape[d] != 1) {
      kept.push_back(result.shape[d]);
    }
  }
  result.shape = kept;
  return result;
}

namespace {
/// Forward, an output is a window of the image times the weights; transposed,
/// an element of the image times the weights is added to a window of outputs.
enum class Direction { Forward, Transposed };

/// The sum of a convolution, whose elements are read one by one.
struct Sum {
  Value x;
  bool isInteger = false;
  std::string weights;
  Window window;
  Direction direction = Direction::Forward;
  int64_t groups = 1;
  int64_t outputs = 1;       ///< Of a group.
  int64_t channels = 1;      ///< Of a group.
  Factors channelFactors;    ///< Those that the weights have dimensions for.
  std::vector<Factors> dims; ///< Of the result.

  Expression at(const Subscripts &subscripts) const;

private:
  void readChannels(const Subscript &group, Subscripts &places) const;
  Subscript placeOf(size_t i, const Subscript &output) const;
};
} // namespace

/// "k", "k1", ...
static std::string channelName(size_t i) {
  return i == 0 ? "k" : "k" + std::to_string(i);
}

/// Subscripts of x along its channels.
void Sum::readChannels(const Subscript &group, Subscripts &places) const {
  if (groups > 1) {
    places.push_back(channels == 1
                         ? group
                         : group * channels + Subscript::index(channelName(0)));
    return;
  }
  for (size_t i = 0; i < channelFactors.size(); ++i) {
    places.push_back(Subscript::index(channelName(i)));
  }
}

/// Where tap and output meet in dimension `i` of the image.
Subscript Sum::placeOf(size_t i, const Subscript &output) const {
  const Subscript tap = Subscript::index(tapName(i)) * window.dilations[i];
  return direction == Direction::Forward
             ? output * window.strides[i] + tap +
                   Subscript(-window.begins[i]).partial()
             : (output + tap * -1 + Subscript(window.begins[i]))
                   .dividedBy(window.strides[i]);
}

Expression Sum::at(const Subscripts &subscripts) const {
  Subscripts places; // of x, dimension by dimension
  std::vector<std::string> weightPlaces;
  std::vector<std::string> bounds;
  auto next = subscripts.begin();
  for (size_t i = 0; i < dims[0].size(); ++i) {
    places.push_back(*next++);
  }
  Subscript group = 0;
  if (groups > 1) {
    group = *next++;
    weightPlaces.push_back(group.text());
  }
  if (outputs > 1) {
    weightPlaces.push_back((next++)->text());
  }
  readChannels(group, places);
  for (size_t i = 0; i < window.kernel.size(); ++i) {
    const bool isOne = dims[i + 2].empty();
    const Subscript place = placeOf(i, isOne ? Subscript(0) : *next++);
    if (!x.dims[i + 2].empty()) {
      places.push_back(place);
    }
    bounds.push_back(tapName(i));
    weightPlaces.push_back(tapName(i));
  }
  for (size_t i = 0; i < channelFactors.size(); ++i) {
    if (channelFactors[i] != 1 || groups == 1) {
      bounds.push_back(channelName(i));
      weightPlaces.push_back(channelName(i));
    }
  }
  const Expression element =
      isInteger ? centred(x.read(places), x) : x.read(places);
  return Expression::reduction(
      "sum", bounds, element * Expression::element(weights, weightPlaces));
}

/// Images, groups and outputs of each, places of the window.
static std::vector<Factors> resultDims(const Sum &sum) {
  Factors outputs;
  if (sum.groups > 1) {
    outputs.push_back(sum.groups);
  }
  if (sum.outputs > 1) {
    outputs.push_back(sum.outputs);
  }
  std::vector<Factors> dims = {sum.x.dims[0], outputs};
  for (const int64_t places : sum.window.outputs) {
    dims.push_back(places == 1 ? Factors{} : Factors{places});
  }
  return dims;
}

/// x as a tensor with channels last and one index for each dimension that the
/// window moves in.
static Value windowed(Emitter &emitter, const Node &node, Value x,
                      const Sum &sum, const std::string &padding) {
  const Window &window = sum.window;
  const bool hasGroups = sum.groups > 1;
  const bool isTransposed = sum.direction == Direction::Transposed;
  const bool isSplit =
      (hasGroups && x.dims[1].size() > 1) ||
      std::any_of(x.dims.begin() + 2, x.dims.end(),
                  [](const Factors &f) { return f.size() > 1; });
  const std::vector<int> order = channelsLast(x.rank());
  x = isSplit ? emitter.flat(x, node.inputs[0]) : x;
  // Channels are what kernels pack, even if there is one.
  x = hasGroups ? x : withIndex(x, 1);
  for (size_t i = 0; i < window.kernel.size(); ++i) {
    x = window.kernel[i] > 1 || isTransposed ? withIndex(x, i + 2) : x;
  }
  x = emitter.stored(x, node.inputs[0], order);
  return window.readsOutside ? emitter.padded(x, padding) : x;
}

/// Reads window and groups; a refusal if they do not fit.
static Outcome readGeometry(const Node &node, const Value &input,
                            const Value &kernel, Sum &sum) {
  if (!kernel.constant || input.rank() < 3 || kernel.rank() != input.rank()) {
    return Refusal{"W",
                   "the weights are not known, or their rank is not that "
                   "of the input",
                   "export the model with its weights inside"};
  }
  const Extents &shape = kernel.constant->shape;
  sum.groups = node.integer("group", 1);
  if (sum.groups < 1 || sum.groups > shape[0] || shape[0] % sum.groups != 0 ||
      shape[1] * sum.groups != input.extent(1)) {
    return Refusal{"group",
                   "the weights " + shapeToString(shape) + " do not fit " +
                       std::to_string(input.extent(1)) + " channels in " +
                       std::to_string(sum.groups) + " groups",
                   ""};
  }
  sum.outputs = shape[0] / sum.groups;
  sum.channels = shape[1];
  const auto read =
      sum.direction == Direction::Forward ? readWindow : readTransposedWindow;
  return read(node, input, {shape.begin() + 2, shape.end()}, sum.window);
}

/// [channels, outputs / groups, ...] as [outputs, channels / groups, ...].
static Constant forwardNumbers(const Constant &numbers, int64_t groups) {
  Extents shape = numbers.shape;
  shape[0] /= groups;
  shape.insert(shape.begin(), groups);
  std::vector<int> order(shape.size());
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[1], order[2]);
  Constant result = numbers.reshaped(shape).transposed(order);
  shape = result.shape;
  shape[1] *= groups;
  shape.erase(shape.begin());
  result = result.reshaped(shape);
  result.name = numbers.name;
  return result;
}

/// Scales or zero points of the outputs of a group, for all groups.
static Constant forAllGroups(const Constant &grid, int64_t groups,
                             size_t rank) {
  Constant result = grid;
  result.shape.assign(rank, 1);
  if (grid.isUniform()) {
    result.values.resize(1);
    return result;
  }
  result.shape[0] = groups * grid.count();
  for (int64_t group = 1; group < groups; ++group) {
    result.values.insert(result.values.end(), grid.values.begin(),
                         grid.values.end());
  }
  return result;
}

/// The same of known weights. A scale or a zero point is that of an output in
/// each of the groups; weights with other ones are taken as floats.
static Value forwardWeights(Lowering &lowering, const Value &weights,
                            int64_t groups) {
  std::vector<int> order(weights.rank());
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[0], order[1]);
  if (groups == 1) {
    return transpose(weights, order);
  }
  const auto isOfOutputs = [&](const Constant &grid) {
    return grid.isUniform() || (grid.shape.size() == weights.rank() &&
                                grid.count() == grid.shape[1]);
  };
  const std::optional<Quantization> &grid = weights.quantization;
  const bool isKept =
      grid && isOfOutputs(grid->scale) && isOfOutputs(grid->zero);
  const Value kept = isKept ? weights : lowering.emitter.real(weights);
  Value result = constantValue(forwardNumbers(*kept.constant, groups));
  if (isKept) {
    result.isInteger = weights.isInteger;
    result.lowest = weights.lowest;
    result.highest = weights.highest;
    result.isOdd = weights.isOdd;
    result.quantization =
        Quantization{forAllGroups(grid->scale, groups, weights.rank()),
                     forAllGroups(grid->zero, groups, weights.rank())};
  }
  return result;
}

/// floor(number / divisor)
static int64_t floorDivided(int64_t number, int64_t divisor) {
  const int64_t quotient = number / divisor;
  return quotient - (number % divisor < 0 ? 1 : 0);
}

/// A convolution of an image whose elements are repetitions is one of the image
/// that is repeated: the taps that meet the same element are added, and the
/// outputs for each pair of remainders are channels. That pays where the lanes
/// of a vector would not be full without it, since the sums may need more bits.
static bool isOfRepetition(const Sum &sum, const Weights &weights,
                           const Repetition &repetition) {
  constexpr int64_t lanes = 16;
  const Window &window = sum.window;
  bool isWhole = sum.groups == 1 && weights.isInteger &&
                 sum.direction == Direction::Forward &&
                 sum.outputs * productOf(repetition.factors) <= lanes;
  for (size_t i = 0; i < window.kernel.size(); ++i) {
    isWhole = isWhole && window.strides[i] == 1 && window.dilations[i] == 1 &&
              window.outputs[i] % repetition.factors[i] == 0;
  }
  return isWhole;
}

/// Replaces weights and window by those over the smaller image. In a dimension,
/// tap r of the outputs with remainder a by f meets element
/// floor((a + r - begin) / f) from the one of the output on.
static void addTaps(const Value &x, const std::vector<int64_t> &factors,
                    Weights &weights, Sum &sum) {
  Window &window = sum.window;
  const Window old = window;
  const int64_t classes = productOf(factors);
  const Constant taps = weights.numbers;
  Constant &numbers = weights.numbers;
  numbers.shape[0] *= classes;
  window.readsOutside = false;
  for (size_t i = 0; i < factors.size(); ++i) {
    const int64_t first = floorDivided(-old.begins[i], factors[i]);
    const int64_t last = floorDivided(
        factors[i] + old.kernel[i] - 2 - old.begins[i], factors[i]);
    window.begins[i] = -first;
    window.kernel[i] = last - first + 1;
    window.outputs[i] = old.outputs[i] / factors[i];
    const int64_t end = window.outputs[i] - 1 + last - x.extent(i + 2) + 1;
    window.ends[i] = std::max<int64_t>(end, 0);
    window.readsOutside = window.readsOutside || first < 0 || end > 0;
    numbers.shape[i + 2] = window.kernel[i];
  }
  numbers.values.assign(size_t(elementCount(numbers.shape)), 0);
  size_t from = 0;
  forEachElement(taps.shape, [&](const Extents &at) {
    for (int64_t each = 0; each < classes; ++each) {
      int64_t rest = each;
      std::vector<int64_t> places(factors.size());
      for (size_t i = factors.size(); i-- > 0;) {
        places[i] = floorDivided(rest % factors[i] + at[i + 2] - old.begins[i],
                                 factors[i]) +
                    window.begins[i];
        rest /= factors[i];
      }
      int64_t to = (each * taps.shape[0] + at[0]) * taps.shape[1] + at[1];
      for (size_t i = 0; i < factors.size(); ++i) {
        to = to * window.kernel[i] + places[i];
      }
      numbers.values[size_t(to)] += taps.values[from];
    }
    ++from;
  });
  sum.outputs *= classes;
  if (weights.scale && weights.scale->count() > 1) {
    Constant &scale = *weights.scale;
    const std::vector<double> once = scale.values;
    for (int64_t each = 1; each < classes; ++each) {
      scale.values.insert(scale.values.end(), once.begin(), once.end());
    }
    scale.shape = {scale.count()};
  }
}

static Outcome convolveBy(Direction direction, Lowering &lowering,
                          const Node &node, const Value &input,
                          const Value &kernel, Value &result) {
  Sum sum;
  sum.direction = direction;
  if (Outcome refusal = readGeometry(node, input, kernel, sum)) {
    return refusal;
  }
  Emitter &emitter = lowering.emitter;
  Weights weights = prepareWeights(lowering, kernel, 0, isUniformGrid(input));
  sum.isInteger = weights.isInteger;
  Value x = sum.isInteger ? input : emitter.real(input);
  const std::shared_ptr<const Repetition> repetition =
      input.read.repetition &&
              isOfRepetition(sum, weights, *input.read.repetition)
          ? input.read.repetition
          : nullptr;
  if (repetition) {
    x = repetition->value;
    addTaps(x, repetition->factors, weights, sum);
  }
  sum.x = windowed(emitter, node, x, sum,
                   sum.isInteger ? std::to_string(zeroOf(x)) : "0");
  sum.channelFactors = sum.groups > 1 ? Factors{sum.channels} : sum.x.dims[1];
  const size_t spatial = sum.window.kernel.size();
  sum.weights = addWeights(
      lowering,
      arrangeWeights(weights.numbers, sum.groups, sum.channelFactors, spatial),
      sum.isInteger);
  sum.dims = resultDims(sum);
  result = Value();
  result.dims = sum.dims;
  result.order = channelsLast(input.rank());
  result.isInteger = sum.isInteger;
  result.operations = 1;
  result.read = [sum](const Subscripts &subscripts) {
    return sum.at(subscripts);
  };
  const int64_t perOutput = sum.channels * elementCount(sum.window.kernel);
  if (sum.isInteger) {
    if (Outcome refusal =
            boundSums(weights.numbers, perOutput, sum.x, result)) {
      return refusal;
    }
    result.quantization = scaleOfSums(sum.x, weights, 1, input.rank());
  }
  const int64_t everySo =
      direction == Direction::Forward ? 1 : elementCount(sum.window.strides);
  result = emitter.assign(result, node.name + "_sum");
  addLayer(lowering, node, sum.x, weights, result, perOutput / everySo,
           *kernel.constant);
  if (repetition) {
    result = spreadOut(result, repetition->factors);
  }
  return std::nullopt;
}

Outcome convolve(Lowering &lowering, const Node &node, const Value &x,
                 const Value &weights, Value &result) {
  return convolveBy(Direction::Forward, lowering, node, x, weights, result);
}

Outcome convolveTransposed(Lowering &lowering, const Node &node, const Value &x,
                           const Value &weights, Value &result) {
  const int64_t groups = node.integer("group", 1);
  const bool isWhole = weights.constant && weights.rank() > 2 && groups > 0 &&
                       groups <= weights.extent(0) &&
                       weights.extent(0) % groups == 0;
  return convolveBy(
      Direction::Transposed, lowering, node, x,
      isWhole ? forwardWeights(lowering, weights, groups) : weights, result);
}

} // namespace lpgen::importer::onnx
