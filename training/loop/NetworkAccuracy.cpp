// A network is compiled into a temporary folder and run on the test images.
#include "training/loop/NetworkAccuracy.h"
#include "base/system/ScratchFolder.h"
#include "base/system/Subprocess.h"
#include "runtime/kernels/LoadedKernel.h"
#include "training/loop/ImageInput.h"
#include <algorithm>
#include <filesystem>

namespace lpgen::train {

namespace fs = std::filesystem;

bool isNetworkFile(const std::string &path) {
  const fs::path extension = fs::path(path).extension();
  return extension == ".lp" || extension == ".onnx" || extension == ".tflite";
}

/// Compiles the network into the folder; the shared object.
static Result<std::string> compileNetwork(const NetworkOptions &options,
                                          const std::string &folder) {
  const Result<std::string> compiler = compilerProgram(options.compiler);
  LPGEN_RETURN_IF_ERROR(compiler.status());
  std::vector<std::string> command = {
      *compiler, "compile",         options.file,
      "--emit",  "shared,manifest", "-o",
      folder,    "--target",        options.compiler.target};
  if (!options.op.empty()) {
    command.insert(command.end(), {"--op", options.op});
  }
  const Result<ProgramOutcome> outcome = runProgram(command);
  LPGEN_RETURN_IF_ERROR(outcome.status());
  if (outcome->exitStatus != 0) {
    return Status::error("'" + options.file + "' cannot be compiled:\n" +
                         outcome->messages);
  }
  std::string library;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".so") {
      if (!library.empty()) {
        return Status::error("'" + options.file +
                             "' declares several operators; choose the network "
                             "with --op");
      }
      library = entry.path().string();
    }
  }
  if (library.empty()) {
    return Status::error("'" + options.file + "' declares no operator");
  }
  return library;
}

static double elementAt(const HostTensor &tensor, int64_t position) {
  return tensor.type().isFloat() ? double(tensor.getFloat(position))
                                 : double(tensor.getInt(position));
}

/// The class of an image, from its scores or as the network gives it.
static int64_t classOf(const HostTensor &output, int64_t image,
                       int64_t perImage) {
  int64_t best = 0;
  const int64_t start = image * perImage;
  for (int64_t i = 1; i < perImage; ++i) {
    if (elementAt(output, start + i) > elementAt(output, start + best)) {
      best = i;
    }
  }
  const double number = perImage == 1 ? elementAt(output, start) : double(best);
  return number >= 0 && number < 256 ? int64_t(number) : -1;
}

/// Runs all images through the kernel.
static Status classify(const LoadedKernel &kernel, const ImageInput &input,
                       const data::Dataset &data, NetworkAccuracy &result) {
  const std::string &name = kernel.interface().inputs[0].name;
  for (int64_t first = 0; first < data.test.count;
       first += input.mostImages()) {
    const int64_t count = std::min(input.mostImages(), data.test.count - first);
    HostTensor images = input.tensor(first, count);
    TensorMap arguments;
    const int64_t inCall = images.numElements() / data.imageSize();
    arguments.emplace(name, std::move(images));
    const Result<TensorMap> outputs = kernel.run(arguments);
    LPGEN_RETURN_IF_ERROR(outputs.status());
    const HostTensor &output = outputs->begin()->second;
    const int64_t perImage = output.numElements() / inCall;
    if (perImage != 1 && perImage != data.classes) {
      return Status::error("output '" + outputs->begin()->first + "' has " +
                           std::to_string(perImage) +
                           " numbers for an image, expected " +
                           std::to_string(data.classes) + ", the classes of '" +
                           data.name + "', or 1");
    }
    for (int64_t i = 0; i < count; ++i) {
      result.classes.push_back(classOf(output, i, perImage));
      result.totals.correct +=
          result.classes.back() == data.test.labels[size_t(first + i)] ? 1 : 0;
      ++result.totals.images;
    }
  }
  return Status::success();
}

Result<NetworkAccuracy> measureAccuracy(const NetworkOptions &options) {
  Result<data::Dataset> data =
      data::loadDataset(options.data, data::Parts::Test);
  LPGEN_RETURN_IF_ERROR(data.status());
  if (options.images > data->test.count) {
    return Status::error("'" + data->name + "' has " +
                         std::to_string(data->test.count) +
                         " test images, not " + std::to_string(options.images));
  }
  data->test.count = options.images == 0 ? data->test.count : options.images;
  const Result<ScratchFolder> folder = ScratchFolder::make("lpgen-eval");
  LPGEN_RETURN_IF_ERROR(folder.status());
  const Result<std::string> library = compileNetwork(options, folder->path());
  LPGEN_RETURN_IF_ERROR(library.status());
  const Result<LoadedKernel> kernel =
      LoadedKernel::load(*library, options.threads);
  LPGEN_RETURN_IF_ERROR(kernel.status());
  const KernelInterface &interface = kernel->interface();
  const Result<ImageInput> input =
      ImageInput::create(interface, *data, options.mean, options.deviation);
  LPGEN_RETURN_IF_ERROR(input.status());
  if (interface.outputs.size() != 1) {
    return Status::error("operator '" + interface.op + "' has " +
                         std::to_string(interface.outputs.size()) +
                         " outputs, expected one, of classes");
  }
  NetworkAccuracy result;
  result.input = input->describe();
  LPGEN_RETURN_IF_ERROR(classify(*kernel, *input, *data, result));
  return result;
}

} // namespace lpgen::train
