// Images that are moved a little to mislead a network, for adversarial training
// and to measure how robust a network is: projected gradient descent (Madry et
// al. 2018). Fine-tuning trained networks so, at a rate that starts slowly and
// decays fast, is that of Jeddi et al. 2020 (arXiv 2012.13628).
#ifndef LPGEN_TRAINING_LOOP_ADVERSARY_H
#define LPGEN_TRAINING_LOOP_ADVERSARY_H

#include "training/data/Batches.h"
#include "training/layers/Layer.h"
#include <optional>
#include <string>

namespace lpgen::train {

struct AdversarySpec {
  double epsilon = 8; ///< The most that a pixel, 0 to 255, moves.
  int64_t steps = 3;
};

/// "none" or "pgd<epsilon=8>".
Result<std::optional<AdversarySpec>> readAdversary(const std::string &text);
std::string adversaryHelp();

class Adversary {
public:
  /// The data must outlive this.
  Adversary(const AdversarySpec &spec, const data::Dataset &data)
      : spec(spec), data(data) {}

  /// From a random place x0 within epsilon of each pixel, `steps` times
  ///   x = clamp(x + 2.5 epsilon / steps sign(dloss/dx))
  /// to epsilon around the image and to what pixels can be. The gradient is
  /// that of the network in training, whose first layer has one.
  Status move(nn::Layer &network, data::Batch &batch, nn::StepContext context);

private:
  AdversarySpec spec;
  const data::Dataset &data;
  // Reused from batch to batch.
  nn::FloatTensor original;
  nn::FloatTensor scores;
  nn::FloatTensor scoreGradient;
  nn::FloatTensor inputGradient;
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_ADVERSARY_H
