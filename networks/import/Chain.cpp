// The steps of a stair, and a gain and an offset that have the same ones.
#include "networks/import/Chain.h"
#include <algorithm>
#include <array>
#include <cmath>

namespace lpgen::importer {

namespace {

/// A step with the number that it has in one channel.
struct ScalarStep {
  ChainOperation operation;
  float number;
};

/// The line that the chain would be without rounding.
struct Line {
  double gain = 1;
  double offset = 0;
};

/// A stair over the sums of one channel.
class Stair {
public:
  Stair(const Chain &chain, std::vector<ScalarStep> steps, double zero,
        const CodeRange &codes)
      : steps(std::move(steps)), lowestCode(double(codes.lowest) - zero),
        highestCode(double(codes.highest) - zero), lowestSum(chain.lowest),
        highestSum(chain.highest) {
    for (const ScalarStep &step : this->steps) {
      line.gain = joined(step.operation == ChainOperation::Add ||
                                 step.operation == ChainOperation::Subtract
                             ? ChainOperation::Multiply
                             : step.operation,
                         line.gain, slopeOf(step));
      line.offset = joined(step.operation, line.offset, double(step.number));
    }
  }

  /// Whether each sum gives a number.
  bool isFinite() const {
    return std::isfinite(valueAt(lowestSum)) &&
           std::isfinite(valueAt(highestSum)) && std::isfinite(line.gain) &&
           std::isfinite(line.offset);
  }
  Line asLine() const { return line; }

  /// The code less zero.
  double codeAt(int64_t sum) const { return clamped(valueAt(sum)); }
  double codeAt(int64_t sum, float gain, float offset) const {
    const float product = float(sum) * gain;
    const float total = product + offset;
    return clamped(total);
  }

  /// Calls `visit` with each code but the first, and the two sums beside the
  /// step to it: the last one below it, and the first one of it.
  template <typename Visit>
  void forEachStep(Visit visit) const {
    const bool isFalling = line.gain < 0;
    const int64_t first = isFalling ? highestSum : lowestSum;
    const int64_t last = isFalling ? lowestSum : highestSum;
    const int64_t forward = isFalling ? -1 : 1;
    int64_t below = first;
    const double end = codeAt(last);
    for (double code = codeAt(first); code < end;) {
      const int64_t reached = firstAbove(code, below, last, forward);
      const double next = codeAt(reached);
      visit(code, next, reached - forward, reached);
      code = next;
      below = reached;
    }
  }

  int64_t firstSum() const { return line.gain < 0 ? highestSum : lowestSum; }
  int64_t lastSum() const { return line.gain < 0 ? lowestSum : highestSum; }

private:
  std::vector<ScalarStep> steps;
  double lowestCode;
  double highestCode;
  int64_t lowestSum;
  int64_t highestSum;
  Line line;

  static double slopeOf(const ScalarStep &step) {
    switch (step.operation) {
    case ChainOperation::Add:
    case ChainOperation::Subtract:
      return 1;
    case ChainOperation::SubtractFrom:
      return 0; // 0 - slope
    case ChainOperation::Multiply:
    case ChainOperation::Divide:
      return double(step.number);
    }
    return 1;
  }
  double clamped(float value) const {
    return std::clamp(std::nearbyint(double(value)), lowestCode, highestCode);
  }
  float valueAt(int64_t sum) const {
    auto value = float(sum);
    for (const ScalarStep &step : steps) {
      value = joined(step.operation, value, step.number);
    }
    return value;
  }

