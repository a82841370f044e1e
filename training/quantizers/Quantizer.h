// What turns one tensor of a layer into integers in every step, and remembers
// what it needs for that.
//
// quantize gives integers for the kernels; backward turns the gradient of what
// the integers stand for into that of the tensor, and finds the gradients of
// what the quantizer learns.
#ifndef LPGEN_TRAINING_QUANTIZERS_QUANTIZER_H
#define LPGEN_TRAINING_QUANTIZERS_QUANTIZER_H

#include "base/system/Status.h"
#include "base/types/QuantParams.h"
#include "training/core/FloatTensor.h"
#include "training/core/IntTensor.h"
#include "training/core/Parameter.h"
#include "training/core/Reports.h"
#include "training/core/StepContext.h"
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace lpgen::quant {

class Quantizer {
public:
  /// `tensor` names it in the log, "conv1.weight"; its codes have `bits` bits
  /// at first.
  Quantizer(std::string tensor, int bits) {
    counts.tensor = std::move(tensor);
    counts.bits = bits;
  }
  virtual ~Quantizer() = default;

  /// q of x, whose scale is positive. In Mode::Evaluate no state changes. An
  /// error if x holds a value that is no number.
  virtual Status quantize(const nn::FloatTensor &x,
                          const nn::StepContext &context, IntTensor &q) = 0;
  /// `gradient` is that of scale * q and becomes that of x, the x of the last
  /// quantize call. It passes straight through unless a quantizer says
  /// otherwise.
  virtual void backward(const nn::FloatTensor &x,
                        const nn::StepContext &context,
                        nn::FloatTensor &gradient) {}
  /// What is learned.
  virtual void
  visitParameters(const std::function<void(nn::Parameter &)> &visit) {}
  virtual void visitState(nn::StateVisitor &visitor) {}
  /// Of weights: one more factor of q for each filter, the first dimension;
  /// empty if there is none.
  virtual std::span<const float> filterScales() const { return {}; }
  /// What q is in evaluation; of weights, form and scale mean nothing. None if
  /// there is no scale yet.
  virtual std::optional<QuantParams> quantParams() const = 0;
  /// `bits` is the width in use.
  const nn::TensorReport &report() const { return counts; }
  /// Spent on choosing widths and scales since the start.
  double statisticsSeconds() const { return statistics; }

protected:
  const std::string &tensor() const { return counts.tensor; }
  void count(int64_t elements, int64_t saturated, int64_t underflown) {
    counts.quantized += elements;
    counts.saturated += saturated;
    counts.underflown += underflown;
  }
  void visitCounts(nn::StateVisitor &visitor) {
    visitor.visitFrom(tensor() + ".bits", counts.bits, 1, 32);
    visitor.visit(tensor() + ".quantized", counts.quantized);
    visitor.visit(tensor() + ".saturated", counts.saturated);
    visitor.visit(tensor() + ".underflown", counts.underflown);
    visitor.visit(tensor() + ".updates", counts.updates);
  }
  Status invalidValue() const {
    return Status::error("tensor '" + tensor() +
                         "' holds values that are no numbers: the run "
                         "diverged; remedy: a smaller learning rate");
  }

  nn::TensorReport counts;
  double statistics = 0;
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_QUANTIZER_H
