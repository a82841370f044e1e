// Reading a job file. Whatever is wrong with it ends in one message; the JSON
// library throws, and nothing of that leaves this file.
#include "workbench/measure/Job.h"
#include <charconv>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace lpgen {

using nlohmann::json;

namespace {
/// A job that means nothing; caught in readJob.
struct BadJob {
  std::string message;
};
} // namespace

/// The inverse of ElementType::str.
static ElementType parseType(const std::string &text) {
  const char kind = text.empty() ? '\0' : text[0];
  unsigned bits = 0;
  const char *end = text.data() + text.size();
  const char *digits = text.empty() ? end : text.data() + 1;
  if (std::from_chars(digits, end, bits).ptr != end || bits == 0) {
    throw BadJob{"unknown element type '" + text + "'"};
  }
  switch (kind) {
  case 'u':
    return {Encoding::Unsigned, bits};
  case 's':
  case 'i':
    return {Encoding::Signed, bits};
  case 'b':
    return {Encoding::Bipolar, bits};
  case 't':
    return {Encoding::Ternary, bits};
  case 'f':
    return {Encoding::Float, bits};
  default:
    throw BadJob{"unknown element type '" + text + "'"};
  }
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

static BenchTensor parseTensor(const json &value) {
  BenchTensor tensor;
  tensor.name = value.at("name");
  tensor.type = parseType(value.at("type"));
  tensor.shape = value.at("shape").get<std::vector<int64_t>>();
  tensor.lo = value.at("lo");
  tensor.hi = value.at("hi");
  tensor.isInput = value.at("input");
  return tensor;
}

static Problem parseProblem(const json &value, size_t tensors) {
  Problem problem;
  problem.isGemm = value.at("kind") == "gemm";
  problem.isDepthwise = value.at("kind") == "depthwise";
  problem.batch = value.at("batch");
  problem.height = value.at("height");
  problem.width = value.at("width");
  problem.channels = value.at("channels");
  problem.outChannels = value.at("outChannels");
  problem.outHeight = value.at("outHeight");
  problem.outWidth = value.at("outWidth");
  problem.kernelH = value.at("kernelH");
  problem.kernelW = value.at("kernelW");
  problem.strideH = value.at("strideH");
  problem.strideW = value.at("strideW");
  problem.dilationH = value.at("dilationH");
  problem.dilationW = value.at("dilationW");
  problem.padTop = value.at("padTop");
  problem.padLeft = value.at("padLeft");
  problem.x = value.at("x");
  problem.w = value.at("w");
  problem.result = value.at("result");
  problem.output = parseOutputKind(value.at("output"));
  for (int id : {problem.x, problem.w, problem.result}) {
    if (id >= int(tensors)) {
      throw BadJob{"there is no tensor " + std::to_string(id)};
    }
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
        {estimate.at("cpu"), estimate.at("macPerCycle")});
  }
  kernel.sizes = value.at("sizes").get<std::vector<int64_t>>();
  for (const json &tensor : value.at("tensors")) {
    kernel.tensors.push_back(parseTensor(tensor));
  }
  kernel.nominalMacs = value.at("nominalMacs");
  if (!value.at("realMacs").is_null()) {
    kernel.realMacs = value.at("realMacs").get<int64_t>();
  }
  if (!value.at("problem").is_null()) {
    kernel.problem = parseProblem(value.at("problem"), kernel.tensors.size());
  }
  kernel.whyNoBaselines = value.at("whyNoPeers");
  return kernel;
}

static BenchJob parseJob(const json &value) {
  BenchJob job;
  job.target = value.at("target");
  job.hostCpu = value.at("hostCpu");
  job.baselineIsa = value.at("peerIsa");
  job.threads = value.at("threads");
  job.repetitions = value.at("repetitions");
  job.minSeconds = value.at("minSeconds");
  job.fromMemory = value.at("fromMemory");
  if (job.threads < 1 || job.repetitions < 1) {
    throw BadJob{"threads and repetitions must be at least 1"};
  }
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
  std::ifstream stream(path);
  if (!stream) {
    return Status::error("cannot read job file '" + path +
                         "': expected one written by 'lpgen bench'");
  }
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  return parseJobText(text, path);
}

} // namespace lpgen
