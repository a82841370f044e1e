// A pool of worker threads that runs the tasks of one kernel phase at a time.
//
// Tasks are split statically: worker i of n gets the i-th of n equal ranges, so
// equal calls give equal work to equal workers. The end of `run` is the barrier
// between phases.
#ifndef LPGEN_BASE_SYSTEM_THREADPOOL_H
#define LPGEN_BASE_SYSTEM_THREADPOOL_H

#include "base/system/Status.h"
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <pthread.h>
#include <vector>

namespace lpgen {

/// A half-open range of task numbers.
struct TaskRange {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
  bool operator==(const TaskRange &other) const = default;
};

/// The share of worker `worker` of `workers` in `tasks` tasks: the shares are
/// adjacent, in order, and differ in size by one at most.
TaskRange taskShare(int64_t tasks, int worker, int workers);

class ThreadPool {
public:
  /// What a worker does with its range.
  using Work = std::function<void(int worker, TaskRange range)>;

  /// A pool of `workers` >= 1 workers; the calling thread of `run` is worker 0,
  /// so one thread less is started. Where `status` may be an error, it is to be
  /// asked before `run`.
  explicit ThreadPool(int workers);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int numWorkers() const { return int(threads.size()) + 1; }

  /// An error if the system does not give as many threads.
  const Status &status() const { return started; }

  /// Runs `work` on every worker whose share of `tasks` is not empty and
  /// returns when all are done; what they wrote is then visible to the caller.
  /// One call at a time; `work` must not throw.
  void run(int64_t tasks, const Work &work);

private:
  /// A thread, and what it is told.
  struct Worker {
    ThreadPool *pool;
    int number;
    pthread_t thread;
  };
  static void *serveWorker(void *worker);
  void serve(int worker);

  Status started;
  std::mutex mutex;
  std::condition_variable wakened;
  std::condition_variable finished;
  const Work *current = nullptr; ///< Guarded by mutex, as all below.
  int64_t currentTasks = 0;
  uint64_t generation = 0; ///< Counts the calls of run.
  int running = 0;         ///< Workers still busy with this generation.
  bool stopping = false;
  std::vector<Worker> threads; ///< Never moves.
};

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_THREADPOOL_H
