// Quantizers of networks that are trained to run at few bits: they take part in
// backward.
//
// forward gives integers for the kernel; backward turns the gradient of what
// the integers stand for into that of x ("straight through", with the mask of
// each paper), and finds the gradients of the quantizer's own parameters.
#ifndef LPGEN_TRAINING_QUANTIZERS_TRAINEDQUANTIZER_H
#define LPGEN_TRAINING_QUANTIZERS_TRAINEDQUANTIZER_H

#include "base/system/Status.h"
#include "base/types/QuantParams.h"
#include "training/core/IntTensor.h"
#include "training/core/Parameter.h"
#include "training/core/Reports.h"
#include "training/core/StepContext.h"
#include <limits>
#include <memory>

namespace lpgen::quant {

class TrainedQuantizer {
public:
  /// `tensor` names it in the log, "conv1.weight"; its codes have `bits` bits.
  TrainedQuantizer(std::string tensor, int bits) {
    counts.tensor = std::move(tensor);
    counts.bits = bits;
  }
  virtual ~TrainedQuantizer() = default;
  /// Makes q, whose scale is positive. A value that is no number is an error.
  virtual Status forward(const nn::FloatTensor &x,
                         const nn::StepContext &context, IntTensor &q) = 0;
  /// `gradient` is that of scale * q and becomes that of x, the x of the last
  /// forward call.
  virtual void backward(const nn::FloatTensor &x,
                        const nn::StepContext &context,
                        nn::FloatTensor &gradient) = 0;
  /// The grid of q; of weights, form and scale mean nothing.
  virtual QuantParams quantParams() const = 0;
  virtual void
  visitParameters(const std::function<void(nn::Parameter &)> &visit) {}
  virtual void visitState(nn::StateVisitor &visitor) {}
  /// Of weights: one more factor of q for each filter, the first dimension;
  /// empty if there is none.
  virtual std::span<const float> filterScales() const { return {}; }

  /// What lies between the codes' ends, half a step beyond them included.
  struct Range {
    float lowest = -std::numeric_limits<float>::infinity();
    float highest = std::numeric_limits<float>::infinity();
  };
  /// Counts x and the q that forward made of it.
  void count(const nn::FloatTensor &x, const IntTensor &q,
             const nn::StepContext &context);
  const nn::TensorReport &report() const { return counts; }

protected:
  /// The x that forward does not clip; all unless a quantizer says so.
  virtual Range unclipped() const { return {}; }
  const std::string &tensor() const { return counts.tensor; }

private:
  nn::TensorReport counts;
};

/// What a learned step size is of.
enum class LsqTensor {
  Weight,           ///< -2^(b-1) .. 2^(b-1) - 1
  SignedActivation, ///< The same.
  Activation        ///< 0 .. 2^b - 1
};

/// Learned step size quantization (Esser et al. 2020, arXiv 1902.08153):
///   q = round(clip(x / s, -Qn, Qp)), ties to even
///   dx = g where -Qn < x / s < Qp, else 0
///   ds = sum g (q - x / s inside, -Qn below, Qp above) / sqrt(n Qp)
/// n is the number of weights or the number of activations of one image. s
/// starts at 2 mean|x| / sqrt(Qp) of the first x in training.
std::unique_ptr<TrainedQuantizer> makeLsq(const std::string &tensor, int bits,
                                          LsqTensor kind);

/// Weights of DoReFa-Net (Zhou et al. 2016, arXiv 1606.06160). With n = 2^b - 1
/// and t = tanh(w), the odd integers
///   q = 2 round(n (t / (2 max|t|) + 1/2)) - n, scale 1 / n
/// and dw = g (1 - t^2) / max|t|. With one bit q = sign(w), scale mean|w|,
/// dw = g.
std::unique_ptr<TrainedQuantizer> makeDorefaWeights(const std::string &tensor,
                                                    int bits);

/// Activations of DoReFa-Net: q = round(n clip(x, 0, 1)), scale 1 / n,
/// dx = g where 0 <= x <= 1.
std::unique_ptr<TrainedQuantizer>
makeDorefaActivations(const std::string &tensor, int bits);

/// PACT (Choi et al. 2018, arXiv 1805.06085): q = round(clip(x, 0, a) n / a),
/// scale a / n; dx = g where 0 < x < a, da = sum of g where x >= a. a starts
/// at 8 and decays with the weights.
std::unique_ptr<TrainedQuantizer> makePact(const std::string &tensor, int bits);

/// q = 1 where x >= 0, else -1, scale 1; dx = g where |x| <= threshold.
std::unique_ptr<TrainedQuantizer> makeSign(const std::string &tensor,
                                           float threshold);

/// Weights of XNOR-Net (Rastegari et al. 2016, arXiv 1603.05279): q = sign(w),
/// times a = mean|w| of the filter, of n weights; dw = g (1 / n + a [|w| <=
/// 1]).
std::unique_ptr<TrainedQuantizer> makeXnorWeights(const std::string &tensor);

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_TRAINEDQUANTIZER_H
