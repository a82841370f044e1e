// What turns one tensor of a layer into integers in every step, and remembers
// what it needs for that.
#ifndef LPGEN_TRAINING_QUANTIZERS_QUANTIZER_H
#define LPGEN_TRAINING_QUANTIZERS_QUANTIZER_H

#include "base/system/Status.h"
#include "base/types/QuantParams.h"
#include "training/core/IntTensor.h"
#include "training/core/Parameter.h"
#include "training/core/Reports.h"
#include "training/core/StepContext.h"
#include <memory>
#include <optional>

namespace lpgen::quant {

class Quantizer {
public:
  explicit Quantizer(std::string tensor) { counts.tensor = std::move(tensor); }
  virtual ~Quantizer() = default;

  /// q of x. In Mode::Evaluate no state changes. `statisticsSeconds` grows by
  /// the time spent on choosing width and scale. An error if x holds a value
  /// that is no number.
  virtual Status quantize(const nn::FloatTensor &x,
                          const nn::StepContext &context, IntTensor &q,
                          double &statisticsSeconds) = 0;
  virtual void visitState(nn::StateVisitor &visitor) {
    visitor.visitFrom(counts.tensor + ".bits", counts.bits, 1, 32);
    visitor.visit(counts.tensor + ".quantized", counts.quantized);
    visitor.visit(counts.tensor + ".saturated", counts.saturated);
    visitor.visit(counts.tensor + ".underflown", counts.underflown);
    visitor.visit(counts.tensor + ".updates", counts.updates);
  }
  /// The grid of evaluation; none if there is no scale yet.
  virtual std::optional<QuantParams> quantParams() const = 0;
  const nn::TensorReport &report() const { return counts; }

protected:
  Status invalidValue() const {
    return Status::error("tensor '" + counts.tensor +
                         "' holds values that are no numbers: the run "
                         "diverged; remedy: a smaller learning rate");
  }
  nn::TensorReport counts; ///< `bits` is the width in use.
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_QUANTIZER_H
