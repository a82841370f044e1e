// The demo's bank of 3x3 filters, from image processing, quantized to signed 2
// bits.
#ifndef LPGEN_EXAMPLES_DEMO_FILTERS_H
#define LPGEN_EXAMPLES_DEMO_FILTERS_H

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace lpgen::demo {

struct Filter {
  std::string name;           ///< As the picture shows it.
  std::array<double, 9> taps; ///< Row by row.
};

/// taps ~ factor * codes, codes from -2 to 1.
struct QuantizedFilter {
  std::string name;
  std::array<int8_t, 9> codes;
  /// May be negative: 2 bits reach further below zero than above.
  double factor = 0;
  double cosine = 0; ///< Between taps and factor * codes; 1 is no loss.
};

/// Sixteen filters: edges, lines at several angles, blobs.
std::vector<Filter> filterBank();

/// The codes that keep the direction of the filter best.
QuantizedFilter quantize(const Filter &filter);

} // namespace lpgen::demo

#endif // LPGEN_EXAMPLES_DEMO_FILTERS_H
