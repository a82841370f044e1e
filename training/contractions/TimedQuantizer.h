// Rounding, and where its time goes.
#ifndef LPGEN_TRAINING_CONTRACTIONS_TIMEDQUANTIZER_H
#define LPGEN_TRAINING_CONTRACTIONS_TIMEDQUANTIZER_H

#include "training/contractions/ContractionBackend.h"
#include "training/quantizers/Quantizer.h"

namespace lpgen::quant {

/// quantizer.quantize; the time spent on statistics and on rounding is added to
/// `times` apart.
inline Status quantizeTimed(Quantizer &quantizer, const nn::FloatTensor &x,
                            const nn::StepContext &context, IntTensor &q,
                            nn::LayerTimes &times) {
  const double before = quantizer.statisticsSeconds();
  double all = 0;
  Status status;
  {
    const nn::TimeAdder timer(all);
    status = quantizer.quantize(x, context, q);
  }
  const double statistics = quantizer.statisticsSeconds() - before;
  times.statistics += statistics;
  times.quantize += all - statistics;
  return status;
}

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_TIMEDQUANTIZER_H
