// SVRG in float32, on a grid and with bit centering: the direction of a step,
// the grids, products around a center, whole runs.
#include "tests/training/SmallRuns.h"
#include "training/contractions/CenteredBackend.h"
#include "training/loop/RunFolder.h"
#include "training/loop/Svrg.h"
#include <cmath>
#include <gmock/gmock.h>

namespace lpgen::train {
namespace {

using ::testing::HasSubstr;

/// f(w) = mean of |w - target|^2 / 2 over batches: gradients are w - target.
struct Problem : GradientSource {
  nn::Parameter parameter;
  std::vector<nn::Parameter *> all = {&parameter};
  std::vector<std::vector<float>> targets = {{1, 0.5F}, {-1, 0.25F}};
  std::vector<nn::Centering::Pass> passes;
  int64_t now = 0;
  nn::StepContext context;
  std::unique_ptr<Optimizer> optimizer;

  explicit Problem(const char *text, double decay = 0) {
    parameter.name = "w";
    parameter.value.resize({2});
    parameter.gradient.resize({2});
    optimizer = makeSvrg(**readSvrg(text), decay, all);
  }
  int64_t batches() const override { return 2; }
  int64_t batch() const override { return now; }
  Status find(int64_t batch, const nn::Centering &centering) override {
    passes.push_back(centering.pass);
    for (int64_t i = 0; i < 2; ++i) {
      parameter.gradient[i] =
          parameter.value[i] - targets[size_t(batch)][size_t(i)];
    }
    return Status::success();
  }
  void step(double rate) {
    ASSERT_TRUE(optimizer->prepare(all, *this, context).ok());
    ASSERT_TRUE(find(now, *optimizer->passOfStep()).ok());
    optimizer->update(all, rate, context);
    now = (now + 1) % 2;
    ++context.step;
    context.random = nn::RandomKey(1).of(uint64_t(context.step));
  }
};

TEST(Svrg, StepsFollowTheMeanGradientWhateverTheBatch) {
  Problem problem("svrg");
  problem.step(0.5);
  // The gradients of all batches differ by constants alone: v is their mean.
  EXPECT_EQ(problem.parameter.value[0], 0.0F);
  EXPECT_EQ(problem.parameter.value[1], 0.1875F);
  EXPECT_EQ(*problem.optimizer->gradientNorm(), 0.375);
  problem.step(0.5);
  EXPECT_EQ(problem.parameter.value[1], 0.28125F);
  EXPECT_EQ(*problem.optimizer->gradientNorm(), 0.375); // Of the same epoch.
  using Pass = nn::Centering::Pass;
  EXPECT_EQ(problem.passes,
            (std::vector<Pass>{Pass::Whole, Pass::Whole, Pass::Center,
                               Pass::Offset, Pass::Center, Pass::Offset}));
  problem.step(0.5);
  EXPECT_EQ(*problem.optimizer->gradientNorm(), 0.09375);
}

TEST(Svrg, WeightsDecayAsPartOfTheGradient) {
  Problem problem("svrg", 0.5);
  problem.parameter.value[1] = 1;
  problem.step(0.5);
  EXPECT_EQ(problem.parameter.value[1], 1 - 0.5F * (0.625F + 0.5F));
  EXPECT_EQ(*problem.optimizer->gradientNorm(), 1.125);
}

TEST(Svrg, LowPrecisionStaysOnItsGridAndSaturates) {
  Problem problem("lp-svrg<bits=3,range=0.75>"); // Steps of 1/4.
  for (int i = 0; i < 20; ++i) {
    problem.step(0.3);
    for (const float w : problem.parameter.value.values()) {
      EXPECT_EQ(w * 4, std::nearbyint(w * 4));
      EXPECT_LE(std::fabs(w), 0.75F);
    }
  }
  problem.targets = {{9, -9}, {9, -9}};
  problem.now = 0;
  problem.step(0.5);
  EXPECT_EQ(problem.parameter.value[0], 0.75F);
  EXPECT_EQ(problem.parameter.value[1], -0.75F);
}

TEST(Halp, OffsetsAreCodesWhoseStepFollowsTheGradient) {
  Problem problem("halp<bits=4,mu=2,products=float32>");
  problem.parameter.value[0] = 1.0F / 3;
  problem.parameter.value[1] = -5;
  while (problem.context.step < 12) {
    const std::array center = {problem.parameter.value[0],
                               problem.parameter.value[1]};
    for (int i = 0; i < 2; ++i) {
      problem.step(0.2);
      const double norm = *problem.optimizer->gradientNorm();
      const quant::IntTensor &codes =
          problem.optimizer->passOfStep()->offsets.at("w");
      EXPECT_EQ(codes.scale(), float(norm / (2 * 7)));
      for (int64_t k = 0; k < 2; ++k) {
        EXPECT_LE(std::abs(codes.at(k)), 7);
        // Exactly the center and a code, at the step of the epoch.
        EXPECT_EQ(problem.parameter.value[k],
                  center[size_t(k)] + float(codes.at(k)) * codes.scale());
      }
    }
  }
  EXPECT_LT(*problem.optimizer->gradientNorm(), 1); // It was 5.4.
}

TEST(Halp, RoundingIsUnbiased) {
  // One step from 0 by 0.01 g, of many equal weights: codes have the mean
  // -0.01 g / step.
  constexpr int64_t count = 1 << 16;
  struct Flat : GradientSource {
    nn::Parameter parameter;
    int64_t batches() const override { return 1; }
    int64_t batch() const override { return 0; }
    Status find(int64_t batch, const nn::Centering &centering) override {
      std::ranges::fill(parameter.gradient.values(), -1.0F);
      return Status::success();
    }
  } flat;
  flat.parameter.name = "w";
  flat.parameter.value.resize({count});
  flat.parameter.gradient.resize({count});
  const std::vector<nn::Parameter *> all = {&flat.parameter};
  const auto halp =
      makeSvrg(**readSvrg("halp<mu=256,products=float32>"), 0, all);
  ASSERT_TRUE(halp->prepare(all, flat, {}).ok());
  ASSERT_TRUE(flat.find(0, *halp->passOfStep()).ok());
  halp->update(all, 0.0025, {});
  const quant::IntTensor &codes = halp->passOfStep()->offsets.at("w");
  const double wanted = 0.0025 / double(codes.scale()); // |g| is 256: 0.3175.
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    EXPECT_TRUE(codes.at(i) == 0 || codes.at(i) == 1);
    sum += codes.at(i);
  }
  EXPECT_NEAR(sum / count, wanted,
              5 * std::sqrt(wanted * (1 - wanted) / count));
}

TEST(Halp, ManyBitsTrackSvrg) {
  Problem halp("halp<bits=16,mu=1,products=float32>");
  Problem svrg("svrg");
  for (int i = 0; i < 10; ++i) {
    halp.step(0.2);
    svrg.step(0.2);
    EXPECT_NEAR(halp.parameter.value[1], svrg.parameter.value[1], 1e-4);
  }
}

TEST(Halp, TextErrors) {
  const auto message = [](const char *text) {
    return readSvrg(text).message();
  };
  EXPECT_FALSE(readSvrg("sgd")->has_value());
  EXPECT_EQ(message("halp<bits=1>"),
            "optimizer 'halp': option 'bits' is '1', expected a number from 2 "
            "to 16");
  EXPECT_EQ(message("svrg<mu=1>"),
            "optimizer 'svrg' has no option 'mu'; it has none");
  EXPECT_EQ(message("halp<products=float32,keep=yes>"),
            "optimizer 'halp': 'keep' and 'product-bits' are of "
            "products=integer");
}

/// Random numbers of a tensor.
nn::FloatTensor random(std::vector<int64_t> shape, uint64_t seed, float scale) {
  nn::FloatTensor x(std::move(shape));
  for (int64_t i = 0; i < x.size(); ++i) {
    x[i] = scale * nn::RandomKey(seed).normal(uint64_t(i));
  }
  return x;
}

double distance(const nn::FloatTensor &a, const nn::FloatTensor &b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    sum += std::pow(double(a[i]) - double(b[i]), 2);
  }
  return std::sqrt(sum);
}

