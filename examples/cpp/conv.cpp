// Runs the generated kernels of ../conv3x3_w2a2.lp with the runtime: tensors,
// KernelRunner and a thread pool. Every variant that this CPU can run is run,
// and all must agree.
//
//   example-cpp [THREADS]
#include "base/abi/CpuFeatures.h"
#include "conv3x3_w2a2.h"
#include "runtime/kernels/KernelRunner.h"
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>

using namespace lpgen;

namespace {

// As in CMakeLists.txt: DEFINES N=4 C=8; the rest are the file's own.
constexpr int64_t batch = 4, size = 28, channels = 8, filters = 16;

struct Inputs {
  HostTensor x{{Encoding::Unsigned, 2}, {batch, size, size, channels}};
  HostTensor w{{Encoding::Signed, 2}, {filters, 3, 3, channels}};
  HostTensor scale{{Encoding::Float, 32}, {filters}};
};

struct Outputs {
  HostTensor acc{{Encoding::Signed, 32}, {batch, size, size, filters}};
  HostTensor y{{Encoding::Unsigned, 2}, {batch, size, size, filters}};
};

Inputs makeInputs() {
  Inputs inputs;
  uint32_t state = 1; // a linear congruential generator; the top bits are good
  for (HostTensor *tensor : {&inputs.x, &inputs.w}) {
    const int64_t lo = tensor->type().minValue();
    for (int64_t i = 0; i < tensor->numElements(); ++i) {
      state = state * 1664525U + 1013904223U;
      tensor->setInt(i, lo + int64_t(state >> 30));
    }
  }
  for (int64_t i = 0; i < filters; ++i) {
    inputs.scale.setFloat(i, 1.0F / float(8 + i));
  }
  return inputs;
}

/// The kernel on `inputs`; outputs that the caller gives.
Status run(const lp_kernel &kernel, ThreadPool &pool, const Inputs &inputs,
           Outputs &outputs) {
  Result<KernelRunner> runner = KernelRunner::create(kernel, &pool);
  LPGEN_RETURN_IF_ERROR(runner.status());
  const HostTensor *in[] = {&inputs.x, &inputs.w, &inputs.scale};
  HostTensor *out[] = {&outputs.acc, &outputs.y};
  return runner->runLogical(in, out, {});
}

int64_t at(const HostTensor &tensor, std::array<int64_t, 4> indices) {
  return tensor.getInt(tensor.position(indices));
}

/// The accumulator of the definition: an outside read is the declared pad, 0.
int64_t accumulate(const Inputs &inputs, int64_t n, int64_t h, int64_t v,
                   int64_t o) {
  int64_t sum = 0;
  for (int64_t r = 0; r < 3; ++r) {
    for (int64_t s = 0; s < 3; ++s) {
      const int64_t row = h + r - 1;
      const int64_t column = v + s - 1;
      if (row < 0 || row >= size || column < 0 || column >= size) {
        continue;
      }
      for (int64_t c = 0; c < channels; ++c) {
        sum += at(inputs.x, {n, row, column, c}) * at(inputs.w, {o, r, s, c});
      }
    }
  }
  return sum;
}

int64_t countDifferences(const Inputs &inputs, const Outputs &outputs) {
  int64_t differences = 0;
  for (int64_t i = 0; i < outputs.acc.numElements(); ++i) {
    const std::vector<int64_t> at = outputs.acc.indicesAt(i);
    differences +=
        accumulate(inputs, at[0], at[1], at[2], at[3]) != outputs.acc.getInt(i);
  }
  return differences;
}

} // namespace

int main(int argc, char **argv) {
  int threads = 1;
  if (argc > 1) {
    const char *end = argv[1] + std::strlen(argv[1]);
    const auto [rest, error] = std::from_chars(argv[1], end, threads);
    threads = error == std::errc() && rest == end ? threads : 0;
  }
  if (argc > 2 || threads < 1) {
    std::fprintf(stderr, "usage: %s [THREADS]\n", argv[0]);
    return 2;
  }
  ThreadPool pool(threads);
  const Inputs inputs = makeInputs();

  // The best kernel for this CPU, then the best without its vector units.
  const uint64_t features = lp_cpu_features();
  const lp_kernel *kernels[] = {lp_conv3x3_w2a2_select(features),
                                lp_conv3x3_w2a2_select(0)};
  int64_t differences = 0;
  for (const lp_kernel *kernel : kernels) {
    if (!kernel) {
      std::fprintf(stderr, "no kernel of conv3x3_w2a2 runs on this CPU (%s)\n",
                   describeCpuFeatures(features).c_str());
      return 1;
    }
    Outputs outputs;
    const Status status = run(*kernel, pool, inputs, outputs);
    if (!status.ok()) {
      std::fprintf(stderr, "error: %s\n", status.message().c_str());
      return 1;
    }
    std::printf("kernel %s, needs %s, %d threads: acc[0,1,1,0] = %lld\n",
                kernel->symbol,
                describeCpuFeatures(kernel->cpu_features).c_str(), threads,
                static_cast<long long>(at(outputs.acc, {0, 1, 1, 0})));
    differences += countDifferences(inputs, outputs);
  }
  std::printf("%lld differences from the definition\n",
              static_cast<long long>(differences));
  return differences == 0 ? 0 : 1;
}
