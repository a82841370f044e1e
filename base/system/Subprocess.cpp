// posix_spawn, a pipe for what is caught, waitpid.
#include "base/system/Subprocess.h"
#include "base/system/Interruption.h"
#include "base/system/SystemError.h"
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ; // NOLINT(readability-redundant-declaration)

namespace lpgen {

static std::string readAll(int descriptor) {
  std::string text;
  std::array<char, 4096> buffer;
  while (true) {
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count > 0) {
      text.append(buffer.data(), size_t(count));
    } else if (count == 0 || errno != EINTR) {
      return text;
    }
  }
}

Result<std::string> programFolder() {
  std::error_code error;
  const std::filesystem::path self =
      std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) {
    return Status::error("cannot find the folder of this program: " +
                         error.message());
  }
  return self.parent_path().string();
}

namespace {
/// How a child begins: its descriptors and its group.
class Start {
public:
  Start(ProgramKind kind, int messages) {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    if (kind != ProgramKind::Stand) {
      const bool isQuestion = kind == ProgramKind::Question;
      posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                       O_RDONLY, 0);
      posix_spawn_file_actions_addopen(
          &actions, isQuestion ? STDERR_FILENO : STDOUT_FILENO, "/dev/null",
          O_WRONLY, 0);
      posix_spawn_file_actions_adddup2(
          &actions, messages, isQuestion ? STDOUT_FILENO : STDERR_FILENO);
      posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    }
  }
  ~Start() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  Start(const Start &) = delete;
  Start &operator=(const Start &) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};
} // namespace

static int waitFor(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<ProgramOutcome> runProgram(const std::vector<std::string> &arguments,
                                  ProgramKind kind) {
  std::vector<char *> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string &argument : arguments) {
    argv.push_back(const_cast<char *>(argument.c_str()));
  }
  argv.push_back(nullptr);
  const auto failure = [&](int error) {
    return Status::error("cannot run '" + arguments.front() +
                         "': " + describeSystemError(error));
  };
  std::array<int, 2> pipe;
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return failure(errno);
  }
  const Start start(kind, pipe[1]);
  pid_t child = 0;
  int error = 0;
  const RunningChild running(
      [&] {
        error = ::posix_spawn(&child, argv[0], &start.actions,
                              &start.attributes, argv.data(), environ);
        return error == 0 ? child : 0;
      },
      /*ofGroup=*/kind != ProgramKind::Stand);
  ::close(pipe[1]);
  ProgramOutcome outcome;
  if (error == 0) {
    outcome.messages = readAll(pipe[0]);
    outcome.exitStatus = waitFor(child);
  }
  ::close(pipe[0]);
  if (error != 0) {
    return failure(error);
  }
  return outcome;
}

} // namespace lpgen
