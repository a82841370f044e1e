// The table of CPUs. See Cpus.h.
#include "targets/cpus/Cpus.h"
#include "targets/Target.h"

using namespace lpgen;

static constexpr int64_t kKiB = 1024;

llvm::ArrayRef<Cpu> lpgen::allCpus() {
  // In registers of 256 bits the cores of Zen do not differ much.
  const VectorUnit zenYmm{.bits = 256,
                          .pipes = 4,
                          .sustainedPipes = 3.1,
                          .sustainedIssue = 5, // of 6
                          .unloopedSteps = 24,
                          .unloopedShare = 0.87, // 0.80 to 0.93 on Zen 3
                          .prefetchOneRow = 2560,
                          .prefetchLarge = 2560};
  static const std::vector<Cpu> cpus = {
      {.name = "generic", .units = {{.bits = 128, .joinsPlanesOfW = false}}},
      {.name = "cortex-a53",
       .units = {{.bits = 128,
                  .loadCycles = 2, // nothing vector issues beside a load
                  .unroll = 4,
                  .joinsPlanesOfW = false}}},
      {.name = "neoverse-n1",
       .units = {{.bits = 128,
                  .pipes = 2,
                  .sustainedPipes = 1.8,
                  .sustainedIssue = 3,
                  .unroll = 4,
                  .joinsPlanesOfW = false}}},
      {.name = "neoverse-n2",
       .units = {{.bits = 128,
                  .pipes = 2,
                  .sustainedPipes = 1.8,
                  .unroll = 4,
                  .joinsPlanesOfW = false}}},
      {.name = "alderlake",
       .units = {{.bits = 256,
                  .pipes = 3, // two of them multiply
                  .sustainedPipes = 2,
                  .sustainedIssue = 5, // of 6
                  .unloopedSteps = 24,
                  .unloopedShare = 0.87,
                  .prefetchOneRow = 2560,
                  .prefetchLarge = 2560}}},
      {.name = "znver3", .units = {zenYmm}},
      {.name = "znver4",
       .l2Bytes = 1024 * kKiB,
       .units = {zenYmm,
                 {.bits = 512,
                  .pipes = 2, // four of half the width
                  .sustainedPipes = 1.6,
                  .loadCycles = 0.3,
                  // One row is taken as fast as the third level gives it.
                  .prefetchLarge = 2560}}},
  };
  return cpus;
}

const VectorUnit *Cpu::unit(unsigned bits) const {
  const auto found = llvm::find_if(
      units, [&](const VectorUnit &unit) { return unit.bits == bits; });
  return found == units.end() ? nullptr : &*found;
}

const Cpu *lpgen::findCpu(llvm::StringRef name) {
  const auto *found = llvm::find_if(
      allCpus(), [&](const Cpu &cpu) { return cpu.name == name; });
  return found == allCpus().end() ? nullptr : found;
}

const Cpu &lpgen::cpuFor(const Target &target, llvm::StringRef name) {
  const Cpu *named = findCpu(name);
  return named && named->unit(target.desc().vectorBits) ? *named : target.cpu();
}
