// A policy and the layers of a network as Python has them: one by one, on
// arrays in the trainer's order of dimensions.
#ifndef LPGEN_PYTHON_TRAINEDLAYER_H
#define LPGEN_PYTHON_TRAINEDLAYER_H

#include "python/Raise.h"
#include "python/ResultMemory.h"
#include "runtime/kernels/KernelProvider.h"
#include "training/policies/Policies.h"
#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

namespace lpgen {

namespace py = pybind11;

using Floats = py::array_t<float, py::array::c_style>;
/// Pieces of a state by name.
using State = std::map<std::string, std::string>;

inline void copyIn(const Floats &from, nn::FloatTensor &to) {
  to.resize({from.shape(), from.shape() + from.ndim()});
  std::copy_n(from.data(), from.size(), to.data());
}

/// The array as a tensor that must not be changed and does not outlive it.
inline nn::FloatTensor viewOf(const Floats &array) {
  return nn::FloatTensor::over(const_cast<float *>(array.data()),
                               {array.shape(), array.shape() + array.ndim()});
}

/// An array that owns the tensor.
inline py::array arrayOf(nn::FloatTensor tensor) {
  auto owner = std::make_unique<nn::FloatTensor>(std::move(tensor));
  const py::capsule capsule(owner.get(), [](void *memory) {
    delete static_cast<nn::FloatTensor *>(memory);
  });
  nn::FloatTensor *kept = owner.release();
  return py::array_t<float>(kept->shape(), kept->data(), capsule);
}

class Saver : public nn::StateVisitor {
public:
  void visitBytes(const std::string &name,
                  std::span<std::byte> bytes) override {
    pieces[name].assign(reinterpret_cast<const char *>(bytes.data()),
                        bytes.size());
  }
  State pieces;
};

class Restorer : public nn::StateVisitor {
public:
  explicit Restorer(const State &pieces) : pieces(&pieces) {}
  void visitBytes(const std::string &name,
                  std::span<std::byte> bytes) override {
    const auto piece = pieces->find(name);
    if (piece == pieces->end() || piece->second.size() != bytes.size()) {
      refuse(name);
    } else if (!bytes.empty()) {
      std::memcpy(bytes.data(), piece->second.data(), bytes.size());
    }
  }
  void refuse(const std::string &name) override { refused = name; }
  void check() const {
    if (!refused.empty()) {
      raise("the state is of another policy or layer: it has no good '" +
            refused + "'");
    }
  }

private:
  const State *pieces;
  std::string refused;
};

/// A parameter of PyTorch: its name, and its values or gradients.
using NamedFloats = std::vector<std::pair<std::string, Floats>>;

/// A policy with all that it needs, shared by the layers of a network. It owns
/// their products, since policies keep references to them.
class Precision {
public:
  Precision(std::string text, const std::string &program,
            const std::string &target, int threads, int64_t stepsPerEpoch,
            int64_t totalSteps, int64_t batchSize, uint64_t seed)
      : text(std::move(text)), kernels({program, "", target}), pool(threads),
        seed(seed), stepsPerEpoch(stepsPerEpoch), totalSteps(totalSteps),
        batchSize(batchSize), policy(makePolicy()) {
    check(pool.status());
  }

  std::unique_ptr<train::Policy> makePolicy() {
    return take(train::makePolicy(
        text, {&kernels, stepsPerEpoch, totalSteps, batchSize}));
  }
  nn::StepContext context(nn::Mode mode, int64_t step) {
    return {mode, step, seed.of("rounding").of(uint64_t(step)), &pool};
  }
  nn::ContractionBackend *makeBackend(const nn::LayerSpec &layer) {
    backends.push_back(take(policy->makeBackend(layer)));
    return backends.back().get();
  }

