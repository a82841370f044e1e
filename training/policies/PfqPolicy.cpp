// pfq: widths that grow when the training loss stops falling (progressive
// fractional quantization of FracTrain, Fu et al. 2020, arXiv 2012.13113); and
// static, the same with one width for all time.
//
// Forward 3, 4, 6, 8 bits and backward 6, 6, 8, 8 in four stages; scales are
// per tensor and symmetric, gradients are rounded stochastically. The first and
// the last layer have 8 bits throughout.
#include "training/contractions/IntegerProducts.h"
#include "training/policies/Policies.h"
#include "training/policies/ProgressIndicator.h"
#include "training/quantizers/RangeQuantizer.h"
#include <algorithm>
#include <array>

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
        totalSteps(context.totalSteps), kernels(context.kernels) {
    useStage();
  }

  Result<std::unique_ptr<nn::Products>>
  makeProducts(const nn::LayerSpec &layer) override {
    const bool isInner = layer.place == nn::LayerPlace::Inner;
    const auto make = [&](const char *tensor, const int &bits,
                          quant::Rounding rounding) {
      return std::make_unique<quant::RangeQuantizer>(layer.name + tensor, bits,
                                                     rounding);
    };
    const int &forward = isInner ? forwardBits : endBits;
    const int &backward = isInner ? backwardBits : endBits;
    return std::unique_ptr<nn::Products>(
        std::make_unique<quant::IntegerProducts>(
            layer.geometry,
            quant::LayerQuantizers{
                make(".input", forward, quant::Rounding::Nearest),
                make(".weight", forward, quant::Rounding::Nearest),
                make(".gradient", backward, quant::Rounding::Stochastic)},
            *kernels));
  }
  void afterStep(double loss, const nn::Pass &pass) override {
    if (stage + 1 == int64_t(stages.size())) {
      return;
    }
    if (hasStalled(loss)) {
      beginNext();
    } else if (double(pass.step + 1) >=
               stages[size_t(stage + 1)].latest * double(totalSteps)) {
      indicator.turn();
      beginNext();
    }
  }
  void visitState(nn::StateVisitor &visitor) override {
    visitor.visit("pfq.stage", stage);
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
    forwardBits = stages[size_t(stage)].forward;
    backwardBits = stages[size_t(stage)].backward;
  }

  std::vector<Stage> stages;
  ProgressIndicator indicator;
  int64_t period;
  int64_t totalSteps;
  double lossSum = 0; ///< Since the indicator saw a mean.
  int64_t numLosses = 0;
  KernelProvider *kernels;
  int64_t stage = 0;
  int forwardBits = 8;
  int backwardBits = 8;
};

} // namespace

Result<std::unique_ptr<Policy>> makePfqPolicy(PolicyText &text,
                                              const PolicyContext &context) {
  const Result<double> epsilon = text.number("epsilon", 0.03, 0, 1);
  LPGEN_RETURN_IF_ERROR(epsilon.status());
  const Result<double> decay = text.number("decay", 0.3, 0, 1);
  LPGEN_RETURN_IF_ERROR(decay.status());
  const int64_t defaultPeriod =
      std::max<int64_t>(1, context.totalSteps / periodsOfRun);
  const Result<int64_t> period =
      text.integer("period", defaultPeriod, 1, 1000000);
  LPGEN_RETURN_IF_ERROR(period.status());
  LPGEN_RETURN_IF_ERROR(text.finish());
  return std::unique_ptr<Policy>(std::make_unique<StagedPolicy>(
      std::vector<Stage>(pfqStages.begin(), pfqStages.end()),
      ProgressIndicator(*epsilon, *decay), *period, context));
}

Result<std::unique_ptr<Policy>> makeStaticPolicy(PolicyText &text,
                                                 const PolicyContext &context) {
  const Result<int64_t> bits = text.integer("bits", 8, 2, 16);
  LPGEN_RETURN_IF_ERROR(bits.status());
  const Result<int64_t> gradientBits = text.integer("gradient-bits", 8, 2, 16);
  LPGEN_RETURN_IF_ERROR(gradientBits.status());
  LPGEN_RETURN_IF_ERROR(text.finish());
  return std::unique_ptr<Policy>(std::make_unique<StagedPolicy>(
      std::vector<Stage>{{int(*bits), int(*gradientBits)}},
      ProgressIndicator(0, 0), 1, context));
}

} // namespace lpgen::train
