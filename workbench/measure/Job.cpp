// Job files. Each struct lists its fields once, for the reader and the writer.
//
// Whatever is wrong with a file ends in one message; the JSON library throws,
// and nothing of that leaves this file.
#include "workbench/measure/Job.h"
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

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
}

template <typename Field>
void visitFields(Problem &problem, Field field) {
  std::string kind = problemKind(problem);
  field("kind", kind);
  problem.isGemm = kind == "gemm";
  problem.isDepthwise = kind == "depthwise";
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
void visitFields(BenchKernel &kernel, Field field) {
  field("op", kernel.op);
  field("library", kernel.library);
  field("schedules", kernel.schedules);
  field("phases", kernel.phases);
  field("estimates", kernel.estimates);
  field("sizes", kernel.sizes);
  field("tensors", kernel.tensors);
  field("nominalMacs", kernel.nominalMacs);
  field("realMacs", kernel.realMacs);
  field("problem", kernel.problem);
  field("whyNoBaselines", kernel.whyNoBaselines);
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

template <typename T>
void read(const json &from, T &value) {
  if constexpr (HasFields<T>) {
    visitFields(value, [&](const char *key, auto &field) {
      read(from.at(key), field);
    });
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

static void check(const BenchJob &job) {
  if (job.threads < 1 || job.repetitions < 1) {
    throw BadJob{"threads and repetitions must be at least 1"};
  }
  for (const BenchKernel &kernel : job.kernels) {
    if (!kernel.problem) {
      continue;
    }
    const Problem &problem = *kernel.problem;
    const auto tensors = int(kernel.tensors.size());
    if (problem.x < 0 || problem.w < 0) {
      throw BadJob{"operands need a number from 0"};
    }
    for (const int id : {problem.x, problem.w, problem.result}) {
      if (id >= tensors) {
        throw BadJob{"there is no tensor " + std::to_string(id)};
      }
    }
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
  std::ifstream stream(path);
  if (!stream) {
    return Status::error("cannot read job file '" + path +
                         "': expected one written by 'lpgen bench'");
  }
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  return parseJobText(text, path);
}

} // namespace lpgen
