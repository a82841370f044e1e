// Scales are powers of two, so that products with them are exact.
#include "training/quantizers/Hgq.h"
#include "training/core/ElementLoops.h"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

namespace lpgen::quant {

/// Of int8_t, and of F.
static constexpr int32_t maxCode = 127;
static constexpr int mostFractionalBits = 23;

Hgq::Hgq(const std::string &tensor, int bits, HgqGroups kind, int64_t groups)
    : Quantizer(tensor, bits), kind(kind), groups(groups), firstBits(bits),
      bits(size_t(groups), bits), scales(size_t(groups), 1.0F) {
  fraction.name = tensor + ".fraction";
  fraction.decays = false;
  fraction.value.resize({groups});
  fraction.gradient.resize({groups});
}

int Hgq::fractionalBits(int64_t group) const {
  const float f = std::nearbyint(fraction.value[group] * unit);
  return int(
      std::clamp(f, -float(mostFractionalBits), float(mostFractionalBits)));
}

/// The elements of a group are contiguous.
static std::span<const float> elementsOf(const nn::FloatTensor &x,
                                         int64_t group, int64_t groups) {
  const int64_t size = x.size() / groups;
  return x.values().subspan(size_t(group * size), size_t(size));
}

void Hgq::start(const nn::FloatTensor &x) {
  const bool isSigned =
      std::ranges::any_of(x.values(), [](float v) { return v < 0; });
  for (int64_t group = 0; group < groups; ++group) {
    float most = 0;
    for (const float v : elementsOf(x, group, groups)) {
      most = std::max(most, std::fabs(v));
    }
    int exponent = 0; // most < 2^exponent
    (void)std::frexp(most, &exponent);
    const int magnitudeBits = std::min(isSigned ? firstBits - 1 : firstBits, 7);
    fraction.value[group] =
        most > 0 ? float(magnitudeBits - exponent) / unit : 0;
  }
  isStarted = 1;
}

void Hgq::Codes::add(const Codes &other) {
  most = std::max(most, other.most);
  saturated += other.saturated;
  underflown += other.underflown;
  hasNegative |= other.hasNegative;
  hasInvalid |= other.hasInvalid;
}

Hgq::Codes Hgq::encode(const nn::FloatTensor &x, int64_t group, CodeRange range,
                       const nn::StepContext &context, int8_t *codes) const {
  const float factor = std::ldexp(1.0F, fractionalBits(group));
  const int64_t size = x.size() / groups;
  std::array<Codes, nn::reductionParts> parts;
  nn::forEachPart(context, size, [&](int number, TaskRange share) {
    Codes &part = parts[size_t(number)];
    for (int64_t i = group * size + share.begin; i < group * size + share.end;
         ++i) {
      const float v = x[i] * factor;
      const bool isInvalid = std::isnan(v);
      const float code = std::nearbyint(
          std::clamp(v, float(range.lowest), float(range.highest)));
      codes[i] = isInvalid ? int8_t(0) : int8_t(code);
      part.most = std::max(part.most, std::abs(int32_t(codes[i])));
      part.saturated += std::fabs(v) >= float(range.highest) + 0.5F ? 1 : 0;
      part.underflown += v != 0 && codes[i] == 0 ? 1 : 0;
      part.hasNegative |= v < 0;
      part.hasInvalid |= isInvalid;
    }
  });
  Codes sum;
  for (const Codes &part : parts) {
    sum.add(part);
  }
  return sum;
}

/// The greatest number of as many bits.
static int32_t filledUp(int32_t most) {
  return (int32_t{1} << std::bit_width(uint32_t(std::max(most, 1)))) - 1;
}

CodeRange Hgq::evaluationCodes() const {
  const float most = std::nearbyint(std::ldexp(peak, fractionalBits(0)));
  const int32_t limit = filledUp(int32_t(std::min(most, float(maxCode))));
  return {hasNegative ? -limit : 0, limit};
}

Status Hgq::quantize(const nn::FloatTensor &x, const nn::StepContext &context,
                     IntTensor &q) {
  const bool isTensor = kind == HgqGroups::Tensor;
  if (context.isTraining() && isStarted == 0) {
    start(x);
  }
  const CodeRange range = isTensor && !context.isTraining()
                              ? evaluationCodes()
                              : CodeRange{-maxCode, maxCode};
  std::vector<int8_t> codes(size_t(x.size()));
  Codes all;
  for (int64_t group = 0; group < groups; ++group) {
    scales[size_t(group)] = std::ldexp(1.0F, -fractionalBits(group));
    const Codes found = encode(x, group, range, context, codes.data());
    bits[size_t(group)] = std::bit_width(uint32_t(found.most));
    all.add(found);
  }
  if (all.hasInvalid) {
    return invalidValue();
  }
  if (context.isTraining()) {
    hasNegative |= all.hasNegative;
    peak = std::max(0.99F * peak, float(all.most) * scales[0]);
    count(x.size(), all.saturated, all.underflown);
  }
  for (int &width : bits) {
    width += hasNegative && width > 0 ? 1 : 0;
  }
  if (context.isTraining()) {
    counts.bits = std::max(std::ranges::max(bits), 1);
  }
  const int32_t declared = context.isTraining() ? maxCode
                           : isTensor           ? range.highest
                                                : filledUp(all.most);
  q.reset(x.size(), declared, isTensor ? scales[0] : 1.0F);
  std::ranges::copy(codes, q.elements<int8_t>());
  if (!all.hasNegative) {
    q.setNonNegative();
  }
  return Status::success();
}

void Hgq::backward(const nn::FloatTensor &x, const nn::StepContext &context,
                   nn::FloatTensor &gradient) {
  const int64_t size = x.size() / groups;
  const int64_t shared = kind == HgqGroups::Tensor ? x.sliceSize() : size;
  for (int64_t group = 0; group < groups; ++group) {
    const float scale = scales[size_t(group)];
    const float limit = (maxCode + 0.5F) * scale;
    const int64_t first = group * size;
    const double sum = sumElements(size, context, [&](int64_t i) {
      const float v = x[first + i];
      const float xq = std::nearbyint(std::clamp(v / scale, -float(maxCode),
                                                 float(maxCode))) *
                       scale;
      const float slope = std::fabs(v) < limit ? xq - v : xq;
      return -std::numbers::ln2 * double(gradient[first + i]) * double(slope);
    });
    fraction.gradient[group] = float(sum / std::sqrt(double(shared)) / unit);
    nn::forEachPart(context, size, [&](int, TaskRange range) {
      for (int64_t i = first + range.begin; i < first + range.end; ++i) {
        gradient[i] = std::fabs(x[i]) < limit ? gradient[i] : 0.0F;
      }
    });
  }
}

void Hgq::addCost(double slope) {
  for (int64_t group = 0; group < groups; ++group) {
    if (bits[size_t(group)] > 0) {
      fraction.gradient[group] += float(slope / unit);
    }
  }
}

std::span<const float> Hgq::filterScales() const {
  return kind == HgqGroups::Filters ? std::span<const float>(scales)
                                    : std::span<const float>();
}

std::optional<QuantParams> Hgq::quantParams() const {
  if (isStarted == 0) {
    return std::nullopt;
  }
  if (kind == HgqGroups::Filters) {
    const int32_t most =
        filledUp((int32_t{1} << std::max(std::ranges::max(bits) - 1, 0)) - 1);
    return QuantParams{-most, most, 1.0F};
  }
  const CodeRange range = evaluationCodes();
  return QuantParams{range.lowest, range.highest, scales[0]};
}

void Hgq::visitState(nn::StateVisitor &visitor) {
  visitCounts(visitor);
  visitor.visit(fraction.name + ".isStarted", isStarted);
  visitor.visit(fraction.name + ".hasNegative", hasNegative);
  visitor.visit(fraction.name + ".peak", peak);
}

} // namespace lpgen::quant
