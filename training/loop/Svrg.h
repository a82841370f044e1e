// Gradients with less variance (SVRG, Johnson and Zhang 2013), of weights in
// float32, on a fixed grid, or as a center with offsets of few bits that are
// rescaled as the gradient falls (HALP, De Sa et al. 2018).
//
// An epoch begins with the mean gradient m of its batches at the present
// weights w', the center. Every step moves by
//
//   v = gradient(w) - gradient(w') + m
//
// of its batch, whose mean is the gradient at w and which vanishes with it.
#ifndef LPGEN_TRAINING_LOOP_SVRG_H
#define LPGEN_TRAINING_LOOP_SVRG_H

#include "training/loop/Optimizer.h"
#include <optional>

namespace lpgen::train {

struct SvrgSpec {
  enum class Weights {
    Float, ///< svrg: w -= rate v
    Grid,  ///< lp-svrg: w = round((w - rate v) / step) step, step = range / max
    Center ///< halp: w = w' + z step, z = round(z - rate v / step), and
           ///< step = |m| / (mu max) by parameter, from epoch to epoch.
  };
  Weights weights = Weights::Float;
  int bits = 8; ///< Codes are in [-max, max], max = 2^(bits-1) - 1.
  double range = 1;
  double mu = 1;
  /// Width of the operands of integer products; 0 if they are float32.
  int productBits = 0;
  bool keeps = false; ///< What layers give at the center, from epoch begin on.
};

/// "svrg", "lp-svrg<bits=8>" or "halp<mu=4>"; nothing for other names.
Result<std::optional<SvrgSpec>> readSvrg(const std::string &text);
/// The three with their options, for help.
std::string svrgHelp();

/// Rounding is stochastic and saturates. `weightDecay` is part of the
/// gradients, as for sgd.
std::unique_ptr<Optimizer>
makeSvrg(const SvrgSpec &spec, double weightDecay,
         const std::vector<nn::Parameter *> &parameters);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_SVRG_H
