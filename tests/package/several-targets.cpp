// The chooser of a library with several targets: the descriptor of the short
// names, the best kernel and the kernel for a CPU without features agree.
#include "base/abi/CpuFeatures.h"
#include "dot_u2b1.h"
#include "runtime/kernels/KernelRunner.h"
#include <cstdio>

using namespace lpgen;

static bool agrees(const lp_kernel *kernel, const HostTensor &x,
                   const HostTensor &w) {
  if (!kernel) {
    std::puts("no kernel for this CPU");
    return false;
  }
  HostTensor y({Encoding::Signed, 32}, {3, 4});
  Result<KernelRunner> runner = KernelRunner::create(*kernel);
  const HostTensor *inputs[] = {&x, &w};
  HostTensor *outputs[] = {&y};
  const Status status =
      runner.ok() ? runner->runLogical(inputs, outputs, {}) : runner.status();
  if (!status.ok()) {
    std::printf("error: %s\n", status.message().c_str());
    return false;
  }
  // 48 terms 2 * w, with w = +1 in even columns and -1 in odd ones.
  int wrong = 0;
  for (int64_t i = 0; i < y.numElements(); ++i) {
    wrong += y.getInt(i) != (i % 2 == 0 ? 96 : -96);
  }
  std::printf("%s: %d wrong\n", kernel->symbol, wrong);
  return wrong == 0;
}

int main() {
  HostTensor x({Encoding::Unsigned, 2}, {3, 48});
  HostTensor w({Encoding::Bipolar, 1}, {4, 48});
  for (int64_t i = 0; i < x.numElements(); ++i) {
    x.setInt(i, 2);
  }
  for (int64_t i = 0; i < w.numElements(); ++i) {
    w.setInt(i, i / 48 % 2 == 0 ? 1 : -1);
  }
  const lp_kernel *best = lp_dot_u2b1_select(lp_cpu_features());
  const lp_kernel *plain = lp_dot_u2b1_select(0);
  const bool ok = agrees(&lp_dot_u2b1_kernel, x, w) && agrees(best, x, w) &&
                  agrees(plain, x, w);
  if (best && plain && best->cpu_features < plain->cpu_features) {
    std::puts("the kernel for fewer features needs more of them");
    return 1;
  }
  return ok ? 0 : 1;
}
