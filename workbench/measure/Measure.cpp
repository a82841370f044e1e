// Turns, samples, and their statistics.
#include "workbench/measure/Measure.h"
#include "workbench/measure/Clock.h"
#include <algorithm>

namespace lpgen {

/// Executions longer than this warm the caches themselves.
static constexpr double warmUpLimit = 0.02;
/// A turn executes until about this time has passed, but not more often than
/// maxPerTurn.
static constexpr double turnSeconds = 0.002;
static constexpr int maxPerTurn = 8;

namespace {
struct Sample {
  Duration duration;
  std::optional<double> frequency;
};
} // namespace

/// The better of two estimates: disturbances only lower one.
static std::optional<double> bestFrequency() {
  return std::max(measureFrequency(), measureFrequency());
}

/// One turn: warm up, then execute with the frequency taken before and after.
static Status takeTurn(const Subject &subject, std::vector<Sample> &samples) {
  const double start = secondsNow();
  const bool isLong =
      !samples.empty() && samples.back().duration.compute > warmUpLimit;
  if (!isLong) {
    LPGEN_RETURN_IF_ERROR(subject.run().status());
  }
  const size_t first = samples.size();
  const std::optional<double> before = bestFrequency();
  for (int i = 0; i < maxPerTurn; ++i) {
    const Result<Duration> duration = subject.run();
    LPGEN_RETURN_IF_ERROR(duration.status());
    samples.push_back({*duration, std::nullopt});
    if (secondsNow() - start > turnSeconds) {
      break;
    }
  }
  const std::optional<double> frequency = std::max(before, bestFrequency());
  for (size_t i = first; i < samples.size(); ++i) {
    samples[i].frequency = frequency;
  }
  return Status::success();
}

static double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Statistics over what `seconds` makes of a sample.
static Timing summarize(const std::vector<Sample> &samples,
                        double (*seconds)(const Duration &)) {
  std::vector<double> times;
  std::vector<double> cycles;
  for (const Sample &sample : samples) {
    times.push_back(seconds(sample.duration));
    if (sample.frequency) {
      cycles.push_back(times.back() * *sample.frequency);
    }
  }
  Timing timing;
  const size_t best = size_t(std::ranges::min_element(times) - times.begin());
  timing.minSeconds = times[best];
  timing.medianSeconds = median(times);
  if (!cycles.empty()) {
    // Not the least number of cycles: a turn whose frequency was measured too
    // low would win.
    timing.minCycles = cycles[best];
    timing.medianCycles = median(cycles);
  }
  return timing;
}

static Measurement conclude(const std::string &name,
                            const std::vector<Sample> &samples) {
  Measurement result;
  result.name = name;
  result.executions = int(samples.size());
  std::vector<double> frequencies;
  for (const Sample &sample : samples) {
    result.hasPacking |= sample.duration.packing > 0;
    if (sample.frequency) {
      frequencies.push_back(*sample.frequency);
    }
  }
  result.compute =
      summarize(samples, [](const Duration &d) { return d.compute; });
  result.total = summarize(
      samples, [](const Duration &d) { return d.compute + d.packing; });
  result.layers = std::ranges::min_element(samples, {}, [](const Sample &s) {
                    return s.duration.compute + s.duration.packing;
                  })->duration.layers;
  if (!frequencies.empty()) {
    result.frequency = median(frequencies);
  }
  return result;
}

Result<std::vector<Measurement>> measure(const std::vector<Subject> &subjects,
                                         int repetitions, double minSeconds) {
  const size_t count = subjects.size();
  std::vector<std::vector<Sample>> samples(count);
  const double start = secondsNow();
  for (int turn = 0; turn < repetitions || secondsNow() - start < minSeconds;
       ++turn) {
    for (size_t i = 0; i < count; ++i) {
      const size_t chosen = (size_t(turn) + i) % count;
      LPGEN_RETURN_IF_ERROR(takeTurn(subjects[chosen], samples[chosen]));
    }
  }
  std::vector<Measurement> results;
  results.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    results.push_back(conclude(subjects[i].name, samples[i]));
  }
  return results;
}

} // namespace lpgen
