/* Counting core cycles without a counter: a chain of dependent instructions of
 * known latency. Its time beside a measurement gives the frequency at which the
 * core ran. C as well as C++, needs no library: used by lpgen-bench and by the
 * freestanding kernel runner. */
#ifndef LPGEN_BASE_SYSTEM_CYCLECHAIN_H
#define LPGEN_BASE_SYSTEM_CYCLECHAIN_H

#include <stdint.h>

/* Runs the chain, some 10 microseconds, and returns how many cycles it takes; 0
 * on architectures on which no instruction has the same known latency on all
 * cores. On x86 a 32-bit imul takes three cycles on all cores from Nehalem and
 * Zen on. A disturbance only makes it slower. */
static inline uint64_t lpRunCycleChain(void) {
#if defined(__x86_64__)
  const uint64_t trips = 200;
  const uint64_t mulsPerTrip = 32;
  const uint64_t latency = 3;
  uint32_t value = 3;
  for (uint64_t trip = 0; trip < trips; ++trip) {
    /* Counter and branch of the loop run in the shadow of the chain. */
    __asm__ volatile(".rept 32\n\timull %0, %0\n\t.endr" : "+r"(value));
  }
  return trips * mulsPerTrip * latency;
#else
  return 0;
#endif
}

#endif /* LPGEN_BASE_SYSTEM_CYCLECHAIN_H */
