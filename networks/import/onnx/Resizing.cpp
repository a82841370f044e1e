// Resize and Upsample of the nearest element.
#include "networks/import/onnx/Movement.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace lpgen::importer::onnx {

namespace {
/// How many elements a dimension gets, and how many a step of it is.
struct Size {
  int64_t from;
  int64_t to;
  float scale;
};
/// Which element stands at a place, by the names of the attributes.
struct NearestRule {
  std::string coordinates;
  std::string rounding;

  /// For whole factors all of these read element floor(i / factor).
  bool isFloor() const {
    return (coordinates == "asymmetric" && rounding == "floor") ||
           (coordinates == "half_pixel" &&
            rounding.starts_with("round_prefer"));
  }
};
} // namespace

/// The place among the elements, in binary32; nothing if the rule for it is
/// not known.
static std::optional<float> coordinate(const NearestRule &rule,
                                       const Size &size, int64_t place) {
  const auto at = static_cast<float>(place);
  const auto from = static_cast<float>(size.from);
  const auto to = static_cast<float>(size.to);
  const float centred = (at + 0.5F) / size.scale - 0.5F;
  if (rule.coordinates == "asymmetric") {
    return at / size.scale;
  }
  if (rule.coordinates == "half_pixel") {
    return centred;
  }
  if (rule.coordinates == "pytorch_half_pixel") {
    return size.to > 1 ? centred : 0;
  }
  if (rule.coordinates == "align_corners") {
    return size.to > 1 ? at * (from - 1) / (to - 1) : 0;
  }
  if (rule.coordinates == "half_pixel_symmetric") {
    return from / 2 * (1 - to / (from * size.scale)) + centred;
  }
  return std::nullopt;
}

static std::optional<float> roundedBy(const std::string &rounding,
                                      float number) {
  return rounding == "floor"  ? std::optional(std::floor(number))
         : rounding == "ceil" ? std::optional(std::ceil(number))
         : rounding == "round_prefer_floor"
             ? std::optional(std::ceil(number - 0.5F))
         : rounding == "round_prefer_ceil"
             ? std::optional(std::floor(number + 0.5F))
             : std::nullopt;
}

/// The elements that stand at all places of a dimension.
static std::optional<Constant> placesOf(const NearestRule &rule,
                                        const Size &size) {
  Constant places;
  places.isInteger = true;
  places.shape = {size.to};
  for (int64_t place = 0; place < size.to; ++place) {
    const std::optional<float> at = coordinate(rule, size, place);
    const std::optional<float> rounded =
        at ? roundedBy(rule.rounding, *at) : std::nullopt;
    if (!rounded) {
      return std::nullopt;
    }
    places.values.push_back(
        std::clamp(double(*rounded), 0.0, double(size.from - 1)));
  }
  return places;
}

/// Each element of a dimension `factor` times.
static Value repeated(const Value &value, size_t dim, int64_t factor) {
  Value result = value;
  result.dims[dim].push_back(factor);
  result.tensor.clear();
  result.beforeRelu = nullptr;
  result.read =
      leavingOut(value.firstFactor(dim) + value.dims[dim].size(), value.read);
  return result;
}

/// The dimensions that scales or sizes are given for.
static Outcome readAxes(const Node &node, size_t rank,
                        std::vector<size_t> &dims) {
  dims.resize(rank);
  std::iota(dims.begin(), dims.end(), 0);
  if (!node.has("axes")) {
    return std::nullopt;
  }
  dims.clear();
  for (const int64_t axis : node.integers("axes")) {
    const std::optional<size_t> dim = dimOf(axis, rank);
    if (!dim || std::ranges::find(dims, *dim) != dims.end()) {
      return Refusal{"axes", "one is out of range, or there twice", ""};
    }
    dims.push_back(*dim);
  }
  return std::nullopt;
}

/// Scales as the file has them; empty if it has sizes.
static std::vector<double> scalesOf(Lowering &lowering, const Node &node) {
  // Upsample and Resize of opset 10 have the scales as input 1.
  const size_t scalesInput = node.inputs.size() > 2 ? 2 : 1;
  if (const auto given = lowering.constantInput(node, scalesInput);
      given && given->count() > 0) {
    return given->values;
  }
  if (!node.has("scales")) {
    return {};
  }
  const std::vector<float> &reals = node.attributes.at("scales").reals;
  return {reals.begin(), reals.end()};
}

