// Manifests, and the checks of arguments that they make possible.
//
// The JSON library throws; nothing of that leaves this file.
#include "runtime/kernels/KernelInterface.h"
#include "base/tensor/Strides.h"
#include "base/tensor/Tensor.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>

namespace lpgen {

using nlohmann::json;

std::vector<int64_t>
KernelBuffer::shapeFor(std::span<const int64_t> runTimeSizes) const {
  std::vector<int64_t> result = shape;
  for (size_t d = 0; d < result.size(); ++d) {
    if (sizes[d] >= 0) {
      result[d] = runTimeSizes[size_t(sizes[d])];
    }
  }
  return result;
}

std::vector<int64_t>
KernelBuffer::stridesFor(std::span<const int64_t> runTimeSizes) const {
  if (strides.empty()) {
    return denseStrides(shapeFor(runTimeSizes));
  }
  std::vector<int64_t> result = strides;
  for (size_t d = 0; d < result.size(); ++d) {
    if (strideSizes[d] >= 0) {
      result[d] = runTimeSizes[size_t(strideSizes[d])];
    }
  }
  return result;
}

/// Are all values in [lo, hi], and odd if `isOdd`? A loop without branches, for
/// vectors.
template <typename T>
static bool areAllowed(const void *values, int64_t count, int64_t lo,
                       int64_t hi, bool isOdd) {
  const T *elements = static_cast<const T *>(values);
  T least = count > 0 ? elements[0] : T(lo);
  T greatest = least;
  T common = T(~T(0)); // the bits that all have
  for (int64_t i = 0; i < count; ++i) {
    least = std::min(least, elements[i]);
    greatest = std::max(greatest, elements[i]);
    common = T(common & elements[i]);
  }
  return int64_t(least) >= lo && int64_t(greatest) <= hi &&
         (!isOdd || (common & 1) != 0);
}

static bool areAllowed(const KernelBuffer &buffer, const void *values,
                       int64_t count) {
  const int64_t lo = std::max(buffer.lo, buffer.type.minValue());
  const int64_t hi = std::min(buffer.hi, buffer.type.maxValue());
  const bool isOdd = buffer.type.encoding == Encoding::Bipolar;
  const bool isSigned = buffer.type.isStorageSigned();
  switch (buffer.type.storageBits()) {
  case 8:
    return isSigned ? areAllowed<int8_t>(values, count, lo, hi, isOdd)
                    : areAllowed<uint8_t>(values, count, lo, hi, isOdd);
  case 16:
    return isSigned ? areAllowed<int16_t>(values, count, lo, hi, isOdd)
                    : areAllowed<uint16_t>(values, count, lo, hi, isOdd);
  case 32:
    return isSigned ? areAllowed<int32_t>(values, count, lo, hi, isOdd)
                    : areAllowed<uint32_t>(values, count, lo, hi, isOdd);
  default:
    return areAllowed<int64_t>(values, count, lo, hi, isOdd);
  }
}

/// The same of a view, whose dimensions stand from the one with the largest
/// stride on.
static bool areAllowed(const KernelBuffer &buffer, const char *values,
                       std::span<const int64_t> shape,
                       std::span<const int64_t> strides) {
  if (shape.empty() || (shape.size() == 1 && strides[0] == 1)) {
    return areAllowed(buffer, values, shape.empty() ? 1 : shape[0]);
  }
  const int64_t step = strides[0] * buffer.type.storageBits() / 8;
  for (int64_t i = 0; i < shape[0]; ++i) {
    if (!areAllowed(buffer, values + i * step, shape.subspan(1),
                    strides.subspan(1))) {
      return false;
    }
  }
  return true;
}

static bool areAllowed(const KernelBuffer &buffer, const void *values,
                       std::span<const int64_t> shape,
                       std::span<const int64_t> strides) {
  std::vector<size_t> order(shape.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(
      order, [&](size_t a, size_t b) { return strides[a] > strides[b]; });
  std::vector<int64_t> sortedShape;
  std::vector<int64_t> sortedStrides;
  for (const size_t d : order) {
    sortedShape.push_back(shape[d]);
    sortedStrides.push_back(strides[d]);
  }
  return areAllowed(buffer, static_cast<const char *>(values), sortedShape,
                    sortedStrides);
}

Status KernelBuffer::checkValues(const void *values, std::vector<int64_t> shape,
                                 std::span<const int64_t> strides) const {
  const std::optional<int64_t> count = countElements(shape);
  if (type.isFloat() || !count ||
      (strides.empty() ? areAllowed(*this, values, *count)
                       : areAllowed(*this, values, shape, strides))) {
    return Status::success();
  }
  Result<HostTensor> copy = HostTensor::create(type, shape);
  LPGEN_RETURN_IF_ERROR(copy.status());
  const std::vector<int64_t> dense = denseStrides(shape);
  copyView(shape, type.storageBits() / 8, values,
           strides.empty() ? dense : strides, copy->data(), dense);
  std::optional<std::string> message = copy->firstIllegalValue();
  if (!message) {
    message = copy->firstValueOutside(lo, hi);
  }
  return Status::error("argument '" + name + "': " + message.value_or(""));
}

namespace {
/// What a manifest says that cannot be; caught in parse.
struct BadManifest {
  std::string message;
};
} // namespace

static KernelBuffer readBuffer(const json &from, size_t numSizes) {
  KernelBuffer buffer;
  buffer.name = from.at("name").get<std::string>();
  const auto text = from.at("type").get<std::string>();
  const std::optional<ElementType> type = ElementType::parse(text);
  if (!type) {
    throw BadManifest{"there is no element type '" + text + "'"};
  }
  buffer.type = *type;
  buffer.shape = from.at("shape").get<std::vector<int64_t>>();
  buffer.sizes = from.at("sizes").get<std::vector<int64_t>>();
  if (buffer.sizes.size() != buffer.shape.size() ||
      std::ranges::any_of(buffer.sizes, [&](int64_t size) {
        return size >= int64_t(numSizes);
      })) {
    throw BadManifest{"the shape of '" + buffer.name +
                      "' has sizes that there are not"};
  }
  if (from.contains("strides")) {
    buffer.strides = from.at("strides").get<std::vector<int64_t>>();
    buffer.strideSizes = from.at("stride_sizes").get<std::vector<int64_t>>();
    if (buffer.strides.size() != buffer.shape.size() ||
        buffer.strideSizes.size() != buffer.shape.size() ||
        std::ranges::any_of(buffer.strideSizes, [&](int64_t size) {
          return size >= int64_t(numSizes);
        })) {
      throw BadManifest{"the strides of '" + buffer.name +
                        "' have sizes that there are not"};
    }
    double span = 0;
    for (size_t d = 0; d < buffer.shape.size(); ++d) {
      span += std::abs(double(buffer.shape[d]) * double(buffer.strides[d]));
    }
    if (span > double(int64_t{1} << 41) ||
        std::ranges::any_of(buffer.strides, [](int64_t s) { return s < 0; })) {
      throw BadManifest{"the strides of '" + buffer.name +
                        "' are more than a tensor can have"};
    }
  }
  buffer.lo = type->minValue();
  buffer.hi = type->maxValue();
  if (const auto range = from.find("range"); range != from.end()) {
    buffer.lo = range->at(0).get<int64_t>();
    buffer.hi = range->at(1).get<int64_t>();
  }
  return buffer;
}

/// A size that follows from `numGiven` given ones and others before it.
static ComputedSize readComputedSize(const json &from, size_t numGiven,
                                     size_t numBefore) {
  ComputedSize size;
  const auto numbers = from.at("sizes").get<std::vector<int64_t>>();
  const auto coefficients = from.at("coefficients").get<std::vector<int64_t>>();
  size.constant = from.at("constant").get<int64_t>();
  size.divisor = from.at("divisor").get<int64_t>();
  size.isFloor = from.at("floor").get<bool>();
  if (numbers.size() != coefficients.size() || size.divisor < 1) {
    throw BadManifest{"a computed size has other coefficients than sizes, or "
                      "no divisor"};
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    const int64_t number = numbers[i];
    if (number < 0 || number >= int64_t(numGiven + numBefore)) {
      throw BadManifest{"a computed size follows from one that is not before "
                        "it"};
    }
    size.terms.push_back({sizeAt(size_t(number), numGiven), coefficients[i]});
  }
  return size;
}

Result<KernelInterface> KernelInterface::parse(const std::string &manifest) {
  const auto failure = [](const std::string &reason) {
    return Status::error("this is no manifest of a kernel: " + reason +
                         "; expected what 'lpgen compile --emit manifest' "
                         "writes for one target");
  };
  try {
    const json from = json::parse(manifest);
    KernelInterface kernel;
    kernel.op = from.at("op").get<std::string>();
    kernel.symbol = from.value("symbol", "");
    kernel.target = from.value("target", "");
    for (const json &size : from.at("sizes")) {
      kernel.sizes.push_back({size.at("name").get<std::string>(),
                              size.at("bound").get<int64_t>()});
    }
    for (const json &size : from.value("computed_sizes", json::array())) {
      kernel.computedSizes.push_back(readComputedSize(
          size, kernel.sizes.size(), kernel.computedSizes.size()));
    }
    const size_t numSizes = kernel.sizes.size() + kernel.computedSizes.size();
    for (const json &buffer : from.at("buffers")) {
      const bool isOutput = buffer.at("output").get<bool>();
      (isOutput ? kernel.outputs : kernel.inputs)
          .push_back(readBuffer(buffer, numSizes));
    }
    return kernel;
  } catch (const BadManifest &bad) {
    return failure(bad.message);
  } catch (const json::exception &error) {
    return failure(error.what());
  }
}

std::string KernelInterface::describe(const KernelBuffer &buffer) const {
  const auto listed = [&](const std::vector<int64_t> &values,
                          const std::vector<int64_t> &numbers) {
    std::string text = "[";
    for (size_t d = 0; d < values.size(); ++d) {
      text += d == 0 ? "" : ", ";
      if (numbers[d] >= 0) {
        const auto size = size_t(numbers[d]);
        text += (size < sizes.size() ? "?" : "") + sizeText(size) + " <= ";
      }
      text += std::to_string(values[d]);
    }
    return text + "]";
  };
  std::string text = buffer.type.str();
  if (!buffer.shape.empty()) {
    text += listed(buffer.shape, buffer.sizes);
  }
  if (!buffer.strides.empty()) {
    text += " strides " + listed(buffer.strides, buffer.strideSizes);
  }
  return text;
}

std::vector<int64_t>
KernelInterface::allSizes(std::vector<int64_t> given) const {
  const std::vector<int64_t> more = valuesOf(computedSizes, given);
  given.insert(given.end(), more.begin(), more.end());
  given.resize(sizes.size() + computedSizes.size());
  return given;
}

std::string KernelInterface::sizeText(size_t size) const {
  const auto nameOf = [&](size_t given) { return sizes[given].name; };
  return size < sizes.size()
             ? nameOf(size)
             : lpgen::sizeText(computedSizes, size - sizes.size(), nameOf);
}

Result<size_t> KernelInterface::findInput(const std::string &name) const {
  std::string names;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].name == name) {
      return i;
    }
    names += (names.empty() ? "'" : ", '") + inputs[i].name + "'";
  }
  return Status::error("operator '" + op + "' has no input '" + name +
                       "'; it has " + (names.empty() ? "none" : names));
}

