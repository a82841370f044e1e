// Random numbers of the training runtime: the generator of the language's
// random(), which has no state.
//
// A number depends on the key and on its index alone, so that neither the order
// of work nor the number of threads nor a resume changes any.
#ifndef LPGEN_TRAINING_CORE_RANDOM_H
#define LPGEN_TRAINING_CORE_RANDOM_H

#include "base/types/Scalar.h"
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>
#include <utility>
#include <vector>

namespace lpgen::nn {

/// The key of one stream of numbers.
class RandomKey {
public:
  explicit constexpr RandomKey(uint64_t seed) : key(seed) {}
  /// A stream of its own for `number`: a step, an epoch, an image.
  RandomKey of(uint64_t number) const {
    return RandomKey(scalar::hash(key, number));
  }
  /// A stream of its own for a name: a tensor, a purpose.
  RandomKey of(std::string_view name) const {
    uint64_t digest = 0xcbf29ce484222325u; // FNV-1a, 64 bits
    for (char c : name) {
      digest = (digest ^ uint8_t(c)) * 0x100000001b3u;
    }
    return of(digest);
  }

  uint64_t bits(uint64_t index) const { return scalar::hash(key, index); }
  /// In [0, 1), 24 bits: random(key) at element `index` of the language.
  float uniform(uint64_t index) const { return scalar::random(key, index); }
  /// Whole number in [0, bound); bound < 2^32, bias below bound * 2^-64.
  uint64_t below(uint64_t index, uint64_t bound) const {
    return uint64_t((static_cast<unsigned __int128>(bits(index)) * bound) >>
                    64);
  }
  /// Standard normal, by Box and Muller from the numbers 2 index and
  /// 2 index + 1: sqrt(-2 ln(1 - u)) cos(2 pi v).
  float normal(uint64_t index) const {
    const double u = uniform(2 * index);
    const double v = uniform(2 * index + 1);
    return float(std::sqrt(-2.0 * std::log(1.0 - u)) *
                 std::cos(2.0 * std::numbers::pi * v));
  }
  /// 0 .. count - 1 in random order (Fisher and Yates).
  std::vector<int64_t> permutation(int64_t count) const {
    std::vector<int64_t> order(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      order[size_t(i)] = i;
    }
    for (int64_t i = count - 1; i > 0; --i) {
      std::swap(order[size_t(i)],
                order[size_t(below(uint64_t(i), uint64_t(i) + 1))]);
    }
    return order;
  }
  uint64_t seed() const { return key; }

private:
  uint64_t key;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CORE_RANDOM_H
