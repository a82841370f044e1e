// Layers, in order, as nodes; quantizers and weights are in QonnxProducts.cpp.
#include "networks/qonnx/QonnxBuilder.h"
#include <algorithm>

namespace lpgen::networks {

static constexpr char domain[] = "qonnx.custom_op.general";

QonnxBuilder::QonnxBuilder(const ImageFormat &images)
    : pending("image"),
      shape{images.height, images.width, images.channels, false},
      classes(images.classes) {
  model.model.set_producer_name("lpgen");
  ::onnx::OperatorSetIdProto &quantizers = *model.model.add_opset_import();
  quantizers.set_domain(domain);
  quantizers.set_version(1);
  model.input("image", {0, images.channels, images.height, images.width},
              ::onnx::TensorProto::UINT8);
  applyToPending("Cast", {}, "image", "numbers",
                 {{"to", int64_t(::onnx::TensorProto::FLOAT)}});
  applyToPending("Div", {scalar("image.highest", 255)}, "image", "unit");
  applyToPending("Sub", {ofChannels("image.mean", images.mean, false)}, "image",
                 "centered");
  applyToPending("Div",
                 {ofChannels("image.deviation", images.deviation, false)},
                 "image", "normalized");
}

std::string QonnxBuilder::apply(const std::string &operation,
                                const std::vector<std::string> &inputs,
                                const std::string &layer,
                                const std::string &part,
                                const Attributes &attributes) {
  const std::string name = part.empty() ? layer : layer + "." + part;
  const bool isQuantizer = operation == "Quant" || operation == "BipolarQuant";
  model.node(operation, inputs, {name}, attributes, isQuantizer ? domain : "",
             name);
  return name;
}

void QonnxBuilder::applyToPending(const std::string &operation,
                                  const std::vector<std::string> &others,
                                  const std::string &layer,
                                  const std::string &part,
                                  const Attributes &attributes) {
  std::vector<std::string> inputs = {pending};
  inputs.insert(inputs.end(), others.begin(), others.end());
  pending = apply(operation, inputs, layer, part, attributes);
}

std::string QonnxBuilder::scalar(const std::string &name, float value) {
  model.floats(name, {}, {value});
  return name;
}

std::string QonnxBuilder::whole(const std::string &name,
                                const std::vector<int64_t> &values) {
  model.integers(name, ::onnx::TensorProto::INT64, {int64_t(values.size())},
                 values);
  return name;
}

std::string QonnxBuilder::ofChannels(const std::string &name,
                                     std::span<const float> values,
                                     bool isFlat) {
  const auto count = int64_t(values.size());
  model.floats(name,
               isFlat ? std::vector<int64_t>{count}
                      : std::vector<int64_t>{1, count, 1, 1},
               {values.begin(), values.end()});
  return name;
}

Status QonnxBuilder::addBias(const std::string &layer,
                             std::span<const float> biases) {
  applyToPending("Add", {ofChannels(layer + ".bias", biases, shape.isFlat)},
                 layer, "biased");
  return Status::success();
}

Status QonnxBuilder::addAffine(const std::string &layer,
                               std::vector<float> gains,
                               std::vector<float> offsets) {
  applyToPending("Mul", {ofChannels(layer + ".gain", gains, shape.isFlat)},
                 layer, "scaled");
  applyToPending("Add", {ofChannels(layer + ".offset", offsets, shape.isFlat)},
                 layer, "");
  return Status::success();
}

Status QonnxBuilder::addRelu(const std::string &layer) {
  applyToPending("Relu", {}, layer, "relu");
  return Status::success();
}

void QonnxBuilder::addPool(const std::string &operation,
                           const std::string &layer, int64_t kernel,
                           int64_t stride) {
  using Ints = std::vector<int64_t>;
  applyToPending(operation, {}, layer, "",
                 {{"kernel_shape", Ints{kernel, kernel}},
                  {"strides", Ints{stride, stride}}});
  shape.height = (shape.height - kernel) / stride + 1;
  shape.width = (shape.width - kernel) / stride + 1;
}

Status QonnxBuilder::addMaxPool(const std::string &layer, int64_t kernel,
                                int64_t stride) {
  addPool("MaxPool", layer, kernel, stride);
  return Status::success();
}

Status QonnxBuilder::addAveragePool(const std::string &layer, int64_t kernel,
                                    int64_t stride) {
  addPool("AveragePool", layer, kernel, stride);
  return Status::success();
}

void QonnxBuilder::flatten() {
  if (shape.isFlat) {
    return;
  }
  const std::string layer = pending;
  if (shape.channels > 1 && shape.height * shape.width > 1) {
    applyToPending("Transpose", {}, layer, "by_pixel",
                   {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
  }
  applyToPending("Flatten", {}, layer, "flat", {{"axis", int64_t{1}}});
  shape = {1, 1, shape.size(), true};
}

Status QonnxBuilder::addPaddedPixels(const std::string &layer, int64_t stride,
                                     int64_t channels) {
  if (shape.isFlat || channels < shape.channels) {
    return Status::error("layer '" + layer +
                         "' is at a place that cannot be exported");
  }
  if (stride > 1) {
    applyToPending("Slice",
                   {whole(layer + ".starts", {0, 0}),
                    whole(layer + ".ends", {shape.height, shape.width}),
                    whole(layer + ".axes", {2, 3}),
                    whole(layer + ".steps", {stride, stride})},
                   layer, "pixels");
    shape.height = (shape.height - 1) / stride + 1;
    shape.width = (shape.width - 1) / stride + 1;
  }
  if (channels > shape.channels) {
    const int64_t added = channels - shape.channels;
    applyToPending("Pad",
                   {whole(layer + ".pads", {0, 0, 0, 0, 0, added, 0, 0})},
                   layer, "");
    shape.channels = channels;
  }
  return Status::success();
}

Status QonnxBuilder::addBranches(const std::string &layer, const Branch &main,
                                 const Branch &shortcut) {
  const std::string input = pending;
  const Shape inputShape = shape;
  LPGEN_RETURN_IF_ERROR(main(*this));
  const std::string sum = std::exchange(pending, input);
  shape = inputShape;
  LPGEN_RETURN_IF_ERROR(shortcut(*this));
  pending = apply("Add", {sum, pending}, layer, "added");
  return Status::success();
}

Result<std::string> QonnxBuilder::finish() {
  if (!shape.isFlat || shape.channels != classes) {
    return Status::error("the network does not end in a linear layer");
  }
  ::onnx::GraphProto &graph = *model.model.mutable_graph();
  graph.mutable_node(graph.node_size() - 1)->set_output(0, "scores");
  model.output("scores", ::onnx::TensorProto::FLOAT, {0, classes});
  return model.bytes();
}

} // namespace lpgen::networks
