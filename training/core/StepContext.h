// What all parts of a training step share: its number, its randomness, the
// threads; and the loops that give the same sums on any number of threads.
#ifndef LPGEN_TRAINING_CORE_STEPCONTEXT_H
#define LPGEN_TRAINING_CORE_STEPCONTEXT_H

#include "base/system/ThreadPool.h"
#include "training/core/Random.h"
#include "training/core/TimeSteps.h"
#include <cstdint>
#include <functional>

namespace lpgen::nn {

enum class Mode {
  Train,    ///< Batch statistics, stochastic rounding, backward follows.
  Evaluate, ///< Running statistics, rounding to nearest, no backward.
};

/// What passes of a step are for, of optimizers that have a center.
struct Centering;

/// What all layers of one step share.
struct StepContext {
  Mode mode = Mode::Train;
  int64_t step = 0; ///< Updates done so far.
  RandomKey random = RandomKey(0);
  ThreadPool *pool = nullptr;
  const Centering *centering = nullptr; ///< Of optimizers that have a center.

  bool isTraining() const { return mode == Mode::Train; }
  /// A pass at the center, beside that of the step: running statistics stay.
  bool isBeside = false;
  TimeSteps time; ///< Of spiking networks.
};

/// Of its pool, or the calling thread alone.
inline int numWorkers(const StepContext &context) {
  return context.pool ? context.pool->numWorkers() : 1;
}

/// Runs `work(task)` for all tasks on the pool, or here without one. What is
/// computed must not depend on which worker has which task.
inline void forEachTask(const StepContext &context, int64_t tasks,
                        const std::function<void(int64_t)> &work) {
  const auto share = [&](int, TaskRange range) {
    for (int64_t task = range.begin; task < range.end; ++task) {
      work(task);
    }
  };
  if (context.pool) {
    context.pool->run(tasks, share);
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
forEachPart(const StepContext &context, int64_t count,
            const std::function<void(int part, TaskRange range)> &work) {
  forEachTask(context, reductionParts, [&](int64_t part) {
    work(int(part), taskShare(count, int(part), reductionParts));
  });
}

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_CORE_STEPCONTEXT_H
