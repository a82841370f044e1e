// Files one after the other, the network last.
#include "networks/ExportFolder.h"
#include "base/system/AtomicFile.h"
#include "base/system/Interruption.h"
#include "base/system/Subprocess.h"
#include "networks/EmbeddedFiles.h"
#include "networks/NetworkText.h"
#include "networks/PackedNetwork.h"
#include <filesystem>

namespace lpgen::networks {

namespace fs = std::filesystem;

static Status makeFolder(const fs::path &path) {
  std::error_code error;
  fs::create_directories(path, error);
  return error ? Status::error("cannot make folder '" + path.string() +
                               "': " + error.message())
               : Status::success();
}

static Status compileKernels(const ExportOptions &options,
                             const std::string &source,
                             const std::string &folder) {
  const Result<std::string> compiler = compilerProgram(options.compiler);
  LPGEN_RETURN_IF_ERROR(compiler.status());
  const Result<ProgramOutcome> outcome =
      runProgram({*compiler, "compile", source, "--target", options.target,
                  "--emit", "obj,header,manifest", "--quiet", "-o", folder});
  LPGEN_RETURN_IF_ERROR(outcome.status());
  if (outcome->exitStatus != 0) {
    return Status::error("'" + *compiler + "' could not compile '" + source +
                         "' (status " + std::to_string(outcome->exitStatus) +
                         "): " + outcome->messages);
  }
  return Status::success();
}

/// The list of kernels that lp_network_open takes.
static std::string kernelTable(const Network &network) {
  std::string includes;
  std::string entries;
  for (const Stage &stage : network.stages) {
    const std::string name = operatorName(stage);
    includes += "#include \"kernels/" + name + ".h\"\n";
    entries += "    &lp_" + name + "_kernel,\n";
  }
  return "/* The kernels of network.lpn in the order of its stages. */\n"
         "#include \"lp_network.h\"\n" +
         includes + "\nconst lp_kernel *const lp_network_kernels[] = {\n" +
         entries + "};\nconst int lp_network_num_kernels = " +
         std::to_string(network.stages.size()) + ";\n";
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

static Status writeTestImages(const std::string &folder, const Network &network,
                              const TestImages &test) {
  const std::string images =
      idxHeader({test.count, network.height, network.width, network.channels});
  LPGEN_RETURN_IF_ERROR(writeFileAtomically(
      folder + "/test-images.idx",
      std::array{std::string_view(images), viewOf(test.pixels)}));
  const std::string labels = idxHeader({test.count});
  return writeFileAtomically(
      folder + "/test-labels.idx",
      std::array{std::string_view(labels), viewOf(test.labels)});
}

Status exportNetwork(const Network &network, const TestImages &test,
                     const ExportOptions &options) {
  const std::string &folder = options.folder;
  // A new folder is whole, or goes with a signal that ends this.
  std::error_code ignored;
  const UnfinishedFile unfinished(fs::exists(folder, ignored) ? "" : folder);
  for (const char *part : {"/kernels", "/base/abi"}) {
    LPGEN_RETURN_IF_ERROR(makeFolder(folder + part));
  }
  const std::string source = folder + "/network.lp";
  LPGEN_RETURN_IF_ERROR(writeFileAtomically(source, networkText(network)));
  LPGEN_RETURN_IF_ERROR(compileKernels(options, source, folder + "/kernels"));
  for (const EmbeddedFile &file : embeddedFiles()) {
    LPGEN_RETURN_IF_ERROR(
        writeFileAtomically(folder + "/" + file.path, file.content));
  }
  LPGEN_RETURN_IF_ERROR(
      writeFileAtomically(folder + "/network_kernels.c", kernelTable(network)));
  LPGEN_RETURN_IF_ERROR(writeTestImages(folder, network, test));
  return writeFileAtomically(folder + "/network.lpn", packNetwork(network));
}

} // namespace lpgen::networks
