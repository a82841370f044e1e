// Worker threads that sleep between phases; every phase wakes all of them once.
#include "base/system/ThreadPool.h"
#include "base/system/SystemError.h"
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

void ThreadPool::run(int64_t tasks, const Work &work) {
  const int workers = numWorkers();
  // Waking others for a single task costs more than it gives.
  const bool alone = workers == 1 || tasks <= 1;
  if (!alone) {
    const std::lock_guard<std::mutex> lock(mutex);
    assert(running == 0 && "one call of run at a time");
    current = &work;
    currentTasks = tasks;
    running = workers - 1;
    ++generation;
    wakened.notify_all();
  }
  const TaskRange mine =
      alone ? TaskRange{0, tasks} : taskShare(tasks, 0, workers);
  if (mine.begin < mine.end) {
    work(0, mine);
  }
  if (!alone) {
    std::unique_lock<std::mutex> lock(mutex);
    finished.wait(lock, [this] { return running == 0; });
    current = nullptr;
  }
}

void ThreadPool::serve(int worker) {
  uint64_t seen = 0;
  std::unique_lock<std::mutex> lock(mutex);
  while (true) {
    wakened.wait(lock, [&] { return stopping || generation != seen; });
    if (stopping) {
      return;
    }
    seen = generation;
    const Work *work = current;
    const TaskRange range = taskShare(currentTasks, worker, numWorkers());
    lock.unlock();
    if (range.begin < range.end) {
      (*work)(worker, range);
    }
    lock.lock();
    if (--running == 0) {
      finished.notify_one();
    }
  }
}

} // namespace lpgen
