// What lpgen-train says while it trains: progress on stderr, epochs on stdout.
#ifndef LPGEN_TOOLS_TRAINPROGRESS_H
#define LPGEN_TOOLS_TRAINPROGRESS_H

#include "training/loop/Trainer.h"
#include <cmath>
#include <cstdio>
#include <unistd.h>

namespace lpgen::train {

/// One line that overwrites itself on a terminal, a line each tenth of an
/// epoch elsewhere.
class Progress {
public:
  explicit Progress(bool isQuiet) : isQuiet(isQuiet) {}

  void show(const Trainer &trainer) {
    const int64_t steps = trainer.stepsPerEpoch();
    const int64_t inEpoch = (trainer.step() - 1) % steps + 1;
    const int64_t epoch = (trainer.step() - 1) / steps + 1;
    const bool isTerminal = ::isatty(STDERR_FILENO) != 0;
    if (isQuiet ||
        (!isTerminal && inEpoch * 10 / steps == (inEpoch - 1) * 10 / steps)) {
      return;
    }
    const Totals &totals = trainer.epochTotals();
    const auto left =
        static_cast<long long>(totals.seconds / double(inEpoch) *
                               double(trainer.totalSteps() - trainer.step()));
    std::fprintf(stderr,
                 "%sepoch %lld/%lld  step %lld/%lld  loss %.4f  accuracy "
                 "%.2f %%  %.0f images/s  left %lld:%02lld%s",
                 isTerminal ? "\r" : "", static_cast<long long>(epoch),
                 static_cast<long long>(trainer.config().epochs),
                 static_cast<long long>(inEpoch), static_cast<long long>(steps),
                 totals.meanLoss(), 100.0 * totals.accuracy(),
                 totals.imagesPerSecond(), left / 60, left % 60,
                 isTerminal ? "   " : "\n");
    if (isTerminal && inEpoch == steps) {
      std::fprintf(stderr, "\n");
    }
  }

private:
  bool isQuiet;
};

inline void reportEpoch(const Trainer &trainer, const Totals &test) {
  std::printf("epoch %lld: train loss %.4f, train accuracy %.2f %%, test "
              "accuracy %.2f %%, %.0f images/s\n",
              static_cast<long long>(trainer.epoch()),
              trainer.epochTotals().meanLoss(),
              100.0 * trainer.epochTotals().accuracy(), 100.0 * test.accuracy(),
              trainer.epochTotals().imagesPerSecond());
  if (const nn::ContractionWork work = trainer.work(); work.macs > 0) {
    const double mean = work.bops / work.macs;
    std::printf("  BOPs so far: %.4g, %.1f for each multiply-accumulate, "
                "%.1f %% %s than at 8 x 8 bits\n",
                work.bops, mean, 100.0 * std::fabs(1.0 - mean / 64.0),
                mean > 64 ? "more" : "fewer");
  }
  std::fflush(stdout);
}

/// What this process has sent to the others.
inline void reportTraffic(const Trainer &trainer) {
  if (const FederatedRounds *rounds = trainer.federatedRounds()) {
    const FederatedCost cost = trainer.federatedCost();
    std::printf(
        "  each client so far: %lld rounds, %lld bytes sent, %.4g BOPs; "
        "by the model %.3g J\n",
        static_cast<long long>(cost.rounds),
        static_cast<long long>(cost.sentBytes), cost.bops,
        cost.joules(rounds->settings()));
  } else if (const GradientExchange *exchange = trainer.gradientExchange()) {
    const GradientExchange::Traffic traffic = exchange->traffic();
    std::printf(
        "  gradients sent by each process so far: %lld bytes, %.1f times "
        "fewer than as floats\n",
        static_cast<long long>(traffic.sent),
        double(traffic.dense) / double(traffic.sent));
  }
  std::fflush(stdout);
}

} // namespace lpgen::train

#endif // LPGEN_TOOLS_TRAINPROGRESS_H
