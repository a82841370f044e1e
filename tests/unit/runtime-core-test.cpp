// Scalar primitives and host tensors. Expected numbers are worked out by hand.
#include "base/tensor/AlignedBytes.h"
#include "base/tensor/Tensor.h"
#include "base/types/Scalar.h"
#include "tests/unit/TestTypes.h"
#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <limits>

using namespace lpgen;
using scalar::rescale;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

TEST(AlignedBytes, keepMemoryWhereItSuffices) {
  for (const auto pages :
       {AlignedBytes::Pages::Usual, AlignedBytes::Pages::Large}) {
    AlignedBytes bytes(pages);
    EXPECT_EQ(bytes.data(), nullptr);
    const int64_t large = int64_t{5} << 20;
    bytes.resize(large);
    ASSERT_EQ(bytes.size(), large);
    const void *memory = bytes.data();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % AlignedBytes::alignment,
              0U);
    for (int64_t i = 0; i < large; ++i) {
      ASSERT_EQ(bytes.as<uint8_t>()[i], 0) << i;
      bytes.as<uint8_t>()[i] = uint8_t(i);
    }
    bytes.resize(3);
    EXPECT_EQ(bytes.size(), 3);
    bytes.resize(large);
    EXPECT_EQ(bytes.data(), memory);
    EXPECT_EQ(bytes.as<uint8_t>()[large - 1], uint8_t(large - 1));
  }
}

TEST(AlignedBytes, areCopiedAndMoved) {
  AlignedBytes a;
  a.resize(100);
  a.as<uint8_t>()[99] = 7;
  AlignedBytes b;
  b.resize(200);
  const void *memory = b.data();
  b = a; // Into the memory that is there.
  EXPECT_EQ(b.data(), memory);
  ASSERT_EQ(b.size(), 100);
  EXPECT_EQ(b.as<uint8_t>()[99], 7);
  const AlignedBytes c = std::move(b);
  EXPECT_EQ(c.data(), memory);
  EXPECT_EQ(b.size(), 0); // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(AlignedBytes::create(-1).ok());
  EXPECT_EQ(AlignedBytes::create(0)->data(), nullptr);
}

TEST(AlignedBytes, borrowMemory) {
  std::array<uint8_t, 8> memory = {1, 2, 3, 4, 5, 6, 7, 8};
  {
    AlignedBytes bytes = AlignedBytes::borrow(memory.data() + 1, 4);
    EXPECT_EQ(bytes.data(), memory.data() + 1);
    EXPECT_EQ(bytes.as<uint8_t>()[3], 5);
    const AlignedBytes copy = bytes;
    EXPECT_NE(copy.data(), bytes.data());
    const AlignedBytes moved = std::move(bytes);
    EXPECT_EQ(moved.data(), memory.data() + 1);
  } // Nothing of it is freed.
  AlignedBytes bytes = AlignedBytes::borrow(memory.data(), 8);
  bytes.resize(9);
  EXPECT_NE(bytes.data(), memory.data());
  EXPECT_EQ(bytes.as<uint8_t>()[0], 0);
}

TEST(Scalar, saturateClampsToTheTypesRange) {
  EXPECT_EQ(scalar::saturate(-1, u2), 0);
  EXPECT_EQ(scalar::saturate(3, u2), 3);
  EXPECT_EQ(scalar::saturate(4, u2), 3);
  EXPECT_EQ(scalar::saturate(-9, s4), -8);
  EXPECT_EQ(scalar::saturate(8, s4), 7);
  EXPECT_EQ(scalar::saturate(5, t2), 1);
  EXPECT_EQ(scalar::saturate(-5, t2), -1);
  EXPECT_EQ(scalar::saturate(0, t2), 0);
  EXPECT_EQ(scalar::saturate(int64_t{1} << 31, i32), INT32_MAX);
  EXPECT_EQ(scalar::saturate(INT64_MIN, i32), INT32_MIN);
  EXPECT_EQ(scalar::saturate(INT64_MIN, i64), INT64_MIN);
}

