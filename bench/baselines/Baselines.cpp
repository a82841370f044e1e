// The list of baselines. CMake defines LPGEN_BENCH_HAVE_* for those whose
// library it found; a baseline that was not built is named in the report with
// its reason.
#include "workbench/measure/Baseline.h"
#include <algorithm>
#include <cstdlib>

namespace lpgen {

Status BaselineInputs::checkBytes(const std::string &baseline) const {
  for (const BenchTensor *type : {&xType, &wType}) {
    if (!fits(*type, 0, UINT8_MAX) && !fits(*type, INT8_MIN, INT8_MAX)) {
      return Status::error(baseline + ": " +
                           (type == &xType ? "activations" : "weights") +
                           " beyond 8 bits");
    }
  }
  return Status::success();
}

Arithmetic BaselineInputs::floatArithmetic() const {
  const auto magnitude = [](const BenchTensor &type) {
    return double(std::max(std::abs(type.lo), std::abs(type.hi)));
  };
  const double exactIntegers = 1 << 24;
  return magnitude(xType) * magnitude(wType) *
                     double(problem.reductionSize()) <=
                 exactIntegers
             ? Arithmetic::Exact
             : Arithmetic::Rounding;
}

namespace {
/// One baseline, or why it was not built.
struct BaselineKind {
  const char *name;
  BaselineResult (*make)(const BaselineInputs &inputs); ///< Null if not built.
  const char *package; ///< Where it comes from.
  bool hasDepthwise = false;
};
} // namespace

#ifdef LPGEN_BENCH_HAVE_ONEDNN
#define LPGEN_BENCH_ONEDNN(function) function
#else
#define LPGEN_BENCH_ONEDNN(function) nullptr
#endif
#ifdef LPGEN_BENCH_HAVE_OPENBLAS
#define LPGEN_BENCH_OPENBLAS(function) function
#else
#define LPGEN_BENCH_OPENBLAS(function) nullptr
#endif
#ifdef LPGEN_BENCH_HAVE_XNNPACK
#define LPGEN_BENCH_XNNPACK(function) function
#else
#define LPGEN_BENCH_XNNPACK(function) nullptr
#endif
#ifdef LPGEN_BENCH_HAVE_GEMMLOWP
#define LPGEN_BENCH_GEMMLOWP(function) function
#else
#define LPGEN_BENCH_GEMMLOWP(function) nullptr
#endif
#ifdef LPGEN_BENCH_HAVE_HALIDE
#define LPGEN_BENCH_HALIDE(function) function
#else
#define LPGEN_BENCH_HALIDE(function) nullptr
#endif
#ifdef LPGEN_BENCH_HAVE_INT16
#define LPGEN_BENCH_INT16(function) function
#else
#define LPGEN_BENCH_INT16(function) nullptr
#endif

static constexpr BaselineKind kinds[] = {
    {"oneDNN int8", LPGEN_BENCH_ONEDNN(makeOneDnnBaseline), "libdnnl-dev",
     true},
    {"oneDNN f32", LPGEN_BENCH_ONEDNN(makeOneDnnFloatBaseline), "libdnnl-dev",
     true},
    {"OpenBLAS", LPGEN_BENCH_OPENBLAS(makeOpenBlasBaseline),
     "libopenblas-pthread-dev"},
    {"XNNPACK", LPGEN_BENCH_XNNPACK(makeXnnpackBaseline),
     "libxnnpack-dev, libcpuinfo-dev and libpthreadpool-dev", true},
    {"gemmlowp", LPGEN_BENCH_GEMMLOWP(makeGemmlowpBaseline), "libgemmlowp-dev"},
    {"Halide bit-serial", LPGEN_BENCH_HALIDE(makeHalideBitSerialBaseline),
     "libhalide14-0-dev"},
    {"Halide int8", LPGEN_BENCH_HALIDE(makeHalideInt8Baseline),
     "libhalide14-0-dev"},
    {"int16 by hand", LPGEN_BENCH_INT16(makeInt16Avx2Baseline), ""},
    {"plain C++", makePlainBaseline, "", true},
};

/// Why a baseline is not in this program.
static std::string whyNotBuilt(const BaselineKind &kind) {
  const std::string name = kind.name;
  return *kind.package == '\0'
             ? name + ": is written for x86 with AVX2"
             : name +
                   ": was not found when lpgen-bench was built, or does not "
                   "exist for this architecture (Debian: " +
                   kind.package + ")";
}

std::vector<std::unique_ptr<Baseline>>
makeBaselines(const BaselineInputs &inputs, std::vector<std::string> &notes) {
  std::vector<std::unique_ptr<Baseline>> baselines;
  for (const BaselineKind &kind : kinds) {
    if (!kind.make) {
      notes.push_back(whyNotBuilt(kind));
      continue;
    }
    if (inputs.problem.isDepthwise && !kind.hasDepthwise) {
      notes.push_back(std::string(kind.name) +
                      ": has no depthwise convolution");
      continue;
    }
    BaselineResult baseline = kind.make(inputs);
    if (baseline.ok()) {
      baselines.push_back(std::move(*baseline));
    } else {
      notes.push_back(baseline.message());
    }
  }
  return baselines;
}

} // namespace lpgen
