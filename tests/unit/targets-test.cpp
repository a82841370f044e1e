// The tables of targets, cells and CPUs: what is derived from their rows.
#include "base/abi/lp_kernel.h"
#include "targets/Cell.h"
#include "targets/Target.h"
#include "targets/cpus/Cpus.h"
#include "llvm/ADT/STLExtras.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

namespace lpgen {
namespace {

using testing::IsSubsetOf;

const Target &mustFind(llvm::StringRef name) {
  const Target *found = findTarget(name);
  EXPECT_NE(found, nullptr) << name.str();
  return *found;
}

std::vector<std::string> cellNames(const Target &target) {
  std::vector<std::string> names;
  for (const Cell *cell : target.cells()) {
    names.push_back(cell->facts().name.str());
  }
  return names;
}

TEST(Targets, NeedTheFeaturesThatTheirCodeMayUse) {
  constexpr uint64_t avx2 =
      LP_CPU_SSE42 | LP_CPU_POPCNT | LP_CPU_AVX2 | LP_CPU_FMA | LP_CPU_BMI2;
  constexpr uint64_t avx512 = avx2 | LP_CPU_AVX512F | LP_CPU_AVX512BW |
                              LP_CPU_AVX512DQ | LP_CPU_AVX512VL;
  const auto needs = [](llvm::StringRef name) {
    return mustFind(name).desc().cpuFeatures;
  };
  EXPECT_EQ(needs("generic"), 0U);
  EXPECT_EQ(needs("x86_avx2"), avx2);
  EXPECT_EQ(needs("x86_avx2_vnni"), avx2 | LP_CPU_AVXVNNI);
  EXPECT_EQ(needs("x86_avx512"), avx512);
  EXPECT_EQ(needs("x86_avx512_vnni"), avx512 | LP_CPU_AVX512VNNI);
  EXPECT_EQ(needs("x86_avx512_vbmi"),
            avx512 | LP_CPU_AVX512VNNI | LP_CPU_AVX512VBMI |
                LP_CPU_AVX512VPOPCNTDQ | LP_CPU_AVX512BITALG);
  EXPECT_EQ(needs("arm_neon"), uint64_t{LP_CPU_NEON});
  EXPECT_EQ(needs("arm_neon_dotprod"),
            uint64_t{LP_CPU_NEON} | uint64_t{LP_CPU_DOTPROD});
  EXPECT_EQ(needs("arm_neon_i8mm"), uint64_t{LP_CPU_NEON} |
                                        uint64_t{LP_CPU_DOTPROD} |
                                        uint64_t{LP_CPU_I8MM});
}

/// More features bring more cells, and take none away, as long as registers
/// stay as they are.
TEST(Targets, HaveTheCellsOfTheirFeatures) {
  size_t pairs = 0;
  for (const Target *less : allTargets()) {
    for (const Target *more : allTargets()) {
      if (less->desc().triple == more->desc().triple &&
          less->desc().vectorBits == more->desc().vectorBits &&
          less->desc().vectorRegisters == more->desc().vectorRegisters &&
          (less->desc().cpuFeatures & ~more->desc().cpuFeatures) == 0) {
        ++pairs;
        EXPECT_THAT(cellNames(*less), IsSubsetOf(cellNames(*more)));
      }
    }
  }
  EXPECT_GT(pairs, allTargets().size());
  for (const Target *target : allTargets()) {
    for (const Cell *cell : target->cells()) {
      EXPECT_EQ(cell->facts().needs & ~target->desc().cpuFeatures, 0U);
    }
  }
  EXPECT_FALSE(llvm::is_contained(cellNames(mustFind("x86_avx2")), "dpbusd"));
  EXPECT_TRUE(
      llvm::is_contained(cellNames(mustFind("x86_avx2_vnni")), "dpbusd"));
  EXPECT_FALSE(
      llvm::is_contained(cellNames(mustFind("x86_avx512_vnni")), "permute11"));
  EXPECT_TRUE(
      llvm::is_contained(cellNames(mustFind("x86_avx512_vbmi")), "permute11"));
}

TEST(Targets, NameEachCellOnce) {
  for (const Target *target : allTargets()) {
    const std::vector<std::string> names = cellNames(*target);
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(),
              names.size())
        << target->desc().name;
  }
}

TEST(Cpus, HavePricesForEachWidth) {
  for (const Cpu &cpu : allCpus()) {
    EXPECT_EQ(findCpu(cpu.name), &cpu);
    for (const VectorUnit &unit : cpu.units) {
      EXPECT_GT(unit.costs.prices.products, 0) << cpu.name.str();
    }
  }
}

TEST(Cpus, StandInForTheTargetsOwnIfTheyHaveItsVectors) {
  const Target &avx2 = mustFind("x86_avx2");
  const Target &avx512 = mustFind("x86_avx512");
  EXPECT_EQ(avx2.cpu().name, "znver3");
  EXPECT_EQ(cpuFor(avx2, "znver4").name, "znver4");
  EXPECT_EQ(cpuFor(avx512, "znver3").name, avx512.cpu().name);
  EXPECT_EQ(cpuFor(avx2, "").name, "znver3");
  EXPECT_EQ(cpuFor(avx2, "nosuch").name, "znver3");
}

} // namespace
} // namespace lpgen
