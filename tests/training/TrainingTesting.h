// What the tests of training share: a compiler, a cache, and tensors.
#ifndef LPGEN_TESTS_TRAINING_TRAININGTESTING_H
#define LPGEN_TESTS_TRAINING_TRAININGTESTING_H

#include "runtime/kernels/KernelProvider.h"
#include "tests/TemporaryFolder.h"
#include "training/core/FloatTensor.h"
#include "training/core/IntTensor.h"
#include "training/core/Random.h"
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

namespace lpgen::testing {

/// The build's compiler; kernels go to a cache in the build folder, which later
/// runs find filled.
inline CompilerOptions testCompiler() {
  return {LPGEN_TEST_COMPILER, LPGEN_TEST_KERNEL_CACHE};
}

/// Integers in [-max, max], both ends among them.
inline quant::IntTensor randomIntegers(int64_t size, int32_t max, float scale,
                                       uint64_t seed) {
  quant::IntTensor tensor;
  tensor.reset(size, max, scale);
  tensor.visit([&](auto *q) {
    for (int64_t i = 0; i < size; ++i) {
      const auto value = int64_t(
          nn::RandomKey(seed).below(uint64_t(i), 2 * uint64_t(max) + 1));
      q[i] = std::remove_reference_t<decltype(*q)>(value - max);
    }
    q[0] = std::remove_reference_t<decltype(*q)>(max);
    q[size - 1] = std::remove_reference_t<decltype(*q)>(-max);
  });
  return tensor;
}

/// Normally distributed with deviation 1.
inline nn::FloatTensor normalTensor(std::vector<int64_t> shape, uint64_t seed) {
  nn::FloatTensor tensor(std::move(shape));
  for (int64_t i = 0; i < tensor.size(); ++i) {
    tensor[i] = nn::RandomKey(seed).normal(uint64_t(i));
  }
  return tensor;
}

} // namespace lpgen::testing

#endif // LPGEN_TESTS_TRAINING_TRAININGTESTING_H
