// Statistics over subjects with known durations, and the clock.
#include "tests/Skipping.h"
#include "workbench/measure/Clock.h"
#include "workbench/measure/Means.h"
#include "workbench/measure/Measure.h"
#include "workbench/measure/Report.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace lpgen;
using testing::HasSubstr;
using testing::Not;

namespace {

/// Claims durations start, start + 1, ..., packing a tenth of it.
Subject growing(double start, double *next, bool packs) {
  *next = start;
  return {"growing", [next, packs]() -> Result<Duration> {
            const double seconds = (*next)++;
            return Duration{seconds, packs ? seconds / 10 : 0};
          }};
}

TEST(MeasureTest, minimumMedianAndPacking) {
  double next = 0;
  const Result<std::vector<Measurement>> results =
      measure({growing(1, &next, true)}, 4, 0);
  ASSERT_TRUE(results.ok());
  const Measurement &result = results->front();
  EXPECT_GE(result.executions, 4);
  // The first execution, 1 s, was the warm-up.
  EXPECT_DOUBLE_EQ(result.compute.minSeconds, 2);
  EXPECT_DOUBLE_EQ(result.total.minSeconds, 2.2);
  EXPECT_GT(result.compute.medianSeconds, result.compute.minSeconds);
  EXPECT_TRUE(result.hasPacking);
}

TEST(MeasureTest, subjectsTakeTurns) {
  std::string order;
  const auto subject = [&](char name) {
    return Subject{std::string(1, name), [&order, name]() -> Result<Duration> {
                     if (order.empty() || order.back() != name) {
                       order += name;
                     }
                     return Duration{1, 0};
                   }};
  };
  ASSERT_TRUE(measure({subject('a'), subject('b'), subject('c')}, 3, 0).ok());
  // Rotating: abc bca cab, neighbours of one name merged.
  EXPECT_EQ(order, "abcbcacab");
}

TEST(MeasureTest, failureStopsIt) {
  const Subject broken{
      "broken", []() -> Result<Duration> { return Status::error("it broke"); }};
  const auto results = measure({broken}, 3, 0);
  ASSERT_FALSE(results.ok());
  EXPECT_EQ(results.message(), "it broke");
}

TEST(ClockTest, frequencyIsThatOfACpu) {
  const std::optional<double> frequency = measureFrequency();
  if (!frequency) {
    LPGEN_SKIP_OR_FAIL("no known instruction latency on this architecture");
  }
  // A disturbed measurement is low, never high.
  EXPECT_LT(*frequency, 8e9);
  EXPECT_GT(*frequency, 1e6);
}

/// A report of a kernel that takes `ours` seconds and a baseline that takes
/// `theirs`, at 1 GHz.
KernelReport makeReport(const BenchKernel &kernel, double ours, double theirs) {
  const auto timing = [](double seconds) {
    return Timing{seconds, 2 * seconds, seconds * 1e9, 2 * seconds * 1e9};
  };
  KernelReport report;
  report.kernel = &kernel;
  report.symbol = "lp_test";
  report.ours.name = "lpgen";
  report.ours.compute = report.ours.total = timing(ours);
  BaselineReport baseline;
  baseline.measurement.name = "baseline";
  baseline.measurement.compute = baseline.measurement.total = timing(theirs);
  baseline.agreement = Agreement::Equal;
  report.baselines.push_back(baseline);
  return report;
}

TEST(BandwidthTest, everyLevelIsRead) {
  ThreadPool pool(2);
  for (ThreadPool *threads : {static_cast<ThreadPool *>(nullptr), &pool}) {
    const Result<std::vector<Bandwidth>> measured = measureBandwidths(threads);
    ASSERT_TRUE(measured.ok()) << measured.message();
    for (const Bandwidth &bandwidth : *measured) {
      EXPECT_GT(bandwidth.perSecond, 0) << bandwidth.level;
      EXPECT_GT(bandwidth.bytes, 0) << bandwidth.level;
    }
  }
}

TEST(ReportTest, meansAreGeometric) {
  BenchKernel kernel;
  kernel.op = "op";
  kernel.nominalMacs = 2000000;
  kernel.realMacs = 1000000;
  const std::vector<KernelReport> reports = {makeReport(kernel, 1e-3, 2e-3),
                                             makeReport(kernel, 4e-3, 32e-3)};
  const std::vector<Mean> means = geometricMeans(reports);
  ASSERT_EQ(means.size(), 2U);
  EXPECT_EQ(means[0].name, "lpgen");
  EXPECT_NEAR(means[0].macsPerCycle.value_or(0), 0.5,
              1e-9);                      // Of 1 and 0.25, real MACs.
  EXPECT_NEAR(means[0].gigaOps, 1, 1e-9); // Of 2 and 0.5.
  EXPECT_EQ(means[1].name, "baseline");
  EXPECT_NEAR(means[1].ratio, 4, 1e-9); // Of 2 and 8.
}

TEST(ReportTest, meansLeaveOutBaselinesThatMissAKernel) {
  BenchKernel kernel;
  kernel.nominalMacs = 1;
  std::vector<KernelReport> reports = {makeReport(kernel, 1, 2),
                                       makeReport(kernel, 1, 2)};
  reports[1].baselines.clear();
  EXPECT_EQ(geometricMeans(reports).size(), 1U);
}

TEST(ReportTest, kernelsWithoutSumsHaveNoRates) {
  BenchKernel sums;
  sums.nominalMacs = 1000;
  BenchKernel elementwise;
  const std::vector<KernelReport> reports = {makeReport(elementwise, 1, 2),
                                             makeReport(sums, 1, 4)};
  const std::vector<Mean> means = geometricMeans(reports);
  ASSERT_EQ(means.size(), 2U);
  EXPECT_NEAR(means[1].ratio, 4, 1e-9);
  EXPECT_EQ(macsPerCycle(0, reports[0].ours.compute), std::nullopt);
  EXPECT_EQ(gigaOps(0, reports[0].ours.compute), std::nullopt);
}

TEST(ReportTest, textAndJson) {
  BenchKernel kernel;
  kernel.op = "op";
  kernel.schedules = {"of y: direct<>"};
  kernel.nominalMacs = 2000000;
  kernel.realMacs = 1000000;
  BenchJob job;
  job.target = "x86_avx2";
  KernelReport report = makeReport(kernel, 1e-3, 2e-3);
  report.notes = {"other: too wide"};
  const std::string text = formatText(job, {report});
  EXPECT_THAT(text, HasSubstr("op: kernel lp_test"));
  EXPECT_THAT(text, HasSubstr("schedule of y: direct<>"));
  EXPECT_THAT(text, HasSubstr("1.000 M multiply-accumulates inside the tensors "
                              "(2.000 M with the padding)"));
  EXPECT_THAT(text, HasSubstr("equal results"));
  EXPECT_THAT(text, HasSubstr("not measured: other: too wide"));
  EXPECT_THAT(text, Not(HasSubstr("geometric"))); // Of one there is none.
  const std::string json = formatJson(job, {report}, {{"L1", 16384, 2e11, {}}});
  EXPECT_THAT(json, HasSubstr("\"gbPerSecond\": 200.0"));
  EXPECT_THAT(json, HasSubstr("\"macPerCycle\": 1.0"));
  EXPECT_THAT(json, HasSubstr("\"timeOverLpgen\": 2.0"));
  EXPECT_THAT(json, HasSubstr("\"fromMemory\": null"));
}

TEST(ReportTest, saysWhatABaselineDoesNotWrite) {
  BenchKernel kernel;
  kernel.op = "op";
  kernel.nominalMacs = 1;
  kernel.tensors.resize(3);
  kernel.tensors[0].name = "x";
  kernel.tensors[1].name = "acc";
  kernel.tensors[2].name = "y";
  kernel.tensors[1].isInput = false;
  KernelReport report = makeReport(kernel, 1e-3, 2e-3);
  EXPECT_THAT(formatText({}, {report}), Not(HasSubstr("lpgen writes")));
  kernel.tensors[2].isInput = false;
  EXPECT_THAT(
      formatText({}, {report}),
      HasSubstr("lpgen writes acc, y; a baseline writes one of them\n"));
  report.baselines.clear();
  EXPECT_THAT(formatText({}, {report}), Not(HasSubstr("lpgen writes")));
}

TEST(ReportTest, layersHaveSharesOfTheFastestExecution) {
  BenchKernel kernel;
  kernel.op = "net";
  kernel.layers = {{"a", "u4[2, 8]", 600000, 0},
                   {"s", "i32[2, 8]", 300000, 2},
                   {"y", "u4[2, 8]", 100000, 2}};
  kernel.nominalMacs = 1000000;
  kernel.batch = 2;
  KernelReport report = makeReport(kernel, 1e-3, 2e-3);
  report.ours.layers = {0.75e-3, 0, 0.25e-3};
  const std::vector<LayerTime> times = layerTimes(report);
  ASSERT_EQ(times.size(), 3U);
  EXPECT_NEAR(times[0].share, 0.75, 1e-9);
  EXPECT_EQ(times[1].macsPerCycle, std::nullopt); // Its work is that of y.
  EXPECT_EQ(times[2].macs, 400000);
  EXPECT_NEAR(times[2].macsPerCycle.value_or(0), 1.6, 1e-9); // 250000 cycles
  const std::string text = formatText({}, {report});
  EXPECT_THAT(text, HasSubstr("  a      u4[2, 8]         0.600  "
                              "0.7500   75.0 %        0.8\n"));
  EXPECT_THAT(text, HasSubstr("  s      i32[2, 8]  in y  0.300  "
                              "0.0000    0.0 %          -\n"));
  EXPECT_THAT(text, HasSubstr("batch of 2: 2000.0 images/s"));
  const std::string json = formatJson({}, {report}, {});
  EXPECT_THAT(json, HasSubstr("\"computedIn\": \"y\""));
  EXPECT_THAT(json, HasSubstr("\"imagesPerSecond\": 2000.0"));
}

TEST(MeasureTest, layersAreThoseOfTheFastestExecution) {
  int run = 0;
  const auto measured = measure({{"x",
                                  [&]() -> Result<Duration> {
                                    const double seconds =
                                        ++run == 3 ? 0.03 : 0.05;
                                    return Duration{seconds, 0, {seconds / 3}};
                                  }}},
                                6, 0);
  ASSERT_TRUE(measured.ok()) << measured.message();
  ASSERT_EQ(measured->front().layers.size(), 1U);
  EXPECT_NEAR(measured->front().layers.front(), 0.01, 1e-9);
}

TEST(ReportTest, ratesFromMemory) {
  BenchKernel kernel;
  kernel.op = "op";
  kernel.nominalMacs = 1000000;
  KernelReport report = makeReport(kernel, 1e-3, 2e-3);
  MemoryReport memory;
  memory.ours = report.baselines[0].measurement; // 2 ms
  memory.read = report.ours;                     // 1 ms
  memory.copyBytes = 3000000;
  memory.copies = 7;
  report.fromMemory = memory;
  EXPECT_THAT(formatText({}, {report}),
              HasSubstr("7 copies of 3.00 MB in turn: the kernel reads 1.50 "
                        "GB/s, a plain read 3.00 GB/s, ratio 0.500"));
  const std::string json = formatJson({}, {report}, {});
  EXPECT_THAT(json, HasSubstr("\"readGbPerSecond\": 3.0"));
  EXPECT_THAT(json, HasSubstr("\"ratio\": 0.5"));
}

} // namespace
