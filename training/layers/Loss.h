// Softmax and cross-entropy of class scores, float32 whatever the policy.
#ifndef LPGEN_TRAINING_LAYERS_LOSS_H
#define LPGEN_TRAINING_LAYERS_LOSS_H

#include "training/layers/Layer.h"
#include <vector>

namespace lpgen::nn {

/// Of one batch.
struct LossValue {
  double sum = 0;      ///< -log p of the right class, summed over the images.
  int64_t correct = 0; ///< Images whose greatest score is the right class.
  int64_t images = 0;
};

/// The class of the greatest score of an image, the first of equal ones.
int64_t greatestClass(const FloatTensor &scores, int64_t image);

/// scores[images, classes]; one label below `classes` for each image. Where
/// `gradient` is not null it becomes scale * d(mean loss)/d(scores).
LossValue softmaxCrossEntropy(const FloatTensor &scores,
                              const std::vector<uint8_t> &labels, float scale,
                              FloatTensor *gradient);

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_LAYERS_LOSS_H
