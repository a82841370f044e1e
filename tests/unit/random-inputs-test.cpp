// Inputs for verification: legal, deterministic, and reaching the ends of the
// ranges.
#include "operators/reference/RandomInputs.h"
#include "tests/unit/TestTypes.h"
#include <cmath>
#include <gtest/gtest.h>
#include <set>

using namespace lpgen;

namespace {

ast::Tensor input(ElementType type, std::optional<ast::IntRange> range = {}) {
  ast::Tensor tensor;
  tensor.name = "x";
  tensor.type = type;
  tensor.hasDeclaredRange = range.has_value();
  tensor.range = range.value_or(
      type.isFloat() ? ast::IntRange{}
                     : ast::IntRange{type.minValue(), type.maxValue()});
  return tensor;
}

std::set<int64_t> valuesOf(const ast::Tensor &tensor, InputKind kind) {
  HostTensor values(tensor.type, {4000});
  fillInput(tensor, 0, kind, 1, values);
  EXPECT_EQ(values.firstIllegalValue(), std::nullopt);
  std::set<int64_t> result;
  for (int64_t i = 0; i < values.numElements(); ++i) {
    result.insert(values.getInt(i));
  }
  return result;
}

using Set = std::set<int64_t>;

TEST(RandomInputs, randomCoversAllLegalValues) {
  EXPECT_EQ(valuesOf(input(u2), InputKind::Random), (Set{0, 1, 2, 3}));
  EXPECT_EQ(valuesOf(input(b1), InputKind::Random), (Set{-1, 1}));
  EXPECT_EQ(valuesOf(input(b2), InputKind::Random), (Set{-3, -1, 1, 3}));
  EXPECT_EQ(valuesOf(input(t2), InputKind::Random), (Set{-1, 0, 1}));
  EXPECT_EQ(valuesOf(input(s4), InputKind::Random).size(), 16u);
  EXPECT_EQ(valuesOf(input(s16, ast::IntRange{-2, 1}), InputKind::Random),
            (Set{-2, -1, 0, 1}));
  EXPECT_EQ(valuesOf(input(b2, ast::IntRange{-2, 2}), InputKind::Random),
            (Set{-1, 1}));
}

TEST(RandomInputs, wideIntegersWithoutRangeAreSmall) {
  for (ElementType type : {i32, i64}) {
    const Set values = valuesOf(input(type), InputKind::Random);
    EXPECT_EQ(values.size(), 33u);
    EXPECT_EQ(*values.begin(), -16);
    EXPECT_EQ(*values.rbegin(), 16);
  }
  EXPECT_EQ(
      valuesOf(input(i32, ast::IntRange{0, 30}), InputKind::Random).size(),
      31u);
}

TEST(RandomInputs, extremesAreTheEndsOfTheRange) {
  EXPECT_EQ(valuesOf(input(i64), InputKind::AllMin), (Set{INT64_MIN}));
  EXPECT_EQ(valuesOf(input(u2), InputKind::AllMax), (Set{3}));
  EXPECT_EQ(valuesOf(input(b2), InputKind::MixedExtremes), (Set{-3, 3}));
  EXPECT_EQ(
      valuesOf(input(s16, ast::IntRange{-511, 511}), InputKind::MixedExtremes),
      (Set{-511, 511}));
}

TEST(RandomInputs, nearestZero) {
  EXPECT_EQ(valuesOf(input(s4), InputKind::NearestZero), (Set{0}));
  EXPECT_EQ(valuesOf(input(b1), InputKind::NearestZero), (Set{1}));
  EXPECT_EQ(valuesOf(input(b2, ast::IntRange{-3, 0}), InputKind::NearestZero),
            (Set{-1}));
  EXPECT_EQ(valuesOf(input(s16, ast::IntRange{5, 9}), InputKind::NearestZero),
            (Set{5}));
  EXPECT_EQ(valuesOf(input(s16, ast::IntRange{-9, -5}), InputKind::NearestZero),
            (Set{-5}));
}

TEST(RandomInputs, floatKinds) {
  HostTensor values(f32, {4000});
  fillInput(input(f32), 0, InputKind::Random, 1, values);
  int powers = 0;
  for (int64_t i = 0; i < 4000; ++i) {
    const float v = values.getFloat(i);
    ASSERT_TRUE(std::isfinite(v));
    ASSERT_LE(std::fabs(v), 256.0f);
    int exponent = 0;
    powers += std::fabs(std::frexp(v, &exponent)) == 0.5f;
  }
  EXPECT_GT(powers, 300);
  fillInput(input(f32), 0, InputKind::FloatExtremes, 1, values);
  int nans = 0;
  int infinities = 0;
  int denormals = 0;
  for (int64_t i = 0; i < 4000; ++i) {
    const float v = values.getFloat(i);
    nans += std::isnan(v);
    infinities += std::isinf(v);
    denormals += std::fpclassify(v) == FP_SUBNORMAL;
  }
  EXPECT_GT(nans, 50);
  EXPECT_GT(infinities, 50);
  EXPECT_GT(denormals, 100);
}

TEST(RandomInputs, dependOnSeedAndTensorOnly) {
  ast::Op op;
  op.symbols.push_back({"m", 64, {}});
  for (const char *name : {"a", "b"}) {
    op.tensors.push_back(input(s16));
    op.tensors.back().name = name;
    op.tensors.back().shape.push_back({64, 0});
  }
  op.tensors.push_back(input(i32));
  op.tensors.back().role = ast::Role::Output;
  const auto first = makeInputs(op, {50}, InputKind::Random, 7);
  const auto again = makeInputs(op, {50}, InputKind::Random, 7);
  const auto other = makeInputs(op, {50}, InputKind::Random, 8);
  ASSERT_TRUE(first.ok() && again.ok() && other.ok());
  ASSERT_EQ(first->size(), 3u);
  EXPECT_EQ((*first)[0].shape(), (std::vector<int64_t>{50}));
  EXPECT_EQ((*first)[2].numElements(), 0);
  int sameTensor = 0;
  int sameSeed = 0;
  for (int64_t i = 0; i < 50; ++i) {
    EXPECT_EQ((*first)[0].getInt(i), (*again)[0].getInt(i));
    sameTensor += (*first)[0].getInt(i) == (*first)[1].getInt(i);
    sameSeed += (*first)[0].getInt(i) == (*other)[0].getInt(i);
  }
  EXPECT_LT(sameTensor, 3);
  EXPECT_LT(sameSeed, 3);
}

TEST(RandomInputs, tooLargeATensorIsAnError) {
  ast::Op op;
  op.tensors.push_back(input(i32));
  op.tensors[0].shape = {{INT64_MAX}, {2}};
  EXPECT_EQ(makeInputs(op, {}, InputKind::Random, 0).message(),
            "input 'x': no tensor can have the shape [9223372036854775807, 2] "
            "of i32: a negative extent or too many elements");
}

TEST(RandomInputs, kindsHaveNames) {
  std::set<std::string> names;
  for (InputKind kind : allInputKinds) {
    names.insert(inputKindName(kind));
  }
  EXPECT_EQ(names.size(), std::size(allInputKinds));
}

} // namespace
