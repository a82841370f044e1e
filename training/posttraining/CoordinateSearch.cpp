// Columns of images are contiguous: what one weight changes is a column.
#include "training/posttraining/CoordinateSearch.h"
#include "networks/NetworkSink.h"
#include "training/layers/Loss.h"
#include <algorithm>
#include <cmath>

namespace lpgen::posttraining {

bool IntegerLinear::hasTwoBits() const {
  return std::ranges::all_of(weights,
                             [](int32_t q) { return q >= -2 && q <= 1; });
}

namespace {

/// Takes the layers of a network and keeps the linear ones.
class LinearLayers : public networks::NetworkSink {
public:
  std::vector<IntegerLinear> layers;

  Status addProduct(const std::string &layer, const ConvGeometry &geometry,
                    const networks::ForwardOperands &operands) override {
    if (geometry.kernel != 1 || geometry.outputSize() != geometry.outputs ||
        operands.terms.size() != 1 || !operands.filterScales.empty() ||
        operands.terms[0].input.form != QuantParams::Form::Divided ||
        operands.terms[0].input.followsBatch) {
      return refuse(layer);
    }
    const networks::ForwardTerm &term = operands.terms[0];
    layers.push_back({layer,
                      geometry.reduction(),
                      geometry.outputs,
                      term.input,
                      term.input.scale * term.weight.scale,
                      term.weight.scale,
                      term.weights,
                      {}});
    return Status::success();
  }
  Status addBias(const std::string &layer,
                 std::span<const float> biases) override {
    layers.back().bias.assign(biases.begin(), biases.end());
    return Status::success();
  }
  Status addAffine(const std::string &layer, std::vector<float> gains,
                   std::vector<float> offsets) override {
    return refuse(layer);
  }
  Status addRelu(const std::string &layer) override {
    return Status::success();
  }
  Status addMaxPool(const std::string &layer, int64_t kernel,
                    int64_t stride) override {
    return refuse(layer);
  }
  Status addAveragePool(const std::string &layer, int64_t kernel,
                        int64_t stride) override {
    return refuse(layer);
  }
  void flatten() override {}
  Status addPaddedPixels(const std::string &layer, int64_t stride,
                         int64_t channels) override {
    return refuse(layer);
  }
  Status addBranches(const std::string &layer, const Branch &main,
                     const Branch &shortcut) override {
    return refuse(layer);
  }

private:
  static Status refuse(const std::string &layer) {
    return Status::error("layer '" + layer +
                         "' is not a linear one with learned steps, which is "
                         "what the search takes; remedy: --model mlp "
                         "--policy 'lsq<bits=2>'");
  }
};

int16_t codeOf(const QuantParams &params, float x) {
  return int16_t(std::lrint(std::clamp(x / params.scale, float(params.lowest),
                                       float(params.highest))));
}

} // namespace

Result<std::vector<IntegerLinear>> integerLayersOf(const nn::Layer &network) {
  LinearLayers sink;
  LPGEN_RETURN_IF_ERROR(network.describe(sink));
  for (IntegerLinear &layer : sink.layers) {
    layer.bias.resize(size_t(layer.outputs));
  }
  return sink.layers;
}

CoordinateSearch::CoordinateSearch(std::vector<IntegerLinear> layers,
                                   std::span<const float> pixels,
                                   const std::vector<uint8_t> &labels)
    : network(std::move(layers)), images(int64_t(labels.size())),
      labels(labels), codes(network.size()), sums(network.size()) {
  const IntegerLinear &first = network.front();
  assert(int64_t(pixels.size()) == images * first.inputs && "other images");
  codes[0].resize(pixels.size());
  for (int64_t n = 0; n < images; ++n) {
    for (int64_t k = 0; k < first.inputs; ++k) {
      codes[0][size_t(k * images + n)] =
          codeOf(first.input, pixels[size_t(n * first.inputs + k)]);
    }
  }
  multiply(0);
  forwardBehind(0);
}

std::vector<int16_t>
CoordinateSearch::codesBehind(size_t layer, int64_t output,
                              std::span<const int32_t> sum) const {
  const IntegerLinear &linear = network[layer];
  const QuantParams &behind = network[layer + 1].input;
  std::vector<int16_t> column(sum.size());
  for (size_t n = 0; n < sum.size(); ++n) {
    const float y = float(sum[n]) * linear.scale + linear.bias[size_t(output)];
    column[n] = codeOf(behind, std::max(y, 0.0F));
  }
  return column;
}

/// to[n] += weight x[n]
template <typename Code>
static void addColumn(std::span<const Code> x, int32_t weight, int32_t *to) {
  for (size_t n = 0; n < x.size(); ++n) {
    to[n] += weight * int32_t(x[n]);
  }
}

void CoordinateSearch::multiply(size_t layer) {
  const IntegerLinear &linear = network[layer];
  sums[layer].assign(size_t(linear.outputs * images), 0);
  for (int64_t o = 0; o < linear.outputs; ++o) {
    for (int64_t k = 0; k < linear.inputs; ++k) {
      addColumn(columnOf(codes[layer], k),
                linear.weights[size_t(o * linear.inputs + k)],
                sums[layer].data() + o * images);
    }
  }
}

void CoordinateSearch::forwardBehind(size_t layer) {
  for (; layer + 1 < network.size(); ++layer) {
    codes[layer + 1].clear();
    for (int64_t o = 0; o < network[layer].outputs; ++o) {
      const std::vector<int16_t> column =
          codesBehind(layer, o, columnOf(sums[layer], o));
      codes[layer + 1].insert(codes[layer + 1].end(), column.begin(),
                              column.end());
    }
    multiply(layer + 1);
  }
  present = lossOf(sums.back());
}

double CoordinateSearch::lossOf(const Sums &last) const {
  const IntegerLinear &layer = network.back();
  double sum = 0;
  std::vector<float> scores(size_t(layer.outputs));
  for (int64_t n = 0; n < images; ++n) {
    for (int64_t o = 0; o < layer.outputs; ++o) {
      scores[size_t(o)] = float(last[size_t(o * images + n)]) * layer.scale +
                          layer.bias[size_t(o)];
    }
    const float most = std::ranges::max(scores);
    double total = 0;
    for (const float score : scores) {
      total += std::exp(double(score - most));
    }
    sum += std::log(total) - double(scores[labels[size_t(n)]] - most);
  }
  return sum / double(images);
}

std::vector<int64_t> CoordinateSearch::classes() const {
  const IntegerLinear &layer = network.back();
  nn::FloatTensor scores({1, layer.outputs});
  std::vector<int64_t> found;
  for (int64_t n = 0; n < images; ++n) {
    for (int64_t o = 0; o < layer.outputs; ++o) {
      scores[o] = float(sums.back()[size_t(o * images + n)]) * layer.scale +
                  layer.bias[size_t(o)];
    }
    found.push_back(nn::greatestClass(scores, 0));
  }
  return found;
}

bool CoordinateSearch::follow(size_t layer, int64_t output,
                              std::span<const int32_t> changed,
                              Sums &last) const {
  if (layer + 1 == network.size()) {
    std::ranges::copy(changed, last.begin() + output * images);
    return true;
  }
  // Differences of the codes of one unit, then of all units that follow.
  struct Unit {
    int64_t number;
    std::vector<int32_t> difference;
  };
  const auto differenceOf = [&](size_t l, int64_t o,
                                std::span<const int32_t> sum) {
    const std::vector<int16_t> now = codesBehind(l, o, sum);
    std::vector<int32_t> difference(now.size());
    for (size_t n = 0; n < now.size(); ++n) {
      difference[n] = now[n] - codes[l + 1][size_t(o * images) + n];
    }
    return difference;
  };
  const auto isNothing = [](const std::vector<int32_t> &difference) {
    return std::ranges::all_of(difference, [](int32_t d) { return d == 0; });
  };
  std::vector<Unit> units = {{output, differenceOf(layer, output, changed)}};
  for (size_t l = layer + 1;; ++l) {
    std::erase_if(units,
                  [&](const Unit &unit) { return isNothing(unit.difference); });
    if (units.empty()) {
      return false;
    }
    const IntegerLinear &next = network[l];
    const bool isLast = l + 1 == network.size();
    std::vector<Unit> behind;
    for (int64_t o = 0; o < next.outputs; ++o) {
      std::vector<int32_t> sum(sums[l].begin() + o * images,
                               sums[l].begin() + (o + 1) * images);
      for (const Unit &unit : units) {
        addColumn(std::span<const int32_t>(unit.difference),
                  next.weights[size_t(o * next.inputs + unit.number)],
                  sum.data());
      }
      if (isLast) {
        std::ranges::copy(sum, last.begin() + o * images);
      } else {
        behind.push_back({o, differenceOf(l, o, sum)});
      }
    }
    if (isLast) {
      return true;
    }
    units = std::move(behind);
  }
}

double CoordinateSearch::lossWith(size_t layer, int64_t output, int64_t input,
                                  int32_t code) {
  const IntegerLinear &linear = network[layer];
  std::vector<int32_t> sum(sums[layer].begin() + output * images,
                           sums[layer].begin() + (output + 1) * images);
  addColumn(columnOf(codes[layer], input),
            code - linear.weights[size_t(output * linear.inputs + input)],
            sum.data());
  Sums last = sums.back();
  return follow(layer, output, sum, last) ? lossOf(last) : present;
}

void CoordinateSearch::change(size_t layer, int64_t output, int64_t input,
                              int32_t code) {
  IntegerLinear &linear = network[layer];
  int32_t &weight = linear.weights[size_t(output * linear.inputs + input)];
  addColumn(columnOf(codes[layer], input), code - weight,
            sums[layer].data() + output * images);
  weight = code;
  forwardBehind(layer);
}

int64_t CoordinateSearch::makeTernary(size_t layer) {
  int64_t clipped = 0;
  for (int32_t &weight : network[layer].weights) {
    const int32_t ternary = std::clamp(weight, -1, 1);
    clipped += ternary != weight ? 1 : 0;
    weight = ternary;
  }
  multiply(layer);
  forwardBehind(layer);
  return clipped;
}

CoordinateSearch::Sweep CoordinateSearch::sweep(size_t layer,
                                                const nn::RandomKey &random) {
  Sweep done;
  const IntegerLinear &linear = network[layer];
  for (const int64_t i : random.permutation(int64_t(linear.weights.size()))) {
    const int32_t weight = linear.weights[size_t(i)];
    int32_t best = weight;
    double least = present;
    for (int32_t code = -1; code <= 1; ++code) {
      if (code == weight) {
        continue;
      }
      ++done.tried;
      const double loss =
          lossWith(layer, i / linear.inputs, i % linear.inputs, code);
      if (loss < least) {
        least = loss;
        best = code;
      }
    }
    if (best != weight) {
      ++done.changed;
      change(layer, i / linear.inputs, i % linear.inputs, best);
    }
  }
  return done;
}

} // namespace lpgen::posttraining