TEST(Scalar, saturateToBipolarTakesTheUpperOddNeighbour) {
  EXPECT_EQ(scalar::saturate(0, b1), 1);
  EXPECT_EQ(scalar::saturate(-1, b1), -1);
  EXPECT_EQ(scalar::saturate(-7, b1), -1);
  EXPECT_EQ(scalar::saturate(2, b1), 1);
  EXPECT_EQ(scalar::saturate(-4, b2), -3);
  EXPECT_EQ(scalar::saturate(-2, b2), -1);
  EXPECT_EQ(scalar::saturate(0, b2), 1);
  EXPECT_EQ(scalar::saturate(2, b2), 3);
  EXPECT_EQ(scalar::saturate(4, b2), 3);
  EXPECT_EQ(scalar::saturate(254, b8), 255);
  EXPECT_EQ(scalar::saturate(256, b8), 255);
}

TEST(Scalar, divisions) {
  EXPECT_EQ(scalar::floorDiv(7, 2), 3);
  EXPECT_EQ(scalar::floorDiv(-7, 2), -4);
  EXPECT_EQ(scalar::floorDiv(7, -2), -4);
  EXPECT_EQ(scalar::floorDiv(-7, -2), 3);
  EXPECT_EQ(scalar::floorDiv(-8, 2), -4);
  EXPECT_EQ(scalar::roundDiv(7, 2), 4);
  EXPECT_EQ(scalar::roundDiv(-7, 2), -4);
  EXPECT_EQ(scalar::roundDiv(7, -2), -4);
  EXPECT_EQ(scalar::roundDiv(5, 3), 2);
  EXPECT_EQ(scalar::roundDiv(4, 3), 1);
  EXPECT_EQ(scalar::roundDiv(-4, 3), -1);
  EXPECT_EQ(scalar::roundDiv(0, 3), 0);
  EXPECT_EQ(scalar::roundDiv(INT64_MAX, INT64_MIN), -1);
  EXPECT_EQ(scalar::roundDiv(INT64_MIN, INT64_MIN), 1);
  EXPECT_EQ(scalar::roundDiv(1, INT64_MIN), 0);
  EXPECT_EQ(scalar::roundDiv(INT64_MIN, 1), INT64_MIN);
  EXPECT_EQ(scalar::floorMod(7, 3), 1);
  EXPECT_EQ(scalar::floorMod(-7, 3), 2);
  EXPECT_EQ(scalar::floorMod(7, -3), -2);
  EXPECT_EQ(scalar::floorMod(-7, -3), -1);
  EXPECT_EQ(scalar::floorMod(-6, 3), 0);
  EXPECT_EQ(scalar::floorMod(INT64_MIN, -1), 0);
}

TEST(Scalar, shiftAndWrap) {
  EXPECT_EQ(scalar::shiftRight(-1, 63), -1);
  EXPECT_EQ(scalar::shiftRight(-5, 1), -3);
  EXPECT_EQ(scalar::shiftRight(5, 1), 2);
  EXPECT_EQ(scalar::wrap32(int64_t{1} << 31), INT32_MIN);
  EXPECT_EQ(scalar::wrap32((int64_t{1} << 32) + 5), 5);
  EXPECT_EQ(scalar::wrap32(-1), -1);
}

TEST(Scalar, rescaleRoundsTwiceAsTflite) {
  constexpr int32_t half = 1 << 30; // multiplier 0.5
  EXPECT_EQ(rescale(100, half, 0), 50);
  EXPECT_EQ(rescale(101, half, 0), 51);   // 50.5, away from zero
  EXPECT_EQ(rescale(-101, half, 0), -50); // -50.5, upward
  EXPECT_EQ(rescale(7, half, 1), 7);
  EXPECT_EQ(rescale(10, half, -1), 3);   // 5, then 2.5 away from zero
  EXPECT_EQ(rescale(-10, half, -1), -3); // -5, then -2.5 away from zero
  EXPECT_EQ(rescale(9, half, -1), 3);    // 4.5 to 5 to 2.5 to 3: two roundings
  EXPECT_EQ(rescale(-9, half, -1), -2);  // -4.5 to -4 to -2
  EXPECT_EQ(rescale(0, INT32_MAX, 30), 0);
  EXPECT_EQ(rescale(12345, 0, 0), 0);
}

