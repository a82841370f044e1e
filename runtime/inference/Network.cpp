// Walks the layers in order; a stage is complete when the next layer with
// weights says on which grid it wants its input.
#include "runtime/inference/Network.h"
#include "runtime/nn/BatchNorm.h"
#include "runtime/nn/Containers.h"
#include "runtime/nn/ProductLayer.h"
#include "runtime/nn/SimpleLayers.h"
#include <algorithm>
#include <bit>
#include <cmath>

namespace lpgen::inference {

int64_t Stage::outputSize() const {
  return kind == Kind::MaxPool ? geometry.outPixels() * geometry.channels
                               : geometry.outputSize();
}

const FloatInput *Stage::find(const std::string &wanted) const {
  const auto found = std::ranges::find_if(
      floats, [&](const FloatInput &input) { return input.name == wanted; });
  return found == floats.end() ? nullptr : &*found;
}

ElementType typeOf(const nn::IntegerGrid &grid) {
  if (grid.lowest >= 0) {
    return {Encoding::Unsigned,
            unsigned(std::max<int>(std::bit_width(unsigned(grid.highest)), 1))};
  }
  unsigned bits = 2;
  while (grid.lowest < -(int64_t{1} << (bits - 1)) ||
         grid.highest >= int64_t{1} << (bits - 1)) {
    ++bits;
  }
  return {Encoding::Signed, bits};
}

static bool isPowerOfTwo(float value) {
  int exponent = 0;
  return value > 0 && std::frexp(value, &exponent) == 0.5F;
}

/// Multiplies by a power of two. False, and nothing is changed, if an element
/// of the result would not be exact, or a sum of 32 bits times it would
/// overflow.
static bool scaleExactly(std::vector<float> &values, float factor) {
  const auto isExact = [&](float value) {
    const float product = value * factor;
    return value == 0 ||
           (std::isnormal(product) && std::isfinite(std::ldexp(product, 32)));
  };
  if (!isPowerOfTwo(factor) || !std::ranges::all_of(values, isExact)) {
    return false;
  }
  for (float &value : values) {
    value *= factor;
  }
  return true;
}

namespace {

class Builder {
public:
  explicit Builder(const data::Dataset &data) : data(data) {
    network.height = data.height;
    network.width = data.width;
    network.channels = data.channels;
    network.classes = data.classes;
  }
  Status add(nn::Layer &layer);
  Result<Network> finish();

private:
  Status addProduct(const nn::ProductLayer &layer);
  Status addBatchNorm(const nn::BatchNorm &layer);
  Status addPool(const nn::Pool &layer);
  void fillTable(const nn::IntegerGrid &grid);
  void close(std::optional<nn::IntegerGrid> output);
  static Status refuse(const nn::Layer &layer, const std::string &reason) {
    return Status::error("layer '" + layer.name() + "' " + reason);
  }

