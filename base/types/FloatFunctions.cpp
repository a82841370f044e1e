// The functions of f32 in the arithmetic of this CPU, for the interpreter.
// Compiled without floating-point contraction, so that every operation rounds
// once.
#include "base/types/FloatFunctions.h"
#include "base/types/FloatAlgorithms.h"
#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>

static_assert(FLT_EVAL_METHOD == 0, "f32 must be evaluated as binary32");

namespace lpgen {

namespace {

struct Bits {
  uint32_t value;
};
struct Number {
  float value;
};

Number operator+(Number a, Number b) { return {a.value + b.value}; }
Number operator-(Number a, Number b) { return {a.value - b.value}; }
Number operator*(Number a, Number b) { return {a.value * b.value}; }
Number operator/(Number a, Number b) { return {a.value / b.value}; }
bool operator<(Number a, Number b) { return a.value < b.value; }
Bits operator+(Bits a, Bits b) { return {a.value + b.value}; }
Bits operator-(Bits a, Bits b) { return {a.value - b.value}; }
Bits operator|(Bits a, Bits b) { return {a.value | b.value}; }
Bits operator&(Bits a, Bits b) { return {a.value & b.value}; }
Bits operator<<(Bits a, unsigned n) { return {a.value << n}; }

Number constantLike(Number /*x*/, float value) { return {value}; }
Bits constantLike(Bits /*x*/, uint32_t value) { return {value}; }
Number select(bool condition, Number a, Number b) { return condition ? a : b; }
Bits bits(Number x) { return {std::bit_cast<uint32_t>(x.value)}; }
Number number(Bits x) { return {std::bit_cast<float>(x.value)}; }
Bits shiftRight(Bits x, unsigned n) {
  return {static_cast<uint32_t>(static_cast<int32_t>(x.value) >> n)};
}
Number toNumber(Bits x) {
  return {static_cast<float>(static_cast<int32_t>(x.value))};
}
Number squareRoot(Number x) { return {std::sqrt(x.value)}; }

} // namespace

std::optional<FloatFunction> floatFunctionNamed(std::string_view name) {
  const auto *const found = std::ranges::find(floatFunctionNames, name);
  if (found == floatFunctionNames.end()) {
    return std::nullopt;
  }
  return static_cast<FloatFunction>(found - floatFunctionNames.begin());
}

float evaluateFunction(FloatFunction function, float x) {
  return floatalgorithms::apply(function, Number{x}).value;
}

} // namespace lpgen
