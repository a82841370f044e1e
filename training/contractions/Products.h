// The three products of a layer with weights, behind one interface: float32,
// integer kernels, emulated formats.
//
// This is where a precision policy enters a network: it makes one Products for
// each layer, which owns whatever the policy remembers of that layer.
#ifndef LPGEN_TRAINING_CONTRACTIONS_PRODUCTS_H
#define LPGEN_TRAINING_CONTRACTIONS_PRODUCTS_H

#include "training/core/Accumulators.h"
#include "training/core/ConvGeometry.h"
#include "training/layers/Layer.h"
#include <array>
#include <chrono>
#include <optional>

namespace lpgen::nn {

enum class Product {
  Forward,        ///< Y = X W
  InputGradient,  ///< dX = dY W^T
  WeightGradient, ///< dW = X^T dY
};
constexpr std::array<const char *, 3> productNames = {
    "forward", "inputGradient", "weightGradient"};

/// One line of the log for each tensor that a policy quantizes.
struct TensorReport {
  std::string tensor;     ///< "conv1.weight", "conv1.input", "conv1.gradient"
  int bits = 32;          ///< Width now.
  int64_t quantized = 0;  ///< Elements since the start.
  int64_t saturated = 0;  ///< Of these, clamped to the range.
  int64_t underflown = 0; ///< Of these, not 0 before and 0 after.
  int64_t updates = 0;    ///< Times that width and scale were chosen anew.
};

/// Seconds that went into a layer since the start.
struct ProductTimes {
  std::array<double, 3> products = {}; ///< By Product.
  double quantize = 0;                 ///< Rounding to integers, packing.
  double statistics = 0;               ///< Choosing widths and scales.
};

/// What the integer products of training have cost since the start, whatever
/// ran them.
struct ProductWork {
  double macs = 0;        ///< Multiply-adds.
  double bitProducts = 0; ///< Each times the widths of both operands.

  void add(double count, int aBits, int bBits) {
    macs += count;
    bitProducts += count * aBits * bBits;
  }
};

/// Sums of a narrow accumulator since the start.
struct AccumulatorReport {
  int bits = 0;        ///< Of the integer or, for floats, of the mantissa.
  int64_t sums = 0;    ///< Integers: how many there were.
  int64_t wrapped = 0; ///< Of these, did not fit.
};

/// Adds the time between its construction and destruction.
class TimeAdder {
public:
  explicit TimeAdder(double &seconds)
      : seconds(seconds), start(std::chrono::steady_clock::now()) {}
  ~TimeAdder() {
    seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count();
  }
  TimeAdder(const TimeAdder &) = delete;
  TimeAdder &operator=(const TimeAdder &) = delete;

private:
  double &seconds;
  std::chrono::steady_clock::time_point start;
};

/// Integers that stand for numbers, value = scale * q, and how q comes from a
/// number x. round is to nearest, ties to even; every float operation is
/// rounded to float32.
struct IntegerGrid {
  enum class Form {
    Divided,    ///< q = round(clamp(x / scale, lowest, highest))
    Multiplied, ///< q = round(clamp(x * (1 / scale), lowest, highest))
    Clipped,    ///< q = round(clamp(x, 0, top) * (highest / top))
    Sign        ///< q = 1 where x >= 0, else -1
  };
  int32_t lowest = 0;
  int32_t highest = 0;
  float scale = 1;
  Form form = Form::Divided;
  float top = 0;      ///< Of Clipped.
  bool isOdd = false; ///< Odd numbers only.
  /// scale = max|x| / highest over the batch; `scale` means nothing.
  bool followsBatch = false;
};

/// Integer operands of a forward product, or of a part of it: some channels of
/// the input and the weights that they meet.
struct ForwardTerm {
  int64_t firstChannel = 0;
  int64_t channels = 0;
  IntegerGrid input;
  IntegerGrid weight;              ///< Its form means nothing.
  std::vector<float> weightScales; ///< By output; empty if all are weight's.
  std::vector<int32_t> weights;    ///< [outputs, kernel, kernel, channels]
};

/// A forward product as integers: what another program needs to compute it
/// without this one.
///   y = filterScales[o] sum over terms of float(sum x w) (xScale wScale)
/// in the order of the terms, then rounded to `result` and back.
struct ForwardOperands {
  std::vector<ForwardTerm> terms;
  std::vector<float> filterScales; ///< By output; empty if there are none.
  std::optional<IntegerGrid> result;
};

class Products {
public:
  virtual ~Products() = default;

  /// Fills y[images, outHeight, outWidth, outputs] from x and the weights. In
  /// training it keeps what backward needs. Here and below the tensors already
  /// have their shapes.
  virtual Status forward(const FloatTensor &x, const FloatTensor &weight,
                         FloatTensor &y, const Pass &pass) = 0;
  /// dWeight and dx, each unless it is null, of the last forward call, whose x
  /// and weight are given again. All gradients are at the scale of dy, unless
  /// dx says otherwise afterwards.
  virtual Status backward(const FloatTensor &x, const FloatTensor &weight,
                          const FloatTensor &dy, FloatTensor *dWeight,
                          FloatTensor *dx, const Pass &pass) = 0;

  virtual void visitParameters(const std::function<void(Parameter &)> &visit) {}
  virtual void visitState(StateVisitor &visitor) {}
  virtual std::vector<TensorReport> reportTensors() const { return {}; }
  /// Of the last forward call in Mode::Evaluate. An error says why they are no
  /// integers, or not all there is to the product.
  virtual Result<ForwardOperands> forwardOperands() const {
    return Status::error("its operands are floats");
  }
  /// From now on sums are as wide as the rules say. An error where products
  /// cannot do that.
  virtual Status useAccumulators(const AccumulatorRules &rules) {
    return Status::error("its sums cannot be narrowed; combine 'accumulators' "
                         "with float32, mixed16, fp8, fixed, apt, pfq or "
                         "static");
  }
  /// The name of what computes a product: a library or a kernel's symbol.
  virtual std::string implementation(Product product) const = 0;
  const ProductTimes &times() const { return seconds; }
  virtual const ProductWork &work() const { return done; }
  /// By Product; empty if sums are as wide as they need to be.
  virtual std::vector<AccumulatorReport> reportAccumulators() const {
    return {};
  }
  /// Exponent of the scale that dx of the last backward call had.
  virtual int gradientScaleExponent() const { return 0; }

protected:
  void visitWork(StateVisitor &visitor, const std::string &layer) {
    visitor.visit(layer + ".macs", done.macs);
    visitor.visit(layer + ".bitProducts", done.bitProducts);
  }

  ProductTimes seconds;
  ProductWork done;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CONTRACTIONS_PRODUCTS_H
