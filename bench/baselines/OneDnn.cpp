// oneDNN: the int8 or float32 convolution or matmul of a production library.
//
// Operands get the formats that oneDNN likes best, before the time starts. In
// int8 the library is asked for the output type of the kernel: exact sums as
// s32, or 8 bits with one scale per output channel. Its C++ interface throws;
// nothing of that leaves this file.
#include "bench/baselines/Operands.h"
#include "workbench/measure/Baseline.h"
#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

namespace lpgen {

using dnnl::memory;
using Tag = memory::format_tag;

namespace {
class OneDnnBaseline : public Baseline {
public:
  OneDnnBaseline(const BaselineInputs &inputs, bool isFloat);

  std::string name() const override;
  std::string implementation() const override { return kernelName; }
  Status run() override;
  Result<std::vector<int32_t>> results() override;
  Arithmetic arithmetic() const override { return arithmeticHere; }

private:
  void makeConvolution(const BaselineInputs &inputs);
  void makeMatmul(const BaselineInputs &inputs);
  void bind(const memory::desc &x, const memory::desc &userX,
            const memory::desc &w, const memory::desc &userW,
            const BaselineInputs &inputs);
  memory load(const HostTensor &values, const memory::desc &user,
              const memory::desc &wanted);
  dnnl::primitive_attr attributes(int64_t outChannels) const;