/// Errors of y, dx and the difference of dWeight, where input, weights and
/// gradient move away from the center by `size` of their own size.
std::array<double, 3> errorsAt(nn::LayerPlace place, float size) {
  ConvGeometry g;
  g.height = g.width = 5;
  g.channels = 6;
  g.outputs = 4;
  g.kernel = 3;
  g.padding = 1;
  quant::CenteredBackend backend({"a", g, place}, 8, provider());
  nn::FloatBackend exact(g);
  nn::Centering centering;
  nn::StepContext context;
  context.centering = &centering;
  const bool isFirst = place == nn::LayerPlace::First;
  const nn::FloatTensor x = random({3, 5, 5, 6}, 1, 1);
  const nn::FloatTensor w = random(g.weightShape(), 2, 1);
  const nn::FloatTensor dy = random({3, 5, 5, 4}, 3, 1);
  nn::FloatTensor y(dy.shape());
  nn::FloatTensor dx(x.shape());
  nn::FloatTensor dw(w.shape());
  centering.pass = nn::Centering::Pass::Center;
  EXPECT_TRUE(backend.forward(x, w, y, context).ok());
  EXPECT_TRUE(
      backend.backward(x, w, dy, &dw, isFirst ? nullptr : &dx, context).ok());
  nn::FloatTensor dwCenter(w.shape());
  EXPECT_TRUE(exact.backward(x, w, dy, &dwCenter, nullptr, {}).ok());

  const auto moved = [&](const nn::FloatTensor &from, uint64_t seed) {
    nn::FloatTensor to = random(from.shape(), seed, size);
    for (int64_t i = 0; i < to.size(); ++i) {
      to[i] += from[i];
    }
    return to;
  };
  quant::IntTensor &codes = centering.offsets["a.weight"];
  codes.reset(w.size(), 127, size / 127);
  nn::FloatTensor w2 = moved(w, 5);
  for (int64_t i = 0; i < w.size(); ++i) {
    const auto code = int8_t(nn::RandomKey(4).below(uint64_t(i), 255) - 127);
    codes.elements<int8_t>()[i] = code;
    w2[i] = w[i] + float(code) * codes.scale();
  }
  const nn::FloatTensor x2 = moved(x, 6);
  const nn::FloatTensor &input = isFirst ? x : x2;
  const nn::FloatTensor dy2 = moved(dy, 7);
  centering.pass = nn::Centering::Pass::Offset;
  EXPECT_TRUE(backend.forward(input, w2, y, context).ok());
  EXPECT_TRUE(
      backend.backward(input, w2, dy2, &dw, isFirst ? nullptr : &dx, context)
          .ok());
  nn::FloatTensor yExact(y.shape());
  nn::FloatTensor dxExact(x.shape());
  nn::FloatTensor dwExact(w.shape());
  EXPECT_TRUE(exact.forward(input, w2, yExact, {}).ok());
  EXPECT_TRUE(exact.backward(input, w2, dy2, &dwExact, &dxExact, {}).ok());
  for (int64_t i = 0; i < dwExact.size(); ++i) {
    dwExact[i] -= dwCenter[i];
  }
  return {distance(y, yExact), isFirst ? 0 : distance(dx, dxExact),
          distance(dw, dwExact)};
}