KernelSizes::KernelSizes(const KernelInterface &kernel)
    : kernel(kernel), found(kernel.sizes.size()), isInShape(found.size()),
      places(kernel.sizes.size()) {
  const auto mark = [&](const auto &self, int64_t number) -> void {
    if (number < 0) {
      return;
    }
    if (size_t(number) < isInShape.size()) {
      isInShape[size_t(number)] = true;
      return;
    }
    for (const SizeTerm &term :
         kernel.computedSizes[size_t(number) - isInShape.size()].terms) {
      self(self, int64_t(positionOf(term.size, isInShape.size())));
    }
  };
  const auto markAll = [&](const std::vector<KernelBuffer> &buffers) {
    for (const KernelBuffer &buffer : buffers) {
      for (const int64_t number : buffer.sizes) {
        mark(mark, number);
      }
    }
  };
  markAll(kernel.inputs);
  markAll(kernel.outputs);
  for (const KernelBuffer &buffer : kernel.inputs) {
    hasStrides |= !buffer.strides.empty();
  }
  for (const KernelBuffer &buffer : kernel.outputs) {
    hasStrides |= !buffer.strides.empty();
  }
}

static Status sizeFault(const std::string &place, const KernelSize &size,
                        int64_t extent, const std::string &rest) {
  return Status::error(place + ": size ?" + size.name + " is " +
                       std::to_string(extent) + rest);
}

