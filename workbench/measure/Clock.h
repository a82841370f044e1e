// Time and clock frequency, and the CPU to measure on.
//
// A program has no cycle counter that follows the core's real frequency, so
// cycles are seconds times a frequency that is measured beside each turn.
#ifndef LPGEN_WORKBENCH_MEASURE_CLOCK_H
#define LPGEN_WORKBENCH_MEASURE_CLOCK_H

#include "base/system/Status.h"
#include <optional>
#include <string>

namespace lpgen {

/// Seconds of a monotonic clock.
double secondsNow();

/// The frequency of this core right now in Hz, from a chain of dependent
/// instructions of known latency; nothing on an architecture for which no such
/// chain is known. Takes some 10 microseconds. Disturbances only make it
/// smaller, so the greatest of several is best.
std::optional<double> measureFrequency();

/// Keeps the calling thread on the CPU where it runs.
Status pinToCurrentCpu();

/// The CPU's name as the system gives it.
std::string cpuModelName();

} // namespace lpgen

#endif // LPGEN_WORKBENCH_MEASURE_CLOCK_H
