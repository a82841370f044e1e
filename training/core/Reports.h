// What a run reports of its tensors and of its time.
#ifndef LPGEN_TRAINING_CORE_REPORTS_H
#define LPGEN_TRAINING_CORE_REPORTS_H

#include <chrono>
#include <cstdint>
#include <string>

namespace lpgen::nn {

/// One line of the log for each tensor that a policy quantizes.
struct TensorReport {
  std::string tensor;     ///< "conv1.weight", "conv1.input", "conv1.gradient"
  int bits = 32;          ///< Width now.
  int64_t quantized = 0;  ///< Elements since the start.
  int64_t saturated = 0;  ///< Of these, clamped to the range.
  int64_t underflown = 0; ///< Of these, not 0 before and 0 after.
  int64_t updates = 0;    ///< Times that width and scale were chosen anew.
};

/// Adds the time between its construction and destruction.
class TimeAdder {
public:
  explicit TimeAdder(double &seconds)
      : seconds(seconds), start(std::chrono::steady_clock::now()) {}
  ~TimeAdder() {
    seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count();
  }
  TimeAdder(const TimeAdder &) = delete;
  TimeAdder &operator=(const TimeAdder &) = delete;

private:
  double &seconds;
  std::chrono::steady_clock::time_point start;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CORE_REPORTS_H
