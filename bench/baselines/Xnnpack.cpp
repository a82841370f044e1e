// XNNPACK: the 8-bit convolution and fully connected layer of TensorFlow Lite
// and PyTorch Mobile.
//
// It adds up exactly and writes 8 bits: the sum times one scale, rounded to
// nearest even, plus a zero point, clamped. The scale here is a power of two
// that suits the problem, so the results follow from the sums. Weights are
// packed when the operator is made.
#include "bench/baselines/Operands.h"
#include "workbench/measure/Baseline.h"
#include <algorithm>
#include <cmath>
#include <cpuinfo.h>
#include <pthreadpool.h>
#include <xnnpack.h>

namespace lpgen {

namespace {
class XnnpackBaseline : public Baseline {
public:
  explicit XnnpackBaseline(const BaselineInputs &inputs);
  ~XnnpackBaseline() override;
  XnnpackBaseline(const XnnpackBaseline &) = delete;
  XnnpackBaseline &operator=(const XnnpackBaseline &) = delete;

  xnn_status create();
  std::string name() const override;
  Status run() override;
  Result<std::vector<int32_t>> results() override {
    return std::vector<int32_t>(y.begin(), y.end());
  }
  int32_t expected(int64_t sum) const override;

private:
  xnn_status createConvolution();
  xnn_status createFullyConnected();

  const Problem &problem;
  std::string isa;
  uint8_t xZero;
  uint8_t wZero;
  float scale; ///< Of the sums.
  std::vector<uint8_t> x;
  std::vector<uint8_t> w;
  std::vector<uint8_t> y;
  pthreadpool_t threads = nullptr;
  xnn_operator_t op = nullptr;
};
} // namespace

static constexpr uint8_t yZero = 128;
static constexpr uint8_t signedZero = 128;

/// A power of two that brings typical sums of random operands into 8 bits.
static float scaleFor(const BaselineInputs &inputs) {
  const auto spread = [](const BenchTensor &type) {
    return double(std::max(std::abs(type.lo), std::abs(type.hi))) + 1;
  };
  const double typical = spread(inputs.xType) * spread(inputs.wType) *
                         std::sqrt(double(inputs.problem.reductionSize()));
  return float(std::exp2(std::min(0.0, std::round(std::log2(64 / typical)))));
}

XnnpackBaseline::XnnpackBaseline(const BaselineInputs &inputs)
    : problem(inputs.problem), isa(inputs.isa),
      xZero(inputs.xType.lo < 0 ? signedZero : 0),
      wZero(inputs.wType.lo < 0 ? signedZero : 0), scale(scaleFor(inputs)),
      x(valuesOf<uint8_t>(inputs.x, xZero)),
      w(valuesOf<uint8_t>(inputs.w, wZero)),
      y(size_t(problem.pixels() * problem.outChannels)) {
  // The library may read a little beyond the activations.
  x.resize(x.size() + XNN_EXTRA_BYTES);
  if (inputs.threads > 1) {
    threads = pthreadpool_create(size_t(inputs.threads));
  }
}

XnnpackBaseline::~XnnpackBaseline() {
  xnn_delete_operator(op);
  pthreadpool_destroy(threads);
}

xnn_status XnnpackBaseline::createConvolution() {
  const Problem &p = problem;
  // Rows and columns that a stride leaves out need no negative padding.
  const auto padAfter = [](int64_t pad) {
    return uint32_t(std::max<int64_t>(pad, 0));
  };
  const uint32_t padBottom = padAfter(padBehind(
      p.outHeight, p.strideH, p.kernelH, p.dilationH, p.height, p.padTop));
  const uint32_t padRight = padAfter(padBehind(
      p.outWidth, p.strideW, p.kernelW, p.dilationW, p.width, p.padLeft));
  const auto groups = size_t(p.isDepthwise ? p.channels : 1);
  const auto channels = size_t(p.channels);
  const auto outChannels = size_t(p.outChannels);
  const xnn_status status = xnn_create_convolution2d_nhwc_qu8(
      uint32_t(p.padTop), padRight, padBottom, uint32_t(p.padLeft),
      uint32_t(p.kernelH), uint32_t(p.kernelW), uint32_t(p.strideH),
      uint32_t(p.strideW), uint32_t(p.dilationH), uint32_t(p.dilationW),
      uint32_t(groups), channels / groups, outChannels / groups, channels,
      outChannels, xZero, /*input_scale=*/1, wZero, scale, w.data(),
      /*bias=*/nullptr, yZero, /*output_scale=*/1, 0, UINT8_MAX,
      p.isDepthwise ? XNN_FLAG_DEPTHWISE_CONVOLUTION : 0, &op);
  return status != xnn_status_success
             ? status
             : xnn_setup_convolution2d_nhwc_qu8(
                   op, size_t(p.batch), size_t(p.height), size_t(p.width),
                   x.data(), y.data(), threads);
}

xnn_status XnnpackBaseline::createFullyConnected() {
  const auto channels = size_t(problem.channels);
  const auto outChannels = size_t(problem.outChannels);
  const xnn_status status = xnn_create_fully_connected_nc_qu8(
      channels, outChannels, channels, outChannels, xZero, /*input_scale=*/1,
      wZero, scale, w.data(), /*bias=*/nullptr, yZero,
      /*output_scale=*/1, 0, UINT8_MAX, /*flags=*/0, &op);
  return status != xnn_status_success
             ? status
             : xnn_setup_fully_connected_nc_qu8(op, size_t(problem.pixels()),
                                                x.data(), y.data(), threads);
}

xnn_status XnnpackBaseline::create() {
  return problem.isGemm ? createFullyConnected() : createConvolution();
}

std::string XnnpackBaseline::name() const {
  return "XNNPACK 2022-02 qu8" + std::string(isa == "avx2" ? ", AVX2" : "");
}

Status XnnpackBaseline::run() {
  const xnn_status status = xnn_run_operator(op, threads);
  return status == xnn_status_success
             ? Status::success()
             : Status::error(name() + ": status " + std::to_string(status));
}

int32_t XnnpackBaseline::expected(int64_t sum) const {
  const float rounded = std::nearbyint(float(sum) * scale);
  return int32_t(std::clamp(rounded + float(yZero), 0.0F, float(UINT8_MAX)));
}

/// Starts the library, once per process. It knows no limit of its own, but asks
/// the library cpuinfo, whose answer can be changed before.
static Status start(const std::string &isa) {
  if (!cpuinfo_initialize()) {
    return Status::error("XNNPACK: does not know this CPU");
  }
  if (isa == "avx2") {
    cpuinfo_isa.avx512f = false;
    cpuinfo_isa.avx512bw = false;
    cpuinfo_isa.avx512dq = false;
    cpuinfo_isa.avx512vl = false;
  }
  return xnn_initialize(nullptr) == xnn_status_success
             ? Status::success()
             : Status::error("XNNPACK: cannot be started on this CPU");
}

BaselineResult makeXnnpackBaseline(const BaselineInputs &inputs) {
  static const Status started = start(inputs.isa);
  LPGEN_RETURN_IF_ERROR(started);
  LPGEN_RETURN_IF_ERROR(inputs.checkBytes("XNNPACK"));
  auto baseline = std::make_unique<XnnpackBaseline>(inputs);
  if (const xnn_status status = baseline->create();
      status != xnn_status_success) {
    return Status::error("XNNPACK: does not take this operator (status " +
                         std::to_string(status) + ")");
  }
  return BaselineResult(std::move(baseline));
}

} // namespace lpgen
