// The table of CPUs. See Cpus.h.
#include "targets/cpus/Cpus.h"
#include "targets/Target.h"

using namespace lpgen;

static constexpr int64_t kKiB = 1024;

/// The facts of every CPU, without costs.
static std::vector<Cpu> facts() {
  // In registers of 256 bits the cores of Zen do not differ much.
  const VectorUnit zenYmm{.bits = 256,
                          .pipes = 4,
                          .fmaPipes = 2,
                          .unloopedSteps = 24,
                          .prefetchOneRow = 2560,
                          .prefetchLarge = 2560};
  return {
      {.name = "generic", .units = {{.bits = 128, .joinsPlanesOfW = false}}},
      {.name = "cortex-a53",
       .units = {{.bits = 128, .unroll = 4, .joinsPlanesOfW = false}}},
      {.name = "neoverse-n1",
       .units = {{.bits = 128,
                  .pipes = 2,
                  .fmaPipes = 2,
                  .unroll = 4,
                  .joinsPlanesOfW = false}}},
      {.name = "neoverse-n2",
       .units = {{.bits = 128,
                  .pipes = 2,
                  .fmaPipes = 2,
                  .unroll = 4,
                  .joinsPlanesOfW = false}}},
      {.name = "alderlake",
       .units = {{.bits = 256,
                  .pipes = 3, // two of them multiply
                  .fmaPipes = 2,
                  .unloopedSteps = 24,
                  .prefetchOneRow = 2560,
                  .prefetchLarge = 2560}}},
      {.name = "znver3", .units = {zenYmm}},
      {.name = "znver4",
       .l2Bytes = 1024 * kKiB,
       .units = {zenYmm,
                 {.bits = 512,
                  .pipes = 2, // four of half the width
                  // One row is taken as fast as the third level gives it.
                  .prefetchLarge = 2560}}},
      {.name = "znver5", // servers, whose pipes have 512 bits
       .l1Bytes = 48 * kKiB,
       .l2Bytes = 1024 * kKiB,
       .units =
           {zenYmm,
            {.bits = 512, .pipes = 4, .fmaPipes = 2, .prefetchLarge = 2560}}},
      {.name = "emeraldrapids", // two ports of 512 bits, three of 256
       .l1Bytes = 48 * kKiB,
       .l2Bytes = 2048 * kKiB,
       .units =
           {{.bits = 256,
             .pipes = 3,
             .fmaPipes = 2,
             .unloopedSteps = 24,
             .prefetchOneRow = 2560,
             .prefetchLarge = 2560},
            {.bits = 512, .pipes = 2, .fmaPipes = 2, .prefetchLarge = 2560}}},
  };
}

namespace {
struct CostRow {
  llvm::StringRef cpu;
  unsigned bits;
  CostTerms prices;
  std::vector<CellFactor> cells;
};
} // namespace

/// The costs of a CPU for vectors of `bits` bits.
static Costs costsOf(llvm::StringRef cpu, unsigned bits) {
  static const std::vector<CostRow> rows = {
#include "targets/cpus/Costs.inc"
  };
  const auto row = llvm::find_if(rows, [&](const CostRow &known) {
    return known.cpu == cpu && known.bits == bits;
  });
  assert(row != rows.end() && "each unit has its costs in Costs.inc");
  return {row->prices, row->cells};
}

llvm::ArrayRef<Cpu> lpgen::allCpus() {
  static const std::vector<Cpu> cpus = [] {
    std::vector<Cpu> all = facts();
    for (Cpu &cpu : all) {
      for (VectorUnit &unit : cpu.units) {
        unit.costs = costsOf(cpu.name, unit.bits);
      }
    }
    return all;
  }();
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
