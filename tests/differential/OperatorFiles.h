// Operators of the files in tests/operators, one at a time.
#ifndef LPGEN_TESTS_DIFFERENTIAL_OPERATORFILES_H
#define LPGEN_TESTS_DIFFERENTIAL_OPERATORFILES_H

#include <string>
#include <vector>

namespace lpgen::difftest {

/// The names of the operators in a file.
std::vector<std::string> operatorsOf(const std::string &text);

/// The part of a file with one operator: parameters, the operators before it
/// that it calls, then the operator's text.
std::string onlyOperator(const std::string &text, const std::string &name);

/// The text with a number behind the name of its operator: names are unique in
/// a program.
std::string numbered(std::string text, size_t number);

} // namespace lpgen::difftest

#endif // LPGEN_TESTS_DIFFERENTIAL_OPERATORFILES_H
