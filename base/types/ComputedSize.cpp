// Values and texts of computed sizes. See ComputedSize.h.
#include "base/types/ComputedSize.h"

namespace lpgen {

std::optional<int64_t> valueOf(const ComputedSize &size,
                               std::span<const int64_t> given,
                               std::span<const int64_t> before) {
  __int128 sum = size.constant;
  bool fits = true;
  for (const SizeTerm &term : size.terms) {
    const int64_t value = term.size >= 0 ? given[size_t(term.size)]
                                         : before[computedNumber(term.size)];
    fits &=
        !__builtin_add_overflow(sum, __int128{term.coefficient} * value, &sum);
  }
  if (!fits || sum < 0 || (!size.isFloor && sum % size.divisor != 0) ||
      sum / size.divisor > INT64_MAX) {
    return std::nullopt;
  }
  return int64_t(sum / size.divisor);
}

std::vector<int64_t> valuesOf(std::span<const ComputedSize> sizes,
                              std::span<const int64_t> given) {
  std::vector<int64_t> values;
  for (const ComputedSize &size : sizes) {
    const std::optional<int64_t> value = valueOf(size, given, values);
    if (!value) {
      break;
    }
    values.push_back(*value);
  }
  return values;
}

std::string sizeText(std::span<const ComputedSize> sizes, size_t number,
                     const std::function<std::string(size_t)> &nameOf) {
  const ComputedSize &size = sizes[number];
  std::string sum;
  const auto add = [&](int64_t factor, const std::string &what) {
    const int64_t magnitude = factor < 0 ? -factor : factor;
    sum += sum.empty() ? (factor < 0 ? "-" : "") : factor < 0 ? " - " : " + ";
    sum += what.empty()     ? std::to_string(magnitude)
           : magnitude == 1 ? what
                            : std::to_string(magnitude) + " * " + what;
  };
  // In the order of the text: given sizes, then parts that are computed.
  for (const SizeTerm &term : size.terms) {
    if (term.size >= 0) {
      add(term.coefficient, nameOf(size_t(term.size)));
    }
  }
  for (const SizeTerm &term : size.terms) {
    if (term.size < 0) {
      add(term.coefficient, sizeText(sizes, computedNumber(term.size), nameOf));
    }
  }
  if (size.constant != 0 || sum.empty()) {
    add(size.constant, "");
  }
  const std::string divisor = std::to_string(size.divisor);
  if (size.isFloor) {
    return "floordiv(" + sum + ", " + divisor + ")";
  }
  if (size.divisor == 1) {
    return sum;
  }
  const bool isSum = sum.find(' ') != std::string::npos;
  return (isSum ? "(" + sum + ")" : sum) + " / " + divisor;
}

} // namespace lpgen
