// Spikes as integers of one bit.
#ifndef LPGEN_TRAINING_QUANTIZERS_SPIKES_H
#define LPGEN_TRAINING_QUANTIZERS_SPIKES_H

#include "training/quantizers/Quantizer.h"
#include <memory>

namespace lpgen::quant {

/// Codes 0 and 1, scale 1; nothing is rounded. An error for other values.
std::unique_ptr<Quantizer> makeSpikes(const std::string &tensor);

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_SPIKES_H
