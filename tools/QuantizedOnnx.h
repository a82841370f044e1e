// A float network in an ONNX file in the place of a run of `lpgen train`.
#ifndef LPGEN_TOOLS_QUANTIZEDONNX_H
#define LPGEN_TOOLS_QUANTIZEDONNX_H

#include "training/loop/StoredRun.h"
#include <filesystem>
#ifdef LPGEN_HAS_ONNX
#include "training/models/OnnxNetwork.h"
#endif

namespace lpgen {

/// A file in place of a run, and what its input is of a pixel, if that is not
/// what its type suggests: (pixel - mean) / deviation, by channel.
struct OnnxFile {
  std::string path;
  std::vector<float> mean;
  std::vector<float> deviation;
};

#ifdef LPGEN_HAS_ONNX
/// The file is read when it is known which images it gets.
inline train::ForeignNetwork foreignNetwork(const OnnxFile &file) {
  auto network = std::make_shared<std::optional<nn::OnnxNetwork>>();
  train::ForeignNetwork foreign;
  foreign.name = std::filesystem::path(file.path).stem().string();
  foreign.takeImages = [network, file](data::Dataset &data) -> Status {
    Result<nn::OnnxNetwork> opened =
        nn::OnnxNetwork::open(file.path, data.height, data.width, data.channels,
                              file.mean, file.deviation);
    LPGEN_RETURN_IF_ERROR(opened.status());
    network->emplace(std::move(*opened));
    const nn::OnnxImages &images = (*network)->images();
    for (size_t c = 0; c < images.gain.size(); ++c) {
      const double deviation = 1 / (255 * images.gain[c]);
      data.deviation[c] = float(deviation);
      data.mean[c] = float(-images.offset[c] * deviation);
      if (!(data.deviation[c] > 0) || !std::isfinite(data.mean[c])) {
        return Status::error("'" + file.path +
                             "' does not tell pixels from each other, or "
                             "turns dark into bright");
      }
    }
    return Status::success();
  };
  foreign.build =
      [network, file](
          const nn::ModelSpec &spec, const nn::MakeBackend &makeBackend,
          const nn::RandomKey &random) -> Result<std::unique_ptr<nn::Layer>> {
    Result<std::unique_ptr<nn::Layer>> built =
        (*network)->build(spec, makeBackend, random);
    return built.ok() ? std::move(built)
                      : Result<std::unique_ptr<nn::Layer>>(Status::error(
                            "'" + file.path + "': " + built.message()));
  };
  return foreign;
}
#else
inline train::ForeignNetwork foreignNetwork(const OnnxFile &) {
  train::ForeignNetwork foreign;
  foreign.takeImages = [](data::Dataset &) {
    return Status::error("lpgen was built without ONNX; configure it with "
                         "-DLPGEN_IMPORT_ONNX=ON");
  };
  return foreign;
}
#endif

} // namespace lpgen

#endif // LPGEN_TOOLS_QUANTIZEDONNX_H
