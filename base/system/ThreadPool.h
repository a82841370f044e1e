// A pool of worker threads that runs the tasks of one kernel phase at a time.
//
// Workers take chunks of tasks from a shared counter until there are none, so
// that one whose core is taken away delays the others by a chunk at most. Which
// worker runs a task is left open; results must not depend on it. The end of
// `run` is the barrier between phases.
#ifndef LPGEN_BASE_SYSTEM_THREADPOOL_H
#define LPGEN_BASE_SYSTEM_THREADPOOL_H

#include "base/system/Status.h"
#include <atomic>
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

  /// Runs `work` on ranges that together are [0, tasks), several on one worker,
  /// and returns when all are done; what they wrote is then visible to the
  /// caller. One call at a time; `work` must not throw.
  void run(int64_t tasks, const Work &work);

private:
  /// A thread, and what it is told.
  struct Worker {
    ThreadPool *pool;
    int number;
    pthread_t thread;
  };
  /// Ranges that a worker takes if all are equally fast.
  static constexpr int64_t chunksPerWorker = 8;

  static void *serveWorker(void *worker);
  void serve(int worker);
  /// No thread takes tasks; what they wrote is visible.
  bool isIdle() const { return busy.load(std::memory_order_acquire) == 0; }
  void takeChunks(int worker, const Work &work, int64_t tasks);

  Status started;
  std::mutex mutex;
  std::condition_variable wakened;
  std::condition_variable finished;
  /// Guarded by mutex, as all below that is not atomic; null when there is
  /// nothing left to take.
  const Work *current = nullptr;
  int64_t currentTasks = 0;
  int64_t chunk = 1;                    ///< Constant while tasks are taken.
  std::atomic<int64_t> next = 0;        ///< The first task that nobody took.
  std::atomic<uint64_t> generation = 0; ///< Counts the calls of run.
  std::atomic<int> busy = 0;            ///< Threads that take tasks.
  bool stopping = false;
  std::vector<Worker> threads; ///< Never moves.
};

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_THREADPOOL_H
