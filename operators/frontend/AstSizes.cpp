// Run-time sizes of a checked operator. See Ast.h.
#include "operators/frontend/Ast.h"

using namespace lpgen;
using namespace lpgen::ast;

int64_t Op::sizeOf(const Extent &extent, llvm::ArrayRef<int64_t> sizes) const {
  if (extent.isStatic()) {
    return extent.size;
  }
  if (*extent.id >= 0) {
    return sizes[size_t(*extent.id)];
  }
  const auto before = valuesOf(
      std::span(computedSizes).first(computedNumber(*extent.id)), sizes);
  return valueOf(computedSizes[computedNumber(*extent.id)], sizes, before)
      .value_or(0);
}

std::string Op::whyNotSizes(llvm::ArrayRef<int64_t> sizes) const {
  if (sizes.size() != symbols.size()) {
    return "op '" + name + "' has " + std::to_string(symbols.size()) +
           " run-time sizes, but " + std::to_string(sizes.size()) +
           " values were given";
  }
  std::string values;
  for (size_t i = 0; i < symbols.size(); ++i) {
    const std::string value =
        "?" + symbols[i].name + " is " + std::to_string(sizes[i]);
    if (sizes[i] < 0 || sizes[i] > symbols[i].bound) {
      return value + ", expected a size from 0 to its bound " +
             std::to_string(symbols[i].bound);
    }
    values += (values.empty() ? "" : ", ") + value;
  }
  const size_t number = valuesOf(computedSizes, sizes).size();
  if (number == computedSizes.size()) {
    return "";
  }
  return values + ", for which the size " +
         textOf({0, ~static_cast<SizeId>(number)}) +
         " is negative or no integer";
}

std::string Op::textOf(const Extent &extent) const {
  if (extent.isStatic()) {
    return std::to_string(extent.size);
  }
  const auto nameOf = [&](size_t symbol) { return "?" + symbols[symbol].name; };
  return *extent.id >= 0
             ? nameOf(size_t(*extent.id))
             : sizeText(computedSizes, computedNumber(*extent.id), nameOf);
}
