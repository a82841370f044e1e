// The frequency of an x86 core: a 32-bit imul has a latency of three cycles on
// all cores from Nehalem and Zen on, so a chain of them counts cycles.
#include "bench/Clock.h"
#include <cstdint>

namespace lpgen {

std::optional<double> measureFrequency() {
  constexpr int trips = 200;
  constexpr int mulsPerTrip = 32;
  constexpr double latency = 3;
  uint32_t value = 3;
  const double start = secondsNow();
  for (int trip = 0; trip < trips; ++trip) {
    // Counter and branch of the loop run in the shadow of the chain.
    asm volatile(".rept 32\n\timull %0, %0\n\t.endr" : "+r"(value));
  }
  const double seconds = secondsNow() - start;
  return trips * mulsPerTrip * latency / seconds;
}

} // namespace lpgen
