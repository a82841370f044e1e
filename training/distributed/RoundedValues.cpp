// Codes are stored as code + max, the lowest bits first.
#include "training/distributed/RoundedValues.h"
#include "training/quantizers/Quantize.h"
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <string>

namespace lpgen::train {

static constexpr int floatBits = 32;

static size_t codeBytes(size_t count, int bits) {
  return (count * size_t(bits) + 7) / 8;
}

void packRounded(std::span<const float> values, int bits,
                 const nn::RandomKey &random, std::vector<std::byte> &bytes) {
  assert((bits == floatBits || (bits >= 2 && bits <= 16)) && "no such width");
  const auto appendBytes = [&](std::span<const std::byte> added) {
    bytes.insert(bytes.end(), added.begin(), added.end());
  };
  if (bits == floatBits) {
    appendBytes(std::as_bytes(values));
    return;
  }
  const nn::StepContext alone;
  const quant::Magnitudes found = quant::measureMagnitudes(values, alone);
  const int32_t max = quant::symmetricMax(bits);
  const quant::CodeRange range = {-max, max};
  const std::optional<float> scale = quant::scaleOf(found.max, range);
  const float sent = !std::isfinite(found.sum) ? std::nanf("")
                     : scale                   ? *scale
                                               : 1.0F;
  appendBytes(std::as_bytes(std::span(&sent, 1)));
  if (!std::isfinite(sent)) {
    return;
  }
  quant::IntTensor codes;
  quant::quantize(values, range, sent,
                  scale ? quant::Rounding::Stochastic
                        : quant::Rounding::Nearest,
                  random, alone, codes);
  const size_t begin = bytes.size();
  bytes.resize(begin + codeBytes(values.size(), bits));
  for (size_t i = 0; i < values.size(); ++i) {
    const auto code = uint32_t(codes.at(int64_t(i)) + max);
    for (size_t bit = 0; bit < size_t(bits); ++bit) {
      const size_t at = i * size_t(bits) + bit;
      bytes[begin + at / 8] |= std::byte(((code >> bit) & 1U) << (at % 8));
    }
  }
}

Status addRounded(std::span<const std::byte> &bytes, int bits,
                  std::span<float> sum) {
  const bool isFloat = bits == floatBits;
  float scale = 1;
  const auto missing = [] {
    return Status::error("rounded weights: there are fewer than the network "
                         "has; the processes do not train the same network");
  };
  if (!isFloat) {
    if (bytes.size() < sizeof scale) {
      return missing();
    }
    std::memcpy(&scale, bytes.data(), sizeof scale);
    bytes = bytes.subspan(sizeof scale);
    if (!std::isfinite(scale)) {
      std::ranges::fill(sum, scale);
      return Status::success();
    }
  }
  const size_t size = codeBytes(sum.size(), bits);
  if (bytes.size() < size) {
    return missing();
  }
  for (size_t i = 0; i < sum.size(); ++i) {
    if (isFloat) {
      float value = 0;
      std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
      sum[i] += value;
      continue;
    }
    uint32_t code = 0;
    for (size_t bit = 0; bit < size_t(bits); ++bit) {
      const size_t at = i * size_t(bits) + bit;
      code |= ((uint32_t(bytes[at / 8]) >> (at % 8)) & 1U) << bit;
    }
    sum[i] += float(int32_t(code) - quant::symmetricMax(bits)) * scale;
  }
  bytes = bytes.subspan(size);
  return Status::success();
}

} // namespace lpgen::train
