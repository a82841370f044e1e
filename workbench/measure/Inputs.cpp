// Random inputs from a fixed seed.
#include "workbench/measure/Inputs.h"
#include <algorithm>
#include <random>

namespace lpgen {

/// Integers of 32 and more bits are drawn from this small range where it is
/// legal: full-range ones would be no realistic biases or shifts.
static constexpr int64_t wideTypeLimit = 16;

static void fill(const BenchTensor &desc, std::mt19937_64 &generator,
                 HostTensor &values) {
  const bool isFloat = desc.type.isFloat();
  if (isFloat && desc.lo == desc.hi) {
    // Scales: positive and small, so that requantized results are no constants.
    std::uniform_real_distribution<float> uniform(0.0F, 0.0625F);
    for (int64_t i = 0; i < values.numElements(); ++i) {
      values.setFloat(i, uniform(generator));
    }
    return;
  }
  int64_t lo = desc.lo;
  int64_t hi = desc.hi;
  if (!isFloat && desc.type.bits >= 32) {
    lo = std::clamp(-wideTypeLimit, desc.lo, desc.hi);
    hi = std::clamp(wideTypeLimit, desc.lo, desc.hi);
  }
  const bool isBipolar = desc.type.encoding == Encoding::Bipolar;
  if (isBipolar) { // Odd values only.
    lo += (lo & 1) == 0 ? 1 : 0;
    hi -= (hi & 1) == 0 ? 1 : 0;
  }
  const int64_t step = isBipolar ? 2 : 1;
  std::uniform_int_distribution<int64_t> uniform(0, (hi - lo) / step);
  for (int64_t i = 0; i < values.numElements(); ++i) {
    const int64_t value = lo + step * uniform(generator);
    if (isFloat) {
      values.setFloat(i, float(value));
    } else {
      values.setInt(i, value);
    }
  }
}

Result<std::vector<HostTensor>> makeTensors(const BenchKernel &kernel) {
  // The same values in every run.
  std::mt19937_64 generator(1); // NOLINT(bugprone-random-generator-seed)
  std::vector<HostTensor> tensors;
  for (const BenchTensor &desc : kernel.tensors) {
    Result<HostTensor> values = HostTensor::create(desc.type, desc.shape);
    if (!values.ok()) {
      return Status::error("tensor '" + desc.name + "' of operator '" +
                           kernel.op + "': " + values.message());
    }
    if (desc.isInput) {
      fill(desc, generator, *values);
    }
    tensors.push_back(std::move(*values));
  }
  return tensors;
}

} // namespace lpgen