  const data::Dataset &data;
  Network network;
  // The stage with weights that is being built, and the pools after it.
  std::vector<Stage> open;
  float unit = 1;          ///< Value of a sum of 1.
  std::vector<float> gain; ///< Of batch norm; empty without.
  std::vector<float> offset;
  bool hasRelu = false;
};

void Builder::fillTable(const nn::IntegerGrid &grid) {
  for (int64_t c = 0; c < data.channels; ++c) {
    for (int pixel = 0; pixel < 256; ++pixel) {
      const float scaled = data.normalized(uint8_t(pixel), c) / grid.scale;
      network.table.push_back(int32_t(std::nearbyint(
          std::clamp(scaled, float(grid.lowest), float(grid.highest)))));
    }
  }
}

/// Ends the open stages, whose codes go to a layer with this grid.
void Builder::close(std::optional<nn::IntegerGrid> output) {
  Stage &stage = open.front();
  const auto outputs = size_t(stage.geometry.outputs);
  const bool hasBatchNorm = !gain.empty();
  if (hasRelu && output) {
    output->lowest = std::max(output->lowest, 0);
  }
  // Without batch norm the value of a sum of 1 is the gain.
  const bool foldsUnit = !hasBatchNorm || scaleExactly(gain, unit);
  if (!hasBatchNorm) {
    gain.assign(outputs, unit);
  }
  if (offset.empty()) {
    offset.assign(outputs, 0.0F);
  }
  bool foldsStep = !output;
  if (output && isPowerOfTwo(output->scale)) {
    std::vector<float> scaled = gain;
    foldsStep = scaleExactly(scaled, 1 / output->scale) &&
                scaleExactly(offset, 1 / output->scale);
    gain = foldsStep ? scaled : gain;
  }
  if (!foldsUnit) {
    stage.floats.push_back({"unit", {unit}, true});
  }
  stage.floats.push_back({"gain", gain, false});
  stage.floats.push_back({"offset", offset, false});
  if (!foldsStep) {
    stage.floats.push_back({"step", {output->scale}, true});
  }
  stage.folded = std::string("gain and offset: ") +
                 (hasBatchNorm ? "batch norm" : "scale and bias") +
                 (hasBatchNorm && foldsUnit ? ", scale of the sum" : "") +
                 (output && foldsStep ? ", scale of the result" : "") +
                 (hasRelu ? "; relu: lower end of the clamp" : "");
  for (size_t i = 0; i < open.size(); ++i) {
    open[i].output = output;
    if (i > 0) {
      open[i].input = *output;
    }
    network.stages.push_back(std::move(open[i]));
  }
  open.clear();
  gain.clear();
  offset.clear();
  hasRelu = false;
}

Status Builder::addProduct(const nn::ProductLayer &layer) {
  const std::optional<nn::ForwardOperands> operands =
      layer.products()->forwardOperands();
  if (!operands) {
    return refuse(layer, "has no integer product on fixed grids; networks "
                         "trained under apt and lsq can be exported");
  }
  if (typeOf(operands->input).bits > 8 || typeOf(operands->weight).bits > 8) {
    return refuse(layer, "has operands of more than 8 bits");
  }
  if (layer.shape().groups != 1) {
    return refuse(layer, "has groups");
  }
  nn::IntegerGrid input = operands->input;
  if (open.empty()) {
    fillTable(input);
  } else {
    close(input);
    input = *network.stages.back().output;
  }
  Stage stage;
  stage.name = layer.name();
  stage.geometry = layer.shape();
  stage.input = input;
  stage.weight = operands->weight;
  stage.weights = operands->weights;
  unit = operands->input.scale * operands->weight.scale;
  offset.assign(layer.biases().begin(), layer.biases().end());
  open.push_back(std::move(stage));
  return Status::success();
}

Status Builder::addBatchNorm(const nn::BatchNorm &layer) {
  if (open.size() != 1 || !gain.empty() || !offset.empty() || hasRelu) {
    return refuse(layer, "is a batch norm that does not follow a product "
                         "without bias at once");
  }
  nn::BatchNorm::Affine affine = layer.evaluationAffine();
  gain = std::move(affine.scale);
  offset = std::move(affine.offset);
  return Status::success();
}

Status Builder::addPool(const nn::Pool &layer) {
  if (layer.poolKind() != nn::Pool::Kind::Max) {
    return refuse(layer, "averages; only maxima commute with rounding");
  }
  if (open.empty()) {
    return refuse(layer, "pools before the first layer with weights");
  }
  const nn::ConvGeometry &before = open.back().geometry;
  Stage stage;
  stage.kind = Stage::Kind::MaxPool;
  stage.name = layer.name();
  stage.geometry.height = before.outHeight();
  stage.geometry.width = before.outWidth();
  stage.geometry.channels = open.size() == 1 ? before.outputs : before.channels;
  stage.geometry.kernel = layer.kernelSize();
  stage.geometry.stride = layer.strideSize();
  open.push_back(std::move(stage));
  return Status::success();
}

Status Builder::add(nn::Layer &layer) {
  if (const auto *product = dynamic_cast<nn::ProductLayer *>(&layer)) {
    return addProduct(*product);
  }
  if (const auto *norm = dynamic_cast<nn::BatchNorm *>(&layer)) {
    return addBatchNorm(*norm);
  }
  if (const auto *pool = dynamic_cast<nn::Pool *>(&layer)) {
    return addPool(*pool);
  }
  if (dynamic_cast<nn::Relu *>(&layer) && !open.empty()) {
    hasRelu = true;
    return Status::success();
  }
  if (dynamic_cast<nn::Flatten *>(&layer)) {
    return Status::success(); // Elements are in the same order after it.
  }
  return refuse(layer, "is of a kind that cannot be exported yet; models mlp, "
                       "lenet, cnn and vgg-small can");
}

Result<Network> Builder::finish() {
  if (open.size() != 1 || hasRelu) {
    return Status::error("the network does not end in a layer with weights");
  }
  close(std::nullopt);
  return std::move(network);
}

} // namespace

Result<Network> makeNetwork(nn::Layer &root, const data::Dataset &data) {
  Builder builder(data);
  Status status;
  root.visitLayers([&](nn::Layer &layer) {
    if (status.ok() && &layer != &root) {
      status = builder.add(layer);
    }
  });
  LPGEN_RETURN_IF_ERROR(status);
  return builder.finish();
}

} // namespace lpgen::inference
