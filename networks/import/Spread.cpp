// Images whose neighbouring elements lie side by side in the channels of a
// smaller one.
#include "networks/import/Value.h"
#include <algorithm>

namespace lpgen::importer {

/// The first channels of numbers that repeat for each pair of remainders.
static Constant firstChannels(const Constant &numbers, int64_t outputs) {
  Constant result = numbers;
  if (numbers.shape.size() > 1 && numbers.shape[1] > 1) {
    result.shape[1] = outputs;
    result.values.resize(size_t(outputs));
  }
  return result;
}

/// What both forms have in common: all but how `inner` is read.
static Value spreadValue(const Value &inner,
                         const std::vector<int64_t> &factors,
                         int64_t &outputs) {
  outputs = inner.extent(1) / productOf(factors);
  Value result = inner;
  result.dims[1] = outputs == 1 ? Factors{} : Factors{outputs};
  result.order = channelsLast(inner.rank());
  result.tensor.clear();
  result.beforeRelu = nullptr;
  ++result.layers;
  if (inner.quantization) {
    result.quantization =
        Quantization{firstChannels(inner.quantization->scale, outputs),
                     firstChannels(inner.quantization->zero, outputs)};
  }
  return result;
}

Value spreadOut(const Value &inner, const std::vector<int64_t> &factors) {
  int64_t outputs = 1;
  Value result = spreadValue(inner, factors, outputs);
  for (size_t i = 0; i < factors.size(); ++i) {
    if (factors[i] > 1) {
      result.dims[i + 2].push_back(factors[i]);
    }
  }
  result.read = [=, dims = inner.dims,
                 read = inner.read](const Subscripts &subscripts) {
    auto next = subscripts.begin();
    Subscripts places(next, next + int64_t(dims[0].size()));
    next += int64_t(dims[0].size());
    const Subscript output = outputs == 1 ? Subscript(0) : *next++;
    Subscript channel = 0;
    Subscripts image;
    for (size_t i = 0; i < factors.size(); ++i) {
      for (size_t k = 0; k < dims[i + 2].size(); ++k) {
        image.push_back(*next++);
      }
      if (factors[i] > 1) {
        channel = channel * factors[i] + *next++;
      }
    }
    places.push_back(channel * outputs + output);
    places.insert(places.end(), image.begin(), image.end());
    return read(places);
  };
  result.read.spread = std::make_shared<const Spread>(Spread{inner, factors});
  return result;
}

Value spreadOutFlat(const Value &inner, const std::vector<int64_t> &factors) {
  int64_t outputs = 1;
  Value result = spreadValue(inner, factors, outputs);
  for (size_t i = 0; i < factors.size(); ++i) {
    const int64_t extent = inner.extent(i + 2) * factors[i];
    result.dims[i + 2] = extent == 1 ? Factors{} : Factors{extent};
  }
  result.read = [=, dims = inner.dims,
                 read = inner.read](const Subscripts &subscripts) {
    auto next = subscripts.begin();
    Subscripts places(next, next + int64_t(dims[0].size()));
    next += int64_t(dims[0].size());
    const Subscript output = outputs == 1 ? Subscript(0) : *next++;
    Subscript channel = 0;
    Subscripts image;
    for (size_t i = 0; i < factors.size(); ++i) {
      const bool isOne = dims[i + 2].empty();
      if (factors[i] == 1) {
        if (!isOne) {
          image.push_back(*next++);
        }
        continue;
      }
      const std::string at = (next++)->text();
      const std::string factor = std::to_string(factors[i]);
      if (!isOne) {
        image.push_back(
            Subscript::index("floordiv(" + at + ", " + factor + ")"));
      }
      channel = channel * factors[i] +
                Subscript::index("(" + at + " % " + factor + ")");
    }
    places.push_back(channel * outputs + output);
    places.insert(places.end(), image.begin(), image.end());
    return read(places);
  };
  return result;
}

std::optional<Constant> withinSpread(const Constant &numbers,
                                     const Spread &spread) {
  if (numbers.isUniform()) {
    Constant one = numbers.reshaped({});
    one.values.resize(1);
    return one;
  }
  const size_t rank = spread.inner.rank();
  const int64_t classes = productOf(spread.factors);
  const int64_t channels = spread.inner.extent(1);
  const size_t skipped = rank - numbers.shape.size();
  if (numbers.shape.size() > rank || skipped > 1 ||
      numbers.count() * classes != channels ||
      numbers.shape[1 - skipped] != numbers.count()) {
    return std::nullopt;
  }
  Constant result = numbers;
  result.shape[1 - skipped] = channels;
  for (int64_t i = 1; i < classes; ++i) {
    result.values.insert(result.values.end(), numbers.values.begin(),
                         numbers.values.end());
  }
  return result;
}

std::optional<Value> innerOf(const Value &value) {
  if (!value.read.spread) {
    return std::nullopt;
  }
  Value inner = value.read.spread->inner;
  inner.isInteger = value.isInteger;
  inner.lowest = value.lowest;
  inner.highest = value.highest;
  inner.isOdd = value.isOdd;
  inner.quantization.reset();
  if (value.quantization) {
    std::optional<Constant> scale =
        withinSpread(value.quantization->scale, *value.read.spread);
    std::optional<Constant> zero =
        withinSpread(value.quantization->zero, *value.read.spread);
    if (!scale || !zero) {
      return std::nullopt;
    }
    inner.quantization = Quantization{std::move(*scale), std::move(*zero)};
  }
  return inner;
}

} // namespace lpgen::importer
