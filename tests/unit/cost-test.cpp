// The cost model against stored measurements: how much of the speed of the best
// measured schedule the one has that the model would choose among them.
#include "targets/cpus/Cpus.h"
#include "workbench/tune/Measured.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <gtest/gtest.h>
#include <utility>

namespace lpgen {
namespace {

/// The share of the best measured speed that the model's choice has: its choice
/// among all that was measured, or among candidates, whose unrolling and block
/// follow from the tile.
double shareOf(const std::vector<CountedSchedule> &schedules,
               bool ofCandidates) {
  const auto chosen = llvm::min_element(
      schedules, [&](const CountedSchedule &a, const CountedSchedule &b) {
        return std::pair(ofCandidates && !a.isCandidate, a.predicted) <
               std::pair(ofCandidates && !b.isCandidate, b.predicted);
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
  std::vector<std::vector<CountedSchedule>> counted;
  for (const MeasuredCase &measured : *cases) {
    auto schedules = countMeasured(measured, root, cpu);
    ASSERT_TRUE(schedules.ok()) << schedules.message();
    ASSERT_GE(schedules->size(), 8U) << measured.name();
    counted.push_back(std::move(*schedules));
  }
  const auto expectShares = [&](bool ofCandidates, double mean, double least) {
    double sum = 0;
    double worst = 1;
    for (size_t i = 0; i < counted.size(); ++i) {
      const double share = shareOf(counted[i], ofCandidates);
      std::printf("%5.1f %% %s\n", 100 * share, (*cases)[i].name().c_str());
      sum += share;
      worst = std::min(worst, share);
    }
    sum /= double(counted.size());
    std::printf("mean %.1f %%, least %.1f %%\n", 100 * sum, 100 * worst);
    EXPECT_GE(sum, mean);
    EXPECT_GE(worst, least);
  };
  expectShares(/*ofCandidates=*/false, 0.97, 0.90);
  // Those that the compiler chooses from have one block and unrolling each.
  expectShares(/*ofCandidates=*/true, 0.96, 0.78);
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
