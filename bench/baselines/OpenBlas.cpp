// OpenBLAS: what a program reaches that keeps to float32.
//
// Weights stay in their logical order: the interface has no packing beforehand,
// every call packs anew. A convolution is given to it as im2col, made before
// the time starts. The library is loaded at run time, because it chooses its
// kernels while it is loaded and only the environment can limit them.
#include "bench/baselines/Operands.h"
#include "workbench/measure/Baseline.h"
#include <cblas.h>
#include <cstdlib>
#include <dlfcn.h>

namespace lpgen {

namespace {
/// The library's functions.
struct OpenBlas {
  decltype(&cblas_sgemm) sgemm = nullptr;
  decltype(&cblas_sgemv) sgemv = nullptr;
  decltype(&openblas_set_num_threads) setThreads = nullptr;
  decltype(&openblas_get_config) config = nullptr;
  decltype(&openblas_get_corename) coreName = nullptr;
};

class OpenBlasBaseline : public Baseline {
public:
  OpenBlasBaseline(const BaselineInputs &inputs, const OpenBlas &library)
      : problem(inputs.problem), library(library),
        arithmeticHere(inputs.floatArithmetic()),
        x(im2col(inputs.problem, valuesOf<float>(inputs.x), 0.0F)),
        w(valuesOf<float>(inputs.w)),
        y(size_t(inputs.problem.pixels() * inputs.problem.outChannels)) {}

  std::string name() const override {
    // "OpenBLAS 0.3.21 ..." with the options of the build behind it.
    const std::string config = library.config();
    return config.substr(0, config.find(' ', config.find(' ') + 1)) + " f32, " +
           library.coreName() + im2colRemark(problem);
  }
  Status run() override {
    const auto rows = int(problem.pixels());
    const auto columns = int(problem.outChannels);
    const auto depth = int(problem.reductionSize());
    if (rows == 1) {
      library.sgemv(CblasRowMajor, CblasNoTrans, columns, depth, 1, w.data(),
                    depth, x.data(), 1, 0, y.data(), 1);
    } else {
      library.sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, columns,
                    depth, 1, x.data(), depth, w.data(), depth, 0, y.data(),
                    columns);
    }
    return Status::success();
  }
  Result<std::vector<int32_t>> results() override {
    return std::vector<int32_t>(y.begin(), y.end());
  }
  Arithmetic arithmetic() const override { return arithmeticHere; }

private:
  const Problem &problem;
  OpenBlas library;
  Arithmetic arithmeticHere;
  std::vector<float> x;
  std::vector<float> w;
  std::vector<float> y;
};
} // namespace

template <typename Function>
static bool find(void *library, const char *name, Function &function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

/// The kernels that the library uses: of AVX2 if ours is, else those of AVX-512
/// if this CPU has them, unless the user says otherwise. The library by itself
/// takes SSE3 on CPUs newer than it is.
static bool chooseKernels(const std::string &isa) {
  if (isa == "avx2") {
    return setenv("OPENBLAS_CORETYPE", "Haswell", 1) == 0;
  }
  constexpr int keep = 0;
  return __builtin_cpu_supports("avx512bw") == 0 ||
         setenv("OPENBLAS_CORETYPE", "SkylakeX", keep) == 0;
}

/// Loads the library, once per process; it stays loaded.
static Result<OpenBlas> load(const std::string &isa) {
  if (!chooseKernels(isa)) {
    return Status::error("OpenBLAS: cannot use the instructions that the "
                         "kernel does: the environment cannot be changed");
  }
  void *library = dlopen(LPGEN_BENCH_OPENBLAS_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  OpenBlas functions;
  if (!library || !find(library, "cblas_sgemm", functions.sgemm) ||
      !find(library, "cblas_sgemv", functions.sgemv) ||
      !find(library, "openblas_set_num_threads", functions.setThreads) ||
      !find(library, "openblas_get_config", functions.config) ||
      !find(library, "openblas_get_corename", functions.coreName)) {
    return Status::error("OpenBLAS: cannot be loaded (" +
                         std::string(dlerror()) + ")");
  }
  return functions;
}

BaselineResult makeOpenBlasBaseline(const BaselineInputs &inputs) {
  static const Result<OpenBlas> library = load(inputs.isa);
  LPGEN_RETURN_IF_ERROR(library.status());
  library->setThreads(inputs.threads);
  return BaselineResult(std::make_unique<OpenBlasBaseline>(inputs, *library));
}

} // namespace lpgen