  /// The first sum behind `below`, whose code is `code`, with a greater one.
  /// The line says about where it is; the search doubles its steps from there.
  int64_t firstAbove(double code, int64_t below, int64_t last,
                     int64_t forward) const {
    // In steps from `below`: at `no` the code is not greater, at `yes` it is.
    int64_t no = 0;
    int64_t yes = (last - below) * forward;
    const double guess =
        ((code + 0.5 - line.offset) / line.gain - double(below)) *
        double(forward);
    int64_t at = guess > double(no) && guess < double(yes)
                     ? std::max<int64_t>(int64_t(guess), 1)
                     : no + (yes - no) / 2;
    for (int64_t stride = 1; yes - no > 1; stride *= 2) {
      at = std::clamp(at, no + 1, yes - 1);
      if (codeAt(below + at * forward) > code) {
        yes = at;
        at -= stride;
      } else {
        no = at;
        at += stride;
      }
      if (stride > (yes - no) / 2) {
        at = no + (yes - no) / 2;
      }
    }
    return below + yes * forward;
  }
};

/// A step of the stair: the codes, less zero, and the sums on both sides.
struct Edge {
  double code;
  double next;
  int64_t below;
  int64_t above;
};

} // namespace

/// The pair gives the same code on both sides of each step, so between them.
static bool hasSameCodes(const Stair &stair, const std::vector<Edge> &edges,
                         float gain, float offset) {
  const bool areEndsSame = stair.codeAt(stair.firstSum(), gain, offset) ==
                               stair.codeAt(stair.firstSum()) &&
                           stair.codeAt(stair.lastSum(), gain, offset) ==
                               stair.codeAt(stair.lastSum());
  return areEndsSame && std::ranges::all_of(edges, [&](const Edge &edge) {
           return stair.codeAt(edge.below, gain, offset) == edge.code &&
                  stair.codeAt(edge.above, gain, offset) == edge.next;
         });
}

/// The offsets with which the line of this gain has the steps, but for
/// rounding.
static std::pair<double, double> offsetsFor(const std::vector<Edge> &edges,
                                            double gain) {
  double least = -INFINITY;
  double most = INFINITY;
  for (const Edge &edge : edges) {
    least = std::max(least, edge.next - 0.5 - gain * double(edge.above));
    most = std::min(most, edge.code + 0.5 - gain * double(edge.below));
  }
  return {least, most};
}

/// A gain and an offset of binary32 with the steps of the stair.
static std::optional<std::pair<float, float>> pairFor(const Stair &stair) {
  if (!stair.isFinite()) {
    return std::nullopt;
  }
  std::vector<Edge> edges;
  stair.forEachStep(
      [&](double code, double next, int64_t below, int64_t above) {
        edges.push_back({code, next, below, above});
      });
  const Line line = stair.asLine();
  if (edges.empty()) {
    return std::pair(0.0F, float(stair.codeAt(stair.firstSum())));
  }
  if (hasSameCodes(stair, edges, float(line.gain), float(line.offset))) {
    return std::pair(float(line.gain), float(line.offset));
  }
  // Rounding moves steps; gains and offsets nearby make up for it.
  static constexpr std::array<double, 5> places = {0.5, 0.25, 0.75, 0.1, 0.9};
  constexpr int most = 24;
  for (int i = 0; i < 2 * most + 1; ++i) {
    const int away = i % 2 == 0 ? i / 2 : -(i + 1) / 2;
    const float gain = float(line.gain) * (1 + float(away) * 0x1p-23F);
    const auto [lowest, highest] = offsetsFor(edges, gain);
    for (const double place : places) {
      const auto offset = float(lowest + (highest - lowest) * place);
      if (hasSameCodes(stair, edges, gain, offset)) {
        return std::pair(gain, offset);
      }
    }
  }
  return std::nullopt;
}

/// The dimension along which the numbers differ, `rank` if none does; nothing
/// if there are several.
static std::optional<size_t> dimOfNumbers(const std::vector<Constant> &numbers,
                                          size_t rank) {
  size_t found = rank;
  for (const Constant &number : numbers) {
    for (size_t d = 0; d < number.shape.size(); ++d) {
      const size_t dim = rank - number.shape.size() + d;
      if (number.shape[d] == 1) {
        continue;
      }
      if (found != rank && found != dim) {
        return std::nullopt;
      }
      found = dim;
    }
  }
  return found;
}

std::optional<GainAndOffset>
gainAndOffset(const Chain &chain, const CodeRange &codes, size_t rank) {
  constexpr int64_t mostCodes = 256;
  const bool isLonger =
      chain.steps.size() > 2 ||
      std::ranges::any_of(chain.steps, [](const ChainStep &step) {
        return step.operation == ChainOperation::Divide;
      });
  // So that a count of them fits 64 bits.
  constexpr double mostSums = 0x1p53;
  if (!isLonger || chain.lowest > chain.highest ||
      double(chain.highest) - double(chain.lowest) > mostSums ||
      codes.highest - codes.lowest >= mostCodes) {
    return std::nullopt;
  }
  std::vector<Constant> numbers = {codes.zero};
  for (const ChainStep &step : chain.steps) {
    numbers.push_back(step.number);
  }
  const std::optional<size_t> dim = dimOfNumbers(numbers, rank);
  if (!dim) {
    return std::nullopt;
  }
  int64_t channels = 1;
  Extents shape(rank, 1);
  for (const Constant &number : numbers) {
    channels = std::max(channels, number.count());
  }
  if (*dim < rank) {
    shape[*dim] = channels;
  }
  GainAndOffset result;
  result.gain.shape = result.offset.shape = shape;
  Extents at(rank, 0);
  for (int64_t channel = 0; channel < channels; ++channel) {
    if (*dim < rank) {
      at[*dim] = channel;
    }
    std::vector<ScalarStep> steps;
    steps.reserve(chain.steps.size());
    for (const ChainStep &step : chain.steps) {
      steps.push_back({step.operation, float(step.number.broadcastAt(at))});
    }
    const auto pair = pairFor(
        Stair(chain, std::move(steps), codes.zero.broadcastAt(at), codes));
    if (!pair) {
      return std::nullopt;
    }
    result.gain.values.push_back(pair->first);
    result.offset.values.push_back(pair->second);
  }
  return result;
}

} // namespace lpgen::importer
