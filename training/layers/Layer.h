// Layers: explicit forward and backward over float tensors.
//
// A network is a tree of layers (Sequential, Residual). A training step is
// forward of the root, the loss, backward of the root; then the optimizer
// updates the parameters. Layers keep references to what they were given in
// forward, so inputs live until the backward call is done.
#ifndef LPGEN_TRAINING_LAYERS_LAYER_H
#define LPGEN_TRAINING_LAYERS_LAYER_H

#include "base/system/Status.h"
#include "base/system/ThreadPool.h"
#include "training/core/FloatTensor.h"
#include "training/core/Random.h"
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace lpgen::nn {

enum class Mode {
  Train,    ///< Batch statistics, stochastic rounding, backward follows.
  Evaluate, ///< Running statistics, rounding to nearest, no backward.
};

/// What all layers of one step share.
struct Pass {
  Mode mode = Mode::Train;
  int64_t step = 0; ///< Updates done so far.
  RandomKey random = RandomKey(0);
  ThreadPool *pool = nullptr;

  bool isTraining() const { return mode == Mode::Train; }
};

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
};

/// Takes the factor 2^exponent out of gradients.
inline void unscale(FloatTensor &gradient, int exponent) {
  if (exponent != 0) {
    for (float &value : gradient.values()) {
      value = std::ldexp(value, -exponent);
    }
  }
}

class Products;

class Layer {
public:
  explicit Layer(std::string name) : layerName(std::move(name)) {}
  virtual ~Layer() = default;
  Layer(const Layer &) = delete;
  Layer &operator=(const Layer &) = delete;
  const std::string &name() const { return layerName; }

  /// Shapes `y` and fills it.
  virtual Status forward(const FloatTensor &x, FloatTensor &y,
                         const Pass &pass) = 0;
  /// From dL/dy of the last forward call: shapes and fills `dx`, writes the
  /// gradients of the parameters. The scale exponent of `dx` is already that of
  /// `dy`, which most layers leave; gradients of parameters are without scale.
  virtual Status backward(const FloatTensor &dy, FloatTensor &dx,
                          const Pass &pass) = 0;
  virtual void visitParameters(const std::function<void(Parameter &)> &visit) {}
  /// State that is no parameter: running statistics, widths.
  virtual void visitState(StateVisitor &visitor) {}
  /// The products of a layer that has weights, else null.
  virtual const Products *products() const { return nullptr; }
  /// Visits this layer and those inside it, in the order of forward.
  virtual void visitLayers(const std::function<void(Layer &)> &visit) {
    visit(*this);
  }

private:
  std::string layerName;
};

/// Runs `work(task)` for all tasks on the pool, or here without one. What is
/// computed must not depend on which worker has which task.
inline void forEachTask(const Pass &pass, int64_t tasks,
                        const std::function<void(int64_t)> &work) {
  const auto share = [&](int, TaskRange range) {
    for (int64_t task = range.begin; task < range.end; ++task) {
      work(task);
    }
  };
  if (pass.pool) {
    pass.pool->run(tasks, share);
  } else {
    share(0, {0, tasks});
  }
}

/// The number of parts of every reduction over a batch. It is fixed, and parts
/// are added in order: so sums do not depend on the number of threads.
constexpr int reductionParts = 16;

/// Runs `work(begin, end)` on [0, count) cut into reductionParts parts; `work`
/// gets the number of the part as well.
inline void
forEachPart(const Pass &pass, int64_t count,
            const std::function<void(int part, TaskRange range)> &work) {
  forEachTask(pass, reductionParts, [&](int64_t part) {
    work(int(part), taskShare(count, int(part), reductionParts));
  });
}

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_LAYERS_LAYER_H
