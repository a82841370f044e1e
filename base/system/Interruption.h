// What a signal ends, and what it takes along.
//
// A program calls endOnSignals first in main. Until then, and in programs that
// never call it, signals do what the system does by itself.
#ifndef LPGEN_BASE_SYSTEM_INTERRUPTION_H
#define LPGEN_BASE_SYSTEM_INTERRUPTION_H

#include <functional>
#include <string>
#include <sys/types.h>

namespace lpgen {

/// Exit status of a program that SIGINT, SIGTERM or SIGHUP ended.
constexpr int interruptedStatus = 130;

enum class OnSignal {
  End, ///< Ends the process at once.
  Tell ///< The first signal only makes isInterrupted() true; the next one ends.
};

/// From now on SIGINT, SIGTERM and SIGHUP do `what`. Where they end the
/// process, its children end before it, unfinished files are removed, and the
/// status is interruptedStatus. A SIGHUP that is ignored stays so (nohup).
void endOnSignals(OnSignal what = OnSignal::End);

/// Has a signal come, under OnSignal::Tell?
bool isInterrupted();

/// A file, or a folder with all that is in it, that goes when a signal ends the
/// process.
class UnfinishedFile {
public:
  UnfinishedFile() = default;
  /// None if `path` is "".
  explicit UnfinishedFile(std::string path);
  ~UnfinishedFile();
  UnfinishedFile(UnfinishedFile &&other) noexcept;
  UnfinishedFile &operator=(UnfinishedFile &&other) noexcept;

private:
  std::string path; ///< "" for none.
};

/// A child process that goes when a signal ends this one.
class RunningChild {
public:
  /// The one that `start` returns; 0 if there is none. `ofGroup`: with all
  /// processes of the group that it leads.
  RunningChild(const std::function<pid_t()> &start, bool ofGroup);
  ~RunningChild();
  RunningChild(const RunningChild &) = delete;
  RunningChild &operator=(const RunningChild &) = delete;

private:
  pid_t child = 0;
};

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_INTERRUPTION_H
