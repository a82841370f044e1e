// What describes the network comes first, then what is made of it.
#include "networks/ExportFolder.h"
#include "base/system/Interruption.h"
#include "base/system/OutputFiles.h"
#include "base/system/Subprocess.h"
#include "base/tensor/SafetensorsWriter.h"
#include "networks/NetworkText.h"
#include <filesystem>

namespace lpgen::networks {

static Status compileProgram(const ExportOptions &options,
                             const std::string &source,
                             const std::string &folder) {
  const Result<std::string> compiler = compilerProgram(options.compiler);
  LPGEN_RETURN_IF_ERROR(compiler.status());
  const Result<ProgramOutcome> outcome =
      runProgram({*compiler, "compile", source, "--target", options.target,
                  "--emit", "program", "--quiet", "-o", folder});
  LPGEN_RETURN_IF_ERROR(outcome.status());
  if (outcome->exitStatus != 0) {
    return Status::error("'" + *compiler + "' could not compile '" + source +
                         "' (status " + std::to_string(outcome->exitStatus) +
                         "): " + outcome->messages);
  }
  return Status::success();
}

/// IDX: bytes of as many dimensions as `extents` has.
static std::string idxHeader(std::initializer_list<int64_t> extents) {
  std::string header = {0, 0, 8, char(extents.size())};
  for (const int64_t extent : extents) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      header.push_back(char(extent >> shift & 0xff));
    }
  }
  return header;
}

static std::string_view viewOf(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

/// What describes the network and the images.
static Status writeSources(const Network &network, const TestImages &test,
                           const ExportOptions &options) {
  std::vector<NamedTensor> tensors;
  for (const StoredConstant &constant : constantsOf(network)) {
    tensors.push_back({constant.name, constant.values});
  }
  OutputFiles files;
  files.addIn(options.folder, "net.lp", networkText(network, options.title));
  addSafetensors(files, options.folder, "net.safetensors", tensors);
  files.addIn(
      options.folder, "test-images.idx",
      idxHeader({test.count, network.height, network.width, network.channels}),
      {viewOf(test.pixels)});
  files.addIn(options.folder, "test-labels.idx", idxHeader({test.count}),
              {viewOf(test.labels)});
  return files.commit();
}

Status exportNetwork(const Network &network, const TestImages &test,
                     const ExportOptions &options) {
  // A new folder is whole, or goes with a signal that ends this.
  std::error_code ignored;
  const UnfinishedFile unfinished(
      std::filesystem::exists(options.folder, ignored) ? "" : options.folder);
  LPGEN_RETURN_IF_ERROR(writeSources(network, test, options));
  return compileProgram(options, options.folder + "/net.lp", options.folder);
}

} // namespace lpgen::networks