Status KernelSizes::match(size_t input, std::span<const int64_t> shape,
                          std::span<const int64_t> strides) {
  const KernelBuffer &buffer = kernel.inputs[input];
  const std::string place = "argument '" + buffer.name + "'";
  bool matches = shape.size() == buffer.shape.size();
  for (size_t d = 0; matches && d < shape.size(); ++d) {
    matches = buffer.sizes[d] >= 0 || shape[d] == buffer.shape[d];
  }
  if (!matches) {
    return Status::error(place + ": expected " + kernel.describe(buffer) +
                         ", found shape " + shapeToString(shape));
  }
  for (size_t d = 0; d < shape.size(); ++d) {
    if (buffer.sizes[d] < 0) {
      continue;
    }
    const auto size = size_t(buffer.sizes[d]);
    if (size >= found.size()) {
      computed.push_back({size, shape[d], place});
      continue;
    }
    const KernelSize &declared = kernel.sizes[size];
    if (shape[d] > declared.bound) {
      return sizeFault(place, declared, shape[d],
                       ", above its bound " + std::to_string(declared.bound));
    }
    if (found[size] && *found[size] != shape[d]) {
      return sizeFault(place, declared, shape[d],
                       " here but " + std::to_string(*found[size]) + " in " +
                           places[size]);
    }
    found[size] = shape[d];
    places[size] = place;
  }
  // A stride that is a size by itself; others follow from what is known.
  for (size_t d = 0; d < buffer.strides.size() && !strides.empty(); ++d) {
    const auto size = size_t(buffer.strideSizes[d]);
    if (buffer.strideSizes[d] >= 0 && size < found.size() && !isInShape[size] &&
        !found[size] && shape[d] > 1 && strides[d] > 0 &&
        strides[d] <= kernel.sizes[size].bound) {
      found[size] = strides[d];
    }
  }
  return Status::success();
}

