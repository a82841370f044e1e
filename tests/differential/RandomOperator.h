// Operators drawn at random from the language: reductions over random index
// expressions, several statements, borders, zero points, run-time sizes, nested
// sums, elementwise arithmetic.
#ifndef LPGEN_TESTS_DIFFERENTIAL_RANDOMOPERATOR_H
#define LPGEN_TESTS_DIFFERENTIAL_RANDOMOPERATOR_H

#include <cstdint>
#include <string>

namespace lpgen::difftest {

/// The text of an operator called `name`; a function of `seed` alone. Most are
/// legal; a few leave the proved ranges and are refused by the front end.
std::string randomOperator(const std::string &name, uint64_t seed);

} // namespace lpgen::difftest

#endif // LPGEN_TESTS_DIFFERENTIAL_RANDOMOPERATOR_H
