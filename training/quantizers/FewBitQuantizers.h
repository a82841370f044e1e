// Quantizers of networks that are trained to run at few bits: the masks of
// their gradients and what they learn are those of each paper.
#ifndef LPGEN_TRAINING_QUANTIZERS_FEWBITQUANTIZERS_H
#define LPGEN_TRAINING_QUANTIZERS_FEWBITQUANTIZERS_H

#include "training/quantizers/Quantizer.h"
#include <memory>
#include <string>

namespace lpgen::quant {

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
std::unique_ptr<Quantizer> makeLsq(const std::string &tensor, int bits,
                                   LsqTensor kind);

/// Weights of DoReFa-Net (Zhou et al. 2016, arXiv 1606.06160). With n = 2^b - 1
/// and t = tanh(w), the odd integers
///   q = 2 round(n (t / (2 max|t|) + 1/2)) - n, scale 1 / n
/// and dw = g (1 - t^2) / max|t|. With one bit q = sign(w), scale mean|w|,
/// dw = g.
std::unique_ptr<Quantizer> makeDorefaWeights(const std::string &tensor,
                                             int bits);

/// Activations of DoReFa-Net: q = round(n clip(x, 0, 1)), scale 1 / n,
/// dx = g where 0 <= x <= 1.
std::unique_ptr<Quantizer> makeDorefaActivations(const std::string &tensor,
                                                 int bits);

/// PACT (Choi et al. 2018, arXiv 1805.06085): q = round(clip(x, 0, a) n / a),
/// scale a / n; dx = g where 0 < x < a, da = sum of g where x >= a. a starts
/// at 8 and decays with the weights.
std::unique_ptr<Quantizer> makePact(const std::string &tensor, int bits);

/// q = 1 where x >= 0, else -1, scale 1; dx = g where |x| <= threshold.
std::unique_ptr<Quantizer> makeSign(const std::string &tensor, float threshold);

/// Weights of XNOR-Net (Rastegari et al. 2016, arXiv 1603.05279): q = sign(w),
/// times a = mean|w| of the filter, of n weights; dw = g (1 / n + a [|w| <=
/// 1]).
std::unique_ptr<Quantizer> makeXnorWeights(const std::string &tensor);

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_FEWBITQUANTIZERS_H
