// Loss change allocation: shares of polynomials that are known, conservation
// along the updates of a real network, and a record that goes on.
#include "training/contractions/FloatBackend.h"
#include "training/record/LossAllocation.h"
#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lpgen::train {
namespace {

using ::testing::HasSubstr;

nn::FloatTensor tensorOf(const std::vector<float> &values) {
  nn::FloatTensor tensor({int64_t(values.size())});
  std::ranges::copy(values, tensor.data());
  return tensor;
}

/// L = a^3 + 2 a b - b of one tensor {a, b}, from {0, 1} to {2, 3}.
struct Cubic {
  nn::Parameter parameter{"ab", tensorOf({0, 0}), tensorOf({0, 0})};
  int calls = 0;

  AllocatedChange allocate(const LossAllocationOptions &options) {
    const Result<AllocatedChange> change = allocateChange(
        {&parameter}, {tensorOf({0, 1})}, {tensorOf({2, 3})},
        [this]() -> Result<double> {
          ++calls;
          const double a = parameter.value[0];
          const double b = parameter.value[1];
          parameter.gradient[0] = float(3 * a * a + 2 * b);
          parameter.gradient[1] = float(2 * a - 1);
          return a * a * a + 2 * a * b - b;
        },
        options);
    EXPECT_TRUE(change.ok());
    return *change;
  }
};

TEST(LossAllocation, SharesOfACubicAreExact) {
  // With t on [0, 1], a = 2 t and b = 1 + 2 t:
  //   of a: 2 integral (12 t^2 + 2 + 4 t) = 16;  of b: 2 integral (4 t - 1) = 2
  Cubic cubic;
  const AllocatedChange change = cubic.allocate({});
  EXPECT_EQ(change.before, -1);
  EXPECT_EQ(change.after, 17);
  EXPECT_EQ(change.segments, 1);
  EXPECT_EQ(cubic.calls, 3);
  EXPECT_NEAR(change.error(), 0, 1e-6);
  ASSERT_EQ(change.tensors.size(), 1U);
  EXPECT_NEAR(change.tensors[0].change, 18, 1e-6);
  EXPECT_EQ(change.tensors[0].helped, 0);
  EXPECT_EQ(change.tensors[0].hurt, 2);
}

/// L = |a|^1.5 from -1 to 1: even, so that nothing is allocated in all.
AllocatedChange allocateKink(double from, double tolerance, int most) {
  nn::Parameter parameter{"a", tensorOf({0}), tensorOf({0})};
  LossAllocationOptions options;
  options.tolerance = tolerance;
  options.mostSegments = most;
  return *allocateChange(
      {&parameter}, {tensorOf({float(from)})}, {tensorOf({1})},
      [&]() -> Result<double> {
        const double a = parameter.value[0];
        parameter.gradient[0] =
            float(std::copysign(1.5 * std::sqrt(std::fabs(a)), a));
        return std::pow(std::fabs(a), 1.5);
      },
      options);
}

TEST(LossAllocation, SegmentsAreSplitUntilSharesAddUp) {
  const AllocatedChange coarse = allocateKink(0, 1, 32);
  EXPECT_EQ(coarse.segments, 1);
  // (1.5 (0 + 4 sqrt(0.5) + 1)) / 6 - 1
  EXPECT_NEAR(coarse.error(), 0.25 + std::sqrt(0.5) - 1, 1e-7);
  const AllocatedChange fine = allocateKink(0, 1e-3, 32);
  EXPECT_EQ(fine.segments, 16);
  EXPECT_LT(std::fabs(fine.error()), 1e-3);
  EXPECT_EQ(fine.tensors[0].hurt, 1);
  const AllocatedChange bounded = allocateKink(0, 1e-9, 8);
  EXPECT_EQ(bounded.segments, 8);
  EXPECT_GT(std::fabs(bounded.error()), 1e-4);
}

/// Noise with labels by its brightness.
data::Dataset images() {
  data::Dataset data;
  data.name = "noise";
  data.height = data.width = 8;
  data.channels = 1;
  data.classes = 4;
  data.mean = {0.5F};
  data.deviation = {0.3F};
  data.train.count = 64;
  for (int64_t i = 0; i < 64; ++i) {
    data.train.labels.push_back(uint8_t(i % 4));
    for (int64_t p = 0; p < 64; ++p) {
      data.train.pixels.push_back(
          uint8_t(nn::RandomKey(3).below(uint64_t(i * 64 + p), 100) +
                  uint64_t(40 * (i % 4))));
    }
  }
  return data;
}

/// Parameters of a cnn for these images, and an allocation of their updates.
struct Updates {
  data::Dataset data = images();
  nn::ModelSpec model = {"cnn", 8, 8, 1, 4};
  std::unique_ptr<nn::Layer> network;
  std::vector<nn::Parameter *> parameters;
  std::unique_ptr<LossAllocation> allocation;

