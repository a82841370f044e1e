// pfq: widths that grow when the training loss stops falling (progressive
// fractional quantization of FracTrain, Fu et al. 2020, arXiv 2012.13113); and
// static, the same with a fixed width.
//
// Forward 3, 4, 6, 8 bits and backward 6, 6, 8, 8 in four stages; scales are
// per tensor and symmetric, gradients are rounded stochastically. The first and
// the last layer have 8 bits throughout.
#include "training/contractions/IntegerBackend.h"
#include "training/policies/Policies.h"
#include "training/policies/ProgressIndicator.h"
#include "training/quantizers/RangeQuantizer.h"
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace lpgen::train {

namespace {

struct Stage {
  int forward; ///< Bits.
  int backward;
  double latest = 0; ///< Part of the run after which it begins in any case.
};
constexpr std::array<Stage, 4> pfqStages = {
    {{3, 6}, {4, 6, 0.3}, {6, 8, 0.6}, {8, 8, 0.8}}};
constexpr int endBits = 8; ///< Of the first and the last layer.
/// The indicator sees so many losses of a run, if nothing else is asked for.
constexpr int64_t periodsOfRun = 64;

class StagedPolicy : public Policy {
public:
  /// The indicator sees the mean loss of `period` steps.
  StagedPolicy(std::vector<Stage> stages, const ProgressIndicator &indicator,
               int64_t period, const PolicyContext &context)
      : stages(std::move(stages)), indicator(indicator), period(period),
        totalSteps(context.totalSteps), kernels(context.kernels) {}

  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    const bool isInner = layer.place == nn::LayerPlace::Inner;
    const auto make = [&](const char *tensor, int Stage::*bits,
                          quant::Rounding rounding) {
      auto quantizer = std::make_unique<quant::RangeQuantizer>(
          layer.name + tensor, isInner ? stages[size_t(stage)].*bits : endBits,
          rounding);
      if (isInner) {
        inner.emplace_back(quantizer.get(), bits);
      }
      return quantizer;
    };
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<quant::IntegerBackend>(
            layer.geometry,
            quant::LayerQuantizers{
                make(".input", &Stage::forward, quant::Rounding::Nearest),
                make(".weight", &Stage::forward, quant::Rounding::Nearest),
                make(".gradient", &Stage::backward,
                     quant::Rounding::Stochastic)},
            *kernels));
  }
  void afterStep(double loss, const nn::StepContext &context) override {
    if (stage + 1 == int64_t(stages.size())) {
      return;
    }
    if (hasStalled(loss)) {
      beginNext();
    } else if (double(context.step + 1) >=
               stages[size_t(stage + 1)].latest * double(totalSteps)) {
      indicator.turn();
      beginNext();
    }
  }
  void visitState(nn::StateVisitor &visitor) override {
    visitor.visitFrom<int64_t>("pfq.stage", stage, 0,
                               int64_t(stages.size()) - 1);
    visitor.visit("pfq.lossSum", lossSum);
    visitor.visit("pfq.numLosses", numLosses);
    indicator.visitState(visitor);
    useStage();
  }

private:
  bool hasStalled(double loss) {
    lossSum += loss;
    if (++numLosses < period) {
      return false;
    }
    const double mean = lossSum / double(numLosses);
    lossSum = 0;
    numLosses = 0;
    return indicator.hasStalled(mean);
  }
  void beginNext() {
    ++stage;
    useStage();
  }
  void useStage() {
    for (const auto &[quantizer, bits] : inner) {
      quantizer->setBits(stages[size_t(stage)].*bits);
    }
  }

  std::vector<Stage> stages;
  ProgressIndicator indicator;
  int64_t period;
  int64_t totalSteps;
  double lossSum = 0; ///< Since the indicator saw a mean.
  int64_t numLosses = 0;
  KernelProvider *kernels;
  int64_t stage = 0;
  /// The quantizers of inner layers, which the network owns, and which width of
  /// a stage is theirs.
  std::vector<std::pair<quant::RangeQuantizer *, int Stage::*>> inner;
};

} // namespace

static Result<std::unique_ptr<Policy>> makePfq(const PolicyOptions &options,
                                               const PolicyContext &context) {
  const int64_t period =
      options.isGiven("period")
          ? options.whole("period")
          : std::max<int64_t>(1, context.totalSteps / periodsOfRun);
  return std::unique_ptr<Policy>(std::make_unique<StagedPolicy>(
      std::vector<Stage>(pfqStages.begin(), pfqStages.end()),
      ProgressIndicator(options.number("epsilon"), options.number("decay")),
      period, context));
}

static constexpr PolicyOption pfqOptions[] = {
    PolicyOption::number("epsilon", 0.03, 0, 1),
    PolicyOption::number("decay", 0.3, 0, 1),
    PolicyOption::whole("period", 0, 1, 1000000, "RUN/64")};
extern const PolicyKind pfqPolicy = {
    "pfq", "widths of all tensors that grow in stages", Exports | NarrowsSums,
    pfqOptions, makePfq};

static Result<std::unique_ptr<Policy>>
makeStatic(const PolicyOptions &options, const PolicyContext &context) {
  return std::unique_ptr<Policy>(std::make_unique<StagedPolicy>(
      std::vector<Stage>{
          {int(options.whole("bits")), int(options.whole("gradient-bits"))}},
      ProgressIndicator(0, 0), 1, context));
}

static constexpr PolicyOption staticOptions[] = {
    PolicyOption::whole("bits", 8, 2, 16),
    PolicyOption::whole("gradient-bits", 8, 2, 16)};
extern const PolicyKind staticPolicy = {
    "static", "fixed bit widths of all tensors",
    Exports | NarrowsSums | PlainSteps, staticOptions, makeStatic};

} // namespace lpgen::train
