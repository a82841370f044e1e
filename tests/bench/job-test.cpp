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
    R"("target": "generic", "hostCpu": "x", "baselineIsa": "", "repetitions": 2,
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

TEST(JobTest, whatIsWrittenIsRead) {
  BenchJob job;
  job.target = "x86_avx2";
  job.hostCpu = "znver4";
  job.baselineIsa = "avx2";
  job.threads = 2;
  job.repetitions = 7;
  job.minSeconds = 0.25;
  job.fromMemory = true;
  BenchKernel kernel;
  kernel.op = "conv";
  kernel.library = "a.so";
  kernel.estimates = {{"Cortex-A53", 1.5}};
  kernel.schedules = {"of acc: direct"};
  kernel.phases = {"pack", "main"};
  kernel.layers = {{"a", "u4[3, 8]", 90, 1}, {"b", "i32[]", 6, 1}};
  kernel.phaseLayers = {1, 1};
  kernel.batch = 3;
  kernel.sizes = {3};
  kernel.tensors = {
      {"x", {Encoding::Unsigned, 2}, {3, 8}, 0, 3},
      {"y", {Encoding::Signed, 32}, {3, 4}, INT32_MIN, INT32_MAX, false}};
  kernel.nominalMacs = 96;
  kernel.realMacs = 90;
  kernel.problem = Problem{};
  kernel.problem->isDepthwise = true;
  kernel.problem->strideW = 2;
  kernel.problem->output = OutputKind::U8;
  job.kernels = {kernel, {}};
  job.kernels[1].whyNoBaselines = "it is no product";
  const std::string text = jobText(job);
  const auto found = parseJobText(text, "job");
  ASSERT_TRUE(found.ok()) << found.message();
  EXPECT_EQ(jobText(*found), text);
  EXPECT_EQ(found->kernels[0].tensors[1].type.str(), "i32");
  EXPECT_FALSE(found->kernels[0].tensors[1].isInput);
  EXPECT_EQ(found->kernels[0].realMacs, 90);
  EXPECT_TRUE(found->kernels[0].problem->isDepthwise);
  EXPECT_EQ(found->kernels[0].problem->output, OutputKind::U8);
  EXPECT_EQ(found->kernels[1].realMacs, std::nullopt);
  EXPECT_FALSE(found->kernels[1].problem);
  for (const auto &[from, to] :
       {std::pair("\"u2\"", "\"u99\""),
        std::pair("\"u8\"", "\"u9\""),
        std::pair("\"w\": 1", "\"w\": 2"),
        std::pair("\"w\": 1", "\"w\": -1"),
        std::pair("\"w\": 1", "\"w\": 4294967297"),
        std::pair("\"strideW\": 2", "\"strideW\": 1.5"),
        std::pair("\"strideW\": 2", "\"strideW\": 0"),
        std::pair("\"strideW\": 2", "\"strideW\": true"),
        std::pair("\"channels\": 1", "\"channels\": 100"),
        std::pair("\"depthwise\"", "\"sparse\""),
        std::pair("\"hi\": 3,", "\"hi\": 4,"),
        std::pair("\"lo\": 0,", "\"lo\": 18446744073709551615,"),
        std::pair("\"computedIn\": 1", "\"computedIn\": 2"),
        std::pair("\"macs\": 90", "\"macs\": -1"),
        std::pair("\"batch\": 3", "\"batch\": -1"),
        std::pair("\"pack\",", ""),
        std::pair("\"nominalMacs\": 96", "\"nominalMacs\": -1"),
        std::pair("\"realMacs\": 90", "\"realMacs\": -1"),
        std::pair("\"minSeconds\": 0.25", "\"minSeconds\": true"),
        std::pair("\"minSeconds\": 0.25", "\"minSeconds\": 3601"),
        std::pair("\"repetitions\": 7", "\"repetitions\": 1e9")}) {
    std::string bad = text;
    ASSERT_NE(bad.find(from), std::string::npos) << from;
    bad.replace(bad.find(from), std::string(from).size(), to);
    EXPECT_FALSE(parseJobText(bad, "job").ok()) << to;
  }
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
