// The functions of f32 against those of the C library in f64: every 4001st
// number, and special values.
#include "base/types/FloatFunctions.h"
#include <algorithm>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace lpgen;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float least = std::numeric_limits<float>::denorm_min();
constexpr float most = std::numeric_limits<float>::max();

struct Case {
  const char *name;
  double (*exact)(double);
  double bound; ///< In units of the last place, as docs/reference/language.md.
};

std::ostream &operator<<(std::ostream &os, const Case &c) {
  return os << c.name;
}

class FloatFunctions : public testing::TestWithParam<Case> {};

/// The distance of two f32 that lie beside `exact`; of denormals the least f32.
double lastPlace(double exact) {
  int exponent = 0;
  std::frexp(std::max(std::fabs(exact), 0x1p-126), &exponent);
  return std::ldexp(1.0, exponent - 24);
}

TEST_P(FloatFunctions, ErrorsStayBelowTheirBounds) {
  const Case &c = GetParam();
  const auto function = floatFunctionNamed(c.name);
  ASSERT_TRUE(function);
  size_t wrong = 0;
  for (uint64_t code = 0; code <= UINT32_MAX && wrong < 10; code += 4001) {
    const auto x = std::bit_cast<float>(static_cast<uint32_t>(code));
    const float y = evaluateFunction(*function, x);
    const double exact = c.exact(x);
    const auto nearest = static_cast<float>(exact);
    bool fits = false;
    if (std::isnan(exact)) {
      fits = std::isnan(y);
    } else if (std::isinf(nearest) || std::isinf(y)) {
      fits = y == nearest;
    } else {
      fits = std::fabs(y - exact) <= c.bound * lastPlace(exact) &&
             std::signbit(y) == std::signbit(nearest);
    }
    wrong += !fits;
    EXPECT_TRUE(fits) << c.name << "(" << x << ") is " << y << ", expected "
                      << exact;
  }
}

double inverseRoot(double x) { return 1 / std::sqrt(x); }
double logistic(double x) { return 1 / (1 + std::exp(-x)); }

INSTANTIATE_TEST_SUITE_P(All, FloatFunctions,
                         testing::Values(Case{"exp", std::exp, 1.0},
                                         Case{"log", std::log, 1.0},
                                         Case{"sqrt", std::sqrt, 0.5},
                                         Case{"rsqrt", inverseRoot, 1.5},
                                         Case{"tanh", std::tanh, 1.5},
                                         Case{"sigmoid", logistic, 2.5},
                                         Case{"erf", std::erf, 1.25}),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

struct Special {
  FloatFunction function;
  float x;
  float y;
};

TEST(FloatFunctionValues, Special) {
  using enum FloatFunction;
  const Special specials[] = {
      {Exp, 0, 1},          {Exp, -0.0F, 1},      {Exp, inf, inf},
      {Exp, -inf, 0},       {Exp, most, inf},     {Exp, -most, 0},
      {Exp, nan, nan},      {Exp, least, 1},      {Log, 1, 0},
      {Log, 0, -inf},       {Log, -0.0F, -inf},   {Log, inf, inf},
      {Log, -least, nan},   {Log, -inf, nan},     {Log, nan, nan},
      {Sqrt, -0.0F, -0.0F}, {Sqrt, inf, inf},     {Sqrt, -1, nan},
      {Rsqrt, 0, inf},      {Rsqrt, -0.0F, -inf}, {Rsqrt, inf, 0},
      {Rsqrt, 4, 0.5F},     {Tanh, 0, 0},         {Tanh, -0.0F, -0.0F},
      {Tanh, inf, 1},       {Tanh, -inf, -1},     {Tanh, nan, nan},
      {Tanh, least, least}, {Sigmoid, 0, 0.5F},   {Sigmoid, inf, 1},
      {Sigmoid, -inf, 0},   {Sigmoid, nan, nan},  {Erf, -0.0F, -0.0F},
      {Erf, inf, 1},        {Erf, -inf, -1},      {Erf, nan, nan},
  };
  for (const Special &s : specials) {
    const float y = evaluateFunction(s.function, s.x);
    EXPECT_TRUE(std::isnan(s.y) ? std::isnan(y)
                                : std::bit_cast<uint32_t>(y) ==
                                      std::bit_cast<uint32_t>(s.y))
        << floatFunctionNames[size_t(s.function)] << "(" << s.x << ") is " << y;
  }
}

TEST(FloatFunctionValues, Names) {
  EXPECT_EQ(floatFunctionNamed("erf"), FloatFunction::Erf);
  EXPECT_EQ(floatFunctionNamed("sine"), std::nullopt);
}

} // namespace
