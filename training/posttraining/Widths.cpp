// Greedy, with gains that are measured again only where that may change the
// choice: a gain seldom grows when other layers get more bits.
#include "training/posttraining/Widths.h"
#include <optional>
#include <string>

namespace lpgen::posttraining {

static constexpr int leastBits = 2;
static constexpr int mostBits = 8;

namespace {
/// One tensor of a layer a bit wider.
struct Raise {
  size_t layer = 0;
  bool isWeight = false;
  double gain = 0;  ///< Loss that it takes away, by bit operation.
  size_t round = 0; ///< When the gain was measured, from 1.
};
} // namespace

double bitOperations(const std::vector<double> &macs, const Widths &widths) {
  double sum = 0;
  for (size_t i = 0; i < macs.size(); ++i) {
    sum += macs[i] * widths[i].weight * widths[i].input;
  }
  return sum;
}

static Widths raised(Widths widths, const Raise &raise) {
  LayerWidths &layer = widths[raise.layer];
  ++(raise.isWeight ? layer.weight : layer.input);
  return widths;
}

/// The raise to do next; nothing if none is possible.
static Result<std::optional<Raise>> bestRaise(const WidthProblem &problem,
                                              const Widths &widths, double loss,
                                              size_t round,
                                              std::vector<Raise> &raises) {
  const double spent = bitOperations(problem.macs, widths);
  std::erase_if(raises, [&](const Raise &raise) {
    const LayerWidths &layer = widths[raise.layer];
    return (raise.isWeight ? layer.weight : layer.input) >= mostBits ||
           bitOperations(problem.macs, raised(widths, raise)) > problem.budget;
  });
  while (!raises.empty()) {
    Raise *best = &raises.front();
    for (Raise &raise : raises) {
      // Those that were never measured come first.
      if (raise.round == 0 || (best->round != 0 && raise.gain > best->gain)) {
        best = &raise;
      }
    }
    if (best->round == round) {
      return std::optional(*best);
    }
    const Widths next = raised(widths, *best);
    const Result<double> lower = problem.loss(next);
    LPGEN_RETURN_IF_ERROR(lower.status());
    best->gain = (loss - *lower) / (bitOperations(problem.macs, next) - spent);
    best->round = round;
  }
  return std::optional<Raise>();
}

Result<Widths> raiseWidths(const WidthProblem &problem, Widths widths) {
  std::vector<Raise> raises;
  for (size_t i = 0; i < widths.size(); ++i) {
    if (problem.isChosen[i]) {
      raises.push_back({i, true});
      raises.push_back({i, false});
    }
  }
  for (size_t round = 1;; ++round) {
    const Result<double> loss = problem.loss(widths);
    LPGEN_RETURN_IF_ERROR(loss.status());
    Result<std::optional<Raise>> raise =
        bestRaise(problem, widths, *loss, round, raises);
    LPGEN_RETURN_IF_ERROR(raise.status());
    if (!*raise) {
      return widths;
    }
    widths = raised(widths, **raise);
  }
}

Result<Widths> chooseWidths(const WidthProblem &problem, const Widths &fixed) {
  const auto uniform = [&](int bits) {
    Widths widths = fixed;
    for (size_t i = 0; i < widths.size(); ++i) {
      if (problem.isChosen[i]) {
        widths[i] = {bits, bits};
      }
    }
    return widths;
  };
  const double least = bitOperations(problem.macs, uniform(leastBits));
  if (least > problem.budget) {
    return Status::error("the budget of " +
                         std::to_string(int64_t(problem.budget)) +
                         " bit operations of an image is less than the " +
                         std::to_string(int64_t(least)) +
                         " that 2 bits take; remedy: a greater --budget");
  }
  int bits = leastBits;
  while (bits < mostBits &&
         bitOperations(problem.macs, uniform(bits + 1)) <= problem.budget) {
    ++bits;
  }
  Result<Widths> best = raiseWidths(problem, uniform(bits));
  LPGEN_RETURN_IF_ERROR(best.status());
  if (bits == leastBits) {
    return best;
  }
  Result<Widths> other = raiseWidths(problem, uniform(leastBits));
  LPGEN_RETURN_IF_ERROR(other.status());
  const Result<double> bestLoss = problem.loss(*best);
  LPGEN_RETURN_IF_ERROR(bestLoss.status());
  const Result<double> otherLoss = problem.loss(*other);
  LPGEN_RETURN_IF_ERROR(otherLoss.status());
  return *otherLoss < *bestLoss ? other : best;
}

} // namespace lpgen::posttraining
