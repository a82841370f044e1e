// Subscripts of the image as those of the smaller one and its channels.
#include "networks/import/Spread.h"
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

namespace {
/// Where an element of the image lies in `inner`, dimension by dimension.
struct SpreadPlace {
  Subscripts::const_iterator next; ///< Subscripts that are not used yet.
  Subscript channel = 0;           ///< Of a remainder of each dimension.
  Subscripts image;
};
} // namespace

/// Reads elements of `inner`; `takeDim` takes the subscripts of a dimension.
template <typename TakeDim>
static Reader spreadReader(const Value &inner,
                           const std::vector<int64_t> &factors, int64_t outputs,
                           const TakeDim &takeDim) {
  return [=, images = int64_t(inner.dims[0].size()),
          read = inner.read](const Subscripts &subscripts) {
    SpreadPlace place;
    place.next = subscripts.begin();
    Subscripts places(place.next, place.next + images);
    place.next += images;
    const Subscript output = outputs == 1 ? Subscript(0) : *place.next++;
    for (size_t i = 0; i < factors.size(); ++i) {
      takeDim(i, place);
    }
    places.push_back(place.channel * outputs + output);
    places.insert(places.end(), place.image.begin(), place.image.end());
    return read(places);
  };
}

Value spreadOut(const Value &inner, const std::vector<int64_t> &factors) {
  int64_t outputs = 1;
  Value result = spreadValue(inner, factors, outputs);
  for (size_t i = 0; i < factors.size(); ++i) {
    if (factors[i] > 1) {
      result.dims[i + 2].push_back(factors[i]);
    }
  }
  result.read =
      spreadReader(inner, factors, outputs,
                   [factors, dims = inner.dims](size_t i, SpreadPlace &place) {
                     for (size_t k = 0; k < dims[i + 2].size(); ++k) {
                       place.image.push_back(*place.next++);
                     }
                     if (factors[i] > 1) {
                       place.channel =
                           place.channel * factors[i] + *place.next++;
                     }
                   });
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
  result.read = spreadReader(
      inner, factors, outputs,
      [factors, dims = inner.dims](size_t i, SpreadPlace &place) {
        const bool isOne = dims[i + 2].empty();
        if (factors[i] == 1) {
          if (!isOne) {
            place.image.push_back(*place.next++);
          }
          return;
        }
        const std::string at = (place.next++)->text();
        const std::string factor = std::to_string(factors[i]);
        if (!isOne) {
          place.image.push_back(
              Subscript::index("floordiv(" + at + ", " + factor + ")"));
        }
        place.channel = place.channel * factors[i] +
                        Subscript::index("(" + at + " % " + factor + ")");
      });
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
