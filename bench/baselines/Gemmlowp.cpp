// gemmlowp: the exact 8-bit matrix product that TensorFlow Lite was built on.
//
// It takes unsigned bytes with a zero point for each operand, here 128 where an
// operand is signed, and packs both operands in every call: there is no packing
// beforehand. A convolution is given to it as im2col, made before the time
// starts.
#include "base/abi/CpuFeatures.h"
#include "base/abi/lp_kernel.h"
#include "bench/baselines/Operands.h"
#include "workbench/measure/Baseline.h"
#include <public/gemmlowp.h>
#include <tuple>

namespace lpgen {

namespace {
class GemmlowpBaseline : public Baseline {
public:
  explicit GemmlowpBaseline(const BaselineInputs &inputs)
      : problem(inputs.problem), xZero(inputs.xType.lo < 0 ? signedZero : 0),
        wZero(inputs.wType.lo < 0 ? signedZero : 0),
        x(im2col(inputs.problem, valuesOf<uint8_t>(inputs.x, xZero),
                 uint8_t(xZero))),
        w(valuesOf<uint8_t>(inputs.w, wZero)),
        y(size_t(inputs.problem.pixels() * inputs.problem.outChannels)) {
    context.set_max_num_threads(inputs.threads);
  }

  std::string name() const override {
    return std::string("gemmlowp u8, AVX2") + im2colRemark(problem);
  }
  Status run() override {
    using gemmlowp::MapOrder;
    const auto depth = int(problem.reductionSize());
    const auto rows = int(problem.outChannels);
    const auto columns = int(problem.pixels());
    const gemmlowp::MatrixMap<const uint8_t, MapOrder::RowMajor> lhs(
        w.data(), rows, depth);
    const gemmlowp::MatrixMap<const uint8_t, MapOrder::ColMajor> rhs(
        x.data(), depth, columns);
    gemmlowp::MatrixMap<int32_t, MapOrder::ColMajor> result(y.data(), rows,
                                                            columns);
    gemmlowp::GemmWithOutputPipeline<uint8_t, int32_t,
                                     gemmlowp::DefaultL8R8BitDepthParams>(
        &context, lhs, rhs, &result, -wZero, -xZero, std::tuple<>());
    return Status::success();
  }
  Result<std::vector<int32_t>> results() override { return y; }

private:
  static constexpr int signedZero = 128;

  const Problem &problem;
  int xZero;
  int wZero;
  std::vector<uint8_t> x;
  std::vector<uint8_t> w;
  std::vector<int32_t> y;
  gemmlowp::GemmContext context;
};
} // namespace

BaselineResult makeGemmlowpBaseline(const BaselineInputs &inputs) {
  if ((lp_cpu_features() & LP_CPU_AVX2) == 0) {
    return Status::error("gemmlowp: was compiled for AVX2, which this CPU "
                         "lacks");
  }
  LPGEN_RETURN_IF_ERROR(inputs.checkBytes("gemmlowp"));
  return BaselineResult(std::make_unique<GemmlowpBaseline>(inputs));
}

} // namespace lpgen
