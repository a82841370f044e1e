// Tests of kernel programs: jobs go through the freestanding runner, on this
// CPU and under qemu; kernels that break a rule are caught and named.
#include "base/abi/lp_kernel.h"
#include "tests/Skipping.h"
#include "tests/unit/TestTypes.h"
#include "workbench/run/Emulator.h"
#include "workbench/run/JobFile.h"
#include "workbench/run/KernelProgram.h"
#include "workbench/run/Linker.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lpgen {
namespace {

using testing::HasSubstr;

std::string readFile(const char *path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  EXPECT_TRUE(bool(buffer)) << path;
  return buffer ? (*buffer)->getBuffer().str() : "";
}

TargetDesc x86Target() {
  TargetDesc target;
  target.name = "test_x86";
  target.triple = "x86_64-linux-gnu";
  target.emulator = "qemu-x86_64-static";
  return target;
}

TargetDesc armTarget() {
  TargetDesc target;
  target.name = "test_arm";
  target.triple = "aarch64-linux-gnu";
  target.cpuFeatures = LP_CPU_NEON;
  target.emulator = "qemu-aarch64-static";
  target.emulatorCpu = "max";
  return target;
}

/// A target and the test kernels compiled for it.
struct Platform {
  TargetDesc target;
  const char *objectPath;
};

class KernelProgramTest : public testing::TestWithParam<bool> {
protected:
  void SetUp() override {
    platform = GetParam() ? Platform{armTarget(), LPGEN_TEST_KERNELS_AARCH64}
                          : Platform{x86Target(), LPGEN_TEST_KERNELS_X86_64};
    const std::string object = readFile(platform.objectPath);
    Result<KernelProgram> linked =
        KernelProgram::link({llvm::StringRef(object)}, platform.target);
    if (!linked.ok() &&
        linked.message().find("is not in PATH") != std::string::npos) {
      LPGEN_SKIP_OR_FAIL(linked.message());
    }
    ASSERT_TRUE(linked.ok()) << linked.message();
    program = std::make_unique<KernelProgram>(std::move(*linked));
  }

  /// The error of running the kernel `name` of the rule breakers.
  std::string errorOf(const std::string &name) {
    HostTensor x(u8, {16});
    const Job job = {
        name, "", {}, JobSplitWhole, {"x"}, {&x}, {{"y", u8, {16}}}};
    const auto results = program->runJobs(job);
    return results.ok() ? "no error" : results.message();
  }

