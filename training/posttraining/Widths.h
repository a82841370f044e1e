// Which layer gets how many bits, under a budget of bit operations.
//
// A layer is as sensitive as the loss says when its widths change while all
// others have theirs (Lee et al. 2021, arXiv 2103.10051): errors of layers add
// up, so one layer alone tells too little.
#ifndef LPGEN_TRAINING_POSTTRAINING_WIDTHS_H
#define LPGEN_TRAINING_POSTTRAINING_WIDTHS_H

#include "base/system/Status.h"
#include <cstdint>
#include <functional>
#include <vector>

namespace lpgen::posttraining {

struct LayerWidths {
  int weight = 8;
  int input = 8;

  bool operator==(const LayerWidths &other) const = default;
};
using Widths = std::vector<LayerWidths>;

/// What a search may change.
struct WidthProblem {
  std::vector<double> macs;   ///< Multiply-adds of each layer.
  std::vector<bool> isChosen; ///< The others keep the widths of the start.
  double budget = 0;          ///< Bit operations of all layers at most.
  /// Of a network with these widths; less is better.
  std::function<Result<double>(const Widths &widths)> loss;
};

/// Multiply-adds times both widths.
double bitOperations(const std::vector<double> &macs, const Widths &widths);

/// Raises one width after the other by a bit, each time that which lowers the
/// loss most for what it costs, as long as the budget allows.
Result<Widths> raiseWidths(const WidthProblem &problem, Widths widths);

/// The best of: widths raised from 2 bits, and those of `uniform` bits raised.
/// `fixed` has the widths of layers that are not chosen. An error if 2 bits are
/// beyond the budget; uniform bits that are count as fewer.
Result<Widths> chooseWidths(const WidthProblem &problem, const Widths &fixed);

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_WIDTHS_H
