// The cost model against stored measurements: how much of the speed of the best
// measured schedule the one has that the model would choose among them.
#include "targets/cpus/Cpus.h"
#include "workbench/tune/Measured.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <gtest/gtest.h>

namespace lpgen {
namespace {

/// The share of the best measured speed that the model's choice has.
double shareOf(const std::vector<CountedSchedule> &schedules) {
  const auto chosen = llvm::min_element(
      schedules, [](const CountedSchedule &a, const CountedSchedule &b) {
        return a.predicted < b.predicted;
      });
  const auto best = llvm::min_element(
      schedules, [](const CountedSchedule &a, const CountedSchedule &b) {
        return a.measured < b.measured;
      });
  return best->measured / chosen->measured;
}

class Measured : public testing::TestWithParam<std::string> {};

TEST_P(Measured, TheModelsChoiceIsNearTheBest) {
  const std::string root = LPGEN_SOURCE_DIR;
  const std::string &cpu = GetParam();
  ASSERT_NE(findCpu(cpu), nullptr);
  const auto cases =
      readMeasured(root + "/schedules/measured/" + cpu + ".jsonl");
  ASSERT_TRUE(cases.ok()) << cases.message();
  ASSERT_GE(cases->size(), 30U);
  double sum = 0;
  double least = 1;
  for (const MeasuredCase &measured : *cases) {
    const auto counted = countMeasured(measured, root, cpu);
    ASSERT_TRUE(counted.ok()) << counted.message();
    ASSERT_GE(counted->size(), 8U) << measured.name();
    const double share = shareOf(*counted);
    std::printf("%5.1f %% %s\n", 100 * share, measured.name().c_str());
    sum += share;
    least = std::min(least, share);
  }
  const double mean = sum / double(cases->size());
  std::printf("mean %.1f %%, least %.1f %%\n", 100 * mean, 100 * least);
  EXPECT_GE(mean, 0.97);
  EXPECT_GE(least, 0.90);
}

/// The CPUs that have a store.
std::vector<std::string> measuredCpus() {
  std::vector<std::string> cpus;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator
           it(LPGEN_SOURCE_DIR "/schedules/measured", error),
       end;
       !error && it != end; it.increment(error)) {
    if (llvm::sys::path::extension(it->path()) == ".jsonl") {
      cpus.push_back(llvm::sys::path::stem(it->path()).str());
    }
  }
  llvm::sort(cpus);
  return cpus;
}

INSTANTIATE_TEST_SUITE_P(Cpus, Measured, testing::ValuesIn(measuredCpus()),
                         [](const testing::TestParamInfo<std::string> &info) {
                           return info.param;
                         });

} // namespace
} // namespace lpgen
