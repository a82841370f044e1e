// Memory of the tensors that Python gets, used again when it has let go of
// them: a step makes the same tensors as the one before, and fresh memory costs
// a fault for each page.
#ifndef LPGEN_PYTHON_RESULTMEMORY_H
#define LPGEN_PYTHON_RESULTMEMORY_H

#include "training/core/FloatTensor.h"
#include <algorithm>
#include <memory>
#include <mutex>
#include <pybind11/numpy.h>
#include <vector>

namespace lpgen {

/// Shared by the arrays that have its memory. They come back on any thread.
class ResultMemory : public std::enable_shared_from_this<ResultMemory> {
public:
  /// Elements are unspecified.
  nn::FloatTensor take(std::vector<int64_t> shape) {
    nn::FloatTensor tensor = idleOf(shape);
    tensor.resize(std::move(shape));
    const std::lock_guard lock(mutex);
    used += tensor.size();
    mostUsed = std::max(mostUsed, used);
    return tensor;
  }

  /// An array of what was taken.
  pybind11::array arrayOf(nn::FloatTensor tensor) {
    struct Lent {
      nn::FloatTensor tensor;
      std::shared_ptr<ResultMemory> memory;
    };
    auto lent =
        std::make_unique<Lent>(Lent{std::move(tensor), shared_from_this()});
    const pybind11::capsule capsule(lent.get(), [](void *pointer) {
      const std::unique_ptr<Lent> back(static_cast<Lent *>(pointer));
      back->memory->giveBack(std::move(back->tensor));
    });
    nn::FloatTensor &kept = lent.release()->tensor;
    return pybind11::array_t<float>(kept.shape(), kept.data(), capsule);
  }

private:
  nn::FloatTensor idleOf(const std::vector<int64_t> &shape) {
    int64_t size = 1;
    for (const int64_t extent : shape) {
      size *= extent;
    }
    const std::lock_guard lock(mutex);
    const auto found = std::ranges::find_if(
        idle, [&](const nn::FloatTensor &each) { return each.size() == size; });
    if (found == idle.end()) {
      return {};
    }
    nn::FloatTensor tensor = std::move(*found);
    idle.erase(found);
    idleSize -= size;
    return tensor;
  }

  /// No more is kept than was in use at once, the oldest least.
  void giveBack(nn::FloatTensor tensor) {
    const std::lock_guard lock(mutex);
    used -= tensor.size();
    idleSize += tensor.size();
    idle.push_back(std::move(tensor));
    while (idleSize > mostUsed) {
      idleSize -= idle.front().size();
      idle.erase(idle.begin());
    }
  }

  std::mutex mutex;
  std::vector<nn::FloatTensor> idle; ///< In the order of their return.
  int64_t idleSize = 0;              ///< Elements, here and below.
  int64_t used = 0;
  int64_t mostUsed = 0;
};

} // namespace lpgen

#endif // LPGEN_PYTHON_RESULTMEMORY_H
