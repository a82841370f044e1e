// accumulators: sums no wider than planned, on top of another policy.
//
// Float sums have the mantissa that the variance-retention analysis (Sakr et
// al. 2019, arXiv 1901.06588) finds for the length of each product; integer
// sums the bits of the exact bound or of the moments of their operands, and
// wrap beyond. `offset` makes either narrower or wider than planned.
#include "training/contractions/AccumulatorPlan.h"
#include "training/policies/Policies.h"

namespace lpgen::train {

namespace {

struct AccumulatorOptions {
  int offset = 0;
  int64_t chunk = 0;
  nn::FloatAccumulator::Adder adder = nn::FloatAccumulator::Adder::Truncating;
  int productMantissa = 5;
  nn::IntegerAccumulator integers;
};

class AccumulatorPolicy : public PolicyExtension {
public:
  AccumulatorPolicy(std::unique_ptr<Policy> base,
                    const AccumulatorOptions &options, int64_t batchSize)
      : PolicyExtension(std::move(base)), options(options),
        batchSize(batchSize) {}

  Result<std::unique_ptr<nn::Products>>
  makeProducts(const nn::LayerSpec &layer) override {
    Result<std::unique_ptr<nn::Products>> products = base->makeProducts(layer);
    LPGEN_RETURN_IF_ERROR(products.status());
    nn::AccumulatorRules rules;
    const std::array<int64_t, 3> lengths =
        quant::reductionLengths(layer.geometry, batchSize);
    for (size_t product = 0; product < lengths.size(); ++product) {
      const int mantissa = quant::plannedMantissa(
          layer.place, options.productMantissa, lengths[product], options.chunk,
          options.offset);
      rules.floats[product] = {options.adder, mantissa, options.productMantissa,
                               options.chunk};
    }
    rules.integers = options.integers;
    if (const Status status = (*products)->useAccumulators(rules);
        !status.ok()) {
      return Status::error(status.message() + "; combine 'accumulators' with " +
                           narrowingPolicies());
    }
    return products;
  }

private:
  AccumulatorOptions options;
  int64_t batchSize;
};

} // namespace

Result<std::unique_ptr<Policy>>
extendByAccumulators(std::unique_ptr<Policy> base, PolicyText &text,
                     const PolicyContext &context) {
  AccumulatorOptions options;
  const Result<int64_t> offset = text.integer("offset", 0, -20, 20);
  LPGEN_RETURN_IF_ERROR(offset.status());
  const Result<int64_t> chunk = text.integer("chunk", 0, 0, 1 << 20);
  LPGEN_RETURN_IF_ERROR(chunk.status());
  const Result<int> adder = text.choice("adder", {"truncating", "nearest"});
  LPGEN_RETURN_IF_ERROR(adder.status());
  const Result<int64_t> mantissa =
      text.integer("product-mantissa", options.productMantissa, 1, 23);
  LPGEN_RETURN_IF_ERROR(mantissa.status());
  const Result<int> width = text.choice("integers", {"statistical", "exact"});
  LPGEN_RETURN_IF_ERROR(width.status());
  const Result<double> sigmas =
      text.number("sigmas", options.integers.sigmas, 1, 100);
  LPGEN_RETURN_IF_ERROR(sigmas.status());
  LPGEN_RETURN_IF_ERROR(text.finish());
  options.offset = int(*offset);
  options.chunk = *chunk;
  options.adder = *adder == 0 ? nn::FloatAccumulator::Adder::Truncating
                              : nn::FloatAccumulator::Adder::Nearest;
  options.productMantissa = int(*mantissa);
  options.integers = {*width == 0 ? nn::IntegerAccumulator::Width::Statistical
                                  : nn::IntegerAccumulator::Width::Exact,
                      options.offset, *sigmas};
  return std::unique_ptr<Policy>(std::make_unique<AccumulatorPolicy>(
      std::move(base), options, context.batchSize));
}

} // namespace lpgen::train
