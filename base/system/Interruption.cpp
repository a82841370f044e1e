// The handler writes a byte into a pipe; a thread reads it and does what no
// handler may.
#include "base/system/Interruption.h"
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace lpgen {

namespace {
struct Child {
  pid_t process; ///< 0 for one that was not started.
  bool leadsGroup;
};

/// Of the process. Never destroyed: its thread may outlive main.
struct State {
  std::mutex mutex; ///< Kept by a process that ends: nothing starts any more.
  std::vector<std::string> files;
  std::vector<Child> children;
  std::array<int, 2> pipe = {-1, -1};
  std::atomic<OnSignal> onSignal = OnSignal::End;
  std::atomic<bool> isInterrupted = false;
};
} // namespace

static State &state() {
  static State &only = *new State;
  return only;
}

static void onSignal(int /*number*/) {
  const int error = errno;
  const char byte = 0;
  // A full pipe has bytes enough.
  [[maybe_unused]] const ssize_t ignored =
      ::write(state().pipe[1], &byte, sizeof byte);
  errno = error;
}

/// Waits up to 3 s for the children to be gone.
static bool areChildrenGone(const std::vector<Child> &children) {
  for (int tick = 0; tick < 300; ++tick) {
    // A child is there until runProgram has fetched its status.
    if (std::ranges::none_of(children, [](const Child &child) {
          return child.process != 0 && ::kill(child.process, 0) == 0;
        })) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

[[noreturn]] static void end() {
  state().mutex.lock();
  const std::vector<Child> &children = state().children;
  for (const int number : {SIGTERM, SIGKILL}) {
    for (const Child &child : children) {
      if (child.process != 0) {
        ::kill(child.leadsGroup ? -child.process : child.process, number);
      }
    }
    if (areChildrenGone(children)) {
      break;
    }
  }
  for (const std::string &path : state().files) {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  ::_exit(interruptedStatus);
}

static void serve() {
  while (true) {
    char byte = 0;
    if (::read(state().pipe[0], &byte, 1) != 1) {
      continue; // EINTR; the other end is never closed.
    }
    if (state().onSignal == OnSignal::End ||
        state().isInterrupted.exchange(true)) {
      end();
    }
  }
}

void endOnSignals(OnSignal what) {
  state().onSignal = what;
  if (state().pipe[0] >= 0) {
    return;
  }
  if (::pipe2(state().pipe.data(), O_CLOEXEC) != 0 ||
      ::fcntl(state().pipe[1], F_SETFL, O_NONBLOCK) != 0) {
    return; // No descriptors: signals end the process by themselves.
  }
  std::thread(serve).detach();
  struct sigaction action = {};
  action.sa_handler = onSignal;
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old = {};
    ::sigaction(number, nullptr, &old);
    if (number != SIGHUP || old.sa_handler != SIG_IGN) {
      ::sigaction(number, &action, nullptr);
    }
  }
}

bool isInterrupted() { return state().isInterrupted; }

UnfinishedFile::UnfinishedFile(std::string path) : path(std::move(path)) {
  if (!this->path.empty()) {
    const std::lock_guard<std::mutex> lock(state().mutex);
    state().files.push_back(this->path);
  }
}

UnfinishedFile::~UnfinishedFile() {
  if (!path.empty()) {
    const std::lock_guard<std::mutex> lock(state().mutex);
    state().files.erase(std::ranges::find(state().files, path));
  }
}

UnfinishedFile::UnfinishedFile(UnfinishedFile &&other) noexcept
    : path(std::exchange(other.path, {})) {}

UnfinishedFile &UnfinishedFile::operator=(UnfinishedFile &&other) noexcept {
  std::swap(path, other.path);
  return *this;
}

RunningChild::RunningChild(const std::function<pid_t()> &start, bool ofGroup) {
  // Under the lock, so that no signal comes between start and entry.
  const std::lock_guard<std::mutex> lock(state().mutex);
  child = start();
  state().children.push_back({child, ofGroup});
}

RunningChild::~RunningChild() {
  const std::lock_guard<std::mutex> lock(state().mutex);
  state().children.erase(
      std::ranges::find(state().children, child, &Child::process));
}

} // namespace lpgen
