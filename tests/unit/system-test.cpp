// Files that appear complete or not at all, locks, children, signals, misspelt
// names.
#include "base/system/AtomicFile.h"
#include "base/system/FileLock.h"
#include "base/system/Interruption.h"
#include "base/system/NearestName.h"
#include "base/system/OutputFiles.h"
#include "base/system/StandardStreams.h"
#include "base/system/Subprocess.h"
#include "tests/TemporaryFolder.h"
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace lpgen {
namespace {

namespace fs = std::filesystem;

/// Each test has an empty folder of its own.
class Files : public testing::Test {
protected:
  std::string pathOf(const std::string &name) const {
    return folder + "/" + name;
  }
  std::string read(const std::string &name) const {
    const Result<std::string> text = readWholeFile(pathOf(name));
    return text.ok() ? *text : text.message();
  }
  void write(const std::string &name, const std::string &text) const {
    const Status status = writeFileAtomically(pathOf(name), text);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  mode_t modeOf(const std::string &name) const {
    struct stat info = {};
    EXPECT_EQ(::stat(pathOf(name).c_str(), &info), 0);
    return info.st_mode & 07777;
  }
  size_t numFiles() const {
    return size_t(std::distance(fs::directory_iterator(folder),
                                fs::directory_iterator()));
  }

  const TemporaryFolder own;
  const std::string folder = own.path();
};

TEST_F(Files, HonourTheUmaskAndKeepRights) {
  const mode_t before = ::umask(0077);
  write("new", "a");
  EXPECT_EQ(modeOf("new"), 0600U);
  ::umask(0002);
  write("other", "a");
  EXPECT_EQ(modeOf("other"), 0664U);
  ASSERT_EQ(::chmod(pathOf("other").c_str(), 0640), 0);
  write("other", "b");
  EXPECT_EQ(modeOf("other"), 0640U);
  ::umask(before);
}

TEST_F(Files, PercentSignsAndEmptyNames) {
  write("%s%n%%", "a");
  EXPECT_EQ(read("%s%n%%"), "a");
  EXPECT_EQ(writeFileAtomically("", "a").message(),
            "cannot write '': expected the name of a file");
}

TEST_F(Files, ReplaceWhatALinkNames) {
  write("file", "old");
  fs::create_symlink("file", pathOf("link"));
  fs::create_symlink("none", pathOf("dangling"));
  fs::create_symlink("loop", pathOf("loop"));
  write("link", "new");
  EXPECT_TRUE(fs::is_symlink(pathOf("link")));
  EXPECT_EQ(read("file"), "new");
  write("dangling", "made");
  EXPECT_TRUE(fs::is_symlink(pathOf("dangling")));
  EXPECT_EQ(read("none"), "made");
  EXPECT_FALSE(writeFileAtomically(pathOf("loop"), "a").ok());
}

TEST_F(Files, WriteIntoPipesAndDevices) {
  ASSERT_EQ(::mkfifo(pathOf("pipe").c_str(), 0600), 0);
  std::string seen;
  std::thread reader([&] { seen = read("pipe"); });
  write("pipe", "through");
  reader.join();
  EXPECT_EQ(seen, "through");
  EXPECT_TRUE(fs::is_fifo(pathOf("pipe")));
  EXPECT_TRUE(writeFileAtomically("/dev/null", "a").ok());
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(writeFileAtomically("/dev/full", "a").message(),
            "cannot write '/dev/full': the disk is full; make room or write "
            "elsewhere");
  EXPECT_EQ(writeFileAtomically(folder, "a").message(),
            "cannot write '" + folder + "': it is a folder");
}

TEST_F(Files, WriteIntoOpenFilesOfAProcess) {
  // As /dev/stdout behind a redirection is.
  const int file = ::open(pathOf("out").c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_GE(file, 0);
  ASSERT_EQ(::write(file, "1 ", 2), 2);
  ASSERT_TRUE(writeFileAtomically("/dev/fd/" + std::to_string(file), "2").ok());
  ::close(file);
  EXPECT_EQ(read("out"), "1 2");
}

TEST_F(Files, AreWrittenAllOrNone) {
  write("a", "old");
  fs::create_directory(pathOf("folder"));
  OutputFiles files;
  files.add(pathOf("a"), "new");
  files.add(pathOf("b"), "new");
  files.add(pathOf("folder"), "new");
  EXPECT_EQ(files.commit().message(), "cannot write '" + pathOf("folder") +
                                          "': it is a folder; nothing was "
                                          "written");
  OutputFiles full;
  full.add(pathOf("a"), "new");
  full.add("/dev/full", "new");
  EXPECT_FALSE(full.commit().ok());
  EXPECT_EQ(read("a"), "old");
  EXPECT_EQ(numFiles(), 2U);
  OutputFiles twice;
  twice.add(pathOf("a"), "1");
  twice.add(pathOf("a"), "2");
  EXPECT_EQ(twice.commit().message(),
            "cannot write '" + pathOf("a") +
                "': it is the name of two outputs; nothing was written");
  OutputFiles good;
  good.add(pathOf("a"), "new");
  good.add(pathOf("b"), "new");
  ASSERT_TRUE(good.commit().ok());
  EXPECT_EQ(read("a") + read("b"), "newnew");
  EXPECT_EQ(numFiles(), 3U);
}

TEST_F(Files, StayInTheirFolder) {
  for (const char *name : {"../evil", "a/b", "..", ".", ""}) {
    OutputFiles files;
    files.addIn(pathOf("out"), "good", "a");
    files.addIn(pathOf("out"), name, "a");
    EXPECT_FALSE(files.commit().ok()) << name;
    EXPECT_EQ(numFiles(), 0U) << name;
  }
  OutputFiles files;
  files.addIn(pathOf("out/deep"), "good", "a");
  ASSERT_TRUE(files.commit().ok());
  EXPECT_EQ(read("out/deep/good"), "a");
}

TEST_F(Files, LeftoversGoAndFilesInWorkStay) {
  const std::string left = pathOf("x.lpgen-tmp0");
  write("x.lpgen-tmp0", "left");
  write("x", "new");
  EXPECT_EQ(numFiles(), 1U);
  write("x.lpgen-tmp0", "left");
  removeLeftovers(pathOf("x"));
  EXPECT_FALSE(fs::exists(left));
  // One that is being written is locked.
  write("x.lpgen-tmp0", "in work");
  const int file = ::open(left.c_str(), O_RDONLY);
  ASSERT_EQ(::flock(file, LOCK_EX), 0);
  write("x", "newer");
  removeLeftovers(pathOf("x"));
  EXPECT_EQ(read("x") + read("x.lpgen-tmp0"), "newerin work");
  ::close(file);
}

TEST_F(Files, NoLinkInTheWayIsFollowed) {
  write("victim", "safe");
  fs::create_symlink("victim", pathOf("x.lpgen-tmp0"));
  write("x", "new");
  EXPECT_EQ(read("victim"), "safe");
  EXPECT_EQ(read("x"), "new");
}

TEST_F(Files, LocksAreOfOneProcess) {
  const std::string path = pathOf("lock");
  Result<std::optional<FileLock>> first = FileLock::attempt(path);
  ASSERT_TRUE(first.ok() && first->has_value());
  Result<std::optional<FileLock>> second = FileLock::attempt(path);
  ASSERT_TRUE(second.ok());
  EXPECT_FALSE(second->has_value());
  first->reset();
  EXPECT_TRUE(FileLock::wait(path).ok());
  EXPECT_FALSE(FileLock::attempt(pathOf("none/lock")).ok());
}

TEST_F(Files, FoldersAreNoEmptyFiles) {
  EXPECT_EQ(readWholeFile(folder).message(),
            "cannot read '" + folder + "': it is a folder");
}

/// The exit status of a child of this process that does `work`.
int statusOf(const std::function<int()> &work,
             const std::function<void(pid_t)> &meanwhile) {
  const pid_t child = ::fork();
  if (child == 0) {
    // What ran the tests may ignore them, as nohup does, and a program honours
    // that.
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
      ::signal(number, SIG_DFL);
    }
    ::_exit(work());
  }
  meanwhile(child);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void waitForFile(const std::string &path) {
  for (int tick = 0; tick < 2000 && !fs::exists(path); ++tick) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST_F(Files, SignalsTakeChildrenAndUnfinishedFilesAlong) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    fs::remove(pathOf("started"));
    const int status = statusOf(
        [&] {
          endOnSignals();
          const UnfinishedFile unfinished(pathOf("unfinished"));
          fs::create_directories(pathOf("unfinished/deep"));
          (void)runProgram({"/bin/sh", "-c",
                            "trap 'echo > " + pathOf("ended") +
                                "; exit 1' TERM; echo > " + pathOf("started") +
                                "; while :; do sleep 0.01; done"});
          return 0;
        },
        [&](pid_t child) {
          waitForFile(pathOf("started"));
          ::kill(child, number);
        });
    EXPECT_EQ(status, 130) << number;
    EXPECT_TRUE(fs::exists(pathOf("ended"))) << number;
    EXPECT_FALSE(fs::exists(pathOf("unfinished"))) << number;
    fs::remove(pathOf("ended"));
  }
}

TEST_F(Files, TheFirstSignalTellsTheSecondEnds) {
  const auto work = [&] {
    endOnSignals(OnSignal::Tell);
    write("started", "");
    while (!isInterrupted()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    write("told", "");
    std::this_thread::sleep_for(std::chrono::seconds(30));
    return 0;
  };
  EXPECT_EQ(statusOf(work,
                     [&](pid_t child) {
                       waitForFile(pathOf("started"));
                       ::kill(child, SIGINT);
                       waitForFile(pathOf("told"));
                       ::kill(child, SIGTERM);
                     }),
            130);
}

TEST_F(Files, AGroupsSignalDoesNotReachSteps) {
  const auto work = [&] {
    ::setpgid(0, 0);
    endOnSignals(OnSignal::Tell);
    const Result<ProgramOutcome> outcome =
        runProgram({"/bin/sh", "-c",
                    "echo > " + pathOf("started") + "; sleep 0.3; exit 7"});
    return outcome.ok() && isInterrupted() ? outcome->exitStatus : 1;
  };
  EXPECT_EQ(statusOf(work,
                     [&](pid_t child) {
                       waitForFile(pathOf("started"));
                       ::kill(-child, SIGINT);
                     }),
            7);
}

TEST_F(Files, StandardStreamsThatAreClosed) {
  const auto work = [&] {
    ::close(STDOUT_FILENO);
    ::close(STDERR_FILENO);
    openStandardStreams();
    const int file = ::open(pathOf("file").c_str(), O_WRONLY | O_CREAT, 0600);
    std::fputs("message", stderr);
    std::fputs("result", stdout);
    return file > 2 && !flushStandardOutput().ok() ? 5 : 1;
  };
  EXPECT_EQ(statusOf(work, [](pid_t) {}), 5);
  EXPECT_EQ(read("file"), "");
}

TEST(Names, TheNearestOne) {
  const std::vector<std::string> known = {"apt", "static", "hgq"};
  const auto quoted = [&](const std::string &name) {
    return quoteWithNearest(name, known);
  };
  EXPECT_EQ(quoted("atp"), "'atp', expected 'apt'"); // A swap counts once.
  EXPECT_EQ(quoted("statik"), "'statik', expected 'static'");
  EXPECT_EQ(quoted("satitc"), "'satitc', expected 'static'");
  EXPECT_EQ(quoted("xyz"), "'xyz', expected one of apt, static, hgq");
  EXPECT_EQ(quoted(""), "'', expected one of apt, static, hgq");
}

} // namespace
} // namespace lpgen