  explicit Updates(ThreadPool *pool = nullptr) {
    network = std::move(*nn::buildModel(
        model,
        [](const nn::LayerSpec &layer)
            -> Result<std::unique_ptr<nn::ContractionBackend>> {
          return std::unique_ptr<nn::ContractionBackend>(
              std::make_unique<nn::FloatBackend>(layer.geometry));
        },
        nn::RandomKey(1)));
    network->visitParameters(
        [&](nn::Parameter &parameter) { parameters.push_back(&parameter); });
    LossAllocationOptions options;
    options.every = 2;
    options.images = 64;
    options.batchSize = 32;
    allocation = std::move(
        *LossAllocation::create(model, data, parameters, 0, pool, options));
  }
  /// Steps to `until`, of which each changes all weights.
  void run(int64_t from, int64_t until) {
    for (int64_t step = from; step < until; ++step) {
      allocation->beforeStep({});
      const nn::RandomKey key = nn::RandomKey(9).of(uint64_t(step));
      for (nn::Parameter *parameter : parameters) {
        for (int64_t i = 0; i < parameter->value.size(); ++i) {
          parameter->value[i] +=
              0.02F * key.of(parameter->name).normal(uint64_t(i));
        }
      }
      const Status status = allocation->afterStep({}, {step + 1, {}, 0});
      ASSERT_TRUE(status.ok()) << status.message();
    }
  }
};

TEST(LossAllocation, IsConservedInANetwork) {
  Updates updates;
  updates.run(0, 5);
  const nlohmann::json record = updates.allocation->record();
  ASSERT_EQ(record["steps"].size(), 3U); // 0 to 1, 2 to 3, 4 to 5.
  EXPECT_EQ(record["images"], 64);
  double changes = 0;
  for (const nlohmann::json &step : record["steps"]) {
    double sum = 0;
    int64_t elements = 0;
    for (const nlohmann::json &tensor : step["tensors"]) {
      sum += tensor[0].get<double>();
      elements += tensor[1].get<int64_t>() + tensor[2].get<int64_t>();
    }
    const double change =
        step["after"].get<double>() - step["before"].get<double>();
    EXPECT_NEAR(sum, change, 1e-3);
    EXPECT_NEAR(step["error"].get<double>(), sum - change, 1e-12);
    EXPECT_GT(elements, 90000); // Nearly all of them have a share.
    changes += std::fabs(change);
  }
  EXPECT_GT(changes, 0.1);
  EXPECT_EQ(record["steps"][1]["step"], 3);
}

TEST(LossAllocation, ThreadsAndResumeChangeNothing) {
  Updates whole;
  whole.run(0, 6);
  ThreadPool pool(3);
  Updates threads(&pool);
  threads.run(0, 6);
  EXPECT_EQ(threads.allocation->record(), whole.allocation->record());

  Updates half;
  half.run(0, 4);
  const nlohmann::json open = half.allocation->record();
  LossAllocationOptions options;
  options.every = 2;
  options.images = 64;
  options.batchSize = 32;
  half.allocation = std::move(*LossAllocation::create(
      half.model, half.data, half.parameters, 4, nullptr, options));
  ASSERT_TRUE(half.allocation->restore(open).ok());
  half.run(4, 6);
  EXPECT_EQ(half.allocation->record(), whole.allocation->record());
}

TEST(LossAllocation, Errors) {
  Updates updates;
  LossAllocationOptions options;
  options.every = 1;
  const auto message = [&](const nn::ModelSpec &model) {
    return LossAllocation::create(model, updates.data, updates.parameters, 0,
                                  nullptr, options)
        .message();
  };
  options.images = 65;
  options.batchSize = 32;
  EXPECT_EQ(message(updates.model),
            "the loss of 65 images cannot be allocated, expected one batch of "
            "32 or more of the 64 training images");
  options.images = 31;
  EXPECT_THAT(message(updates.model), HasSubstr("the loss of 31 images"));
  nn::ModelSpec signs = updates.model;
  signs.activation = nn::Activation::Sign;
  EXPECT_EQ(message(signs), "the loss of a network of signs has no gradient by "
                            "which its change could be allocated");
  nlohmann::json other = updates.allocation->record();
  other["every"] = 3;
  EXPECT_EQ(updates.allocation->restore(other).message(),
            "the allocation of its last epoch has other 'every'");
  other["every"] = 2;
  other["steps"] = 1;
  EXPECT_EQ(updates.allocation->restore(other).message(),
            "the allocation of its last epoch is damaged");
}

} // namespace
} // namespace lpgen::train