  /// Changes the arrays, and keeps them for the update.
  bool acceptGradients(NamedFloats gradients) {
    std::vector<nn::Parameter> parameters(gradients.size());
    for (size_t i = 0; i < gradients.size(); ++i) {
      parameters[i].name = gradients[i].first;
      copyIn(gradients[i].second, parameters[i].gradient);
    }
    const bool accepted = policy->acceptGradients(addresses(parameters));
    for (size_t i = 0; i < gradients.size(); ++i) {
      std::copy_n(parameters[i].gradient.data(), parameters[i].gradient.size(),
                  gradients[i].second.mutable_data());
    }
    accumulated = std::move(parameters);
    return accepted;
  }
  /// Changes the arrays.
  void afterUpdate(NamedFloats values, int64_t step) {
    std::vector<nn::Parameter> parameters(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      parameters[i].name = values[i].first;
      copyIn(values[i].second, parameters[i].value);
      const auto known = std::ranges::find(accumulated, parameters[i].name,
                                           &nn::Parameter::name);
      if (known != accumulated.end()) {
        parameters[i].gradient = std::move(known->gradient);
      }
    }
    accumulated.clear();
    policy->afterUpdate(addresses(parameters), context(nn::Mode::Train, step));
    for (size_t i = 0; i < values.size(); ++i) {
      std::copy_n(parameters[i].value.data(), parameters[i].value.size(),
                  values[i].second.mutable_data());
    }
  }
  void afterStep(double loss, int64_t step) {
    policy->afterStep(loss, context(nn::Mode::Train, step));
  }
  State state() {
    Saver saver;
    policy->visitState(saver);
    return saver.pieces;
  }
  void restore(const State &state) {
    Restorer restorer(state);
    policy->visitState(restorer);
    restorer.check();
  }

  std::string text;
  KernelProvider kernels;
  ThreadPool pool;
  std::shared_ptr<ResultMemory> results = std::make_shared<ResultMemory>();
  nn::RandomKey seed;
  int64_t stepsPerEpoch, totalSteps, batchSize;
  std::unique_ptr<train::Policy> policy;
  std::vector<nn::Parameter> accumulated; ///< Gradients of the step.
  std::mutex mutex; ///< One product at a time has the threads and the kernels.

private:
  static std::vector<nn::Parameter *>
  addresses(std::vector<nn::Parameter> &parameters) {
    std::vector<nn::Parameter *> list;
    list.reserve(parameters.size());
    for (nn::Parameter &parameter : parameters) {
      list.push_back(&parameter);
    }
    return list;
  }

  std::vector<std::unique_ptr<nn::ContractionBackend>> backends;
};

/// The products of one layer. Height and width of its images follow from what
/// it is given; for others it makes new products, with the state of the last.
class Contraction {
public:
  Contraction(std::shared_ptr<Precision> precision, nn::LayerSpec spec)
      : precision(std::move(precision)), spec(std::move(spec)) {
    // Names and state do not depend on the size of images, nor on the network
    // around the layer.
    nn::LayerSpec least = this->spec;
    least.geometry.height = least.geometry.width = least.geometry.kernel;
    owner = this->precision->makePolicy();
    first = take(owner->makeBackend(least));
  }

  /// What the policy learns of the layer, with the values of now.
  std::vector<std::pair<std::string, py::array>> learned() {
    std::vector<std::pair<std::string, py::array>> list;
    current()->visitParameters([&](nn::Parameter &parameter) {
      list.emplace_back(parameter.name, arrayOf(parameter.value));
    });
    return list;
  }

  /// y, and the state before the call.
  std::pair<py::array, State> forward(const Floats &x, const Floats &weight,
                                      const std::vector<Floats> &learnedValues,
                                      bool isTraining, int64_t step) {
    useGeometryOf(x);
    State before = state();
    const nn::FloatTensor input = viewOf(x);
    const nn::FloatTensor weights = viewOf(weight);
    inputShape = input.shape();
    weightShape = weights.shape();
    setLearned(learnedValues);
    nn::FloatTensor y = precision->results->take(outputShape(input));
    Status status;
    {
      const py::gil_scoped_release released;
      const std::lock_guard lock(precision->mutex);
      context = precision->context(
          isTraining ? nn::Mode::Train : nn::Mode::Evaluate, step);
      status = backend->forward(input, weights, y, *context);
    }
    checkNamed(status);
    return {precision->results->arrayOf(std::move(y)), std::move(before)};
  }
  /// Makes an earlier call of forward in training, which began in state
  /// `before`, the last one. The state of now stays.
  void repeat(const Floats &x, const Floats &weight,
              const std::vector<Floats> &learnedValues, int64_t step,
              const State &before) {
    useGeometryOf(x);
    const State now = state();
    restore(before);
    forward(x, weight, learnedValues, true, step);
    restore(now);
  }

