// The parts that policies are made of: float formats, fixed point and the
// choice of its widths, loss scale, progress indicator, texts.
#include "base/system/AtomicFile.h"
#include "runtime/kernels/KernelProvider.h"
#include "training/policies/LossScale.h"
#include "training/policies/Policies.h"
#include "training/policies/PolicyText.h"
#include "training/policies/ProgressIndicator.h"
#include "training/quantizers/AdaptPrecision.h"
#include "training/quantizers/FixedPoint.h"
#include "training/quantizers/FloatFormat.h"
#include "training/quantizers/RangeQuantizer.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <set>

namespace lpgen {
namespace {

using quant::Overflow;
using quant::Rounding;

float nearest(const quant::FloatFormat &format, float value) {
  return roundToFormat(format, value, Rounding::Nearest, 0, Overflow::Infinity);
}

TEST(FloatFormat, Fp16IsTheMachines) {
  // Bit patterns spread over all floats: normal, subnormal, beyond the range.
  const nn::RandomKey key(17);
  int finite = 0;
  for (uint64_t i = 0; i < 200000; ++i) {
    const auto value = std::bit_cast<float>(
        uint32_t((0x30000000u + key.below(2 * i, 0x20000000u)) |
                 (key.below(2 * i + 1, 2) << 31)));
    const auto expected = float(static_cast<_Float16>(value));
    ASSERT_EQ(nearest(quant::fp16, value), expected) << value;
    finite += std::isfinite(expected);
  }
  EXPECT_GT(finite, 100000);
  EXPECT_EQ(quant::fp16.max(), 65504.0F);
}

/// All finite values of E5M2: the top bytes of fp16.
std::vector<float> e5m2Values() {
  std::vector<float> values;
  for (uint32_t code = 0; code < 256; ++code) {
    const auto value =
        float(std::bit_cast<_Float16>(static_cast<uint16_t>(code << 8)));
    if (std::isfinite(value)) {
      values.push_back(value);
    }
  }
  return values;
}

TEST(FloatFormat, E5m2KeepsItsValuesAndRoundsBetweenThem) {
  const std::vector<float> values = e5m2Values();
  const std::set<float> sorted(values.begin(), values.end());
  EXPECT_EQ(quant::e5m2.max(), 57344.0F);
  EXPECT_EQ(*sorted.rbegin(), 57344.0F);
  for (auto it = sorted.begin(); std::next(it) != sorted.end(); ++it) {
    const float low = *it;
    const float high = *std::next(it);
    EXPECT_EQ(nearest(quant::e5m2, low), low);
    EXPECT_EQ(nearest(quant::e5m2, low + 0.4F * (high - low)), low);
    EXPECT_EQ(nearest(quant::e5m2, low + 0.6F * (high - low)), high);
    for (const float noise : {0.0F, 0.24F, 0.26F, 0.99F}) {
      EXPECT_EQ(roundToFormat(quant::e5m2, low + 0.25F * (high - low),
                              Rounding::Stochastic, noise, Overflow::Infinity),
                noise < 0.25F ? high : low)
          << low << " " << noise;
    }
  }
}

TEST(FloatFormat, Overflow) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(nearest(quant::e5m2, 61000.0F), 57344.0F);
  EXPECT_EQ(nearest(quant::e5m2, -62000.0F), -infinity);
  EXPECT_EQ(roundToFormat(quant::e5m2, -1e9F, Rounding::Nearest, 0,
                          Overflow::Saturate),
            -57344.0F);
  EXPECT_EQ(nearest(quant::e5m2, infinity), infinity);
  EXPECT_TRUE(std::isnan(nearest(quant::e5m2, std::nanf(""))));
}

TEST(FixedPoint, GridRangeAndIdentity) {
  quant::FixedPointFormat format;
  format.il = 2;
  format.fl = 6;
  format.rounding = Rounding::Nearest;
  std::vector<float> values = {0.3F, -5.0F, 1.99F, 1.0F / 64, 0.007F};
  const auto counts =
      roundToGrid(format, values, nn::RandomKey(1), nn::StepContext());
  EXPECT_EQ(values, (std::vector<float>{19.0F / 64, -127.0F / 64, 127.0F / 64,
                                        1.0F / 64, 0.0F}));
  EXPECT_EQ(counts.saturated, 1);
  EXPECT_EQ(counts.underflown, 1);
  const std::vector<float> once = values;
  format.rounding = Rounding::Stochastic;
  roundToGrid(format, values, nn::RandomKey(2), nn::StepContext());
  EXPECT_EQ(values, once);
}

using quant::AdaptPrecision;
using quant::AdaptStrategy;

/// A gradient whose only element is 3 at `place`.
nn::FloatTensor unitGradient(int64_t place, int64_t size = 64) {
  nn::FloatTensor g({size});
  std::ranges::fill(g.values(), 0.0F);
  g[place] = 3;
  return g;
}

TEST(Adapt, DiversityAndLookback) {
  AdaptPrecision same({});
  AdaptPrecision apart({});
  for (int64_t i = 0; i < 16; ++i) {
    same.add(unitGradient(0), {});
    apart.add(unitGradient(i), {});
  }
  EXPECT_DOUBLE_EQ(same.diversity({}), 1);
  EXPECT_DOUBLE_EQ(apart.diversity({}), 4); // 16 / sqrt(16)
  EXPECT_EQ(same.lookback(), 100);
  EXPECT_EQ(same.resolution(), 116); // One more for each step at the bound.
  // Beside 67 of 100: 33 of 100, then of 100 / sqrt(2), of 100 / sqrt(3) ...
  AdaptPrecision steps({});
  steps.add(unitGradient(0), {});
  EXPECT_EQ(steps.lookback(), 100);
  steps.add(unitGradient(1), {});
  EXPECT_EQ(steps.lookback(), std::ceil(0.33 * 100 / std::sqrt(2.0) + 67));
  EXPECT_FALSE(steps.isDue());
  nn::FloatTensor none({64});
  std::ranges::fill(none.values(), 0.0F);
  AdaptPrecision still({});
  still.add(none, {});
  EXPECT_TRUE(still.isEmpty());
}

TEST(Adapt, PushDownFindsTheGridThatWeightsLieOn) {
  for (int fl = 2; fl <= 6; ++fl) {
    const int32_t most = (1 << fl) - 1;
    nn::FloatTensor w({int64_t{16} * (2 * most + 1)});
    for (int64_t i = 0; i < w.size(); ++i) {
      w[i] = float(i % (2 * most + 1) - most) / float(1 << fl);
    }
    AdaptPrecision precision({});
    precision.pushDown(w, nn::RandomKey(1), {});
    EXPECT_EQ(precision.fractionLength(), fl);
    EXPECT_EQ(precision.wordLength(), fl + 1); // Below 1, and the sign.
    EXPECT_EQ(
        quant::divergence(w, precision.format(), 100, nn::RandomKey(1), {}), 0);
  }
}

TEST(Adapt, PushDownKeepsMoreOfFinerTolerance) {
  nn::FloatTensor w({4096});
  for (int64_t i = 0; i < w.size(); ++i) {
    w[i] = 0.05F * nn::RandomKey(3).normal(uint64_t(i));
  }
  int before = 0;
  for (const double tolerance : {0.1, 0.01, 0.001}) {
    AdaptPrecision precision({.divergence = tolerance});
    precision.pushDown(w, nn::RandomKey(1), {});
    EXPECT_GT(precision.fractionLength(), before);
    before = precision.fractionLength();
  }
}

TEST(Adapt, PushUpFollowsTheDiversity) {
  // From <8, 4>: x = ln D - 1 is 0.49, so that the steps are 5 and 8 - 4.
  const auto pushed = [](double diversity, AdaptStrategy strategy,
                         int most = 16) {
    AdaptPrecision precision({.mostBits = most});
    precision.pushUp(diversity, strategy);
    return std::pair(precision.wordLength(), precision.fractionLength());
  };
  using Format = std::pair<int, int>;
  // Gradients that agree: one bit.
  EXPECT_EQ(pushed(1, AdaptStrategy::Most), Format(9, 5));
  const double half = std::exp(1.49);
  EXPECT_EQ(pushed(half, AdaptStrategy::Least), Format(12, 8));
  // x = 0.74: 2 and 18 - 4, of which 8 is the mean; FL leaves 4 of 16 bits.
  const double more = std::exp(1.74);
  EXPECT_EQ(pushed(more, AdaptStrategy::Least), Format(10, 6));
  EXPECT_EQ(pushed(more, AdaptStrategy::Mean), Format(16, 12));
  EXPECT_EQ(pushed(more, AdaptStrategy::Most), Format(16, 12));
  EXPECT_EQ(pushed(more, AdaptStrategy::Most, 8), Format(8, 4));
}

TEST(FixedPoint, StochasticUpdatesSurviveNearestOnesDoNot) {
  // 4096 updates of a quarter of a step: a thousand steps, or none.
  for (const Rounding rounding : {Rounding::Stochastic, Rounding::Nearest}) {
    quant::FixedPointFormat format;
    format.il = 4;
    format.fl = 8;
    format.rounding = rounding;
    std::vector<float> weight = {0.0F};
    for (uint64_t i = 0; i < 4096; ++i) {
      weight[0] += 0.25F / 256;
      roundToGrid(format, weight, nn::RandomKey(i), nn::StepContext());
    }
    if (rounding == Rounding::Stochastic) {
      // Standard deviation sqrt(4096 * 3 / 16) = 28 steps.
      EXPECT_NEAR(weight[0] * 256, 1024, 140);
    } else {
      EXPECT_EQ(weight[0], 0.0F);
    }
  }
}

TEST(RangeQuantizer, TakesTheWidthThatItIsGiven) {
  quant::RangeQuantizer quantizer("x", 3, Rounding::Nearest);
  nn::FloatTensor x({4});
  x[0] = 6;
  x[1] = -6;
  x[2] = 2.9F;
  quant::IntTensor q;
  ASSERT_TRUE(quantizer.quantize(x, nn::StepContext(), q).ok());
  EXPECT_EQ(q.max(), 3);
  EXPECT_EQ(q.at(0), 3);
  EXPECT_EQ(q.at(1), -3);
  EXPECT_EQ(q.at(2), 1);
  quantizer.setBits(8);
  ASSERT_TRUE(quantizer.quantize(x, nn::StepContext(), q).ok());
  EXPECT_EQ(q.at(0), 127);
  EXPECT_EQ(quantizer.report().updates, 1);
  // A tensor of zeros has no scale of its own.
  const nn::FloatTensor zeros({4});
  ASSERT_TRUE(quantizer.quantize(zeros, nn::StepContext(), q).ok());
  EXPECT_EQ(q.at(3), 0);
  x[0] = std::nanf("");
  EXPECT_FALSE(quantizer.quantize(x, nn::StepContext(), q).ok());
}

TEST(RangeQuantizer, ClipsBelowEightBitsWhereTheNoiseIsLeast) {
  quant::RangeQuantizer quantizer("x", 3, Rounding::Nearest);
  // Of 1000 elements between -1 and 1 one is 10 times as great.
  nn::FloatTensor x({1000});
  for (int64_t i = 0; i < x.size(); ++i) {
    x[i] = float(i % 21 - 10) / 10;
  }
  x[999] = 10;
  quant::IntTensor q;
  ASSERT_TRUE(quantizer.quantize(x, nn::StepContext(), q).ok());
  EXPECT_LT(q.scale() * 3, 2.5F);
  EXPECT_EQ(q.at(999), 3);
  EXPECT_EQ(quantizer.report().saturated, 1);
  ASSERT_TRUE(quantizer.quantParams());
  EXPECT_FALSE(quantizer.quantParams()->followsBatch);
  EXPECT_EQ(quantizer.quantParams()->scale, q.scale());

  // Between two measurements, and in evaluation, the limit stays.
  const float scale = q.scale();
  x[998] = -41;
  nn::StepContext next;
  next.step = 15;
  ASSERT_TRUE(quantizer.quantize(x, next, q).ok());
  EXPECT_EQ(q.scale(), scale);
  next.step = 16;
  next.mode = nn::Mode::Evaluate;
  ASSERT_TRUE(quantizer.quantize(x, next, q).ok());
  EXPECT_EQ(q.scale(), scale);
  next.mode = nn::Mode::Train;
  ASSERT_TRUE(quantizer.quantize(x, next, q).ok());
  EXPECT_NE(q.scale(), scale);

  quantizer.setBits(8);
  ASSERT_TRUE(quantizer.quantize(x, next, q).ok());
  EXPECT_FLOAT_EQ(q.scale() * 127, 41);
  EXPECT_TRUE(quantizer.quantParams()->followsBatch);
}

TEST(RangeQuantizer, WithoutNegativesTakesAllCodesOfItsWidth) {
  quant::RangeQuantizer quantizer("x", 4, Rounding::Nearest);
  nn::FloatTensor x({3});
  x[0] = 30;
  x[1] = 5;
  quant::IntTensor q;
  ASSERT_TRUE(quantizer.quantize(x, nn::StepContext(), q).ok());
  EXPECT_EQ(q.at(0), 15);
  EXPECT_EQ(q.at(1), 2); // 2.5
  EXPECT_EQ(q.lowest(), 0);
  EXPECT_EQ(quantizer.quantParams()->lowest, 0);
  EXPECT_EQ(quantizer.quantParams()->highest, 15);
  quantizer.setBits(8); // What int8_t holds.
  ASSERT_TRUE(quantizer.quantize(x, nn::StepContext(), q).ok());
  EXPECT_EQ(q.at(0), 127);
  quantizer.setBits(4);
  // Evaluation learns nothing: it clips.
  x[2] = -30;
  nn::StepContext evaluate;
  evaluate.mode = nn::Mode::Evaluate;
  ASSERT_TRUE(quantizer.quantize(x, evaluate, q).ok());
  EXPECT_EQ(q.at(0), 15);
  EXPECT_EQ(q.at(2), 0);
  // One negative element in training, and there are negative codes for good.
  ASSERT_TRUE(quantizer.quantize(x, nn::StepContext(), q).ok());
  EXPECT_EQ(q.at(0), 7);
  EXPECT_EQ(q.at(2), -7);
  x[2] = 0;
  ASSERT_TRUE(quantizer.quantize(x, nn::StepContext(), q).ok());
  EXPECT_EQ(q.at(0), 7);
}

TEST(LossScale, HalvesToItsFloorAndGrows) {
  train::DynamicLossScale scale(16, 4, 3);
  nn::Parameter parameter;
  parameter.gradient.resize({2});
  const std::vector<nn::Parameter *> parameters = {&parameter};
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(scale.accept(parameters));
  }
  EXPECT_EQ(scale.value(), 32);
  parameter.gradient[1] = std::numeric_limits<float>::infinity();
  for (const float expected : {16.0F, 8.0F, 4.0F, 4.0F}) {
    EXPECT_FALSE(scale.accept(parameters));
    EXPECT_EQ(scale.value(), expected);
  }
  parameter.gradient[1] = std::nanf("");
  EXPECT_FALSE(scale.accept(parameters));
}

