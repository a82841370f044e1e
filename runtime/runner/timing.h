/* The kernel runner's stopwatch: how many executions make a sample, when there
 * are enough, and their statistics. */
#ifndef LPGEN_RUNTIME_RUNNER_TIMING_H
#define LPGEN_RUNTIME_RUNNER_TIMING_H

#include "base/system/CycleChain.h"
#include "runtime/runner/job.h"
#include "runtime/runner/syscalls.h"

enum {
  MinSamples = 3,
  MaxSamples = 512,
  /* Executions that take less share a sample: reading the clock costs up to a
   * microsecond. */
  MinSampleNanoseconds = 50000,
  MaxPerSample = 1024,
};

typedef struct Stopwatch {
  uint64_t budget;    /* in nanoseconds */
  uint64_t perSample; /* executions in the next sample */
  uint64_t elapsed;   /* in nanoseconds, in samples */
  uint64_t executions;
  uint64_t numSamples;
  uint64_t picoseconds[MaxSamples]; /* of an execution, by sample */
  uint64_t hertz;
} Stopwatch;

/* The core's frequency now, or `least` if that is more: disturbances only lower
 * what is measured. */
static uint64_t frequencyAtLeast(uint64_t least) {
  for (int i = 0; i < 2; ++i) {
    const uint64_t start = sysNanoseconds();
    const uint64_t cycles = lpRunCycleChain();
    const uint64_t elapsed = sysNanoseconds() - start;
    const uint64_t hertz = elapsed == 0 ? 0 : cycles * 1000000000U / elapsed;
    least = hertz > least ? hertz : least;
  }
  return least;
}

static void startStopwatch(Stopwatch *watch, uint64_t budget) {
  watch->budget = budget;
  watch->perSample = 1;
  watch->elapsed = 0;
  watch->executions = 0;
  watch->numSamples = 0;
  watch->hertz = frequencyAtLeast(0);
}

static int isRunning(const Stopwatch *watch) {
  return watch->numSamples < MinSamples ||
         (watch->elapsed < watch->budget && watch->numSamples < MaxSamples);
}

/* Adds a sample of watch->perSample executions and chooses the next one's. A
 * sample that was too short to read the clock for only serves for that. */
static void addSample(Stopwatch *watch, uint64_t nanoseconds) {
  const uint64_t count = watch->perSample;
  watch->elapsed += nanoseconds;
  watch->executions += count;
  if (nanoseconds < MinSampleNanoseconds && count < MaxPerSample) {
    watch->perSample = 2 * count;
    return;
  }
  uint64_t at = watch->numSamples++;
  const uint64_t value = nanoseconds * 1000 / count;
  for (; at > 0 && watch->picoseconds[at - 1] > value; --at) {
    watch->picoseconds[at] = watch->picoseconds[at - 1];
  }
  watch->picoseconds[at] = value; /* in ascending order */
}

static JobTiming stopStopwatch(const Stopwatch *watch) {
  return (JobTiming){.executions = watch->executions,
                     .minPicoseconds = watch->picoseconds[0],
                     .medianPicoseconds =
                         watch->picoseconds[watch->numSamples / 2],
                     .hertz = frequencyAtLeast(watch->hertz)};
}

#endif /* LPGEN_RUNTIME_RUNNER_TIMING_H */
