// Products as arrays of resistive devices give them: with noise and bounds,
// emulated after a float32 product (Gokmen, Onen and Haensch 2017, Training
// deep convolutional neural networks with resistive cross-point devices).
//
// Of an image's input x an array reads
//   y = s 2^k clamp(W x / (s 2^k) + noise N, -bound, bound)
// with N normal. Noise management makes s the greatest magnitude of x, else it
// is 1. Bound management raises k from 0 until no y is at its bound, else it is
// 0. dx is read in the same way from dL/dy.
#ifndef LPGEN_TRAINING_CONTRACTIONS_RESISTIVEBACKEND_H
#define LPGEN_TRAINING_CONTRACTIONS_RESISTIVEBACKEND_H

#include "training/contractions/FloatBackend.h"

namespace lpgen::nn {

struct ResistiveArray {
  double noise = 0.06;
  double bound = 12;
  bool managesNoise = true;
  bool managesBound = true;
};

class ResistiveBackend : public FloatBackend {
public:
  ResistiveBackend(const LayerSpec &layer, const ResistiveArray &array)
      : FloatBackend(layer.geometry), layer(layer.name), array(array) {}

  Status forward(const FloatTensor &x, const FloatTensor &weight,
                 FloatTensor &y, const StepContext &context) override;
  Status backward(const FloatTensor &x, const FloatTensor &weight,
                  const FloatTensor &dy, FloatTensor *dWeight, FloatTensor *dx,
                  const StepContext &context) override;

private:
  void read(const FloatTensor &in, FloatTensor &out, const char *product,
            const StepContext &context) const;

  std::string layer;
  ResistiveArray array;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CONTRACTIONS_RESISTIVEBACKEND_H