TEST(Centered, ErrorsOfProductsVanishWithTheOffsets) {
  for (const auto place : {nn::LayerPlace::First, nn::LayerPlace::Inner}) {
    const std::array<double, 3> far = errorsAt(place, 0.5F);
    const std::array<double, 3> near = errorsAt(place, 0.005F);
    for (size_t i = 0; i < far.size(); ++i) {
      EXPECT_LT(far[i], 3) << i; // Of norms near 120, 70 and 170.
      EXPECT_LE(near[i], far[i] / 50) << i;
    }
  }
}

class EverySvrg : public ::testing::TestWithParam<std::string> {};

TEST_P(EverySvrg, LearnsEquallyOnAnyNumberOfThreadsAndAfterAResume) {
  const data::Dataset data = quarters(160);
  Config config = smallConfig("float32");
  config.optimizer = GetParam();
  config.model =
      config.optimizer.find("keep") == std::string::npos ? "cnn" : "mlp";
  config.learningRate = 0.03;
  ThreadPool three(3);
  const std::unique_ptr<Trainer> whole = makeTrainer(config, data, nullptr);
  runSteps(*whole, whole->totalSteps());
  EXPECT_GT(whole->evaluate()->accuracy(), 0.5);
  EXPECT_GT(whole->gradientNorm().value_or(0), 0);
  EXPECT_EQ(weightsOf(*resumedRun(config, data, &three, 13)),
            weightsOf(*whole));
}

INSTANTIATE_TEST_SUITE_P(Kinds, EverySvrg,
                         ::testing::Values("svrg", "lp-svrg<range=2>", "halp",
                                           "halp<products=float32>",
                                           "halp<keep=yes>"));

TEST(Halp, KeptCentersChangeNothing) {
  const data::Dataset data = quarters(160);
  Config config = smallConfig("float32");
  config.model = "mlp";
  config.optimizer = "halp";
  const std::unique_ptr<Trainer> again = makeTrainer(config, data, nullptr);
  config.optimizer = "halp<keep=yes>";
  const std::unique_ptr<Trainer> kept = makeTrainer(config, data, nullptr);
  runSteps(*again, again->totalSteps());
  runSteps(*kept, kept->totalSteps());
  EXPECT_EQ(weightsOf(*again), weightsOf(*kept));
}

TEST(Halp, WhatItDoesNotGoWith) {
  const data::Dataset data = quarters(64);
  Config config = smallConfig("apt");
  const auto message = [&] {
    return Trainer::create(config, data, nullptr, &provider()).message();
  };
  config.optimizer = "halp";
  EXPECT_THAT(message(), HasSubstr("'apt' would round; remedy: --policy "
                                   "float32"));
  config.policy = "float32";
  config.optimizer = "halp<keep=yes>";
  EXPECT_THAT(message(), HasSubstr("'keep=yes' is for models without batch "
                                   "norm, not for 'cnn'"));
}

} // namespace
} // namespace lpgen::train
