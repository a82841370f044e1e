// Learned fractional bits (HGQ, Sun et al. 2024, arXiv 2405.00645): the widths
// of filters and of activations fall out of training.
#ifndef LPGEN_TRAINING_QUANTIZERS_HGQ_H
#define LPGEN_TRAINING_QUANTIZERS_HGQ_H

#include "training/quantizers/Quantizer.h"
#include <memory>
#include <string>
#include <vector>

namespace lpgen::quant {

/// Whose fractional bits are learned apart.
enum class HgqGroups {
  Filters, ///< Each filter has its own: weights, signed.
  Tensor   ///< All elements share them: activations.
};

/// With f of the group, a number, and F = round(f):
///   q = clip(round(x 2^F), -127, 127), ties to even, xq = q 2^-F
///   dx = g, 0 where x is clipped
///   df = sum of g (-ln 2 (xq - x)), of g (-ln 2 xq) where x is clipped,
///        over the square root of the elements (of one image)
/// The bits of a group are those of its greatest |q|, and one for the sign if
/// its tensor ever had a negative element; 0 if all of it is 0.
///
/// In evaluation activations are clipped to the greatest magnitude of training,
/// which fades by 1 % in every step, rounded up to a whole number of bits;
/// codes are declared as wide as they are then, so that kernels are, too.
///
/// What is learned is f / 16, with df / 16 for its gradient: so f moves at the
/// learning rate of SGD, and at 16 times that of an optimizer that normalizes
/// gradients.
class Hgq : public Quantizer {
public:
  static constexpr float unit = 16;

  /// At the first x in training the greatest magnitude of each group gets
  /// `bits` bits. There are `groups` of them.
  Hgq(const std::string &tensor, int bits, HgqGroups kind, int64_t groups);

  Status quantize(const nn::FloatTensor &x, const nn::StepContext &context,
                  IntTensor &q) override;
  void backward(const nn::FloatTensor &x, const nn::StepContext &context,
                nn::FloatTensor &gradient) override;
  void
  visitParameters(const std::function<void(nn::Parameter &)> &visit) override {
    visit(fraction);
  }
  void visitState(nn::StateVisitor &visitor) override;
  std::span<const float> filterScales() const override;
  std::optional<QuantParams> quantParams() const override;

  /// By group, of the last quantize call.
  const std::vector<int> &groupBits() const { return bits; }
  /// Adds `slope` to dL/df of each group that has bits.
  void addCost(double slope);

private:
  /// Of the codes of a group, or of all.
  struct Codes {
    int32_t most = 0; ///< Greatest magnitude.
    int64_t saturated = 0;
    int64_t underflown = 0;
    bool hasNegative = false;
    bool hasInvalid = false;

    void add(const Codes &other);
  };
  int fractionalBits(int64_t group) const;
  void start(const nn::FloatTensor &x);
  Codes encode(const nn::FloatTensor &x, int64_t group, CodeRange range,
               const nn::StepContext &context, int8_t *codes) const;
  /// Of activations.
  CodeRange evaluationCodes() const;

  HgqGroups kind;
  int64_t groups;
  int firstBits;
  nn::Parameter fraction; ///< f / unit, by group.
  int32_t isStarted = 0;
  bool hasNegative = false; ///< In any step of training.
  float peak = 0;           ///< Of activations.
  std::vector<int> bits;
  std::vector<float> scales; ///< 2^-F, by group.
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_HGQ_H
