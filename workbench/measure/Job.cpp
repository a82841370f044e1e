// Job files. Each struct lists its fields once, for the reader and the writer.
//
// Whatever is wrong with a file ends in one message; the JSON library throws,
// and nothing of that leaves this file.
#include "workbench/measure/Job.h"
#include "base/system/AtomicFile.h"
#include "base/tensor/Tensor.h"
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

namespace lpgen {

using nlohmann::json;

namespace {

/// A job that means nothing; caught in parseJobText.
struct BadJob {
  std::string message;
};

struct OutputName {
  OutputKind kind;
  const char *name;
};
constexpr OutputName outputNames[] = {{OutputKind::I32, "i32"},
                                      {OutputKind::U8, "u8"},
                                      {OutputKind::S8, "s8"},
                                      {OutputKind::F32, "f32"}};

// The fields of what a job is made of.

template <typename Field>
void visitFields(BenchTensor &tensor, Field field) {
  field("name", tensor.name);
  field("type", tensor.type);
  field("shape", tensor.shape);
  field("lo", tensor.lo);
  field("hi", tensor.hi);
  field("input", tensor.isInput);
  field("strides", tensor.strides);
}

template <typename Field>
void visitFields(Problem &problem, Field field) {
  std::string kind = problemKind(problem);
  field("kind", kind);
  problem.isGemm = kind == "gemm";
  problem.isDepthwise = kind == "depthwise";
  if (kind != problemKind(problem)) {
    throw BadJob{"unknown kind of problem '" + kind + "'"};
  }
  field("batch", problem.batch);
  field("height", problem.height);
  field("width", problem.width);
  field("channels", problem.channels);
  field("outChannels", problem.outChannels);
  field("outHeight", problem.outHeight);
  field("outWidth", problem.outWidth);
  field("kernelH", problem.kernelH);
  field("kernelW", problem.kernelW);
  field("strideH", problem.strideH);
  field("strideW", problem.strideW);
  field("dilationH", problem.dilationH);
  field("dilationW", problem.dilationW);
  field("padTop", problem.padTop);
  field("padLeft", problem.padLeft);
  field("x", problem.x);
  field("w", problem.w);
  field("result", problem.result);
  field("output", problem.output);
}

template <typename Field>
void visitFields(Estimate &estimate, Field field) {
  field("cpu", estimate.cpu);
  field("macPerCycle", estimate.macsPerCycle);
}

template <typename Field>
void visitFields(BenchLayer &layer, Field field) {
  field("name", layer.name);
  field("result", layer.result);
  field("macs", layer.macs);
  field("computedIn", layer.computedIn);
}

template <typename Field>
void visitFields(BenchKernel &kernel, Field field) {
  field("op", kernel.op);
  field("library", kernel.library);
  field("schedules", kernel.schedules);
  field("phases", kernel.phases);
  field("layers", kernel.layers);
  field("phaseLayers", kernel.phaseLayers);
  field("batch", kernel.batch);
  field("estimates", kernel.estimates);
  field("sizes", kernel.sizes);
  field("tensors", kernel.tensors);
  field("nominalMacs", kernel.nominalMacs);
  field("realMacs", kernel.realMacs);
  field("problem", kernel.problem);
  field("whyNoBaselines", kernel.whyNoBaselines);
  field("others", kernel.others);
}

template <typename Field>
void visitFields(BenchJob &job, Field field) {
  field("target", job.target);
  field("hostCpu", job.hostCpu);
  field("baselineIsa", job.baselineIsa);
  field("threads", job.threads);
  field("repetitions", job.repetitions);
  field("minSeconds", job.minSeconds);
  field("fromMemory", job.fromMemory);
  field("kernels", job.kernels);
}

/// Whether a type lists its fields.
template <typename T>
concept HasFields =
    requires(T &value) { visitFields(value, [](const char *, auto &) {}); };

// Each kind of value finds the others.
template <typename T>
void read(const json &from, T &value);
template <typename T>
void read(const json &from, std::optional<T> &value);
template <typename T>
void read(const json &from, std::vector<T> &list);
template <typename T>
json written(T &value);
template <typename T>
json written(std::optional<T> &value);
template <typename T>
json written(std::vector<T> &list);

void read(const json &from, ElementType &type) {
  const auto text = from.get<std::string>();
  const std::optional<ElementType> known = ElementType::parse(text);
  if (!known) {
    throw BadJob{"unknown element type '" + text + "'"};
  }
  type = *known;
}

void read(const json &from, OutputKind &kind) {
  const auto text = from.get<std::string>();
  for (const OutputName &output : outputNames) {
    if (text == output.name) {
      kind = output.kind;
      return;
    }
  }
  throw BadJob{"unknown output '" + text + "'"};
}

/// An integer that fits: the library would cut off fractions and high bits.
template <typename T>
void readInteger(const json &from, T &value) {
  const bool fits =
      from.is_number_unsigned()
          ? std::in_range<T>(from.get<uint64_t>())
          : from.is_number_integer() && std::in_range<T>(from.get<int64_t>());
  if (!fits) {
    throw BadJob{"expected an integer of " + std::to_string(8 * sizeof(T)) +
                 " bits, found " + from.dump()};
  }
  from.get_to(value);
}

template <typename T>
void read(const json &from, T &value) {
  if constexpr (HasFields<T>) {
    visitFields(value, [&](const char *key, auto &field) {
      read(from.at(key), field);
    });
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    readInteger(from, value);
  } else if (std::is_floating_point_v<T> && !from.is_number()) {
    throw BadJob{"expected a number, found " + from.dump()};
  } else {
    from.get_to(value);
  }
}

template <typename T>
void read(const json &from, std::optional<T> &value) {
  if (!from.is_null()) {
    read(from, value.emplace());
  }
}

template <typename T>
void read(const json &from, std::vector<T> &list) {
  if (!from.is_array()) {
    throw BadJob{"expected a list, found " + from.dump()};
  }
  for (const json &element : from) {
    read(element, list.emplace_back());
  }
}

json written(ElementType &type) { return type.str(); }

json written(OutputKind &kind) {
  for (const OutputName &output : outputNames) {
    if (kind == output.kind) {
      return output.name;
    }
  }
  return nullptr;
}

template <typename T>
json written(T &value) {
  if constexpr (HasFields<T>) {
    json object = json::object();
    visitFields(value, [&](const char *key, auto &field) {
      object[key] = written(field);
    });
    return object;
  } else {
    return value;
  }
}

template <typename T>
json written(std::optional<T> &value) {
  return value ? written(*value) : json(nullptr);
}

template <typename T>
json written(std::vector<T> &list) {
  json array = json::array();
  for (T &element : list) {
    array.push_back(written(element));
  }
  return array;
}

} // namespace

/// More than any extent of a tensor that fits into memory.
static constexpr int64_t mostExtent = int64_t{1} << 40;

static void checkInteger(const char *name, int64_t value, int64_t least,
                         int64_t most) {
  if (value < least || value > most) {
    throw BadJob{"'" + std::string(name) + "' is " + std::to_string(value) +
                 ", expected an integer from " + std::to_string(least) +
                 " to " + std::to_string(most)};
  }
}

static void checkNumber(const char *name, double value, double most) {
  const bool isWithin = value >= 0 && value <= most;
  if (!isWithin) {
    throw BadJob{"'" + std::string(name) + "' is " + std::to_string(value) +
                 ", expected a number from 0 to " + std::to_string(most)};
  }
}

/// A view has a stride for each dimension, and not more elements than fit into
/// memory.
static void checkStrides(const BenchTensor &tensor) {
  if (tensor.strides.empty()) {
    return;
  }
  if (tensor.strides.size() != tensor.shape.size()) {
    throw BadJob{"tensor '" + tensor.name +
                 "' has not a stride for each "
                 "dimension"};
  }
  double last = 0;
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    checkInteger("strides", tensor.strides[d], 0, mostExtent);
    last += double(tensor.shape[d] - 1) * double(tensor.strides[d]);
  }
  checkNumber("strides", last, double(mostExtent));
}

