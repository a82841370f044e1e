// What a network remembers from step to step: parameters, which the optimizer
// updates, and all other state, which a checkpoint holds as well.
#ifndef LPGEN_TRAINING_CORE_PARAMETER_H
#define LPGEN_TRAINING_CORE_PARAMETER_H

#include "training/core/FloatTensor.h"
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

namespace lpgen::nn {

/// A tensor that the optimizer updates.
struct Parameter {
  std::string name; ///< "layer.weight", unique in a network.
  FloatTensor value;
  FloatTensor gradient; ///< Of the last backward call, not accumulated.
  bool decays = true;   ///< Takes part in weight decay.
};

/// Sees every byte that a resumed run needs, in the same order whether it is
/// saved or restored.
class StateVisitor {
public:
  virtual ~StateVisitor() = default;
  virtual void visitBytes(const std::string &name,
                          std::span<std::byte> bytes) = 0;

  void visit(const std::string &name, std::span<float> values) {
    visitBytes(name, std::as_writable_bytes(values));
  }
  void visit(const std::string &name, FloatTensor &tensor) {
    visit(name, tensor.values());
  }
  template <typename T>
    requires std::is_arithmetic_v<T>
  void visit(const std::string &name, T &value) {
    visitBytes(name, std::as_writable_bytes(std::span(&value, 1)));
  }
  /// A byte of a file is not always a bool.
  void visit(const std::string &name, bool &value) {
    auto byte = std::byte(value);
    visitBytes(name, std::span(&byte, 1));
    value = byte != std::byte(0);
  }
  /// An integer that means nothing outside of [least, most]: one that is
  /// restored stays as it was and is refused.
  template <std::integral T>
  void visitFrom(const std::string &name, T &value, T least, T most) {
    const T before = value;
    visit(name, value);
    if (value < least || value > most) {
      value = before;
      refuse(name);
    }
  }
  /// What was restored under this name means nothing.
  virtual void refuse(const std::string &name) {}
};

/// Takes the factor 2^exponent out of gradients.
inline void unscale(FloatTensor &gradient, int exponent) {
  if (exponent != 0) {
    for (float &value : gradient.values()) {
      value = std::ldexp(value, -exponent);
    }
  }
}

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CORE_PARAMETER_H
