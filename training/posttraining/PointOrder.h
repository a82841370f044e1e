// Filters of several points side by side, so that a later point is a product
// of few filters: one more group of outputs with scales of its own.
#ifndef LPGEN_TRAINING_POSTTRAINING_POINTORDER_H
#define LPGEN_TRAINING_POSTTRAINING_POINTORDER_H

#include "training/posttraining/CalibratedBackend.h"

namespace lpgen::posttraining {

/// Sorts the filters of a layer by their points, most first, and cuts filters
/// without codes off later points. Their outputs are the inputs of layer
/// `next` alone, channel innermost, whose weights are sorted with them: the
/// function of both stays.
void orderByPoints(LayerIntegers &layer, std::span<float> offsets,
                   LayerIntegers &next);

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_POINTORDER_H
