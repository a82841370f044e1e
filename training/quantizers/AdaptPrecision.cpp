// Formulas of AdaPT, widths bounded by those of kernels.
#include "training/quantizers/AdaptPrecision.h"
#include "training/core/ElementLoops.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace lpgen::quant {

/// Bounds of the number of bins.
static constexpr int64_t leastBins = 50;
static constexpr int64_t mostBins = 150;
/// The formula of a step up knows widths up to this.
static constexpr double mostStep = 32;

void AdaptPrecision::add(const nn::FloatTensor &gradient,
                         const nn::StepContext &context) {
  const double norm = std::sqrt(sumOfSquares(gradient, context));
  if (!(norm > 0)) {
    return;
  }
  if (sum.size() != gradient.size()) {
    sum.resize({gradient.size()});
  }
  if (count == 0) {
    std::ranges::fill(sum.values(), 0.0F);
  }
  nn::forEachPart(context, gradient.size(), [&](int, TaskRange range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      sum[i] += float(double(gradient[i]) / norm);
    }
  });
  ++count;
  const auto least = double(options.leastLookback);
  const auto most = double(options.mostLookback);
  wanted = std::ceil(0.33 * std::clamp(most / diversity(context), least, most) +
                     0.67 * wanted);
  wanted = std::min(wanted, most);
  bins += wanted >= most ? 1 : wanted <= least ? -1 : 0;
  bins = std::clamp(bins, leastBins, mostBins);
}

double AdaptPrecision::diversity(const nn::StepContext &context) const {
  if (count == 0) {
    return 1;
  }
  const double norm = std::sqrt(sumOfSquares(sum, context));
  return norm > 0 ? double(count) / norm
                  : std::numeric_limits<double>::infinity();
}

void AdaptPrecision::adapt(const nn::FloatTensor &weights,
                           AdaptStrategy strategy, const nn::RandomKey &random,
                           const nn::StepContext &context) {
  const double spread = diversity(context);
  pushDown(weights, random, context);
  pushUp(spread, strategy);
  count = 0;
}

double divergence(const nn::FloatTensor &weights,
                  const FixedPointFormat &format, int64_t bins,
                  const nn::RandomKey &random, const nn::StepContext &context) {
  IntTensor q;
  quant::quantize(weights.values(), format.codes(), format.scale(),
                  format.rounding, random, context, q);
  const auto [least, greatest] = std::ranges::minmax(weights.values());
  const double width = (double(greatest) - double(least)) / double(bins);
  if (!(width > 0)) { // One bin, whatever the format.
    return 0;
  }
  std::vector<double> before(static_cast<size_t>(bins), 1.0);
  std::vector<double> after = before;
  const auto binOf = [&](double value) {
    return size_t(std::clamp(std::floor((value - double(least)) / width), 0.0,
                             double(bins - 1)));
  };
  for (int64_t i = 0; i < weights.size(); ++i) {
    ++before[binOf(double(weights[i]))];
    ++after[binOf(double(q.at(i)) * double(q.scale()))];
  }
  const auto total = double(weights.size() + bins);
  double sum = 0;
  for (size_t bin = 0; bin < before.size(); ++bin) {
    sum += before[bin] / total * std::log(before[bin] / after[bin]);
  }
  return sum;
}

void AdaptPrecision::pushDown(const nn::FloatTensor &weights,
                              const nn::RandomKey &random,
                              const nn::StepContext &context) {
  const auto keeps = [&](int wl, int fl) {
    return divergence(weights, {wl - fl, fl, Rounding::Stochastic}, bins,
                      random, context) <= options.divergence;
  };
  // WL leaves `buffer` integer bits while FL is sought.
  int fl = 0;
  while (fl < options.mostBits - options.buffer &&
         !keeps(fl + options.buffer, fl)) {
    ++fl;
  }
  int wl = std::max(2, fl);
  while (wl < options.mostBits && !keeps(wl, fl)) {
    ++wl;
  }
  word = wl;
  fraction = fl;
}

void AdaptPrecision::pushUp(double diversity, AdaptStrategy strategy) {
  const double x = std::log(diversity) - 1;
  double step = 1;
  if (x > 0) {
    const double gentle = std::max(std::ceil(1 / (x * x)), 1.0);
    const double firm = std::max(
        std::min(std::ceil(mostStep * x * x), mostStep) - double(fraction),
        0.0);
    const auto [less, more] = std::minmax(gentle, firm);
    step = strategy == AdaptStrategy::Least  ? less
           : strategy == AdaptStrategy::Most ? more
                                             : std::ceil((less + more) / 2);
  }
  const int64_t most = options.mostBits;
  fraction += int64_t(std::min(step, mostStep));
  fraction = std::min(fraction, most);
  word = std::min(std::max(word, fraction) + 1, most);
  fraction = std::min(fraction, most - options.buffer);
  word = std::max(std::min(fraction + options.buffer, most), word);
}

void AdaptPrecision::visitState(const std::string &tensor, int64_t size,
                                nn::StateVisitor &visitor) {
  sum.resize({size});
  const int64_t most = options.mostBits;
  visitor.visitFrom<int64_t>(tensor + ".wordLength", word, 2, most);
  visitor.visitFrom<int64_t>(tensor + ".fractionLength", fraction, 0, most);
  visitor.visit(tensor + ".lookback", wanted);
  visitor.visitFrom(tensor + ".resolution", bins, leastBins, mostBins);
  visitor.visit(tensor + ".windowLength", count);
  visitor.visit(tensor + ".window", sum);
}

} // namespace lpgen::quant
