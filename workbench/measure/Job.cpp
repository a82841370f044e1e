// Reading a job file. Whatever is wrong with it ends in one message; the JSON
// library throws, and nothing of that leaves this file.
#include "workbench/measure/Job.h"
#include "base/system/AtomicFile.h"
#include "base/tensor/Tensor.h"
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

namespace lpgen {

using nlohmann::json;

namespace {
/// A job that means nothing; caught in readJob.
struct BadJob {
  std::string message;
};
} // namespace

/// An integer of an object, from `least` to `most`.
static int64_t integerAt(const json &object, const char *name, int64_t least,
                         int64_t most) {
  const json &value = object.at(name);
  // The library turns large unsigned numbers into negative ones.
  const bool isInteger =
      value.is_number_integer() &&
      !(value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX);
  if (!isInteger || value.get<int64_t>() < least ||
      value.get<int64_t>() > most) {
    throw BadJob{"'" + std::string(name) + "' is " + value.dump() +
                 ", expected an integer from " + std::to_string(least) +
                 " to " + std::to_string(most)};
  }
  return value.get<int64_t>();
}

static std::vector<int64_t> integersAt(const json &object, const char *name,
                                       int64_t least, int64_t most) {
  std::vector<int64_t> integers;
  for (const json &value : object.at(name)) {
    integers.push_back(integerAt({{name, value}}, name, least, most));
  }
  return integers;
}

static double numberAt(const json &object, const char *name, double most) {
  const json &value = object.at(name);
  if (!value.is_number() || !(value.get<double>() >= 0) ||
      !(value.get<double>() <= most)) {
    throw BadJob{"'" + std::string(name) + "' is " + value.dump() +
                 ", expected a number from 0 to " + std::to_string(most)};
  }
  return value.get<double>();
}

static ElementType parseType(const std::string &text) {
  if (const std::optional<ElementType> type = ElementType::parse(text)) {
    return *type;
  }
  throw BadJob{"unknown element type '" + text + "'"};
}

static OutputKind parseOutputKind(const std::string &text) {
  if (text == "i32") {
    return OutputKind::I32;
  }
  if (text == "u8") {
    return OutputKind::U8;
  }
  if (text == "s8") {
    return OutputKind::S8;
  }
  if (text == "f32") {
    return OutputKind::F32;
  }
  throw BadJob{"unknown output '" + text + "'"};
}

/// More than any extent of a tensor that fits into memory.
static constexpr int64_t mostExtent = int64_t{1} << 40;

static BenchTensor parseTensor(const json &value) {
  BenchTensor tensor;
  tensor.name = value.at("name");
  tensor.type = parseType(value.at("type"));
  tensor.shape = integersAt(value, "shape", 1, mostExtent);
  const int64_t least =
      tensor.type.isFloat() ? INT64_MIN : tensor.type.minValue();
  const int64_t most =
      tensor.type.isFloat() ? INT64_MAX : tensor.type.maxValue();
  tensor.lo = integerAt(value, "lo", least, most);
  tensor.hi = integerAt(value, "hi", tensor.lo, most);
  tensor.isInput = value.at("input");
  return tensor;
}

/// The tensor must have the elements that the problem has there.
static void checkElements(const BenchTensor &tensor,
                          std::initializer_list<int64_t> extents) {
  int64_t count = 1;
  for (const int64_t extent : extents) {
    if (__builtin_mul_overflow(count, extent, &count)) {
      throw BadJob{"the problem has more elements than any tensor"};
    }
  }
  const std::optional<int64_t> found = countElements(tensor.shape);
  if (!found || *found < count) {
    throw BadJob{"tensor '" + tensor.name + "' has the shape " +
                 shapeToString(tensor.shape) + ", but the problem needs " +
                 std::to_string(count) + " elements"};
  }
}

static Problem parseProblem(const json &value,
                            const std::vector<BenchTensor> &tensors) {
  Problem problem;
  const std::string kind = value.at("kind");
  problem.isGemm = kind == "gemm";
  problem.isDepthwise = kind == "depthwise";
  if (!problem.isGemm && !problem.isDepthwise && kind != "conv") {
    throw BadJob{"unknown kind of problem '" + kind + "'"};
  }
  const std::pair<const char *, int64_t *> extents[] = {
      {"batch", &problem.batch},
      {"height", &problem.height},
      {"width", &problem.width},
      {"channels", &problem.channels},
      {"outChannels", &problem.outChannels},
      {"outHeight", &problem.outHeight},
      {"outWidth", &problem.outWidth},
      {"kernelH", &problem.kernelH},
      {"kernelW", &problem.kernelW},
      {"strideH", &problem.strideH},
      {"strideW", &problem.strideW},
      {"dilationH", &problem.dilationH},
      {"dilationW", &problem.dilationW}};
  for (const auto &[name, extent] : extents) {
    *extent = integerAt(value, name, 1, INT32_MAX);
  }
  problem.padTop = integerAt(value, "padTop", INT32_MIN, INT32_MAX);
  problem.padLeft = integerAt(value, "padLeft", INT32_MIN, INT32_MAX);
  const auto last = int64_t(tensors.size()) - 1;
  problem.x = int(integerAt(value, "x", 0, last));
  problem.w = int(integerAt(value, "w", 0, last));
  problem.result = int(integerAt(value, "result", -1, last));
  problem.output = parseOutputKind(value.at("output"));
  checkElements(tensors[size_t(problem.x)], {problem.batch, problem.height,
                                             problem.width, problem.channels});
  checkElements(tensors[size_t(problem.w)],
                {problem.outChannels, problem.reductionSize()});
  if (problem.result >= 0) {
    checkElements(tensors[size_t(problem.result)],
                  {problem.batch, problem.outHeight, problem.outWidth,
                   problem.outChannels});
  }
  return problem;
}

static BenchKernel parseKernel(const json &value) {
  BenchKernel kernel;
  kernel.op = value.at("op");
  kernel.library = value.at("library");
  kernel.schedules = value.at("schedules").get<std::vector<std::string>>();
  kernel.phases = value.at("phases").get<std::vector<std::string>>();
  for (const json &estimate : value.at("estimates")) {
    kernel.estimates.push_back(
        {estimate.at("cpu"), numberAt(estimate, "macPerCycle", 1e9)});
  }
  kernel.sizes = integersAt(value, "sizes", 1, mostExtent);
  for (const json &tensor : value.at("tensors")) {
    kernel.tensors.push_back(parseTensor(tensor));
  }
  kernel.nominalMacs = integerAt(value, "nominalMacs", 0, INT64_MAX);
  if (!value.at("realMacs").is_null()) {
    kernel.realMacs = integerAt(value, "realMacs", 0, INT64_MAX);
  }
  if (!value.at("problem").is_null()) {
    kernel.problem = parseProblem(value.at("problem"), kernel.tensors);
  }
  kernel.whyNoBaselines = value.at("whyNoPeers");
  return kernel;
}

static BenchJob parseJob(const json &value) {
  BenchJob job;
  job.target = value.at("target");
  job.hostCpu = value.at("hostCpu");
  job.baselineIsa = value.at("peerIsa");
  job.threads = int(integerAt(value, "threads", 1, 1024));
  job.repetitions = int(integerAt(value, "repetitions", 1, 1000000));
  job.minSeconds = numberAt(value, "minSeconds", 3600);
  job.fromMemory = value.at("fromMemory");
  for (const json &kernel : value.at("kernels")) {
    job.kernels.push_back(parseKernel(kernel));
  }
  return job;
}

Result<BenchJob> parseJobText(const std::string &text,
                              const std::string &name) {
  const auto failure = [&](const std::string &what) {
    return Status::error("job file '" + name + "': " + what +
                         "; let 'lpgen bench' of the same version write it");
  };
  try {
    return parseJob(json::parse(text));
  } catch (const json::exception &error) {
    return failure(error.what());
  } catch (const BadJob &error) {
    return failure(error.message);
  }
}

Result<BenchJob> readJob(const std::string &path) {
  const Result<std::string> text = readWholeFile(path);
  if (!text.ok()) {
    return Status::error("cannot read job file '" + path +
                         "': expected one written by 'lpgen bench'");
  }
  return parseJobText(*text, path);
}

} // namespace lpgen
