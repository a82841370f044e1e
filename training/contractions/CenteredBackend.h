// Products around a center: float32 at the center itself, and at center +
// offset only the differences to it, as integer products by generated kernels.
//
// With x = x' + dx, w = w' + dw and the gradient of the output g = g' + dg:
//
//   y = y' + dx w' + x dw
//   gradient of x = that at the center + dg w' + g dw
//   gradient of w less that at the center = x dg + dx g'
//
// Every product has a difference in it, so that its rounding errors vanish
// with the offsets.
#ifndef LPGEN_TRAINING_CONTRACTIONS_CENTEREDBACKEND_H
#define LPGEN_TRAINING_CONTRACTIONS_CENTEREDBACKEND_H

#include "training/contractions/IntegerConv.h"
#include "training/contractions/OrderedBackend.h"
#include "training/core/Centering.h"
#include "training/quantizers/Quantize.h"

namespace lpgen::quant {

/// float32 where the context has no Centering.
class CenteredBackend : public nn::OrderedBackend {
public:
  /// Operands beside the offsets are rounded to `bits` bits.
  CenteredBackend(const nn::LayerSpec &layer, int bits,
                  KernelProvider &kernels);

  Status forward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                 nn::FloatTensor &y, const nn::StepContext &context) override;
  Status backward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                  const nn::FloatTensor &dy, nn::FloatTensor *dWeight,
                  nn::FloatTensor *dx, const nn::StepContext &context) override;
  nn::BackendReport report() const override;

private:
  /// Of one batch at the center. The first layer, whose input has no offset and
  /// nobody takes its gradient, has no x and dx but the codes of x.
  struct Center {
    nn::FloatTensor x, y, dy, dx;
    IntTensor codes;
  };
  Center &centerOf(const nn::Centering &centering);
  Status keepForward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                     const nn::FloatTensor &y, const nn::StepContext &context);
  Status offsetForward(const nn::FloatTensor &x, nn::FloatTensor &y,
                       const nn::StepContext &context);
  Status offsetWeightGradient(const Center &center, const nn::FloatTensor &x,
                              nn::FloatTensor &dWeight,
                              const nn::StepContext &context);
  Status offsetInputGradient(const Center &center, const nn::FloatTensor &dy,
                             nn::FloatTensor &dx,
                             const nn::StepContext &context);
  const IntTensor &weightOffset(const nn::StepContext &context) const;
  /// The codes of x, up to its greatest magnitude.
  Status round(const char *tensor, const nn::FloatTensor &x, Rounding rounding,
               const nn::StepContext &context, IntTensor &q);

  std::string name;
  nn::LayerPlace place;
  ConvGeometry geometry;
  int bits;
  /// Of products with w' or dg, and of those with dw or dx.
  IntegerConv ofCenter;
  IntegerConv ofOffset;
  std::vector<Center> kept; ///< By the number of the batch.
  Center current;
  IntTensor centerWeights;
  // Of the last Offset pass, reused.
  IntTensor inputCodes, inputOffsetCodes, gradientCodes, gradientOffsetCodes,
      centerGradientCodes;
  nn::FloatTensor difference;
  nn::FloatTensor part;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_CENTEREDBACKEND_H
