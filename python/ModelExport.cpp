// Hands the layers on to NetworkBuilder and writes what it makes of them.
#include "python/ModelExport.h"
#include "base/system/OutputFiles.h"
#include "base/tensor/SafetensorsWriter.h"
#include "networks/NetworkBuilder.h"
#include "python/TrainedLayer.h"
#include <filesystem>

namespace lpgen {
namespace {

/// Rows of weights [channels, pixels] in the order [pixels, channels].
template <typename T>
void turnRows(std::vector<T> &weights, int64_t channels, int64_t pixels) {
  const std::vector<T> from = weights;
  const int64_t row = channels * pixels;
  for (int64_t at = 0; at < int64_t(from.size()); ++at) {
    const int64_t inRow = at % row;
    weights[size_t(at - inRow + inRow % pixels * channels + inRow / pixels)] =
        from[size_t(at)];
  }
}

std::vector<float> vectorOf(const Floats &values) {
  return {values.data(), values.data() + values.size()};
}

class ModelExport {
public:
  ModelExport(int64_t height, int64_t width, int64_t channels, int64_t classes,
              const Floats &mean, const Floats &deviation,
              int64_t imagesPerCall)
      : builder(formatOf({height, width, channels, classes}, mean, deviation),
                imagesPerCall) {}

  /// The input of a linear layer is an image of so many pixels, whose elements
  /// PyTorch has channel by channel.
  void addProduct(const std::string &name, const Contraction &layer,
                  int64_t pixels) {
    networks::ForwardOperands operands = layer.operands();
    const ConvGeometry &geometry = layer.layer().geometry;
    if (pixels > 1) {
      const int64_t channels = geometry.channels / pixels;
      if (operands.terms.size() > 1) {
        raise("layer '" + name +
              "' takes blocks of channels of flattened images, which cannot be "
              "exported; remedy: pool all pixels before it");
      }
      for (networks::ForwardTerm &term : operands.terms) {
        turnRows(term.weights, channels, pixels);
      }
      turnRows(operands.floatWeights, channels, pixels);
    }
    check(builder.addProduct(name, geometry, operands));
  }
  void addBranches(const std::string &name, const py::function &main,
                   const py::function &shortcut) {
    const auto branch = [](const py::function &add) {
      return [&add](networks::NetworkSink &) {
        add();
        return Status::success();
      };
    };
    check(builder.addBranches(name, branch(main), branch(shortcut)));
  }
  /// Writes the operators to `path` and the weights beside it.
  void finish(const std::string &path, const std::string &title) {
    const networks::Network network = take(builder.finish());
    std::vector<NamedTensor> tensors;
    for (const auto &constant : networks::constantsOf(network)) {
      tensors.push_back({constant.name, constant.values});
    }
    const std::filesystem::path file(path);
    OutputFiles files;
    files.add(path, networks::networkText(network, title));
    addSafetensors(files, file.parent_path().string(),
                   file.stem().string() + ".safetensors", tensors);
    check(files.commit());
  }

  networks::NetworkBuilder builder;

private:
  /// As the trainer has it: (pixel / 255 - mean) / deviation.
  static networks::ImageFormat formatOf(networks::ImageFormat format,
                                        const Floats &mean,
                                        const Floats &deviation) {
    format.mean = vectorOf(mean);
    format.deviation = vectorOf(deviation);
    for (int64_t c = 0; c < format.channels; ++c) {
      for (int pixel = 0; pixel < 256; ++pixel) {
        format.ofPixel.push_back(
            (float(pixel) / 255.0F - format.mean.at(size_t(c))) /
            format.deviation.at(size_t(c)));
      }
    }
    return format;
  }
};

} // namespace

void bindModelExport(py::module_ &module) {
  using Name = std::string;
  py::class_<ModelExport>(module, "ModelExport")
      .def(py::init<int64_t, int64_t, int64_t, int64_t, Floats, Floats,
                    int64_t>(),
           py::arg("height"), py::arg("width"), py::arg("channels"),
           py::arg("classes"), py::arg("mean"), py::arg("deviation"),
           py::arg("images_per_call"))
      .def("add_product", &ModelExport::addProduct)
      .def("add_branches", &ModelExport::addBranches)
      .def("add_bias",
           [](ModelExport &model, const Name &name, const Floats &biases) {
             check(model.builder.addBias(name, vectorOf(biases)));
           })
      .def("add_affine",
           [](ModelExport &model, const Name &name, const Floats &gains,
              const Floats &offsets) {
             check(model.builder.addAffine(name, vectorOf(gains),
                                           vectorOf(offsets)));
           })
      .def("add_relu",
           [](ModelExport &model, const Name &name) {
             check(model.builder.addRelu(name));
           })
      .def("add_max_pool",
           [](ModelExport &model, const Name &name, int64_t kernel,
              int64_t stride) {
             check(model.builder.addMaxPool(name, kernel, stride));
           })
      .def("add_average_pool",
           [](ModelExport &model, const Name &name, int64_t kernel,
              int64_t stride) {
             check(model.builder.addAveragePool(name, kernel, stride));
           })
      .def("flatten", [](ModelExport &model) { model.builder.flatten(); })
      .def("add_padded_pixels",
           [](ModelExport &model, const Name &name, int64_t stride,
              int64_t channels) {
             check(model.builder.addPaddedPixels(name, stride, channels));
           })
      .def("finish", &ModelExport::finish);
}

} // namespace lpgen