TEST(Scalar, rescaleAtItsLimits) {
  // 2^30 * 4 saturates to 2^31 - 1 before the multiplication by 0.5.
  EXPECT_EQ(rescale(1 << 30, 1 << 30, 2), 1 << 30);
  EXPECT_EQ(rescale(INT32_MIN, INT32_MAX, 30), -INT32_MAX);
  EXPECT_EQ(rescale(INT32_MAX, INT32_MAX, 0), INT32_MAX - 1);
  EXPECT_EQ(rescale(INT32_MIN, INT32_MAX, -31), -1);
  EXPECT_EQ(rescale(INT32_MAX, INT32_MAX, -31), 1);
  EXPECT_EQ(rescale(1, 1, -31), 0);
}

/// An f16 that the compiler converts.
uint16_t halfOf(float v) {
  return std::bit_cast<uint16_t>(static_cast<_Float16>(v));
}

TEST(Scalar, everyHalf) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const float v = scalar::halfToFloat(uint16_t(bits));
    const float expected =
        static_cast<float>(std::bit_cast<_Float16>(uint16_t(bits)));
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(v)) << bits;
      // A NaN comes back quiet.
      ASSERT_EQ(scalar::floatToHalf(v), bits | 0x200U);
      continue;
    }
    ASSERT_EQ(std::bit_cast<uint32_t>(v), std::bit_cast<uint32_t>(expected))
        << bits;
    ASSERT_EQ(scalar::floatToHalf(v), bits);
  }
}

TEST(Scalar, floatsToHalf) {
  // Each f16, the tie to the next one, and the f32 beside both.
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const float low = scalar::halfToFloat(uint16_t(bits));
    const float next =
        bits + 1 < 0x7c00 ? scalar::halfToFloat(uint16_t(bits + 1)) : 65536.0f;
    for (float v : {low, (low + next) / 2}) {
      for (float x : {std::nextafter(v, -inf), v, std::nextafter(v, inf)}) {
        ASSERT_EQ(scalar::floatToHalf(x), halfOf(x)) << x;
        ASSERT_EQ(scalar::floatToHalf(-x), halfOf(-x)) << x;
      }
    }
  }
  for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 4093) {
    const float v = std::bit_cast<float>(uint32_t(bits));
    if (!std::isnan(v)) {
      ASSERT_EQ(scalar::floatToHalf(v), halfOf(v)) << v;
    }
  }
  EXPECT_EQ(scalar::floatToHalf(65519.996f), 0x7bff);
  EXPECT_EQ(scalar::floatToHalf(65520.0f), 0x7c00);
  EXPECT_EQ(scalar::floatToHalf(-inf), 0xfc00);
  EXPECT_EQ(scalar::floatToHalf(nan) & 0x7e00, 0x7e00);
}

TEST(Scalar, everyBrainFloat) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const float v = scalar::brainToFloat(uint16_t(bits));
    ASSERT_EQ(std::bit_cast<uint32_t>(v), bits << 16);
    ASSERT_EQ(scalar::floatToBrain(v), std::isnan(v) ? bits | 0x40U : bits);
  }
}

