// A number and a unit.
#include "training/posttraining/Budget.h"
#include <cmath>
#include <cstdlib>
#include <map>

namespace lpgen::posttraining {

Result<Budget> Budget::parse(const std::string &text) {
  static const std::map<std::string, Budget> units = {
      {"", {1, Unit::BitOperations}},     {"k", {1e3, Unit::BitOperations}},
      {"M", {1e6, Unit::BitOperations}},  {"G", {1e9, Unit::BitOperations}},
      {"T", {1e12, Unit::BitOperations}}, {"bits", {1, Unit::Bits}},
      {"cycles", {1, Unit::Cycles}},      {"kcycles", {1e3, Unit::Cycles}},
      {"Mcycles", {1e6, Unit::Cycles}}};
  char *end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const auto unit = units.find(end);
  if (end == text.c_str() || unit == units.end() || !(number > 0) ||
      !std::isfinite(number)) {
    return Status::error(
        "expected bit operations of an image, 200M, bits, 4bits, "
        "or cycles of an image, 60kcycles; found '" +
        text + "'");
  }
  return Budget{number * unit->second.amount, unit->second.unit};
}

} // namespace lpgen::posttraining
