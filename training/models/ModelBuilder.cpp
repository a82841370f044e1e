// Layers with their shapes.
#include "training/models/ModelBuilder.h"
#include "training/layers/BatchNorm.h"
#include "training/layers/LeakySpikes.h"
#include "training/layers/SimpleLayers.h"

namespace lpgen::nn {

template <typename Made>
void ModelBuilder::addContraction(const std::string &name,
                                  const ConvGeometry &geometry, Bias bias,
                                  LayerPlace place) {
  if (!status.ok()) {
    return;
  }
  const bool first = std::exchange(isFirst, false);
  if (geometry.height + 2 * geometry.padding < geometry.kernel ||
      geometry.width + 2 * geometry.padding < geometry.kernel) {
    status =
        Status::error("layer '" + name + "' of model '" + chain->name() +
                      "' gets images of " + std::to_string(geometry.height) +
                      "x" + std::to_string(geometry.width) +
                      " pixels, too small for it; use larger images or "
                      "model 'mlp'");
    return;
  }
  Result<std::unique_ptr<ContractionBackend>> backend =
      makeBackend({name, geometry, first ? LayerPlace::First : place});
  if (!backend.ok()) {
    status = Status::error("layer '" + name + "': " + backend.message());
    return;
  }
  chain->add(std::make_unique<Made>(name, geometry, bias,
                                    first && !hasInputGradient
                                        ? InputGradient::NotWanted
                                        : InputGradient::Wanted,
                                    std::move(*backend), random));
}

void ModelBuilder::conv(const std::string &name, int64_t outputs,
                        int64_t kernel, int64_t stride, Bias bias) {
  outputs = widthOf(name, outputs);
  ConvGeometry g;
  g.height = height;
  g.width = width;
  g.channels = channels;
  g.outputs = outputs;
  g.kernel = kernel;
  g.stride = stride;
  g.padding = kernel / 2;
  addContraction<Conv2d>(name, g, bias, LayerPlace::Inner);
  height = g.outHeight();
  width = g.outWidth();
  channels = outputs;
}

void ModelBuilder::linear(const std::string &name, int64_t outputs,
                          LayerPlace place, Bias bias) {
  assert(height == 1 && width == 1 && "flatten first");
  outputs = widthOf(name, outputs);
  addContraction<Linear>(name, ConvGeometry::linear(channels, outputs), bias,
                         place);
  channels = outputs;
}

void ModelBuilder::batchNorm(const std::string &name) {
  chain->add(std::make_unique<BatchNorm>(name, channels));
}

void ModelBuilder::relu(const std::string &name) {
  if (activation == Activation::Relu) {
    chain->add(std::make_unique<Relu>(name));
  } else if (isSpiking(activation)) {
    chain->add(std::make_unique<LeakySpikes>(
        name, activation == Activation::OnlineSpikes
                  ? LeakySpikes::Gradient::Online
                  : LeakySpikes::Gradient::ThroughTime));
  }
}

void ModelBuilder::maxPool(const std::string &name) {
  if (status.ok() && (height < 2 || width < 2)) {
    status = Status::error("images are too small for layer '" + name +
                           "' of model '" + chain->name() +
                           "'; use larger images or model 'mlp'");
  }
  chain->add(std::make_unique<Pool>(name, Pool::Kind::Max, 2, 2));
  height /= 2;
  width /= 2;
}

void ModelBuilder::unit(const std::string &number, int64_t outputs) {
  conv("conv" + number, outputs, 3);
  batchNorm("bn" + number);
  relu("relu" + number);
}

void ModelBuilder::pooledUnit(const std::string &number, int64_t outputs,
                              const std::string &pool) {
  if (activation != Activation::Sign) {
    unit(number, outputs);
    maxPool(pool);
    return;
  }
  conv("conv" + number, outputs, 3);
  maxPool(pool);
  batchNorm("bn" + number);
}

void ModelBuilder::globalAveragePool(const std::string &name) {
  if (status.ok() && height != width) {
    status =
        Status::error("model '" + chain->name() +
                      "' needs square images, found " + std::to_string(height) +
                      "x" + std::to_string(width) + " at layer '" + name + "'");
  }
  chain->add(std::make_unique<Pool>(name, Pool::Kind::Average, height, height));
  height = width = 1;
}

void ModelBuilder::flatten(const std::string &name) {
  chain->add(std::make_unique<Flatten>(name));
  channels *= height * width;
  height = width = 1;
}

void ModelBuilder::residual(const std::string &name, int64_t outputs,
                            int64_t stride) {
  if (status.ok() && isSpiking(activation)) {
    status = Status::error("spikes are for networks without shortcuts, and "
                           "model '" +
                           chain->name() +
                           "' has some; remedy: mlp, lenet, cnn or vgg-small");
  }
  auto shortcut = std::make_unique<Sequential>(name + ".shortcut");
  if (stride != 1 || outputs != channels) {
    shortcut->add(
        std::make_unique<PaddedShortcut>(name + ".pad", stride, outputs));
  }
  auto outer =
      std::exchange(chain, std::make_unique<Sequential>(name + ".main"));
  conv(name + ".conv1", outputs, 3, stride);
  batchNorm(name + ".bn1");
  relu(name + ".relu1");
  conv(name + ".conv2", outputs, 3);
  batchNorm(name + ".bn2");
  auto main = std::exchange(chain, std::move(outer));
  chain->add(std::make_unique<Residual>(name, std::move(main),
                                        std::move(shortcut), activation));
}

Result<std::unique_ptr<Layer>> ModelBuilder::finish() {
  LPGEN_RETURN_IF_ERROR(status);
  return std::unique_ptr<Layer>(std::move(chain));
}

} // namespace lpgen::nn
