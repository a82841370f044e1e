// The formulas of the paper, summed term by term.
#include "training/contractions/AccumulatorPlan.h"
#include <algorithm>
#include <cmath>

namespace lpgen::quant {

int exactAccumulatorBits(int64_t terms, int64_t xMax, int64_t wMax) {
  const auto most = static_cast<unsigned __int128>(terms) *
                    static_cast<unsigned __int128>(xMax * wMax);
  int bits = 1;
  while ((most >> (bits - 1)) != 0) {
    ++bits;
  }
  return bits;
}

Moments momentsOf(const IntTensor &tensor) {
  int64_t sum = 0;
  int64_t squares = 0;
  tensor.visit([&](const auto *q) {
    for (int64_t i = 0; i < tensor.size(); ++i) {
      sum += q[i];
      squares += int64_t(q[i]) * q[i];
    }
  });
  const auto size = double(std::max<int64_t>(tensor.size(), 1));
  return {double(sum) / size, double(squares) / size};
}

int statisticalAccumulatorBits(int64_t terms, const Moments &x,
                               const Moments &w, double sigmas) {
  const double greatest =
      std::fabs(double(terms) * x.mean * w.mean) +
      sigmas * std::sqrt(double(terms) * x.meanSquare * w.meanSquare);
  return 1 + int(std::ceil(std::log2(std::max(greatest, 2.0))));
}

/// 2 Q(x), Q the tail of the normal distribution.
static double tails(double x) { return std::erfc(x / std::sqrt(2.0)); }

/// sum(j = 1 .. stages) 2^j (2^j - 1) (2^(j+1) - 1)
static double lostByStages(int stages) {
  double sum = 0;
  for (int j = 1; j <= stages; ++j) {
    const double p = std::ldexp(1.0, j);
    sum += p * (p - 1) * (2 * p - 1);
  }
  return sum;
}

double varianceRetention(int mAcc, int mProduct, int64_t n,
                         SwampingStages stages) {
  const double unit = std::ldexp(1.0, mAcc - 3 * mProduct) / 3;
  const auto length = double(n);
  double weight = 0;   // Probabilities of the events,
  double retained = 0; // times the terms whose variance they keep.
  const auto add = [&](double terms, double probability) {
    weight += probability;
    retained += terms * probability;
  };
  // Full swamping begins at term i: |sum| > 2^mAcc terms.
  const double limit = std::ldexp(1.0, mAcc);
  const double lost = unit * lostByStages(mProduct);
  for (int64_t i = 2; i < n; ++i) {
    if (double(i) > lost) {
      add(double(i) - lost, tails(limit / std::sqrt(double(i))) *
                                (1 - tails(limit / std::sqrt(double(i - 1)))));
    }
  }
  // Partial swamping up to stage j - 1.
  for (int j = 2; j <= mProduct; ++j) {
    const double lostHere = unit * lostByStages(j - 1);
    const double first = std::ldexp(1.0, mAcc - mProduct + j - 1);
    if (length > lostHere) {
      const double count = stages == SwampingStages::One
                               ? 1.0
                               : std::ldexp(1.0, mAcc - mProduct + j);
      add(length - lostHere, count * tails(first / std::sqrt(length)) *
                                 (1 - tails(2 * first / std::sqrt(length))));
    }
  }
  add(length,
      1 - tails(std::ldexp(1.0, mAcc - mProduct + 1) / std::sqrt(length)));
  return weight > 0 ? retained / (weight * length) : 0;
}

static bool isEnough(int mAcc, int mProduct, int64_t n) {
  const double limit = std::log(50.0);
  return std::ranges::all_of(
      std::array{SwampingStages::One, SwampingStages::PowerOfTwo},
      [&](SwampingStages stages) {
        return double(n) * (1 - varianceRetention(mAcc, mProduct, n, stages)) <
               limit;
      });
}

int leastMantissa(int mProduct, int64_t n) {
  int bits = mProduct;
  while (bits < 23 && n > 1 && !isEnough(bits, mProduct, n)) {
    ++bits;
  }
  return bits;
}

int leastChunkedMantissa(int mProduct, int64_t n, int64_t chunk) {
  const int64_t chunks = (n + chunk - 1) / chunk;
  int bits = leastMantissa(mProduct, std::min(n, chunk));
  const int growth = int(std::log2(double(chunk)));
  while (bits < 23 && chunks > 1 &&
         !isEnough(bits, std::min(bits, mProduct + growth), chunks)) {
    ++bits;
  }
  return bits;
}

int plannedMantissa(nn::LayerPlace place, int mProduct, int64_t n,
                    int64_t chunk, int offset) {
  const int planned = chunk > 0 ? leastChunkedMantissa(mProduct, n, chunk)
                                : leastMantissa(mProduct, n);
  const int least = place == nn::LayerPlace::Last ? 10 : 1;
  return std::clamp(planned + offset, least, 23);
}

std::array<int64_t, 3> reductionLengths(const ConvGeometry &geometry,
                                        int64_t batchSize) {
  return {geometry.reduction(),
          geometry.groupOutputs() * geometry.kernel * geometry.kernel,
          batchSize * geometry.outPixels()};
}

} // namespace lpgen::quant
