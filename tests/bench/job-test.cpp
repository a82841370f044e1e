// Job files that are not what they should be, and the inputs made for a job.
#include "workbench/measure/Inputs.h"
#include "workbench/measure/Job.h"
#include <cstdio>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace lpgen;
using testing::HasSubstr;

namespace {

/// Reads a job from text.
Result<BenchJob> readText(const std::string &text) {
  const std::string path = testing::TempDir() + "lpgen-job-test.json";
  std::ofstream(path) << text;
  Result<BenchJob> job = readJob(path);
  std::remove(path.c_str());
  return job;
}

const char *const header =
    R"("target": "generic", "hostCpu": "x", "peerIsa": "", "repetitions": 2,
       "minSeconds": 0.5, "fromMemory": true)";

TEST(JobTest, empty) {
  const auto job =
      readText(std::string("{") + header + R"(, "threads": 3, "kernels": []})");
  ASSERT_TRUE(job.ok()) << job.message();
  EXPECT_EQ(job->target, "generic");
  EXPECT_EQ(job->threads, 3);
  EXPECT_TRUE(job->fromMemory);
  EXPECT_TRUE(job->kernels.empty());
}

TEST(JobTest, errors) {
  EXPECT_THAT(readJob("/nonexistent/job").message(),
              HasSubstr("cannot read job file '/nonexistent/job'"));
  EXPECT_THAT(readText("{").message(), HasSubstr("parse error"));
  EXPECT_THAT(readText("{}").message(), HasSubstr("'target' not found"));
  EXPECT_THAT(
      readText(std::string("{") + header + R"(, "threads": 0, "kernels": []})")
          .message(),
      HasSubstr("'threads' is 0, expected an integer from 1 to 1024"));
  EXPECT_THAT(readText(std::string("{") + header +
                       R"(, "threads": 1, "kernels": [{"op": 1}]})")
                  .message(),
              HasSubstr("type must be string"));
}

TEST(InputsTest, areLegal) {
  BenchKernel kernel;
  kernel.tensors = {
      {"bipolar", {Encoding::Bipolar, 2}, {100}, -3, 3},
      {"declared", {Encoding::Signed, 16}, {100}, -5, 2},
      {"scalar", {Encoding::Signed, 32}, {}, 3, 1000},
      {"scale", {Encoding::Float, 32}, {10}, 0, 0},
      {"y", {Encoding::Signed, 32}, {2, 2}, INT32_MIN, INT32_MAX, false}};
  const auto tensors = makeTensors(kernel);
  ASSERT_TRUE(tensors.ok()) << tensors.message();
  EXPECT_EQ((*tensors)[0].firstIllegalValue(), std::nullopt);
  EXPECT_EQ((*tensors)[1].firstValueOutside(-5, 2), std::nullopt);
  EXPECT_GE((*tensors)[2].getInt(0), 3);
  EXPECT_GE((*tensors)[3].getFloat(0), 0.0F);
  EXPECT_EQ((*tensors)[4].getInt(3), 0);
}

} // namespace
