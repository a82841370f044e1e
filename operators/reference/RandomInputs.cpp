// Inputs for verification, from the counter-based generator of the language
// itself.
#include "operators/reference/RandomInputs.h"
#include "base/types/Scalar.h"
#include "llvm/Support/ErrorHandling.h"
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace lpgen {

const char *inputKindName(InputKind kind) {
  switch (kind) {
  case InputKind::Random:
    return "random";
  case InputKind::AllMin:
    return "all-min";
  case InputKind::AllMax:
    return "all-max";
  case InputKind::MixedExtremes:
    return "mixed-extremes";
  case InputKind::NearestZero:
    return "nearest-zero";
  case InputKind::FloatExtremes:
    return "float-extremes";
  }
  llvm_unreachable("input kind");
}

/// The legal values of an input: lo, lo + step, ..., hi.
namespace {
struct LegalValues {
  int64_t lo;
  int64_t hi;
  int64_t step;
};
} // namespace

static LegalValues legalValues(const ast::Tensor &tensor) {
  LegalValues values{tensor.type.minValue(), tensor.type.maxValue(), 1};
  if (tensor.hasDeclaredRange) {
    values.lo = std::max(values.lo, tensor.range.lo);
    values.hi = std::min(values.hi, tensor.range.hi);
  }
  if (tensor.type.encoding == Encoding::Bipolar) {
    values.step = 2;
    values.lo += values.lo % 2 == 0 ? 1 : 0;
    values.hi -= values.hi % 2 == 0 ? 1 : 0;
  }
  assert(values.lo <= values.hi && "a declared range has a legal value");
  return values;
}

static int64_t randomInt(LegalValues values, uint64_t bits) {
  // The number of values less one; in uint64_t, since i64 has 2^64 of them. The
  // bias of the remainder is below 2^-32 for the ranges drawn here.
  const uint64_t last =
      (uint64_t(values.hi) - uint64_t(values.lo)) / uint64_t(values.step);
  const uint64_t pick = last == UINT64_MAX ? bits : bits % (last + 1);
  return int64_t(uint64_t(values.lo) + pick * uint64_t(values.step));
}

static int64_t nearestZero(LegalValues values) {
  if (values.lo > 0) {
    return values.lo;
  }
  if (values.hi < 0) {
    return values.hi;
  }
  return values.step == 2 ? (values.hi >= 1 ? 1 : -1) : 0;
}

static int64_t makeInt(const ast::Tensor &tensor, InputKind kind,
                       uint64_t bits) {
  const LegalValues values = legalValues(tensor);
  switch (kind) {
  case InputKind::AllMin:
    return values.lo;
  case InputKind::AllMax:
    return values.hi;
  case InputKind::MixedExtremes:
    return (bits >> 63) != 0 ? values.hi : values.lo;
  case InputKind::NearestZero:
    return nearestZero(values);
  case InputKind::Random:
  case InputKind::FloatExtremes:
    break;
  }
  const bool isFullWide = tensor.type.bits >= 32 && values.lo < 0 &&
                          values.lo == tensor.type.minValue() &&
                          values.hi == tensor.type.maxValue();
  // Zero points, biases and accumulators are small; the whole of i32 would
  // drown every other operand and saturate every result.
  return randomInt(isFullWide ? LegalValues{-16, 16, 1} : values, bits);
}

static float moderateFloat(uint64_t bits) {
  const float sign = (bits & 1) != 0 ? -1.0f : 1.0f;
  switch ((bits >> 1) % 8) {
  case 0: // A power of two, 2^-8 to 2^8: products with it are exact.
    return sign * std::ldexp(1.0f, int((bits >> 8) % 17) - 8);
  case 1: // n + 1/2: round() meets ties.
    return sign * (float((bits >> 8) % 64) + 0.5f);
  default: // 24 random bits in [-8, 8).
    return float(int32_t(bits >> 40) - (1 << 23)) * 0x1p-20f;
  }
}

static float extremeFloat(uint64_t bits) {
  using Limits = std::numeric_limits<float>;
  static constexpr float magnitudes[] = {
      Limits::infinity(),
      Limits::quiet_NaN(),
      Limits::denorm_min(),
      Limits::min() - Limits::denorm_min(), // the largest denormal
      Limits::min(),
      Limits::max(),
      0.0f,
      0x1p31f,          // the first above i32
      0x1p31f - 128.0f, // the last f32 inside i32
      16777216.0f,      // 2^24, beyond it f32 skips integers
      0.49999997f,      // the last below a half
      0.5f,
      1.5f,
      2.5f,
      1.0f,
      1e20f,
  };
  const float magnitude = magnitudes[(bits >> 1) % std::size(magnitudes)];
  return (bits & 1) != 0 ? -magnitude : magnitude;
}

static float makeFloat(InputKind kind, uint64_t bits) {
  switch (kind) {
  case InputKind::Random:
    return moderateFloat(bits);
  case InputKind::AllMin:
    return -8.0f;
  case InputKind::AllMax:
    return 8.0f;
  case InputKind::MixedExtremes:
    return (bits >> 63) != 0 ? 8.0f : -8.0f;
  case InputKind::NearestZero:
    return 0.0f;
  case InputKind::FloatExtremes:
    // Half of them moderate: a reduction over extremes only is always NaN.
    return (bits >> 63) != 0 ? extremeFloat(bits) : moderateFloat(bits);
  }
  llvm_unreachable("input kind");
}

void fillInput(const ast::Tensor &tensor, unsigned tensorId, InputKind kind,
               uint64_t seed, HostTensor &values) {
  assert(values.type() == tensor.type && "the tensor's own type");
  // A generator of its own for each tensor, so that equal shapes differ.
  const uint64_t tensorSeed = scalar::hash(seed, tensorId);
  for (int64_t i = 0; i < values.numElements(); ++i) {
    const uint64_t bits = scalar::hash(tensorSeed, uint64_t(i));
    if (tensor.type.isFloat()) {
      values.setFloat(i, makeFloat(kind, bits));
    } else {
      values.setInt(i, makeInt(tensor, kind, bits));
    }
  }
}

Result<std::vector<HostTensor>> makeInputs(const ast::Op &op,
                                           llvm::ArrayRef<int64_t> symbolValues,
                                           InputKind kind, uint64_t seed) {
  assert(symbolValues.size() == op.symbols.size() && "a value for each symbol");
  std::vector<HostTensor> tensors(op.tensors.size());
  for (unsigned id = 0; id < op.tensors.size(); ++id) {
    const ast::Tensor &tensor = op.tensors[id];
    if (tensor.role != ast::Role::Input) {
      continue;
    }
    std::vector<int64_t> shape;
    for (const ast::Extent &extent : tensor.shape) {
      shape.push_back(op.sizeOf(extent, symbolValues));
    }
    Result<HostTensor> values = HostTensor::create(tensor.type, shape);
    if (!values.ok()) {
      return Status::error("input '" + tensor.name + "': " + values.message());
    }
    fillInput(tensor, id, kind, seed, *values);
    tensors[id] = *std::move(values);
  }
  return tensors;
}

} // namespace lpgen
