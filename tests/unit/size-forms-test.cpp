// Sizes that follow from others: equal values are one size, and what is proved
// of them holds.
#include "base/types/SizeForm.h"
#include <gtest/gtest.h>

using namespace lpgen;

namespace {

struct Sizes : testing::Test {
  std::vector<ComputedSize> list;
  SizeForms forms{list};
  SizeForm h = forms.of(0);
  SizeForm v = forms.of(1);

  SizeForm plus(const SizeForm &form, int64_t value) {
    return *SizeForms::add(form, SizeForms::constant(value));
  }
  SizeForm floorDivide(const SizeForm &form, int64_t divisor) {
    return *forms.floorDivide(form, divisor);
  }
  std::string text(const SizeForm &form) {
    const SizeId size = forms.sizeOf(form);
    const auto nameOf = [](size_t i) { return i == 0 ? "h" : "v"; };
    return size >= 0 ? nameOf(size_t(size))
                     : sizeText(list, computedNumber(size), nameOf);
  }
  int64_t value(const SizeForm &form, int64_t ofH, int64_t ofV) {
    const SizeId size = forms.sizeOf(form);
    const std::vector<int64_t> given = {ofH, ofV};
    const std::vector<int64_t> all = valuesOf(list, given);
    return size >= 0 ? given[size_t(size)] : all.at(computedNumber(size));
  }
};

TEST_F(Sizes, EqualValuesAreOneSize) {
  const SizeForm half = floorDivide(plus(h, 1), 2);
  EXPECT_EQ(floorDivide(plus(half, 1), 2), floorDivide(plus(h, 3), 4));
  EXPECT_EQ(plus(floorDivide(plus(h, -3), 2), 2), half);
  EXPECT_EQ(plus(floorDivide(plus(h, -1), 2), 1), half);
  EXPECT_EQ(floorDivide(*SizeForms::add(h, h, 3), 2),
            *SizeForms::add(SizeForms::constant(0), h, 2));
  EXPECT_EQ(*SizeForms::add(*SizeForms::divide(h, 2), *SizeForms::divide(h, 2)),
            h);
  EXPECT_EQ(forms.sizeOf(half), forms.sizeOf(forms.of(forms.sizeOf(half))));
  EXPECT_EQ(forms.of(forms.sizeOf(plus(half, -1))), plus(half, -1));
}

TEST_F(Sizes, HaveTexts) {
  EXPECT_EQ(text(h), "h");
  EXPECT_EQ(text(plus(h, -2)), "h - 2");
  EXPECT_EQ(text(*SizeForms::add(h, v, -2)), "h - 2 * v");
  EXPECT_EQ(text(floorDivide(plus(h, 1), 2)), "floordiv(h + 1, 2)");
  EXPECT_EQ(text(plus(floorDivide(plus(h, -3), 2), 1)), "floordiv(h - 1, 2)");
  EXPECT_EQ(text(*SizeForms::divide(h, 4)), "h / 4");
  EXPECT_EQ(text(*SizeForms::divide(plus(h, 1), 4)), "(h + 1) / 4");
}

TEST_F(Sizes, HaveTheValuesThatAreWritten) {
  for (int64_t a = 0; a < 20; ++a) {
    for (int64_t divisor = 1; divisor < 5; ++divisor) {
      const SizeForm inner = floorDivide(plus(*SizeForms::add(h, v), 2), 3);
      EXPECT_EQ(value(inner, a, 5), (a + 7) / 3);
      EXPECT_EQ(value(floorDivide(plus(inner, 4), divisor), a, 5),
                ((a + 7) / 3 + 4) / divisor);
    }
  }
}

TEST_F(Sizes, ThatCannotBeHaveNoValue) {
  forms.sizeOf(plus(h, -2));
  forms.sizeOf(*SizeForms::divide(v, 4));
  EXPECT_EQ(valuesOf(list, std::vector<int64_t>{2, 8}),
            (std::vector<int64_t>{0, 2}));
  EXPECT_TRUE(valuesOf(list, std::vector<int64_t>{1, 8}).empty());
  EXPECT_EQ(valuesOf(list, std::vector<int64_t>{2, 7}).size(), 1U);
}

/// Whatever is proved not to be negative is not, for all small sizes; and the
/// forms that subscripts need are proved.
TEST_F(Sizes, ProofsHold) {
  const auto last = [&](const SizeForm &extent, int64_t stride, int64_t taps) {
    // size - 1 - (stride * (extent - 1) + taps - 1)
    const SizeForm at =
        *SizeForms::add(SizeForms::constant(taps - 1 - stride), extent, stride);
    return *SizeForms::add(plus(h, -1), at, -1);
  };
  EXPECT_TRUE(forms.isNonNegative(last(plus(h, -2), 1, 3)));
  EXPECT_FALSE(forms.isNonNegative(last(plus(h, -1), 1, 3)));
  for (int64_t stride = 1; stride < 5; ++stride) {
    for (int64_t taps = 1; taps < 6; ++taps) {
      const SizeForm extent = plus(floorDivide(plus(h, -taps), stride), 1);
      EXPECT_TRUE(forms.isNonNegative(last(extent, stride, taps)));
      EXPECT_FALSE(forms.isNonNegative(last(plus(extent, 1), stride, taps)));
    }
  }
  for (int64_t c = -3; c <= 3; ++c) {
    for (int64_t k = -3; k <= 3; ++k) {
      const SizeForm form =
          plus(*SizeForms::add(*SizeForms::add(SizeForms::constant(0), h, c),
                               floorDivide(plus(h, 1), 2), k),
               c + k);
      for (int64_t a = 0; forms.isNonNegative(form) && a < 30; ++a) {
        EXPECT_GE(c * a + k * ((a + 1) / 2) + c + k, 0) << c << " " << k;
      }
    }
  }
}

TEST_F(Sizes, BeyondSixtyBitsAreRefused) {
  const SizeForm large =
      *SizeForms::add(SizeForms::constant(0), h, int64_t{1} << 40);
  EXPECT_FALSE(SizeForms::add(large, large, int64_t{1} << 40));
  EXPECT_FALSE(SizeForms::divide(*SizeForms::divide(h, int64_t{1} << 40),
                                 int64_t{1} << 40));
}

} // namespace
