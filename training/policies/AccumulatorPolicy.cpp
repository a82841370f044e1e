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

  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    Result<std::unique_ptr<nn::ContractionBackend>> backend =
        base->makeBackend(layer);
    LPGEN_RETURN_IF_ERROR(backend.status());
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
    if (const Status status = (*backend)->useAccumulators(rules);
        !status.ok()) {
      return Status::error(status.message() + "; combine 'accumulators' with " +
                           policiesWith(NarrowsSums));
    }
    return backend;
  }

private:
  AccumulatorOptions options;
  int64_t batchSize;
};

} // namespace

static Result<std::unique_ptr<Policy>> extend(std::unique_ptr<Policy> base,
                                              const PolicyOptions &options,
                                              const PolicyContext &context) {
  AccumulatorOptions sums;
  sums.offset = int(options.whole("offset"));
  sums.chunk = options.whole("chunk");
  sums.adder = options.choice("adder") == 0
                   ? nn::FloatAccumulator::Adder::Truncating
                   : nn::FloatAccumulator::Adder::Nearest;
  sums.productMantissa = int(options.whole("product-mantissa"));
  sums.integers = {options.choice("integers") == 0
                       ? nn::IntegerAccumulator::Width::Statistical
                       : nn::IntegerAccumulator::Width::Exact,
                   sums.offset, options.number("sigmas")};
  return std::unique_ptr<Policy>(std::make_unique<AccumulatorPolicy>(
      std::move(base), sums, context.batchSize));
}

static constexpr PolicyOption options[] = {
    PolicyOption::whole("offset", 0, -20, 20),
    PolicyOption::whole("chunk", 0, 0, 1 << 20),
    PolicyOption::choice("adder", "truncating|nearest"),
    PolicyOption::whole("product-mantissa",
                        AccumulatorOptions().productMantissa, 1, 23),
    PolicyOption::choice("integers", "statistical|exact"),
    PolicyOption::number("sigmas", nn::IntegerAccumulator().sigmas, 1, 100)};
extern const ExtensionKind accumulators = {
    "accumulators", "sums no wider than planned; emulated",
    PlainSteps,     options,
    "float32",      extend};

} // namespace lpgen::train
