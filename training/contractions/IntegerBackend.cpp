// Round, multiply; input and weights stay rounded from forward to backward.
#include "training/contractions/IntegerBackend.h"
#include "training/contractions/AccumulatorPlan.h"
#include "training/contractions/TimedQuantizer.h"
#include <algorithm>

namespace lpgen::quant {

using nn::Product;

void IntegerBackend::narrow(Product product, const IntTensor &a,
                            const IntTensor &b, int64_t images) {
  if (!accumulator) {
    return;
  }
  const int64_t terms = reductionLengths(geometry, images)[size_t(product)];
  const int bits =
      accumulator->width == nn::IntegerAccumulator::Width::Exact
          ? exactAccumulatorBits(terms, a.max(), b.max())
          : statisticalAccumulatorBits(terms, momentsOf(a), momentsOf(b),
                                       accumulator->sigmas);
  nn::AccumulatorReport &report = sums[size_t(product)];
  report.bits = std::clamp(bits + accumulator->extraBits, 2, 64);
  conv.setSumBits(product, report.bits);
  const std::array<int64_t, 3> sizes = {
      images * geometry.outputSize(), images * geometry.inputSize(),
      geometry.outputs * geometry.reduction()};
  report.sums += sizes[size_t(product)];
}

Status IntegerBackend::useAccumulators(const nn::AccumulatorRules &rules) {
  if (!quantizers.gradient) {
    return ContractionBackend::useAccumulators(rules);
  }
  accumulator = rules.integers;
  return Status::success();
}

void IntegerBackend::count(int64_t images, const Quantizer &a,
                           const Quantizer &b) {
  if (quantizers.gradient) { // Networks that multiply floats, too, count none.
    done.add(double(images) * double(geometry.macs()), a.report().bits,
             b.report().bits);
  }
}

/// y[.., o] *= scales[o]
static void scaleOutputs(std::span<const float> scales,
                         const nn::StepContext &context, nn::FloatTensor &y) {
  const auto channels = int64_t(scales.size());
  nn::forEachPart(context, y.size() / channels, [&](int, TaskRange rows) {
    for (int64_t i = rows.begin * channels; i < rows.end * channels; ++i) {
      y[i] *= scales[size_t(i % channels)];
    }
  });
}

Status IntegerBackend::forward(const nn::FloatTensor &x,
                               const nn::FloatTensor &weight,
                               nn::FloatTensor &y,
                               const nn::StepContext &context) {
  LPGEN_RETURN_IF_ERROR(
      quantizeTimed(*quantizers.weight, weight, context, weights, seconds));
  LPGEN_RETURN_IF_ERROR(
      quantizeTimed(*quantizers.input, x, context, input, seconds));
  narrow(Product::Forward, input, weights, x.extent(0));
  if (context.isTraining()) {
    count(x.extent(0), *quantizers.input, *quantizers.weight);
  }
  const nn::TimeAdder timer(seconds.products[size_t(Product::Forward)]);
  LPGEN_RETURN_IF_ERROR(conv.forward(input, weights, y, context));
  if (const auto scales = quantizers.weight->filterScales(); !scales.empty()) {
    scaleOutputs(scales, context, y);
  }
  return Status::success();
}

Status IntegerBackend::integerGradients(const nn::FloatTensor &dy,
                                        int64_t images,
                                        nn::FloatTensor *dWeight,
                                        nn::FloatTensor *dx,
                                        const nn::StepContext &context) {
  LPGEN_RETURN_IF_ERROR(
      quantizeTimed(*quantizers.gradient, dy, context, gradient, seconds));
  if (dx) {
    count(images, *quantizers.gradient, *quantizers.weight);
    narrow(Product::InputGradient, gradient, weights, images);
    const nn::TimeAdder timer(seconds.products[size_t(Product::InputGradient)]);
    LPGEN_RETURN_IF_ERROR(conv.inputGradient(gradient, weights, *dx, context));
  }
  if (dWeight) {
    count(images, *quantizers.gradient, *quantizers.input);
    narrow(Product::WeightGradient, gradient, input, images);
    const nn::TimeAdder timer(
        seconds.products[size_t(Product::WeightGradient)]);
    LPGEN_RETURN_IF_ERROR(
        conv.weightGradient(input, gradient, *dWeight, context));
  }
  return Status::success();
}

/// scale * q in the shape of `like`.
static void decode(const IntTensor &q, const nn::FloatTensor &like,
                   const nn::StepContext &context, nn::FloatTensor &values) {
  values.resize(like.shape());
  q.visit([&](const auto *codes) {
    nn::forEachPart(context, q.size(), [&](int, TaskRange range) {
      for (int64_t i = range.begin; i < range.end; ++i) {
        values[i] = float(codes[i]) * q.scale();
      }
    });
  });
}

Status IntegerBackend::floatGradients(const nn::FloatTensor &x,
                                      const nn::FloatTensor &weight,
                                      const nn::FloatTensor &dy,
                                      nn::FloatTensor &dWeight,
                                      nn::FloatTensor &dx,
                                      const nn::StepContext &context) {
  {
    const nn::TimeAdder timer(seconds.quantize);
    decode(input, x, context, inputValues);
    decode(weights, weight, context, weightValues);
    const auto scales = quantizers.weight->filterScales();
    for (int64_t i = 0; !scales.empty() && i < weight.size(); ++i) {
      weightValues[i] *= scales[size_t(i / weight.sliceSize())];
    }
  }
  dx.resize(x.shape());
  dWeight.resize(weight.shape());
  LPGEN_RETURN_IF_ERROR(floats.backward(*inputOfGradient(&inputValues, context),
                                        weightValues, dy, &dWeight, &dx,
                                        context));
  for (const Product product :
       {Product::InputGradient, Product::WeightGradient}) {
    seconds.products[size_t(product)] =
        floats.times().products[size_t(product)];
  }
  return Status::success();
}

Status IntegerBackend::backward(const nn::FloatTensor &x,
                                const nn::FloatTensor &weight,
                                const nn::FloatTensor &dy,
                                nn::FloatTensor *dWeight, nn::FloatTensor *dx,
                                const nn::StepContext &context) {
  if (quantizers.gradient) {
    LPGEN_RETURN_IF_ERROR(
        integerGradients(dy, x.extent(0), dWeight, dx, context));
  } else {
    // What is learned of the input needs dx even where no layer does, what is
    // learned of the weights dWeight.
    dx = dx ? dx : &unwantedGradient;
    dWeight = dWeight ? dWeight : &unwantedWeightGradient;
    LPGEN_RETURN_IF_ERROR(
        floatGradients(x, weight, dy, *dWeight, *dx, context));
  }
  const nn::TimeAdder timer(seconds.quantize);
  if (dx) {
    quantizers.input->backward(x, context, *dx);
  }
  if (dWeight) {
    quantizers.weight->backward(weight, context, *dWeight);
  }
  return Status::success();
}

void IntegerBackend::visitParameters(
    const std::function<void(nn::Parameter &)> &visit) {
  quantizers.input->visitParameters(visit);
  quantizers.weight->visitParameters(visit);
}

void IntegerBackend::visitState(nn::StateVisitor &visitor) {
  quantizers.input->visitState(visitor);
  quantizers.weight->visitState(visitor);
  if (quantizers.gradient) {
    quantizers.gradient->visitState(visitor);
    visitWork(visitor, quantizers.input->report().tensor);
  }
}

Result<networks::ForwardOperands> IntegerBackend::forwardOperands() const {
  const std::optional<QuantParams> x = quantizers.input->quantParams();
  const std::optional<QuantParams> w = quantizers.weight->quantParams();
  if (!x || !w) {
    return Status::error("its input has no scale before the first step of "
                         "training");
  }
  if (accumulator) {
    return Status::error("its sums wrap as 'accumulators' says, those of "
                         "kernels do not");
  }
  networks::ForwardTerm term;
  term.channels = geometry.channels;
  term.input = *x;
  term.weight = *w;
  // Weights have codes of both signs, whatever signs training has seen.
  term.weight.lowest = std::min(w->lowest, -w->highest);
  term.weight.scale = weights.scale();
  term.weight.followsBatch = false;
  term.weights = weights.codes();
  const auto scales = quantizers.weight->filterScales();
  networks::ForwardOperands operands;
  operands.terms.push_back(std::move(term));
  operands.filterScales.assign(scales.begin(), scales.end());
  return operands;
}

nn::BackendReport IntegerBackend::report() const {
  nn::BackendReport report = startReport();
  report.tensors = {quantizers.input->report(), quantizers.weight->report()};
  if (quantizers.gradient) {
    report.tensors.push_back(quantizers.gradient->report());
  } else {
    report.implementations = floats.report().implementations;
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    if (Product(i) == Product::Forward || quantizers.gradient) {
      report.implementations[i] = conv.kernelOf(Product(i));
    }
    if (accumulator) {
      report.accumulators.push_back(sums[i]);
      report.accumulators.back().wrapped = conv.wrappedSums(Product(i));
    }
  }
  return report;
}

} // namespace lpgen::quant