static void check(const BenchTensor &tensor) {
  for (const int64_t extent : tensor.shape) {
    checkInteger("shape", extent, 1, mostExtent);
  }
  checkStrides(tensor);
  const ElementType type = tensor.type;
  const int64_t least = type.isFloat() ? INT64_MIN : type.minValue();
  const int64_t most = type.isFloat() ? INT64_MAX : type.maxValue();
  checkInteger("lo", tensor.lo, least, most);
  checkInteger("hi", tensor.hi, tensor.lo, most);
}

/// The tensor must have the elements that the problem has there.
static void checkElements(const BenchTensor &tensor,
                          std::initializer_list<int64_t> extents) {
  const std::optional<int64_t> needed = countElements(extents);
  if (!needed) {
    throw BadJob{"the problem has more elements than any tensor"};
  }
  const std::optional<int64_t> found = countElements(tensor.shape);
  if (!found || *found < *needed) {
    throw BadJob{"tensor '" + tensor.name + "' has the shape " +
                 shapeToString(tensor.shape) + ", but the problem needs " +
                 std::to_string(*needed) + " elements"};
  }
}

/// All fields of 64 bits are extents, strides and paddings.
static void check(Problem problem, const std::vector<BenchTensor> &tensors) {
  visitFields(problem, [&](const char *name, const auto &field) {
    if constexpr (std::is_same_v<decltype(field), const int64_t &>) {
      const bool isPadding =
          &field == &problem.padTop || &field == &problem.padLeft;
      checkInteger(name, field, isPadding ? INT32_MIN : 1, INT32_MAX);
    }
  });
  const auto last = int64_t(tensors.size()) - 1;
  checkInteger("x", problem.x, 0, last);
  checkInteger("w", problem.w, 0, last);
  checkInteger("result", problem.result, -1, last);
  checkElements(tensors[size_t(problem.x)], {problem.batch, problem.height,
                                             problem.width, problem.channels});
  checkElements(tensors[size_t(problem.w)],
                {problem.outChannels, problem.kernelH, problem.kernelW,
                 problem.isDepthwise ? 1 : problem.channels});
  if (problem.result >= 0) {
    checkElements(tensors[size_t(problem.result)],
                  {problem.batch, problem.outHeight, problem.outWidth,
                   problem.outChannels});
  }
}

