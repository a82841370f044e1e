// Elements that are made of those of one value or of several.
#include "networks/import/Emitter.h"
#include "networks/import/Spread.h"
#include <algorithm>

namespace lpgen::importer {

using builder::Expression;

Value Emitter::readable(const Value &value) {
  Value result = value;
  result.read = constantReader(*value.constant, value.dims);
  result.constant.reset();
  return result;
}

/// The chain of a value with one step more; null if its elements are no sums
/// with steps.
static std::shared_ptr<const SumChain> continued(const Value &value,
                                                 ChainOperation operation,
                                                 const Constant &number) {
  SumChain next;
  if (value.read.chain) {
    next = *value.read.chain;
  } else if (value.isInteger && !value.quantization && !number.isInteger) {
    next = {value.read, {value.lowest, value.highest, {}}};
  } else {
    return nullptr;
  }
  next.chain.steps.push_back({operation, number});
  return std::make_shared<const SumChain>(std::move(next));
}

Value Emitter::real(const Value &value) {
  if (!value.quantization) {
    return value;
  }
  if (const std::optional<Value> inner = innerOf(value)) {
    return spreadOut(real(*inner), value.read.spread->factors);
  }
  const Quantization &quantization = *value.quantization;
  Value result = value;
  result.quantization.reset();
  if (value.constant) {
    Constant numbers = *value.constant;
    numbers.isInteger = false;
    size_t i = 0;
    forEachElement(numbers.shape, [&](const Extents &indices) {
      const auto code =
          float(numbers.values[i] - quantization.zero.broadcastAt(indices));
      numbers.values[i++] =
          code * float(quantization.scale.broadcastAt(indices));
    });
    return constantValue(std::move(numbers));
  }
  const bool hasZero =
      !quantization.zero.isUniform() || quantization.zero.values[0] != 0;
  const bool hasScale =
      !quantization.scale.isUniform() || quantization.scale.values[0] != 1;
  if (!hasZero && !hasScale) {
    return result;
  }
  result.tensor.clear();
  result.beforeRelu = nullptr;
  result.operations += 2;
  ++result.layers;
  if (hasZero) {
    const auto [least, greatest] = rangeOf(quantization.zero);
    result.lowest -= toInteger(greatest);
    result.highest -= toInteger(least);
    result.isOdd = false;
    const Reader zero = constantReader(quantization.zero, value.dims);
    result.read = [zero, read = value.read](const Subscripts &subscripts) {
      return read(subscripts) - zero(subscripts);
    };
  }
  if (hasScale) {
    Constant factors = quantization.scale;
    factors.isInteger = false;
    auto chain = continued(result, ChainOperation::Multiply, factors);
    const Reader scale = constantReader(factors, value.dims);
    result.read = [scale, read = result.read](const Subscripts &subscripts) {
      return read(subscripts) * scale(subscripts);
    };
    result.read.chain = std::move(chain);
    result.isInteger = false;
  }
  return result;
}

/// The dimensions of the result: those of the operands, cut where one of them
/// is.
static std::optional<std::vector<Factors>>
commonDims(std::span<const Value> operands) {
  size_t rank = 0;
  for (const Value &operand : operands) {
    rank = std::max(rank, operand.rank());
  }
  std::vector<Factors> dims(rank);
  for (size_t d = 0; d < rank; ++d) {
    std::vector<Factors> lists;
    for (const Value &operand : operands) {
      const size_t skipped = rank - operand.rank();
      if (d < skipped) {
        continue;
      }
      const Factors &factors = operand.dims[d - skipped];
      if (productOf(factors) != 1) {
        lists.push_back(factors);
      } else if (!factors.empty() && lists.empty()) {
        dims[d] = factors;
      }
    }
    if (lists.empty()) {
      continue;
    }
    const int64_t extent = productOf(lists.front());
    if (std::ranges::any_of(lists, [&](const Factors &factors) {
          return productOf(factors) != extent;
        })) {
      return std::nullopt;
    }
    std::optional<Factors> common = refinement(lists);
    if (!common) {
      return std::nullopt;
    }
    dims[d] = std::move(*common);
  }
  return dims;
}

/// The elements of an operand at the subscripts of the result.
static Reader broadcastReader(const Value &operand,
                              const std::vector<Factors> &dims) {
  return [dims, operandDims = operand.dims,
          read = operand.read](const Subscripts &subscripts) {
    const size_t skipped = dims.size() - operandDims.size();
    Subscripts own;
    size_t start = 0;
    for (size_t d = 0; d < dims.size(); ++d) {
      const std::span<const Subscript> here(subscripts.data() + start,
                                            dims[d].size());
      start += dims[d].size();
      if (d < skipped) {
        continue;
      }
      const Factors &factors = operandDims[d - skipped];
      if (productOf(factors) == 1 && productOf(dims[d]) != 1) {
        own.insert(own.end(), factors.size(), Subscript(0));
        continue;
      }
      const Subscripts part = coarsened(factors, dims[d], here);
      own.insert(own.end(), part.begin(), part.end());
    }
    return read(own);
  };
}

std::optional<Value> Emitter::elementwise(std::span<const Value> operands,
                                          const Combine &combine) {
  const std::optional<std::vector<Factors>> dims = commonDims(operands);
  if (!dims) {
    return std::nullopt;
  }
  Value result;
  result.dims = *dims;
  std::vector<Reader> readers;
  for (const Value &operand : operands) {
    readers.push_back(operand.constant
                          ? constantReader(*operand.constant, *dims)
                          : broadcastReader(operand, *dims));
    result.operations += operand.operations + 1;
    result.layers = std::max(result.layers, operand.layers + 1);
    if (!operand.constant && operand.rank() == dims->size() &&
        result.order.empty()) {
      result.order = operand.order;
    }
  }
  if (result.order.empty()) {
    result.order = channelsLast(dims->size());
  }
  result.read = [readers, combine](const Subscripts &subscripts) {
    std::vector<Expression> elements;
    elements.reserve(readers.size());
    for (const Reader &reader : readers) {
      elements.push_back(reader(subscripts));
    }
    return combine(elements);
  };
  return result;
}

std::optional<Value> Emitter::applied(const Value &value,
                                      ChainOperation operation,
                                      const Constant &number) {
  if (const std::optional<Value> inner = innerOf(value)) {
    const Spread &spread = *value.read.spread;
    if (const auto within = withinSpread(number, spread)) {
      return spreadOut(*applied(*inner, operation, *within), spread.factors);
    }
  }
  const std::vector<Value> operands = {value, constantValue(number)};
  std::optional<Value> result =
      elementwise(operands, [operation](std::span<const Expression> elements) {
        return joined(operation, elements[0], elements[1]);
      });
  if (result && !value.constant && result->dims == value.dims) {
    result->read.chain = continued(value, operation, number);
  }
  return result;
}

} // namespace lpgen::importer