TEST(Scalar, floatsToBrain) {
  for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 4093) {
    const float v = std::bit_cast<float>(uint32_t(bits));
    if (std::isnan(v)) {
      ASSERT_TRUE(std::isnan(scalar::brainToFloat(scalar::floatToBrain(v))));
      continue;
    }
    // 8 significant bits, the last of which stands for 2^-133 at least.
    int exponent = 0;
    std::frexp(v, &exponent);
    const int last = std::max(exponent - 8, -133);
    const double rounded =
        std::ldexp(std::nearbyint(std::ldexp(double(v), -last)), last);
    ASSERT_EQ(scalar::brainToFloat(scalar::floatToBrain(v)), float(rounded))
        << v;
  }
  EXPECT_EQ(scalar::floatToBrain(std::bit_cast<float>(0x3f808000U)), 0x3f80);
  EXPECT_EQ(scalar::floatToBrain(std::bit_cast<float>(0x3f818000U)), 0x3f82);
  EXPECT_EQ(scalar::floatToBrain(std::numeric_limits<float>::max()), 0x7f80);
  // A NaN whose payload is cut off is no infinity.
  EXPECT_EQ(scalar::floatToBrain(std::bit_cast<float>(0x7f800001U)), 0x7fc0);
}

TEST(Scalar, floatToIntRoundsTiesToEven) {
  EXPECT_EQ(scalar::roundToInt32(0.5f), 0);
  EXPECT_EQ(scalar::roundToInt32(1.5f), 2);
  EXPECT_EQ(scalar::roundToInt32(2.5f), 2);
  EXPECT_EQ(scalar::roundToInt32(-0.5f), 0);
  EXPECT_EQ(scalar::roundToInt32(-1.5f), -2);
  EXPECT_EQ(scalar::roundToInt32(0.49999997f), 0);
  EXPECT_EQ(scalar::roundToInt32(8388607.5f), 8388608);
  EXPECT_EQ(scalar::floorToInt32(-0.25f), -1);
  EXPECT_EQ(scalar::ceilToInt32(-0.25f), 0);
  EXPECT_EQ(scalar::ceilToInt32(1.25f), 2);
  EXPECT_EQ(scalar::truncToInt32(-1.75f), -1);
  EXPECT_EQ(scalar::truncToInt32(1.75f), 1);
}

TEST(Scalar, floatToIntRoundsOtherTies) {
  EXPECT_EQ(scalar::roundHalfAwayToInt32(0.5f), 1);
  EXPECT_EQ(scalar::roundHalfAwayToInt32(-2.5f), -3);
  EXPECT_EQ(scalar::roundHalfAwayToInt32(0.49999997f), 0);
  EXPECT_EQ(scalar::roundHalfUpToInt32(2.5f), 3);
  EXPECT_EQ(scalar::roundHalfUpToInt32(-2.5f), -2);
  EXPECT_EQ(scalar::roundHalfUpToInt32(-0.5f), 0);
  EXPECT_EQ(scalar::roundHalfUpToInt32(-0.50000006f), -1);
  EXPECT_EQ(scalar::roundHalfUpToInt32(-1e-10f), 0);
  EXPECT_EQ(scalar::roundHalfUpToInt32(0.49999997f), 0);
  EXPECT_EQ(scalar::roundHalfUpToInt32(8388609.0f), 8388609);
}

TEST(Scalar, floatToIntSaturatesAndNanIsZero) {
  for (auto convert :
       {scalar::roundToInt32, scalar::floorToInt32, scalar::ceilToInt32,
        scalar::truncToInt32, scalar::roundHalfAwayToInt32,
        scalar::roundHalfUpToInt32}) {
    EXPECT_EQ(convert(nan), 0);
    EXPECT_EQ(convert(inf), INT32_MAX);
    EXPECT_EQ(convert(-inf), INT32_MIN);
    EXPECT_EQ(convert(0x1p31f), INT32_MAX);
    EXPECT_EQ(convert(0x1p31f - 128), 2147483520);
    EXPECT_EQ(convert(-0x1p31f), INT32_MIN);
    EXPECT_EQ(convert(-1e30f), INT32_MIN);
    EXPECT_EQ(convert(-0.0f), 0);
  }
}

