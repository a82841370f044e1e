// Worker threads that wait between phases, awake for a while, then asleep.
#include "base/system/ThreadPool.h"
#include "base/system/SystemError.h"
#include <algorithm>
#include <cassert>
#include <string>

namespace lpgen {

TaskRange taskShare(int64_t tasks, int worker, int workers) {
  assert(worker >= 0 && worker < workers && "no such worker");
  // Not tasks * worker / workers, which could overflow.
  const int64_t base = tasks / workers;
  const int64_t extra = tasks % workers;
  const int64_t begin = base * worker + (worker < extra ? worker : extra);
  return {begin, begin + base + (worker < extra ? 1 : 0)};
}

ThreadPool::ThreadPool(int workers) {
  assert(workers >= 1 && "a pool has at least the calling thread");
  threads.reserve(size_t(workers) - 1);
  // Not std::thread, which throws where there is no memory for its stack.
  for (int number = 1; number < workers; ++number) {
    Worker &worker = threads.emplace_back(this, number);
    const int error =
        ::pthread_create(&worker.thread, nullptr, serveWorker, &worker);
    if (error != 0) {
      threads.pop_back();
      started = Status::error("cannot start " + std::to_string(workers) +
                              " threads, only " + std::to_string(numWorkers()) +
                              ": " + describeSystemError(error) +
                              "; remedy: ask for fewer");
      return;
    }
  }
}

void *ThreadPool::serveWorker(void *worker) {
  const auto *self = static_cast<const Worker *>(worker);
  self->pool->serve(self->number);
  return nullptr;
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex);
    stopping = true;
  }
  wakened.notify_all();
  for (const Worker &worker : threads) {
    ::pthread_join(worker.thread, nullptr);
  }
}

/// Until it is done, or for a while: the next phase of a kernel, and the end of
/// one, often come before a thread that sleeps could wake.
template <typename IsDone>
static void spinUntil(IsDone isDone) {
  constexpr int turns = 2000;
  for (int i = 0; i < turns && !isDone(); ++i) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
}

void ThreadPool::run(int64_t tasks, const Work &work) {
  const int workers = numWorkers();
  if (workers == 1 || tasks <= 1) {
    // Waking others for a single task costs more than it gives.
    if (tasks > 0) {
      work(0, {0, tasks});
    }
    return;
  }
  {
    const std::lock_guard<std::mutex> lock(mutex);
    assert(!current && isIdle() && "one call of run at a time");
    current = &work;
    currentTasks = tasks;
    chunk = std::max<int64_t>(tasks / (int64_t(workers) * chunksPerWorker), 1);
    next.store(0, std::memory_order_relaxed);
    generation.fetch_add(1, std::memory_order_release);
  }
  wakened.notify_all();
  takeChunks(0, work, tasks);
  {
    const std::lock_guard<std::mutex> lock(mutex);
    current = nullptr; // For those that have not woken yet nothing is left.
  }
  spinUntil([this] { return isIdle(); });
  std::unique_lock<std::mutex> lock(mutex);
  finished.wait(lock, [this] { return isIdle(); });
}

void ThreadPool::takeChunks(int worker, const Work &work, int64_t tasks) {
  const int64_t size = chunk;
  while (true) {
    const int64_t begin = next.fetch_add(size, std::memory_order_relaxed);
    if (begin >= tasks) {
      return;
    }
    work(worker, {begin, std::min(begin + size, tasks)});
  }
}

void ThreadPool::serve(int worker) {
  uint64_t seen = 0;
  std::unique_lock<std::mutex> lock(mutex);
  while (true) {
    lock.unlock();
    spinUntil(
        [&] { return generation.load(std::memory_order_acquire) != seen; });
    lock.lock();
    wakened.wait(lock, [&] {
      return stopping || generation.load(std::memory_order_relaxed) != seen;
    });
    if (stopping) {
      return;
    }
    seen = generation.load(std::memory_order_relaxed);
    if (!current) {
      continue;
    }
    const Work &work = *current;
    const int64_t tasks = currentTasks;
    busy.fetch_add(1, std::memory_order_relaxed);
    lock.unlock();
    takeChunks(worker, work, tasks);
    lock.lock();
    if (busy.fetch_sub(1, std::memory_order_release) == 1) {
      finished.notify_one();
    }
  }
}

} // namespace lpgen