  /// dx, dWeight and the gradients of what is learned, of the last forward call
  /// in training, whose x and weight are given again.
  std::tuple<std::optional<py::array>, py::array, std::vector<py::array>>
  backward(const Floats &x, const Floats &weight, const Floats &dy,
           bool wantsInput) {
    if (!context || !context->isTraining()) {
      raise("layer '" + spec.name + "': backward follows forward in training");
    }
    const nn::FloatTensor input = viewOf(x);
    const nn::FloatTensor weights = viewOf(weight);
    const nn::FloatTensor outputGradient = viewOf(dy);
    if (input.shape() != inputShape || weights.shape() != weightShape ||
        outputGradient.shape() != outputShape(input)) {
      raise("layer '" + spec.name +
            "': the operands of backward are not of the last forward call");
    }
    ResultMemory &results = *precision->results;
    nn::FloatTensor dWeight = results.take(weights.shape());
    nn::FloatTensor dx =
        results.take(wantsInput ? input.shape() : std::vector<int64_t>{0});
    Status status;
    {
      const py::gil_scoped_release released;
      const std::lock_guard lock(precision->mutex);
      status = backend->backward(input, weights, outputGradient, &dWeight,
                                 wantsInput ? &dx : nullptr, *context);
    }
    checkNamed(status);
    std::vector<py::array> learnedGradients;
    backend->visitParameters([&](nn::Parameter &parameter) {
      learnedGradients.push_back(arrayOf(parameter.gradient));
    });
    return {wantsInput ? std::optional(results.arrayOf(std::move(dx)))
                       : std::nullopt,
            results.arrayOf(std::move(dWeight)), std::move(learnedGradients)};
  }

  State state() {
    Saver saver;
    current()->visitState(saver);
    return saver.pieces;
  }
  void restore(const State &state) {
    Restorer restorer(state);
    current()->visitState(restorer);
    restorer.check();
  }

  nn::BackendReport report() { return current()->report(); }

  const nn::LayerSpec &layer() const { return spec; }
  /// Of the last forward call, if it was one in evaluation.
  networks::ForwardOperands operands() const {
    if (!context || context->isTraining()) {
      raise("layer '" + spec.name + "' has not been evaluated");
    }
    Result<networks::ForwardOperands> operands = backend->forwardOperands();
    if (!operands.ok()) {
      raise("layer '" + spec.name +
            "' has no integer product: " + operands.message() +
            (train::hasTrait(precision->text, train::Exports)
                 ? ""
                 : "; remedy: train under " +
                       train::policiesWith(train::Exports)));
    }
    return std::move(*operands);
  }

private:
  /// Before the first call there are only those that names come from.
  nn::ContractionBackend *current() { return backend ? backend : first.get(); }

  void useGeometryOf(const Floats &x) {
    ConvGeometry geometry = spec.geometry;
    if (x.ndim() == 4) {
      geometry.height = x.shape(1);
      geometry.width = x.shape(2);
    }
    if (backend && geometry == spec.geometry) {
      return;
    }
    if (geometry.height + 2 * geometry.padding < geometry.kernel ||
        geometry.width + 2 * geometry.padding < geometry.kernel) {
      raise("layer '" + spec.name + "': images of " +
            std::to_string(geometry.height) + " x " +
            std::to_string(geometry.width) + " pixels are too small for it");
    }
    const State before = state();
    spec.geometry = geometry;
    nn::ContractionBackend *&known = made[{geometry.height, geometry.width}];
    backend = known = known ? known : precision->makeBackend(spec);
    restore(before);
  }

  void setLearned(const std::vector<Floats> &values) {
    size_t i = 0;
    backend->visitParameters([&](nn::Parameter &parameter) {
      copyIn(values.at(i++), parameter.value);
    });
  }
  std::vector<int64_t> outputShape(const nn::FloatTensor &input) const {
    const ConvGeometry &g = spec.geometry;
    const int64_t images = input.extent(0);
    return input.shape().size() == 4
               ? std::vector{images, g.outHeight(), g.outWidth(), g.outputs}
               : std::vector{images, g.outputs};
  }
  void checkNamed(const Status &status) const {
    if (!status.ok()) {
      raise("layer '" + spec.name + "': " + status.message());
    }
  }

  std::shared_ptr<Precision> precision;
  nn::LayerSpec spec;
  std::unique_ptr<train::Policy> owner; ///< Of `first`.
  std::unique_ptr<nn::ContractionBackend> first;
  nn::ContractionBackend *backend = nullptr; ///< The policy owns it.
  std::map<std::pair<int64_t, int64_t>, nn::ContractionBackend *> made;
  // Of the last forward call.
  std::optional<nn::StepContext> context;
  std::vector<int64_t> inputShape;
  std::vector<int64_t> weightShape;
};

} // namespace lpgen

#endif // LPGEN_PYTHON_TRAINEDLAYER_H
