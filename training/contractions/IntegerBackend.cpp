// Round, multiply; input and weights stay rounded from forward to backward.
#include "training/contractions/IntegerBackend.h"
#include "training/contractions/AccumulatorPlan.h"
#include <algorithm>

namespace lpgen::quant {

using nn::Product;

Status IntegerBackend::quantize(Quantizer &quantizer, const nn::FloatTensor &x,
                                const nn::StepContext &context, IntTensor &q) {
  double statistics = 0;
  double all = 0;
  Status status;
  {
    const nn::TimeAdder timer(all);
    status = quantizer.quantize(x, context, q, statistics);
  }
  seconds.statistics += statistics;
  seconds.quantize += all - statistics;
  return status;
}

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

std::vector<nn::AccumulatorReport> IntegerBackend::reportAccumulators() const {
  std::vector<nn::AccumulatorReport> reports;
  for (size_t i = 0; accumulator && i < sums.size(); ++i) {
    reports.push_back(sums[i]);
    reports.back().wrapped = conv.wrappedSums(Product(i));
  }
  return reports;
}

Status IntegerBackend::forward(const nn::FloatTensor &x,
                               const nn::FloatTensor &weight,
                               nn::FloatTensor &y,
                               const nn::StepContext &context) {
  LPGEN_RETURN_IF_ERROR(quantize(*quantizers.weight, weight, context, weights));
  LPGEN_RETURN_IF_ERROR(quantize(*quantizers.input, x, context, input));
  narrow(Product::Forward, input, weights, x.extent(0));
  if (context.isTraining()) {
    count(x.extent(0), *quantizers.input, *quantizers.weight);
  }
  const nn::TimeAdder timer(seconds.products[size_t(Product::Forward)]);
  return conv.forward(input, weights, y, context);
}

Status IntegerBackend::backward(const nn::FloatTensor &x,
                                const nn::FloatTensor &weight,
                                const nn::FloatTensor &dy,
                                nn::FloatTensor *dWeight, nn::FloatTensor *dx,
                                const nn::StepContext &context) {
  LPGEN_RETURN_IF_ERROR(quantize(*quantizers.gradient, dy, context, gradient));
  if (dx) {
    count(x.extent(0), *quantizers.gradient, *quantizers.weight);
    narrow(Product::InputGradient, gradient, weights, x.extent(0));
    const nn::TimeAdder timer(seconds.products[size_t(Product::InputGradient)]);
    LPGEN_RETURN_IF_ERROR(conv.inputGradient(gradient, weights, *dx, context));
  }
  if (dWeight) {
    count(x.extent(0), *quantizers.gradient, *quantizers.input);
    narrow(Product::WeightGradient, gradient, input, x.extent(0));
    const nn::TimeAdder timer(
        seconds.products[size_t(Product::WeightGradient)]);
    LPGEN_RETURN_IF_ERROR(
        conv.weightGradient(input, gradient, *dWeight, context));
  }
  return Status::success();
}

void IntegerBackend::visitState(nn::StateVisitor &visitor) {
  quantizers.input->visitState(visitor);
  quantizers.weight->visitState(visitor);
  quantizers.gradient->visitState(visitor);
  visitWork(visitor, quantizers.input->report().tensor);
}

Result<networks::ForwardOperands> IntegerBackend::forwardOperands() const {
  const std::optional<QuantParams> x = quantizers.input->quantParams();
  if (!x) {
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
  term.weight = {-weights.max(), weights.max(), weights.scale()};
  term.weights = weights.codes();
  return networks::ForwardOperands{{std::move(term)}, {}, std::nullopt};
}

std::vector<nn::TensorReport> IntegerBackend::reportTensors() const {
  return {quantizers.input->report(), quantizers.weight->report(),
          quantizers.gradient->report()};
}

} // namespace lpgen::quant
