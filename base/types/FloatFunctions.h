// The functions of f32 of the operator language: their names, and their values
// as the interpreter computes them. FloatAlgorithms.h defines them.
#ifndef LPGEN_BASE_TYPES_FLOATFUNCTIONS_H
#define LPGEN_BASE_TYPES_FLOATFUNCTIONS_H

#include <array>
#include <optional>
#include <string_view>

namespace lpgen {

enum class FloatFunction { Exp, Log, Sqrt, Rsqrt, Tanh, Sigmoid, Erf };

/// Their names, in the order of the enumeration.
constexpr std::array<std::string_view, 7> floatFunctionNames = {
    "exp", "log", "sqrt", "rsqrt", "tanh", "sigmoid", "erf"};

/// The function that is called so, if there is one.
std::optional<FloatFunction> floatFunctionNamed(std::string_view name);

/// The value of a function.
float evaluateFunction(FloatFunction function, float x);

} // namespace lpgen

#endif // LPGEN_BASE_TYPES_FLOATFUNCTIONS_H