TEST(Scalar, intToFloatRoundsOnceToEven) {
  EXPECT_EQ(scalar::toFloat(16777217), 16777216.0f);
  EXPECT_EQ(scalar::toFloat(16777219), 16777220.0f);
  EXPECT_EQ(scalar::toFloat(-16777217), -16777216.0f);
  // Just above a tie between two f32 values; by way of double the 1 would be
  // lost and the tie would go down.
  EXPECT_EQ(scalar::toFloat((int64_t{1} << 60) + (int64_t{1} << 36) + 1),
            0x1p60f + 0x1p37f);
  EXPECT_EQ(scalar::toFloat(INT64_MAX), 0x1p63f);
}

TEST(Scalar, floatMaximumAndMinimum) {
  EXPECT_EQ(scalar::maximum(1, 2), 2);
  EXPECT_EQ(scalar::minimum(1, 2), 1);
  EXPECT_TRUE(std::isnan(scalar::maximum(nan, 2)));
  EXPECT_TRUE(std::isnan(scalar::minimum(2, nan)));
  EXPECT_FALSE(std::signbit(scalar::maximum(-0.0f, 0.0f)));
  EXPECT_FALSE(std::signbit(scalar::maximum(0.0f, -0.0f)));
  EXPECT_TRUE(std::signbit(scalar::minimum(-0.0f, 0.0f)));
  EXPECT_TRUE(std::signbit(scalar::minimum(0.0f, -0.0f)));
}

TEST(Scalar, randomIsTheDocumentedHash) {
  // Computed by an independent transcription of the formula.
  EXPECT_EQ(scalar::hash(0, 0), 0xE220A8397B1DCDAFu);
  EXPECT_EQ(scalar::hash(1, 0), 0xA706DD2F4D197E6Fu);
  EXPECT_EQ(scalar::hash(1, 1), 0x5E41AB087439611Eu);
  EXPECT_EQ(scalar::hash(~uint64_t{0}, 7), 0x6E3126233C5D7B37u);
  EXPECT_EQ(scalar::random(1, 1), 6177195.0f / 16777216.0f);
}

TEST(Scalar, randomIsUniform) {
  double sum = 0;
  int low = 0;
  constexpr int n = 100000;
  for (int i = 0; i < n; ++i) {
    const float r = scalar::random(42, uint64_t(i));
    ASSERT_GE(r, 0.0f);
    ASSERT_LT(r, 1.0f);
    sum += r;
    low += r < 0.125f;
  }
  // Five standard deviations: 0.29 / sqrt(n), and sqrt(n * 1/8 * 7/8).
  EXPECT_NEAR(sum / n, 0.5, 0.005);
  EXPECT_NEAR(low, 12500, 525);
}

TEST(Scalar, codesRoundTrip) {
  for (ElementType type : {u2, s4, b1, b2, b8, t2}) {
    for (int64_t v = type.minValue(); v <= type.maxValue(); ++v) {
      if (type.holds(v)) {
        EXPECT_EQ(scalar::fromCode(scalar::toCode(v, type), type), v);
      }
    }
  }
  EXPECT_EQ(scalar::toCode(-1, s4), 15u);
  EXPECT_EQ(scalar::toCode(-1, b1), 0u);
  EXPECT_EQ(scalar::toCode(1, b1), 1u);
  EXPECT_EQ(scalar::toCode(-3, b2), 0u);
  EXPECT_EQ(scalar::toCode(3, b2), 3u);
  EXPECT_EQ(scalar::toCode(-1, t2), 3u);
  EXPECT_EQ(scalar::toCode(-1, i64), ~uint64_t{0});
}

TEST(Tensor, storesOneElementPerSmallestInteger) {
  EXPECT_EQ(HostTensor(u2, {3}).byteSize(), 3);
  EXPECT_EQ(HostTensor(b8, {3}).byteSize(), 6);
  EXPECT_EQ(HostTensor(i32, {3}).byteSize(), 12);
  EXPECT_EQ(HostTensor(i64, {2, 3}).byteSize(), 48);
  EXPECT_EQ(HostTensor(f32, {}).byteSize(), 4);
  EXPECT_EQ(HostTensor(f32, {4, 0}).numElements(), 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(HostTensor(u2, {5}).data()) % 64, 0u);
}