static Outcome readSizes(Lowering &lowering, const Node &node,
                         const Value &value, std::vector<Size> &sizes) {
  std::vector<size_t> dims;
  if (Outcome refusal = readAxes(node, value.rank(), dims)) {
    return refusal;
  }
  for (size_t d = 0; d < value.rank(); ++d) {
    sizes.push_back({value.extent(d), value.extent(d), 1});
  }
  const std::vector<double> scales = scalesOf(lowering, node);
  const std::optional<Constant> given = lowering.constantInput(node, 3);
  const size_t count =
      scales.empty() && given ? size_t(given->count()) : scales.size();
  if (count != dims.size() || dims.empty()) {
    return Refusal{"scales", "they are not known for each dimension", ""};
  }
  constexpr double most = 1 << 20;
  for (size_t i = 0; i < dims.size(); ++i) {
    Size &size = sizes[dims[i]];
    const double to = scales.empty()
                          ? given->values[i]
                          : std::floor(double(size.from) * float(scales[i]));
    const bool isImages = size.from == batchExtent;
    const bool isSame =
        scales.empty() ? to == double(size.from) : scales[i] == 1;
    if (isSame) {
      continue;
    }
    const bool isSize = to >= 1 && to <= most;
    if (isImages || !isSize) {
      return Refusal{"scales", "one is out of range, or for the images", ""};
    }
    size.to = int64_t(to);
    size.scale =
        scales.empty() ? float(to) / float(size.from) : float(scales[i]);
  }
  return std::nullopt;
}

Outcome lowerResize(Lowering &lowering, const Node &node) {
  const Value source = movable(lowering, lowering.input(node, 0));
  Value value = source;
  if (node.text("mode", "nearest") != "nearest") {
    return Refusal{"mode", "only 'nearest' is supported", ""};
  }
  if (node.text("keep_aspect_ratio_policy", "stretch") != "stretch") {
    return Refusal{"keep_aspect_ratio_policy", "only 'stretch' is supported",
                   ""};
  }
  std::vector<Size> sizes;
  if (Outcome refusal = readSizes(lowering, node, value, sizes)) {
    return refusal;
  }
  const bool isOld = lowering.model.opset < 11;
  const NearestRule rule =
      isOld ? NearestRule{"asymmetric", "floor"}
            : NearestRule{
                  node.text("coordinate_transformation_mode", "half_pixel"),
                  node.text("nearest_mode", "round_prefer_floor")};
  std::vector<int64_t> factors(sizes.size(), 1);
  bool isGathered = false;
  for (size_t d = 0; d < sizes.size(); ++d) {
    const Size &size = sizes[d];
    if (size.from == size.to && size.scale == 1) {
      continue;
    }
    const int64_t factor = size.to / size.from;
    const bool isWhole = float(factor) == size.scale;
    if (isWhole && rule.isFloor()) {
      value = repeated(value, d, factor);
      factors[d] = factor;
      continue;
    }
    const std::optional<Constant> places = placesOf(rule, size);
    if (!places || isOld) {
      return isOld ? Refusal{"scales",
                             "runtimes disagree about those that are no whole "
                             "numbers before opset 11",
                             "export with a newer opset"}
                   : Refusal{"coordinate_transformation_mode",
                             "'" + rule.coordinates + "' with '" +
                                 rule.rounding + "' is not supported",
                             "export with 'asymmetric' and 'floor'"};
    }
    value = gathered(lowering, node, value, d, *places);
    isGathered = true;
  }
  if (productOf(factors) == 1) {
    lowering.define(node, value);
    return std::nullopt;
  }
  // A convolution may read the smaller image.
  const Node *reader = lowering.onlyReader(node.outputs[0]);
  if (reader && reader->operation == "Conv" && !isGathered &&
      value.rank() > 2 && factors[0] * factors[1] == 1) {
    value.read.repetition = std::make_shared<const Repetition>(
        Repetition{source, {factors.begin() + 2, factors.end()}});
    lowering.define(node, value);
    return std::nullopt;
  }
  lowering.define(node, lowering.emitter.flat(value, node.name));
  return std::nullopt;
}

} // namespace lpgen::importer::onnx