  Platform platform;
  std::unique_ptr<KernelProgram> program; ///< Set by SetUp.
};

INSTANTIATE_TEST_SUITE_P(Targets, KernelProgramTest, testing::Bool(),
                         [](const testing::TestParamInfo<bool> &info) {
                           return info.param ? "AArch64" : "X8664";
                         });

TEST_P(KernelProgramTest, RunsJobsInEverySplit) {
  std::vector<HostTensor> xs;
  std::vector<Job> jobs;
  xs.reserve(30);
  for (JobSplit split : {JobSplitWhole, JobSplitReverse, JobSplitChunks}) {
    for (int64_t size : {0, 1, 2, 3, 4, 7, 8, 100}) {
      HostTensor &x = xs.emplace_back(i32, std::vector<int64_t>{size});
      for (int64_t i = 0; i < size; ++i) {
        x.setInt(i, 3 * i - 7);
      }
      jobs.push_back(
          {"twice", "", {size}, split, {"x"}, {&x}, {{"y", i32, {size}}}});
    }
  }
  const auto results = program->runJobs(jobs);
  ASSERT_TRUE(results.ok()) << results.message();
  ASSERT_EQ(results->size(), jobs.size());
  for (size_t job = 0; job < jobs.size(); ++job) {
    const JobResult &result = (*results)[job];
    EXPECT_EQ(result.symbol, "twice_i32_test");
    ASSERT_EQ(result.outputs.size(), 1u);
    for (int64_t i = 0; i < jobs[job].sizes[0]; ++i) {
      EXPECT_EQ(result.outputs[0].getInt(i), 2 * (3 * i - 7));
    }
  }
}

TEST_P(KernelProgramTest, TimesRepeatedExecutions) {
  HostTensor x(i32, {8});
  x.setInt(7, 21);
  Job timed = {"twice", "", {8}, JobSplitWhole, {"x"}, {&x}, {{"y", i32, {8}}}};
  const Job untimed = timed;
  timed.timedSeconds = 0.002;
  const auto results = program->runJobs({timed, untimed});
  ASSERT_TRUE(results.ok()) << results.message();
  ASSERT_TRUE(results->front().timing.has_value());
  const KernelTiming &timing = *results->front().timing;
  EXPECT_GT(timing.executions, 3);
  EXPECT_GT(timing.minSeconds, 0);
  EXPECT_LT(timing.minSeconds, 1);
  EXPECT_LE(timing.minSeconds, timing.medianSeconds);
  // The chain of known latency is known for x86 only.
  EXPECT_EQ(timing.frequency.has_value(), !GetParam());
  EXPECT_EQ(results->front().outputs[0].getInt(7), 42);
  EXPECT_FALSE((*results)[1].timing.has_value());
}

TEST_P(KernelProgramTest, PacksAndSharesTheWorkspaceBetweenPhases) {
  HostTensor x(u8, {10});
  for (int i = 0; i < 10; ++i) {
    x.setInt(i, i + 1);
  }
  std::vector<Job> jobs;
  for (JobSplit split : {JobSplitWhole, JobSplitReverse, JobSplitChunks}) {
    // By symbol as well as by operator.
    jobs.push_back({split == JobSplitWhole ? "prefix" : "prefix_u8_test",
                    "",
                    {},
                    split,
                    {"x"},
                    {&x},
                    {{"y", i32, {10}}}});
  }
  const auto results = program->runJobs(jobs);
  ASSERT_TRUE(results.ok()) << results.message();
  for (const JobResult &result : *results) {
    EXPECT_EQ(result.outputs[0].getInt(0), 1);
    EXPECT_EQ(result.outputs[0].getInt(9), 55);
  }
}

TEST_P(KernelProgramTest, NamesTheBrokenRule) {
  EXPECT_THAT(errorOf("read_past_input"),
              HasSubstr("kernel 'read_past_input_test' in job 1 of 1 (tasks "
                        "split: whole): died with signal 11 at byte 16 of "
                        "input 'x', which has 16 bytes"));
  EXPECT_THAT(errorOf("write_input"),
              HasSubstr("died with signal 11 at byte 3 of input 'x', which has "
                        "16 bytes and must not be written"));
  EXPECT_THAT(errorOf("write_past_workspace"),
              HasSubstr("bytes around the workspace (10 bytes) were "
                        "overwritten"));
  EXPECT_THAT(errorOf("write_before_output"),
              HasSubstr("bytes around output 'y' (16 bytes) were overwritten"));
  EXPECT_THAT(errorOf("wild_pointer"),
              HasSubstr("died with signal 11 at address 0x8, which is in no "
                        "buffer of the kernel"));
  EXPECT_THAT(errorOf("refuse"),
              HasSubstr("phase 0: this CPU lacks features that the kernel "
                        "needs (status 6)"));
  EXPECT_THAT(errorOf("other_abi"),
              HasSubstr("it has ABI version 2, expected 1"));
  EXPECT_THAT(errorOf("missing"), HasSubstr("no such kernel is linked in"));
  EXPECT_THAT(errorOf("twice"),
              HasSubstr("disagrees on the numbers of buffers"));
}

TEST_P(KernelProgramTest, NamesTheJobOfAKernelThatIsKilled) {
  EXPECT_THAT(errorOf("overflow_stack"), HasSubstr("the kernel program"));
  EXPECT_THAT(errorOf("overflow_stack"),
              HasSubstr("in job 1 of 1 (tasks split: whole), kernel "
                        "'overflow_stack'"));
}

TEST_P(KernelProgramTest, ReportsSizesOutOfBounds) {
  HostTensor x(i32, {101});
  const Job job = {"twice", "101 elements",     {101}, JobSplitWhole, {"x"},
                   {&x},    {{"y", i32, {101}}}};
  EXPECT_THAT(program->runJobs(job).message(),
              HasSubstr("(101 elements; tasks split: whole): phase 0 has -1 "
                        "tasks"));
}

TEST(KernelProgram, SaysWhatToInstall) {
  TargetDesc target = armTarget();
  target.emulator = "qemu-no-such-emulator";
  if (!hostRuns(target)) {
    EXPECT_THAT(KernelProgram::link({}, target).message(),
                HasSubstr("its emulator 'qemu-no-such-emulator' is not in "
                          "PATH; install it with 'apt-get install "
                          "qemu-user-static'"));
    target.emulator = "";
    EXPECT_THAT(KernelProgram::link({}, target).message(),
                HasSubstr("no emulator for it is known"));
  }
  target.triple = "riscv64-linux-gnu";
  EXPECT_THAT(KernelProgram::link({}, target).message(),
              HasSubstr("kernel runner for x86-64 and AArch64 only"));
}

TEST(Linker, ReportsWhatTheLinkerSays) {
  EXPECT_THAT(
      linkObjects(LinkKind::Program, {"/no/such/object.o"}, "/no/such/output")
          .message(),
      HasSubstr("/no/such/object.o"));
}

TEST(TemporaryFile, VanishesWithItsOwner) {
  std::string path;
  {
    Result<TemporaryFile> file = TemporaryFile::create("txt", "content");
    ASSERT_TRUE(file.ok());
    path = file->path();
    TemporaryFile moved = std::move(*file);
    EXPECT_EQ(*moved.read(), "content");
    EXPECT_TRUE(llvm::sys::fs::exists(path));
  }
  EXPECT_FALSE(llvm::sys::fs::exists(path));
}

TEST(JobFile, TruncatedResultsNameTheJob) {
  const Job job = {"k", "", {}, JobSplitWhole, {}, {}, {}};
  ResultRecord start = {};
  start.kind = RecordStart;
  std::string bytes(reinterpret_cast<const char *>(&start), sizeof(start));
  EXPECT_EQ(decodeResults("", job, "ended with status 9").message(),
            "the kernel program ended with status 9 before job 1 of 1 (tasks "
            "split: whole), kernel 'k'");
  EXPECT_EQ(
      decodeResults(bytes, job, "ended with status 9").message(),
      "the kernel program ended with status 9 in job 1 of 1 (tasks split: "
      "whole), kernel 'k'");
  start.kind = RecordSymbol;
  start.bytes = 1000;
  bytes.append(reinterpret_cast<const char *>(&start), sizeof(start));
  EXPECT_THAT(decodeResults(bytes, job, "ended").message(),
              HasSubstr("in job 1 of 1"));
}

/// The test kernels for this CPU, to be run through a shell command.
Result<KernelProgram> linkRemote(const std::string &remote) {
  const std::string object = readFile(LPGEN_TEST_KERNELS_X86_64);
  return KernelProgram::link({llvm::StringRef(object)}, x86Target(), remote);
}

TEST(RemoteProgram, TravelsAsOneFileAndBack) {
  const auto command = commandFor(x86Target(), "");
  if (!command.ok() || command->size() > 1) {
    LPGEN_SKIP_OR_FAIL("not on x86-64");
  }
  const Result<KernelProgram> program = linkRemote("sh -c");
  ASSERT_TRUE(program.ok()) << program.message();
  HostTensor x(i32, {3});
  x.setInt(2, 5);
  Job job = {"twice", "", {3}, JobSplitWhole, {"x"}, {&x}, {{"y", i32, {3}}}};
  job.timedSeconds = 0.001;
  const auto results = program->runJobs(job);
  ASSERT_TRUE(results.ok()) << results.message();
  EXPECT_EQ(results->front().outputs[0].getInt(2), 10);
  EXPECT_TRUE(results->front().timing.has_value());
}

TEST(RemoteProgram, SaysWhatTheCommandDid) {
  const Result<KernelProgram> program = linkRemote("exit 255;");
  ASSERT_TRUE(program.ok()) << program.message();
  HostTensor x(i32, {1});
  const Job job = {"twice",          "", {1}, JobSplitWhole, {"x"}, {&x},
                   {{"y", i32, {1}}}};
  const auto results = program->runJobs(job);
  ASSERT_FALSE(results.ok());
  EXPECT_THAT(results.message(), HasSubstr("ended with status 255"));
  EXPECT_THAT(results.message(), HasSubstr("run by 'exit 255;'"));
  const auto output = program->execute(job);
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->bytes, "");
}

} // namespace
} // namespace lpgen