  const Problem &problem;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  memory::data_type xType;
  memory::data_type wType;
  memory::data_type yType;
  Arithmetic arithmeticHere;
  std::string kernelName;
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
  memory::desc userY;
};
} // namespace

static memory::data_type outputType(OutputKind kind) {
  switch (kind) {
  case OutputKind::I32:
    return memory::data_type::s32;
  case OutputKind::U8:
    return memory::data_type::u8;
  case OutputKind::S8:
    return memory::data_type::s8;
  case OutputKind::F32:
    return memory::data_type::f32;
  }
  return memory::data_type::undef;
}

/// True if the library adds up pairs of products by vpmaddubsw, which saturates
/// at 16 bits.
static bool addsPairsIn16Bits() {
  switch (dnnl_get_effective_cpu_isa()) {
  case dnnl_cpu_isa_sse41:
  case dnnl_cpu_isa_avx:
  case dnnl_cpu_isa_avx2:
  case dnnl_cpu_isa_avx512_core:
    return true;
  default: // VNNI, or another architecture.
    return false;
  }
}

/// True if a pair of products always fits 16 bits.
static bool pairsFit16Bits(const BaselineInputs &inputs) {
  const auto magnitude = [](const BenchTensor &tensor) {
    return std::max(std::abs(tensor.lo), std::abs(tensor.hi));
  };
  // Signed activations are shifted by 128 to unsigned ones.
  const int64_t x = inputs.xType.lo < 0 ? UINT8_MAX : magnitude(inputs.xType);
  return 2 * x * magnitude(inputs.wType) <= INT16_MAX;
}

/// The int8 arithmetic of these operands.
static Arithmetic byteArithmetic(const BaselineInputs &inputs) {
  if (!addsPairsIn16Bits()) {
    return Arithmetic::Exact;
  }
  // Beside shifted activations convolutions halve the weights, so that pairs
  // fit, which rounds odd ones.
  if (inputs.xType.lo < 0 && !inputs.problem.isGemm) {
    return Arithmetic::Rounding;
  }
  return pairsFit16Bits(inputs) ? Arithmetic::Exact : Arithmetic::Saturating;
}

OneDnnBaseline::OneDnnBaseline(const BaselineInputs &inputs, bool isFloat)
    : problem(inputs.problem),
      xType(isFloat               ? memory::data_type::f32
            : inputs.xType.lo < 0 ? memory::data_type::s8
                                  : memory::data_type::u8),
      wType(isFloat ? memory::data_type::f32 : memory::data_type::s8),
      yType(isFloat ? memory::data_type::f32 : outputType(problem.output)),
      arithmeticHere(isFloat ? inputs.floatArithmetic()
                             : byteArithmetic(inputs)) {
  if (problem.isGemm) {
    makeMatmul(inputs);
  } else {
    makeConvolution(inputs);
  }
}

/// Scales of the magnitude that requantization uses; their values do not change
/// the time.
dnnl::primitive_attr OneDnnBaseline::attributes(int64_t outChannels) const {
  dnnl::primitive_attr attributes;
  if (wType == memory::data_type::s8 && yType != memory::data_type::s32) {
    attributes.set_output_scales(
        1 << 1, std::vector<float>(size_t(outChannels), 0.01F));
  }
  return attributes;
}

void OneDnnBaseline::makeConvolution(const BaselineInputs &inputs) {
  const Problem &p = problem;
  const memory::dims xDims = {p.batch, p.channels, p.height, p.width};
  // Depthwise: as many groups, of one channel and one output each.
  const memory::dims wDims =
      p.isDepthwise
          ? memory::dims{p.channels, 1, 1, p.kernelH, p.kernelW}
          : memory::dims{p.outChannels, p.channels, p.kernelH, p.kernelW};
  const memory::dims yDims = {p.batch, p.outChannels, p.outHeight, p.outWidth};
  const memory::dims padLow = {p.padTop, p.padLeft};
  const memory::dims padHigh = {padBehind(p.outHeight, p.strideH, p.kernelH,
                                          p.dilationH, p.height, p.padTop),
                                padBehind(p.outWidth, p.strideW, p.kernelW,
                                          p.dilationW, p.width, p.padLeft)};
  const dnnl::convolution_forward::desc description(
      dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
      {xDims, xType, Tag::any}, {wDims, wType, Tag::any},
      {yDims, yType, Tag::any}, {p.strideH, p.strideW},
      {p.dilationH - 1, p.dilationW - 1}, padLow, padHigh);
  const dnnl::convolution_forward::primitive_desc chosen(
      description, attributes(p.outChannels), engine);
  kernelName = chosen.impl_info_str();
  primitive = dnnl::convolution_forward(chosen);
  userY = {yDims, yType, Tag::nhwc};
  bind(chosen.src_desc(), {xDims, xType, Tag::nhwc}, chosen.weights_desc(),
       {wDims, wType, p.isDepthwise ? Tag::hwigo : Tag::ohwi}, inputs);
  arguments[DNNL_ARG_DST] = memory(chosen.dst_desc(), engine);
}

void OneDnnBaseline::makeMatmul(const BaselineInputs &inputs) {
  const memory::dims xDims = {problem.pixels(), problem.channels};
  const memory::dims wDims = {problem.channels, problem.outChannels};
  const memory::dims yDims = {problem.pixels(), problem.outChannels};
  const dnnl::matmul::desc description({xDims, xType, Tag::any},
                                       {wDims, wType, Tag::any},
                                       {yDims, yType, Tag::any});
  const dnnl::matmul::primitive_desc chosen(
      description, attributes(problem.outChannels), engine);
  kernelName = chosen.impl_info_str();
  primitive = dnnl::matmul(chosen);
  userY = {yDims, yType, Tag::ab};
  // Logical weights are [N, K]: the transpose.
  bind(chosen.src_desc(), {xDims, xType, Tag::ab}, chosen.weights_desc(),
       {wDims, wType, Tag::ba}, inputs);
  arguments[DNNL_ARG_DST] = memory(chosen.dst_desc(), engine);
}

void OneDnnBaseline::bind(const memory::desc &x, const memory::desc &userX,
                          const memory::desc &w, const memory::desc &userW,
                          const BaselineInputs &inputs) {
  arguments[DNNL_ARG_SRC] = load(inputs.x, userX, x);
  arguments[DNNL_ARG_WEIGHTS] = load(inputs.w, userW, w);
}

/// Logical values as one byte or float each, then in the wanted format.
memory OneDnnBaseline::load(const HostTensor &values, const memory::desc &user,
                            const memory::desc &wanted) {
  memory plain(user, engine);
  void *data = plain.get_data_handle();
  for (int64_t i = 0; i < values.numElements(); ++i) {
    if (wType == memory::data_type::f32) {
      static_cast<float *>(data)[i] = float(wholeAt(values, i));
    } else {
      static_cast<uint8_t *>(data)[i] = uint8_t(values.getInt(i));
    }
  }
  memory packed(wanted, engine);
  dnnl::reorder(plain, packed).execute(stream, plain, packed);
  stream.wait();
  return packed;
}

/// ", AVX2": the instruction set that oneDNN restricts itself to, where it
/// says.
static std::string isaName() {
  switch (dnnl_get_effective_cpu_isa()) {
  case dnnl_cpu_isa_sse41:
    return ", SSE4.1";
  case dnnl_cpu_isa_avx:
    return ", AVX";
  case dnnl_cpu_isa_avx2:
    return ", AVX2";
  case dnnl_cpu_isa_avx2_vnni:
    return ", AVX2 VNNI";
  case dnnl_cpu_isa_avx512_core:
    return ", AVX-512";
  case dnnl_cpu_isa_avx512_core_vnni:
  case dnnl_cpu_isa_avx512_core_bf16:
    return ", AVX-512 VNNI";
  default:
    return "";
  }
}

std::string OneDnnBaseline::name() const {
  const dnnl_version_t *version = dnnl_version();
  return "oneDNN " + std::to_string(version->major) + "." +
         std::to_string(version->minor) + "." + std::to_string(version->patch) +
         (wType == memory::data_type::f32 ? " f32" : " int8") + isaName();
}

Status OneDnnBaseline::run() {
  try {
    primitive.execute(stream, arguments);
    stream.wait();
  } catch (const dnnl::error &error) {
    return Status::error(name() + ": " + error.what());
  }
  return Status::success();
}

/// Both of int32 and float32: the sums as the library writes them.
Result<std::vector<int32_t>> OneDnnBaseline::results() {
  const bool isFloat = wType == memory::data_type::f32;
  if (!isFloat && yType != memory::data_type::s32) {
    return std::vector<int32_t>();
  }
  const auto count = size_t(problem.pixels() * problem.outChannels);
  std::vector<int32_t> values(count);
  std::vector<float> floats(isFloat ? count : 0);
  try {
    memory plain(userY, engine,
                 isFloat ? static_cast<void *>(floats.data()) : values.data());
    dnnl::reorder(arguments[DNNL_ARG_DST], plain)
        .execute(stream, arguments[DNNL_ARG_DST], plain);
    stream.wait();
  } catch (const dnnl::error &error) {
    return Status::error(name() + ": " + error.what());
  }
  if (isFloat) {
    values.assign(floats.begin(), floats.end());
  }
  return values;
}

/// Tells the OpenMP runtime that oneDNN was linked with, whichever it is, how
/// many threads to use.
static Status setThreads(int threads) {
  using SetThreads = void (*)(int);
  const auto set =
      reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  if (!set) {
    return Status::error("oneDNN: is not built with OpenMP, so its number of "
                         "threads cannot be set");
  }
  set(threads);
  return Status::success();
}

/// Limits the instruction set; has effect before oneDNN's first kernel only.
static Status setIsa(const std::string &isa) {
  if (isa != "avx2") {
    return Status::success();
  }
  // Asking for the current one fixes it, so set first and ask after a refusal.
  const dnnl_status_t status = dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
  if (status == dnnl_success ||
      dnnl_get_effective_cpu_isa() == dnnl_cpu_isa_avx2) {
    return Status::success();
  }
  return Status::error("oneDNN int8: cannot be limited to AVX2, as the kernel "
                       "is (status " +
                       std::to_string(status) + ")");
}

static BaselineResult makeBaseline(const BaselineInputs &inputs, bool isFloat) {
  LPGEN_RETURN_IF_ERROR(setThreads(inputs.threads));
  LPGEN_RETURN_IF_ERROR(setIsa(inputs.isa));
  try {
    return BaselineResult(std::make_unique<OneDnnBaseline>(inputs, isFloat));
  } catch (const dnnl::error &error) {
    return Status::error("oneDNN " + std::string(isFloat ? "f32" : "int8") +
                         ": does not take this operator (" + error.what() +
                         ")");
  }
}

BaselineResult makeOneDnnBaseline(const BaselineInputs &inputs) {
  LPGEN_RETURN_IF_ERROR(inputs.checkBytes("oneDNN int8"));
  if (!BaselineInputs::fits(inputs.wType, INT8_MIN, INT8_MAX)) {
    return Status::error("oneDNN int8: weights beyond signed 8 bits");
  }
  return makeBaseline(inputs, /*isFloat=*/false);
}

BaselineResult makeOneDnnFloatBaseline(const BaselineInputs &inputs) {
  return makeBaseline(inputs, /*isFloat=*/true);
}

} // namespace lpgen