/// Gives those that only strides mention, and that no input has, values.
std::vector<int64_t>
KernelSizes::withStrides(std::vector<int64_t> sizes) const {
  if (!hasStrides) {
    return sizes;
  }
  std::vector<bool> known;
  std::vector<int64_t> bounds;
  for (size_t i = 0; i < found.size(); ++i) {
    known.push_back(isInShape[i] || found[i]);
    bounds.push_back(kernel.sizes[i].bound);
  }
  std::vector<StridedTensor> tensors;
  std::vector<const KernelBuffer *> views;
  const auto addAll = [&](const std::vector<KernelBuffer> &buffers) {
    for (const KernelBuffer &buffer : buffers) {
      StridedTensor tensor;
      for (size_t d = 0; d < buffer.strides.size(); ++d) {
        tensor.shape.push_back({buffer.shape[d], buffer.sizes[d]});
        tensor.strides.push_back({buffer.strides[d], buffer.strideSizes[d]});
      }
      tensors.push_back(std::move(tensor));
      views.push_back(&buffer);
    }
  };
  addAll(kernel.inputs);
  addAll(kernel.outputs);
  const auto choose = [&](std::vector<bool> knownSizes) {
    std::vector<int64_t> chosen = sizes;
    chooseStrides(tensors, kernel.computedSizes, bounds, /*slack=*/0, chosen,
                  std::move(knownSizes));
    return chosen;
  };
  const std::vector<int64_t> chosen = choose(known);
  const std::vector<int64_t> all = kernel.allSizes(chosen);
  const bool areGood = std::ranges::all_of(views, [&](const auto *view) {
    return view->strides.empty() ||
           areNested(view->shapeFor(all), view->stridesFor(all));
  });
  // Strides of arrays whose elements share places are none for a kernel.
  return areGood ? chosen : choose(isInShape);
}

Result<std::vector<int64_t>> KernelSizes::take() const {
  for (size_t i = 0; i < found.size(); ++i) {
    if (!found[i] && isInShape[i]) {
      return Status::error("size ?" + kernel.sizes[i].name + " of operator '" +
                           kernel.op +
                           "' is in no input's shape, so the arguments do not "
                           "say what it is; make it a param");
    }
  }
  std::vector<int64_t> sizes = takeOrBounds();
  if (valuesOf(kernel.computedSizes, sizes).size() !=
      kernel.computedSizes.size()) {
    return Status::error("the arguments do not fit operator '" + kernel.op +
                         "': a size that follows from theirs is negative or "
                         "no integer");
  }
  const std::vector<int64_t> all = kernel.allSizes(sizes);
  for (const auto &[size, extent, place] : computed) {
    if (all[size] != extent) {
      return Status::error(
          place + ": expected an extent of " + kernel.sizeText(size) + " = " +
          std::to_string(all[size]) + ", found " + std::to_string(extent));
    }
  }
  return sizes;
}

std::vector<int64_t> KernelSizes::takeOrBounds() const {
  std::vector<int64_t> sizes(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    sizes[i] = found[i].value_or(kernel.sizes[i].bound);
  }
  return withStrides(std::move(sizes));
}

} // namespace lpgen
