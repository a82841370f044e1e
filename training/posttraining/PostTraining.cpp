// Two passes over the calibration images, see PostTraining.h.
#include "training/posttraining/PostTraining.h"
#include "training/posttraining/BiasCorrection.h"
#include "training/posttraining/Equalization.h"
#include "training/posttraining/FilterIntegers.h"
#include "training/posttraining/InputMoments.h"
#include "training/posttraining/PointOrder.h"
#include <algorithm>
#include <cmath>

namespace lpgen::posttraining {

/// Output pixels that rounding looks at: many times the weights of a filter.
static constexpr int64_t momentRows = 8192;
/// Scales of neighbours depend on each other; this often they are all but
/// still.
static constexpr int equalizations = 10;

/// Mean of sum p log(p / q), p and q the probabilities of each image.
static double meanDivergenceOf(const nn::FloatTensor &wanted,
                               const nn::FloatTensor &found) {
  const int64_t classes = wanted.extent(wanted.shape().size() - 1);
  const int64_t images = wanted.size() / classes;
  const auto logSum = [&](const float *row) {
    const float max = *std::max_element(row, row + classes);
    double sum = 0;
    for (int64_t c = 0; c < classes; ++c) {
      sum += std::exp(double(row[c]) - double(max));
    }
    return double(max) + std::log(sum);
  };
  double total = 0;
  for (int64_t i = 0; i < images; ++i) {
    const float *p = wanted.data() + i * classes;
    const float *q = found.data() + i * classes;
    const double pSum = logSum(p);
    const double qSum = logSum(q);
    for (int64_t c = 0; c < classes; ++c) {
      const double logP = double(p[c]) - pSum;
      total += std::exp(logP) * (logP - (double(q[c]) - qSum));
    }
  }
  return total / double(images);
}

void PostTraining::equalizeLayers() {
  std::vector<CalibratedLayer> &layers = net->layers();
  for (int round = 0; round < equalizations; ++round) {
    for (CalibratedLayer &layer : layers) {
      if (layer.before >= 0) {
        const CalibratedLayer &first = layers[size_t(layer.before)];
        equalize(first.geometry().outputs, first.weight->value.values(),
                 first.offset->value.values(), layer.weight->value.values());
      }
    }
  }
}

Result<PostTraining> PostTraining::calibrate(CalibratedNetwork &network,
                                             const Methods &methods) {
  PostTraining made(network, methods);
  if (methods.equalizes) {
    made.equalizeLayers();
  }
  std::vector<CalibratedLayer> &layers = network.layers();
  made.references.resize(layers.size());
  const nn::StepContext context = network.context();
  for (size_t i = 0; i < layers.size(); ++i) {
    Reference &reference = made.references[i];
    const auto offsets = layers[i].offset->value.values();
    reference.offsets.assign(offsets.begin(), offsets.end());
    layers[i].backend->watch(
        [&reference, &context](const nn::FloatTensor &x) {
          reference.input.emplace(x.values(), context);
        },
        [&reference, &context,
         channels = layers[i].geometry().outputs](const nn::FloatTensor &y) {
          reference.means = channelMeans(y, channels, context);
          reference.product = y;
        });
  }
  network.use(Arithmetic::Float);
  const Status status = network.runCalibration(made.scores);
  for (const CalibratedLayer &layer : layers) {
    layer.backend->watch({}, {});
  }
  LPGEN_RETURN_IF_ERROR(status);
  return made;
}

void PostTraining::quantizeLayer(size_t index, LayerWidths widths,
                                 const nn::FloatTensor &x) {
  const CalibratedLayer &layer = net->layers()[index];
  LayerIntegers integers;
  integers.inputBits = widths.input;
  integers.weightBits = widths.weight;
  integers.input =
      activationGrid(*references[index].input, widths.input, methods.ranges);
  nn::FloatTensor moments;
  if (methods.learnsRounding) {
    quant::IntTensor codes;
    // What is no number is found by the product.
    (void)encodeInput(x, integers.input, net->context(), codes);
    nn::FloatTensor values(x.shape());
    codes.visit([&](const auto *q) {
      for (int64_t i = 0; i < x.size(); ++i) {
        values[i] = float(q[i]) * integers.input.scale;
      }
    });
    moments =
        columnMoments(values, layer.geometry(), momentRows, net->context());
  }
  integers.points =
      filterIntegers(layer.weight->value, widths.weight, methods, moments);
  layer.backend->setIntegers(std::move(integers));
}

void PostTraining::finishLayer(size_t index, const nn::FloatTensor &y) {
  const Reference &reference = references[index];
  const CalibratedLayer &layer = net->layers()[index];
  const int64_t channels = layer.geometry().outputs;
  std::vector<double> shift(size_t(channels), 0.0);
  if (methods.correctsBias) {
    const std::vector<double> means = channelMeans(y, channels, net->context());
    correctBias(reference.offsets, reference.means, means,
                layer.offset->value.values());
    for (size_t c = 0; c < shift.size(); ++c) {
      shift[c] = reference.means[c] - means[c];
    }
  }
  double errors = 0;
  double power = 0;
  for (int64_t i = 0; i < y.size(); ++i) {
    const auto c = size_t(i % channels);
    const double wanted = double(reference.product[i]);
    const double error = double(y[i]) + shift[c] - wanted;
    const double rest = wanted - reference.means[c];
    errors += error * error;
    power += rest * rest;
  }
  found[index].outputError = power > 0 ? errors / power : 0;
  const std::vector<WeightPoint> &points = layer.backend->integers()->points;
  const int64_t length = layer.weight->value.sliceSize();
  for (int64_t o = 0; points.size() > 1 && o < channels; ++o) {
    const auto row = points[1].codes.begin() + o * length;
    found[index].pointFilters +=
        std::any_of(row, row + length, [](int32_t q) { return q != 0; }) ? 1
                                                                         : 0;
  }
}

void PostTraining::orderFilters() {
  std::vector<CalibratedLayer> &layers = net->layers();
  for (CalibratedLayer &layer : layers) {
    if (layer.before < 0) {
      continue;
    }
    const CalibratedLayer &first = layers[size_t(layer.before)];
    LayerIntegers before = *first.backend->integers();
    LayerIntegers after = *layer.backend->integers();
    orderByPoints(before, first.offset->value.values(), after);
    first.backend->setIntegers(std::move(before));
    layer.backend->setIntegers(std::move(after));
  }
}

Widths PostTraining::uniformWidths(LayerWidths inner, int ends) const {
  Widths widths;
  for (const CalibratedLayer &layer : net->layers()) {
    const bool isInner = layer.spec().place == nn::LayerPlace::Inner;
    widths.push_back(isInner ? inner : LayerWidths{ends, ends});
  }
  return widths;
}

Result<Widths> PostTraining::widthsUnder(const Budget &budget, int ends) {
  WidthProblem problem;
  for (const CalibratedLayer &layer : net->layers()) {
    const auto macs = double(layer.geometry().macs());
    const bool isInner = layer.spec().place == nn::LayerPlace::Inner;
    problem.macs.push_back(macs);
    problem.isChosen.push_back(isInner);
    problem.budget +=
        macs * (isInner ? budget.amount * budget.amount : double(ends) * ends);
  }
  if (budget.unit == Budget::Unit::BitOperations) {
    problem.budget = budget.amount;
  }
  const Methods wanted = methods;
  methods.learnsRounding = false;
  methods.points = 1;
  problem.loss = [this](const Widths &widths) -> Result<double> {
    LPGEN_RETURN_IF_ERROR(quantize(widths));
    return divergence();
  };
  Result<Widths> widths = chooseWidths(problem, uniformWidths({}, ends));
  methods = wanted;
  return widths;
}

Status PostTraining::quantize(const Widths &widths) {
  std::vector<CalibratedLayer> &layers = net->layers();
  assert(widths.size() == layers.size() && "widths of each layer");
  found.assign(layers.size(), {});
  for (size_t i = 0; i < layers.size(); ++i) {
    std::ranges::copy(references[i].offsets, layers[i].offset->value.data());
    layers[i].backend->watch(
        [this, i, width = widths[i]](const nn::FloatTensor &x) {
          quantizeLayer(i, width, x);
        },
        [this, i](const nn::FloatTensor &y) { finishLayer(i, y); });
  }
  net->use(Arithmetic::Emulated);
  nn::FloatTensor rounded;
  const Status status = net->runCalibration(rounded);
  for (const CalibratedLayer &layer : layers) {
    layer.backend->watch({}, {});
  }
  LPGEN_RETURN_IF_ERROR(status);
  meanDivergence = meanDivergenceOf(scores, rounded);
  orderFilters();
  net->use(Arithmetic::Integer);
  return Status::success();
}

double PostTraining::bitOperations() const {
  double sum = 0;
  for (const CalibratedLayer &layer : net->layers()) {
    const LayerIntegers &integers = *layer.backend->integers();
    sum += double(layer.geometry().macs()) * integers.inputBits *
           integers.weightBits * integers.filtersOfOne();
  }
  return sum;
}

double PostTraining::weightBytes() const {
  double bits = 0;
  for (const CalibratedLayer &layer : net->layers()) {
    const LayerIntegers &integers = *layer.backend->integers();
    bits += double(layer.weight->value.size()) * integers.weightBits *
            integers.filtersOfOne();
  }
  return bits / 8;
}

} // namespace lpgen::posttraining
