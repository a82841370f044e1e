// Optimizers whose updates are more than arithmetic of floats: madam's, which
// moves the exponents of weights.
#include "training/loop/Madam.h"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

namespace lpgen::train {
namespace {

TEST(Madam, GridOfMagnitudes) {
  const LogarithmicGrid grid = {4};
  EXPECT_EQ(grid.magnitude(0), 4.0F);
  EXPECT_EQ(grid.magnitude(1024), std::sqrt(8.0F));
  EXPECT_EQ(grid.magnitude(2048), 2.0F);
  EXPECT_EQ(grid.magnitude(15 * 2048), 0x1p-13F);
  EXPECT_EQ(grid.codeOf(2), 2048);
  EXPECT_EQ(grid.codeOf(5), 0);
  EXPECT_EQ(grid.codeOf(0), 32767);
  EXPECT_EQ(grid.codeOf(1e-30F), 32767);
  for (const float limit : {4.0F, 0.1234567F}) {
    const LogarithmicGrid any = {limit};
    for (int32_t code = 0; code <= LogarithmicGrid::most; ++code) {
      ASSERT_EQ(any.codeOf(any.magnitude(code)), code);
    }
  }
}

/// A tensor of `shape` and its optimizer.
struct Subject {
  nn::Parameter parameter;
  std::vector<nn::Parameter *> all = {&parameter};
  std::unique_ptr<Optimizer> optimizer;

  Subject(std::vector<int64_t> shape, const std::vector<float> &values) {
    parameter.name = "fc.weight";
    parameter.value.resize(shape);
    parameter.gradient.resize(std::move(shape));
    std::ranges::copy(values, parameter.value.data());
    optimizer = makeMadam(all);
  }
  void update(const std::vector<float> &gradient, double rate) {
    std::ranges::copy(gradient, parameter.gradient.data());
    optimizer->update(all, rate, nn::StepContext());
  }
};

TEST(Madam, FiltersMoveByWholeCodesAndKeepTheirSigns) {
  // The root mean square is 1, the limit 3.
  Subject subject({4, 1}, {1, -1, 1, -1});
  const LogarithmicGrid grid = {3};
  std::vector<int32_t> codes(4, grid.codeOf(1));
  const auto expect = [&](std::vector<int32_t> moves) {
    for (size_t i = 0; i < moves.size(); ++i) {
      codes[i] += moves[i];
      const float magnitude = grid.magnitude(codes[i]);
      EXPECT_EQ(subject.parameter.value[int64_t(i)],
                i % 2 ? -magnitude : magnitude)
          << i;
    }
  };
  // All normalized gradients are 1 or -1; 2048 / 128 is 16.
  subject.update({0.5F, 2, -1e-3F, -7}, 1.0 / 128);
  expect({16, -16, -16, 16});
  subject.update({0, 0, 0, 0}, 1.0 / 128);
  expect({0, 0, 0, 0});
  // After 3 updates 100 / sqrt((0.999^2 0.001 + 10) / 0.002997) is 1.73.
  subject.update({50, 200, -1e-1F, -700}, 1.0 / 128);
  expect({32, -32, -32, 32});
}

TEST(Madam, WeightsStayBetweenTheLeastAndTheGreatestMagnitude) {
  Subject subject({2, 1}, {1, -1});
  for (int i = 0; i < 40; ++i) {
    subject.update({-1, -1}, 1);
  }
  EXPECT_EQ(subject.parameter.value[0], 3.0F);
  EXPECT_EQ(subject.parameter.value[1],
            -LogarithmicGrid{3}.magnitude(LogarithmicGrid::most));
}

TEST(Madam, PartsOfACodeAreRoundedStochastically) {
  constexpr int64_t count = 4096;
  Subject subject({count, 1}, std::vector<float>(count, 1));
  subject.update(std::vector<float>(count, 1), 0.25 / 2048);
  const LogarithmicGrid grid = {3};
  int64_t moved = 0;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t move =
        grid.codeOf(subject.parameter.value[i]) - grid.codeOf(1);
    EXPECT_TRUE(move == 0 || move == 1);
    moved += move;
  }
  EXPECT_NEAR(double(moved), count / 4.0, 5 * std::sqrt(count * 3 / 16.0));
}

TEST(Madam, VectorsAreUpdatedByAddition) {
  Subject subject({2}, {0, 1});
  subject.update({0.5F, -3}, 0.25);
  EXPECT_EQ(subject.parameter.value[0], -0.25F);
  EXPECT_EQ(subject.parameter.value[1], 1.25F);
}

} // namespace
} // namespace lpgen::train
