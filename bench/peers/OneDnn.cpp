// oneDNN: the int8 convolution or matmul of a production library.
//
// Operands get the formats that oneDNN likes best, before the time starts. The
// library is asked for the output type of the kernel: exact sums as s32, or 8
// bits with one scale per output channel. Its C++ interface throws; nothing of
// that leaves this file.
#include "bench/peers/Peer.h"
#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

namespace lpgen {

using dnnl::memory;
using Tag = memory::format_tag;

namespace {
class OneDnnPeer : public Peer {
public:
  explicit OneDnnPeer(const PeerInputs &inputs);

  std::string name() const override;
  std::string implementation() const override { return kernelName; }
  Status run() override;
  Result<std::vector<int32_t>> sums() override;
  bool isExact() const override { return exact; }

private:
  void makeConvolution(const PeerInputs &inputs);
  void makeMatmul(const PeerInputs &inputs);
  void bind(const memory::desc &x, const memory::desc &userX,
            const memory::desc &w, const memory::desc &userW,
            const PeerInputs &inputs);
  memory load(const HostTensor &values, const memory::desc &user,
              const memory::desc &wanted);
  dnnl::primitive_attr attributes(int64_t outChannels) const;

  const Problem &problem;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  memory::data_type xType = memory::data_type::u8;
  memory::data_type yType = memory::data_type::s32;
  bool exact = true;
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
static bool pairsFit16Bits(const PeerInputs &inputs) {
  const auto magnitude = [](const BenchTensor &tensor) {
    return std::max(std::abs(tensor.lo), std::abs(tensor.hi));
  };
  // Signed activations are shifted by 128 to unsigned ones.
  const int64_t x = inputs.xType.lo < 0 ? UINT8_MAX : magnitude(inputs.xType);
  return 2 * x * magnitude(inputs.wType) <= INT16_MAX;
}

OneDnnPeer::OneDnnPeer(const PeerInputs &inputs)
    : problem(inputs.problem), yType(outputType(problem.output)) {
  xType = inputs.xType.lo < 0 ? memory::data_type::s8 : memory::data_type::u8;
  exact = !addsPairsIn16Bits() || pairsFit16Bits(inputs);
  if (problem.isGemm) {
    makeMatmul(inputs);
  } else {
    makeConvolution(inputs);
  }
}

/// Scales of the magnitude that requantization uses; their values do not change
/// the time.
dnnl::primitive_attr OneDnnPeer::attributes(int64_t outChannels) const {
  dnnl::primitive_attr attributes;
  if (yType != memory::data_type::s32) {
    attributes.set_output_scales(
        1 << 1, std::vector<float>(size_t(outChannels), 0.01F));
  }
  return attributes;
}

void OneDnnPeer::makeConvolution(const PeerInputs &inputs) {
  const Problem &p = problem;
  const memory::dims xDims = {p.batch, p.channels, p.height, p.width};
  const memory::dims wDims = {p.outChannels, p.channels, p.kernelH, p.kernelW};
  const memory::dims yDims = {p.batch, p.outChannels, p.outHeight, p.outWidth};
  const auto padEnd = [](int64_t out, int64_t stride, int64_t kernel,
                         int64_t dilation, int64_t size, int64_t padStart) {
    return (out - 1) * stride + (kernel - 1) * dilation + 1 - size - padStart;
  };
  const memory::dims padLow = {p.padTop, p.padLeft};
  const memory::dims padHigh = {padEnd(p.outHeight, p.strideH, p.kernelH,
                                       p.dilationH, p.height, p.padTop),
                                padEnd(p.outWidth, p.strideW, p.kernelW,
                                       p.dilationW, p.width, p.padLeft)};
  const auto s8 = memory::data_type::s8;
  const dnnl::convolution_forward::desc description(
      dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
      {xDims, xType, Tag::any}, {wDims, s8, Tag::any}, {yDims, yType, Tag::any},
      {p.strideH, p.strideW}, {p.dilationH - 1, p.dilationW - 1}, padLow,
      padHigh);
  const dnnl::convolution_forward::primitive_desc chosen(
      description, attributes(p.outChannels), engine);
  kernelName = chosen.impl_info_str();
  primitive = dnnl::convolution_forward(chosen);
  userY = {yDims, yType, Tag::nhwc};
  bind(chosen.src_desc(), {xDims, xType, Tag::nhwc}, chosen.weights_desc(),
       {wDims, s8, Tag::ohwi}, inputs);
  arguments[DNNL_ARG_DST] = memory(chosen.dst_desc(), engine);
}

void OneDnnPeer::makeMatmul(const PeerInputs &inputs) {
  const memory::dims xDims = {problem.pixels(), problem.channels};
  const memory::dims wDims = {problem.channels, problem.outChannels};
  const memory::dims yDims = {problem.pixels(), problem.outChannels};
  const auto s8 = memory::data_type::s8;
  const dnnl::matmul::desc description({xDims, xType, Tag::any},
                                       {wDims, s8, Tag::any},
                                       {yDims, yType, Tag::any});
  const dnnl::matmul::primitive_desc chosen(
      description, attributes(problem.outChannels), engine);
  kernelName = chosen.impl_info_str();
  primitive = dnnl::matmul(chosen);
  userY = {yDims, yType, Tag::ab};
  // Logical weights are [N, K]: the transpose.
  bind(chosen.src_desc(), {xDims, xType, Tag::ab}, chosen.weights_desc(),
       {wDims, s8, Tag::ba}, inputs);
  arguments[DNNL_ARG_DST] = memory(chosen.dst_desc(), engine);
}

void OneDnnPeer::bind(const memory::desc &x, const memory::desc &userX,
                      const memory::desc &w, const memory::desc &userW,
                      const PeerInputs &inputs) {
  arguments[DNNL_ARG_SRC] = load(inputs.x, userX, x);
  arguments[DNNL_ARG_WEIGHTS] = load(inputs.w, userW, w);
}

/// Logical values as one byte each, then in the wanted format.
memory OneDnnPeer::load(const HostTensor &values, const memory::desc &user,
                        const memory::desc &wanted) {
  memory plain(user, engine);
  auto *bytes = static_cast<uint8_t *>(plain.get_data_handle());
  for (int64_t i = 0; i < values.numElements(); ++i) {
    bytes[i] = uint8_t(values.getInt(i));
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

std::string OneDnnPeer::name() const {
  const dnnl_version_t *version = dnnl_version();
  return "oneDNN " + std::to_string(version->major) + "." +
         std::to_string(version->minor) + "." + std::to_string(version->patch) +
         " int8" + isaName();
}

Status OneDnnPeer::run() {
  try {
    primitive.execute(stream, arguments);
    stream.wait();
  } catch (const dnnl::error &error) {
    return Status::error(name() + ": " + error.what());
  }
  return Status::success();
}

Result<std::vector<int32_t>> OneDnnPeer::sums() {
  if (yType != memory::data_type::s32) {
    return std::vector<int32_t>();
  }
  std::vector<int32_t> values(size_t(problem.pixels() * problem.outChannels));
  try {
    memory plain(userY, engine, values.data());
    dnnl::reorder(arguments[DNNL_ARG_DST], plain)
        .execute(stream, arguments[DNNL_ARG_DST], plain);
    stream.wait();
  } catch (const dnnl::error &error) {
    return Status::error(name() + ": " + error.what());
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

PeerResult makeOneDnnPeer(const PeerInputs &inputs) {
  if (!PeerInputs::fits(inputs.xType, 0, UINT8_MAX) &&
      !PeerInputs::fits(inputs.xType, INT8_MIN, INT8_MAX)) {
    return Status::error("oneDNN int8: activations beyond 8 bits");
  }
  if (!PeerInputs::fits(inputs.wType, INT8_MIN, INT8_MAX)) {
    return Status::error("oneDNN int8: weights beyond signed 8 bits");
  }
  LPGEN_RETURN_IF_ERROR(setThreads(inputs.threads));
  LPGEN_RETURN_IF_ERROR(setIsa(inputs.isa));
  try {
    return PeerResult(std::make_unique<OneDnnPeer>(inputs));
  } catch (const dnnl::error &error) {
    return Status::error("oneDNN int8: does not take this operator (" +
                         std::string(error.what()) + ")");
  }
}

} // namespace lpgen
