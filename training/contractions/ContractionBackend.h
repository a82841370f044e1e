// The three products of a layer with weights, behind one interface: float32,
// integer kernels, emulated formats.
//
// This is where a precision policy enters a network: it makes one backend for
// each layer, which owns whatever the policy remembers of that layer.
#ifndef LPGEN_TRAINING_CONTRACTIONS_CONTRACTIONBACKEND_H
#define LPGEN_TRAINING_CONTRACTIONS_CONTRACTIONBACKEND_H

#include "base/system/Status.h"
#include "networks/ForwardOperands.h"
#include "training/core/Accumulators.h"
#include "training/core/LayerSpec.h"
#include "training/core/Parameter.h"
#include "training/core/Reports.h"
#include "training/core/StepContext.h"
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lpgen::nn {

enum class Product {
  Forward,        ///< Y = X W
  InputGradient,  ///< dX = dY W^T
  WeightGradient, ///< dW = X^T dY
};
constexpr std::array<const char *, 3> productNames = {
    "forward", "inputGradient", "weightGradient"};

/// Seconds that went into a layer since the start.
struct LayerTimes {
  std::array<double, 3> products = {}; ///< By Product.
  double quantize = 0;                 ///< Rounding to integers, packing.
  double statistics = 0;               ///< Choosing widths and scales.
};

/// What the integer products of training have cost since the start, whatever
/// ran them.
struct ContractionWork {
  double macs = 0; ///< Multiply-adds.
  double bops = 0; ///< Bit operations: each times the widths of both operands.

  void add(double count, int aBits, int bBits) {
    macs += count;
    bops += count * aBits * bBits;
  }
};

/// Sums of a narrow accumulator since the start.
struct AccumulatorReport {
  int bits = 0;        ///< Of the integer or, for floats, of the mantissa.
  int64_t sums = 0;    ///< Integers: how many there were.
  int64_t wrapped = 0; ///< Of these, did not fit.
};

/// What a backend has done since the start, and with what.
struct BackendReport {
  LayerTimes times;
  ContractionWork work;
  std::vector<TensorReport> tensors; ///< Those that are rounded.
  /// By Product; empty if sums are as wide as they need to be.
  std::vector<AccumulatorReport> accumulators;
  /// By Product: a library or a kernel's symbol.
  std::array<std::string, 3> implementations;
  /// Exponent of the scale that dx of the last backward call had.
  int gradientScaleExponent = 0;
};

class ContractionBackend {
public:
  virtual ~ContractionBackend() = default;

  // Computing.

  /// Fills y[images, outHeight, outWidth, outputs] from x and the weights. In
  /// training it keeps what backward needs. Here and below the tensors already
  /// have their shapes.
  virtual Status forward(const FloatTensor &x, const FloatTensor &weight,
                         FloatTensor &y, const StepContext &context) = 0;
  /// dWeight and dx, each unless it is null, of the last forward call, whose x
  /// and weight are given again. All gradients are at the scale of dy, unless
  /// dx says otherwise afterwards.
  virtual Status backward(const FloatTensor &x, const FloatTensor &weight,
                          const FloatTensor &dy, FloatTensor *dWeight,
                          FloatTensor *dx, const StepContext &context) = 0;
  /// From now on sums are as wide as the rules say. An error where products
  /// cannot do that.
  virtual Status useAccumulators(const AccumulatorRules &rules) {
    return Status::error("its sums cannot be narrowed");
  }

  // Parameters and state beside the weights.

  virtual void visitParameters(const std::function<void(Parameter &)> &visit) {}
  virtual void visitState(StateVisitor &visitor) {}

  // Description.

  virtual BackendReport report() const = 0;
  /// Of the last forward call in Mode::Evaluate. An error says why they are no
  /// integers, or not all there is to the product.
  virtual Result<networks::ForwardOperands> forwardOperands() const {
    return Status::error("its operands are floats");
  }

protected:
  /// Times and work; the rest is for the backend to add.
  BackendReport startReport() const {
    BackendReport report;
    report.times = seconds;
    report.work = done;
    return report;
  }
  void visitWork(StateVisitor &visitor, const std::string &layer) {
    visitor.visit(layer + ".macs", done.macs);
    visitor.visit(layer + ".bitProducts", done.bops);
  }

  LayerTimes seconds;
  ContractionWork done;
};

/// How a policy makes the backend of a layer.
using MakeBackend = std::function<Result<std::unique_ptr<ContractionBackend>>(
    const LayerSpec &)>;

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CONTRACTIONS_CONTRACTIONBACKEND_H