/// Keeps the stage of pfq.
class StageReader : public nn::StateVisitor {
public:
  void visitBytes(const std::string &name,
                  std::span<std::byte> bytes) override {
    if (name == "pfq.stage") {
      std::memcpy(&stage, bytes.data(), sizeof stage);
    }
  }
  int64_t stage = -1;
};

/// Stages of pfq after each of these losses, in a run of `totalSteps`.
std::vector<int64_t> stagesOf(const std::string &policyText,
                              const std::vector<double> &losses,
                              int64_t totalSteps) {
  KernelProvider kernels({});
  const auto policy = train::makePolicy(
      policyText, {.kernels = &kernels, .totalSteps = totalSteps});
  EXPECT_TRUE(policy.ok()) << policy.message();
  std::vector<int64_t> stages;
  nn::StepContext context;
  for (const double loss : losses) {
    (*policy)->afterStep(loss, context);
    ++context.step;
    StageReader reader;
    (*policy)->visitState(reader);
    stages.push_back(reader.stage);
  }
  return stages;
}

TEST(Pfq, LooksAtTheMeanLossOfAPeriod) {
  // Losses differ, their means over two steps do not: five of these stall.
  const std::vector<double> losses = {1, 3, 1, 3, 1, 3, 1, 3, 1, 3};
  EXPECT_EQ(stagesOf("pfq<period=2,epsilon=0.1>", losses, 1000),
            (std::vector<int64_t>{0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
}

TEST(Pfq, ReachesItsWidestStageWithoutAStall) {
  std::vector<double> falling;
  std::vector<int64_t> expected;
  for (int step = 0; step < 100; ++step) {
    falling.push_back(100 - step);
    expected.push_back((step >= 29) + (step >= 59) + (step >= 79));
  }
  EXPECT_EQ(stagesOf("pfq<epsilon=0>", falling, 100), expected);
}

TEST(ProgressIndicator, StallsAfterFiveEqualLosses) {
  train::ProgressIndicator indicator(0.1, 0.5);
  const std::vector<double> falling = {4, 3, 2, 1, 0.9};
  for (const double loss : falling) {
    EXPECT_FALSE(indicator.hasStalled(loss));
  }
  // norm is about 1.9 now: 0.19 apart is equal.
  EXPECT_FALSE(indicator.hasStalled(0.9));
  EXPECT_FALSE(indicator.hasStalled(0.9));
  EXPECT_TRUE(indicator.hasStalled(0.9)); // 1, 0.9, 0.9, 0.9, 0.9
  // The window is empty, the threshold halved: norm is about 1.3, 0.07 apart.
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(indicator.hasStalled(0.8));
  }
  EXPECT_FALSE(indicator.hasStalled(0.7));
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(indicator.hasStalled(0.7));
  }
  EXPECT_TRUE(indicator.hasStalled(0.7));
}

TEST(PolicyText, Malformed) {
  const auto text = train::PolicyText::parse("fixed<il=3,fl=2.5>");
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(text->name(), "fixed");
  EXPECT_EQ(text->options().at("fl"), "2.5");
  for (const char *bad :
       {"", "<a=1>", "a<b=1", "a<b>", "a<=1>", "a<b=>", "a<b=1,b=2>"}) {
    EXPECT_FALSE(train::PolicyText::parse(bad).ok()) << bad;
  }
}

constexpr train::PolicyOption knownOptions[] = {
    train::PolicyOption::whole("il", 6, 1, 15),
    train::PolicyOption::number("threshold", 0.03, 0, 1),
    train::PolicyOption::choice("rounding", "stochastic|nearest"),
    train::PolicyOption::whole("period", 0, 1, 64, "RUN/64")};

TEST(PolicyOptions, ValuesAndDefaults) {
  const auto read = [](const std::string &text) {
    return train::PolicyOptions::read(*train::PolicyText::parse(text),
                                      knownOptions);
  };
  EXPECT_EQ(train::usageOf("p", knownOptions),
            "p<il=6,threshold=0.03,rounding=stochastic|nearest,period=RUN/64>");
  EXPECT_EQ(train::usageOf("p", {}), "p");
  const auto none = read("p");
  ASSERT_TRUE(none.ok()) << none.message();
  EXPECT_EQ(none->whole("il"), 6);
  EXPECT_EQ(none->number("threshold"), 0.03);
  EXPECT_EQ(none->choice("rounding"), 0);
  EXPECT_FALSE(none->isGiven("period"));
  const auto all = read("p<period=64,il=15,threshold=1,rounding=nearest>");
  ASSERT_TRUE(all.ok()) << all.message();
  EXPECT_EQ(all->whole("il"), 15);
  EXPECT_EQ(all->number("threshold"), 1);
  EXPECT_EQ(all->choice("rounding"), 1);
  EXPECT_TRUE(all->isGiven("period"));
  EXPECT_EQ(read("p<fl=2>").message(),
            "policy 'p' has no option 'fl'; it has il, threshold, rounding, "
            "period");
  EXPECT_EQ(read("p<il=2.5>").message(),
            "policy 'p': option 'il' must be a whole number");
  EXPECT_EQ(read("p<rounding=up>").message(),
            "policy 'p': option 'rounding' is 'up', expected stochastic or "
            "nearest");
  for (const char *bad : {"1.5", "-1", "x", "nan", "0.5x"}) {
    EXPECT_EQ(read("p<threshold=" + std::string(bad) + ">").message(),
              "policy 'p': option 'threshold' is '" + std::string(bad) +
                  "', expected a number from 0 to 1");
  }
}

TEST(Policies, RowsAreWhole) {
  std::set<std::string> names;
  const Result<std::string> documented =
      readWholeFile(LPGEN_SOURCE_DIR "/docs/reference/policies.md");
  ASSERT_TRUE(documented.ok()) << documented.message();
  const auto check = [&](const auto &kind) {
    EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
    EXPECT_GT(std::string(kind.summary).size(), 10U) << kind.name;
    EXPECT_NE(documented->find("| `" + std::string(kind.name) + "` |"),
              std::string::npos)
        << kind.name << " is not documented";
    for (const train::PolicyOption &option : kind.options) {
      EXPECT_TRUE(option.kind != train::PolicyOption::Kind::Choice ||
                  option.shown)
          << kind.name << ", " << option.key;
      EXPECT_TRUE(option.shown || (option.standard >= option.lowest &&
                                   option.standard <= option.highest))
          << kind.name << ", " << option.key;
    }
  };
  for (const train::PolicyKind *kind : train::policyKinds()) {
    check(*kind);
  }
  for (const train::ExtensionKind *kind : train::extensionKinds()) {
    check(*kind);
  }
}

TEST(Policies, TraitsOfCombinations) {
  using train::hasTrait;
  EXPECT_TRUE(hasTrait("apt<mode=2>", train::Exports));
  EXPECT_TRUE(hasTrait("float32", train::Exports));
  EXPECT_FALSE(hasTrait("mixed16", train::Exports));
  EXPECT_TRUE(hasTrait("fixed+adaptive-loss-scale", train::Exports));
  EXPECT_FALSE(hasTrait("static+accumulators", train::Exports));
  EXPECT_FALSE(hasTrait("accumulators", train::Exports));
  // What the table says is what the policies do.
  KernelProvider kernels({});
  for (const train::PolicyKind *kind : train::policyKinds()) {
    const auto policy = train::makePolicy(kind->name, {&kernels});
    ASSERT_TRUE(policy.ok()) << policy.message();
    EXPECT_EQ((*policy)->gradientRange(nn::LayerPlace::Inner).has_value(),
              hasTrait(kind->name, train::RangesGradients))
        << kind->name;
  }
}

} // namespace
} // namespace lpgen