/// Every phase is one of a layer, if there are layers.
static void checkLayers(const BenchKernel &kernel) {
  const auto last = int64_t(kernel.layers.size()) - 1;
  for (const BenchLayer &layer : kernel.layers) {
    checkInteger("macs", layer.macs, 0, INT64_MAX);
    checkInteger("computedIn", layer.computedIn, 0, last);
  }
  for (const int64_t layer : kernel.phaseLayers) {
    checkInteger("phaseLayers", layer, 0, last);
  }
  const size_t expected = kernel.layers.empty() ? 0 : kernel.phases.size();
  if (kernel.phaseLayers.size() != expected) {
    throw BadJob{"'phaseLayers' has " +
                 std::to_string(kernel.phaseLayers.size()) +
                 " numbers, expected " + std::to_string(expected)};
  }
}

static void check(const BenchKernel &kernel) {
  for (const Estimate &estimate : kernel.estimates) {
    checkNumber("macPerCycle", estimate.macsPerCycle, 1e9);
  }
  for (const int64_t size : kernel.sizes) {
    checkInteger("sizes", size, 1, mostExtent);
  }
  for (const BenchTensor &tensor : kernel.tensors) {
    check(tensor);
  }
  checkLayers(kernel);
  checkInteger("batch", kernel.batch, 0, mostExtent);
  checkInteger("nominalMacs", kernel.nominalMacs, 0, INT64_MAX);
  checkInteger("realMacs", kernel.realMacs.value_or(0), 0, INT64_MAX);
  if (kernel.problem) {
    check(*kernel.problem, kernel.tensors);
  }
}

static void check(const BenchJob &job) {
  checkInteger("threads", job.threads, 1, 1024);
  checkInteger("repetitions", job.repetitions, 1, 1000000);
  checkNumber("minSeconds", job.minSeconds, 3600);
  for (const BenchKernel &kernel : job.kernels) {
    check(kernel);
  }
}

std::string jobText(const BenchJob &job) {
  BenchJob copy = job; // Fields are visited as what may be assigned.
  return written(copy).dump(2) + "\n";
}

Result<BenchJob> parseJobText(const std::string &text,
                              const std::string &name) {
  const auto failure = [&](const std::string &what) {
    return Status::error("job file '" + name + "': " + what +
                         "; let 'lpgen bench' of the same version write it");
  };
  try {
    BenchJob job;
    read(json::parse(text), job);
    check(job);
    return job;
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
