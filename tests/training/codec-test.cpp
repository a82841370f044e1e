// Gradients as bytes: error feedback, what is sent and how many bytes that is,
// damaged input.
#include "training/core/Random.h"
#include "training/distributed/AdaComp.h"
#include "training/distributed/GradientCodec.h"
#include <algorithm>
#include <gmock/gmock.h>

namespace lpgen::train {
namespace {

using ::testing::HasSubstr;

std::vector<float> normal(int64_t size, uint64_t seed) {
  std::vector<float> values(static_cast<size_t>(size));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = nn::RandomKey(seed).normal(i);
  }
  return values;
}

std::vector<float> unpack(const AdaComp &codec,
                          const std::vector<std::byte> &bytes, size_t size) {
  std::vector<float> values(size, 0.0F);
  std::span<const std::byte> rest = bytes;
  const Status status = codec.addUnpacked(rest, values);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(rest.empty());
  return values;
}

TEST(AdaComp, SendsTheFormula) {
  AdaComp codec(7, 4);
  const std::vector<float> gradient = {1, -3, 2, 0.5F, 0.25F, 0, -1};
  std::vector<std::byte> bytes;
  codec.pack(gradient, bytes);
  // max|G| is 3 and 1, the scale 2; H = 2 dW: sent are 2|dW| >= max.
  EXPECT_EQ(unpack(codec, bytes, 7),
            (std::vector<float>{0, -2, 2, 0, 0, 0, -2}));
  EXPECT_EQ(bytes.size(), 4u + 3u);
  const std::vector<float> left(codec.residue().begin(), codec.residue().end());
  EXPECT_EQ(left, (std::vector<float>{1, -1, 0, 0.5F, 0.25F, 0, 1}));
  // What was left joins the next gradient: G = 1, -1, 0, 0.5 ...
  bytes.clear();
  codec.pack(std::vector<float>(7, 0.0F), bytes);
  EXPECT_EQ(unpack(codec, bytes, 7),
            (std::vector<float>{1, -1, 0, 0, 0, 0, 1}));
}

TEST(AdaComp, NothingIsLost) {
  for (const int64_t bin : {1, 50, 63, 64, 500, 16383}) {
    const int64_t size = 1234;
    AdaComp codec(size, bin);
    for (uint64_t step = 0; step < 20; ++step) {
      const std::vector<float> gradient = normal(size, step);
      const std::vector<float> before(codec.residue().begin(),
                                      codec.residue().end());
      std::vector<std::byte> bytes;
      codec.pack(gradient, bytes);
      const std::vector<float> decoded = unpack(codec, bytes, size_t(size));
      for (size_t i = 0; i < size_t(size); ++i) {
        // One rounding of r + dW and one of the difference.
        const float whole = before[i] + gradient[i];
        ASSERT_EQ(codec.residue()[i], whole - decoded[i]) << bin << " " << i;
      }
    }
  }
}

TEST(AdaComp, CompressesToAFewElementsOfABin) {
  // Heavy tails, as gradients of layers have: about 5 of 50 or 500.
  for (const int64_t bin : {50, 500}) {
    const int64_t size = 100000;
    AdaComp codec(size, bin);
    std::vector<std::byte> bytes;
    for (uint64_t step = 0; step < 10; ++step) {
      bytes.clear();
      std::vector<float> gradient = normal(size, step);
      for (float &value : gradient) {
        value *= value * value;
      }
      codec.pack(gradient, bytes);
    }
    const double rate = 4.0 * double(size) / double(bytes.size());
    EXPECT_GT(rate, bin == 50 ? 35 : 150) << bin;
  }
}

TEST(AdaComp, ZerosAndNumbersThatAreNone) {
  AdaComp codec(120, 50);
  std::vector<std::byte> bytes;
  std::vector<float> gradient(120, 0.0F);
  codec.pack(gradient, bytes);
  EXPECT_EQ(bytes.size(), 4u + 3u); // Three bins without an element.
  EXPECT_EQ(unpack(codec, bytes, 120), gradient);
  gradient[70] = std::nanf("");
  bytes.clear();
  const std::vector<float> before(codec.residue().begin(),
                                  codec.residue().end());
  codec.pack(gradient, bytes);
  EXPECT_TRUE(std::ranges::equal(codec.residue(), before));
  for (const float value : unpack(codec, bytes, 120)) {
    EXPECT_TRUE(std::isnan(value));
  }
}

TEST(AdaComp, DamagedBytesAreErrors) {
  AdaComp codec(120, 50);
  std::vector<std::byte> good;
  codec.pack(normal(120, 1), good);
  std::vector<float> sum(120);
  for (size_t size = 0; size < good.size(); ++size) {
    std::span<const std::byte> bytes = std::span(good).first(size);
    EXPECT_FALSE(codec.addUnpacked(bytes, sum).ok()) << size;
  }
  std::vector<std::byte> bad = good;
  bad[4] = std::byte(55); // A place beyond the 50 of a bin.
  std::span<const std::byte> bytes = bad;
  EXPECT_THAT(codec.addUnpacked(bytes, sum).message(),
              HasSubstr("element 55 of a bin of 50"));
}

TEST(GradientCodec, PacksAllParametersOneAfterTheOther) {
  nn::Parameter filters;
  filters.name = "conv.weight";
  filters.value.resize({10, 3, 3, 5});
  nn::Parameter bias;
  bias.name = "conv.bias";
  bias.value.resize({10});
  const std::vector<nn::Parameter *> parameters = {&filters, &bias};
  for (nn::Parameter *parameter : parameters) {
    parameter->gradient.resize(parameter->value.shape());
    std::ranges::copy(normal(parameter->value.size(), 3),
                      parameter->gradient.data());
  }
  for (const char *name : {"dense", "adacomp"}) {
    Result<std::unique_ptr<GradientCodec>> codec =
        makeGradientCodec(name, parameters);
    ASSERT_TRUE(codec.ok());
    std::vector<std::byte> bytes;
    for (size_t i = 0; i < parameters.size(); ++i) {
      (*codec)->pack(i, parameters[i]->gradient, bytes);
    }
    std::span<const std::byte> rest = bytes;
    for (size_t i = 0; i < parameters.size(); ++i) {
      nn::FloatTensor sum(parameters[i]->value.shape());
      ASSERT_TRUE((*codec)->addUnpacked(i, rest, sum).ok());
      if (i == 1 || std::string(name) == "dense") {
        EXPECT_TRUE(
            std::ranges::equal(sum.values(), parameters[i]->gradient.values()));
      }
    }
    EXPECT_TRUE(rest.empty());
    EXPECT_EQ(bytes.size() < 4 * size_t{460}, std::string(name) == "adacomp");
  }
  EXPECT_EQ(makeGradientCodec("zip", parameters).message(),
            "unknown gradient codec 'zip', expected dense or adacomp");
}

} // namespace
} // namespace lpgen::train