TEST(Tensor, readsBackWhatIsWritten) {
  for (ElementType type :
       {u2, s4, b8, i32, i64, ElementType{Encoding::Unsigned, 16},
        ElementType{Encoding::Unsigned, 32}, ElementType{Encoding::Signed, 9},
        ElementType{Encoding::Unsigned, 8}}) {
    HostTensor tensor(type, {2});
    tensor.setInt(0, type.minValue());
    tensor.setInt(1, type.maxValue());
    EXPECT_EQ(tensor.getInt(0), type.minValue()) << type.str();
    EXPECT_EQ(tensor.getInt(1), type.maxValue()) << type.str();
  }
}

TEST(Tensor, roundsFloatsOf16Bits) {
  HostTensor half(f16, {2});
  HostTensor brain(bf16, {2});
  EXPECT_EQ(half.byteSize(), 4);
  EXPECT_EQ(brain.byteSize(), 4);
  for (HostTensor *tensor : {&half, &brain}) {
    tensor->setFloat(0, 1.0f / 3);
    tensor->setFloat(1, 70000.0f);
  }
  EXPECT_EQ(half.getFloat(0), 0x1.554p-2f);
  EXPECT_EQ(half.getFloat(1), inf);
  EXPECT_EQ(brain.getFloat(0), 0x1.56p-2f);
  EXPECT_EQ(brain.getFloat(1), 70144.0f);
}

TEST(Tensor, positionsAreRowMajor) {
  const HostTensor tensor(u2, {2, 3, 4});
  EXPECT_EQ(tensor.position(std::vector<int64_t>{1, 2, 3}), 23);
  EXPECT_EQ(tensor.indicesAt(23), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(HostTensor(u2, {}).position({}), 0);
}

TEST(Tensor, copiesAreDeep) {
  HostTensor a(i32, {2});
  a.setInt(1, 7);
  HostTensor b = a;
  b.setInt(1, 8);
  EXPECT_EQ(a.getInt(1), 7);
  a = b;
  EXPECT_EQ(a.getInt(1), 8);
  const HostTensor empty;
  a = empty;
  EXPECT_EQ(a.numElements(), 0);
}

TEST(Tensor, firstIllegalValueNamesElementAndValue) {
  HostTensor bits(b1, {1, 4, 3});
  for (int64_t i = 0; i < bits.numElements(); ++i) {
    bits.setInt(i, i % 2 == 0 ? 1 : -1);
  }
  EXPECT_EQ(bits.firstIllegalValue(), std::nullopt);
  bits.setInt(bits.position(std::vector<int64_t>{0, 3, 2}), 0);
  EXPECT_EQ(bits.firstIllegalValue(),
            "element [0, 3, 2] is 0, which b1 cannot hold (odd values from -1 "
            "to 1)");
  HostTensor scalarTensor(u2, {});
  scalarTensor.setInt(0, 4);
  EXPECT_EQ(scalarTensor.firstIllegalValue(),
            "the value is 4, which u2 cannot hold (values from 0 to 3)");
  HostTensor wide(i32, {2});
  wide.setInt(1, 600);
  EXPECT_EQ(wide.firstIllegalValue(), std::nullopt);
  EXPECT_EQ(wide.firstValueOutside(-511, 511),
            "element [1] is 600, outside [-511, 511]");
}

TEST(Tensor, createRefusesWhatCannotBe) {
  EXPECT_EQ(HostTensor::create(i32, {2, -1}).message(),
            "no tensor can have the shape [2, -1] of i32: a negative extent or "
            "too many elements");
  EXPECT_FALSE(HostTensor::create(i32, {INT64_MAX, 2}).ok());
  EXPECT_FALSE(HostTensor::create(i64, {INT64_MAX / 4}).ok());
  EXPECT_TRUE(HostTensor::create(i32, {INT64_MAX, INT64_MAX, 0}).ok());
  EXPECT_EQ(HostTensor::create(i32, {2, 3})->numElements(), 6);
}

} // namespace
