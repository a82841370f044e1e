// For architectures on which no instruction has the same known latency on all
// cores: reports then give times and no cycles.
#include "bench/Clock.h"

namespace lpgen {

std::optional<double> measureFrequency() { return std::nullopt; }

} // namespace lpgen
