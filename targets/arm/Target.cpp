// The targets of AArch64: Advanced SIMD from the Cortex-A53 on, 128-bit vectors
// in 32 registers. A level adds instructions.
#include "targets/ByteLookup.h"
#include "targets/Rescale.h"
#include "targets/RoundToBytes.h"
#include "targets/Targets.h"
#include "targets/arm/Cells.h"

using namespace lpgen;

namespace {
/// What distinguishes a level of AArch64.
struct Level {
  const char *name;
  const char *cpu;
  const char *features;
  const char *model;
  const char *mcaCpu;
  const char *emulatorCpu;
  const char *summary;
};
} // namespace

static constexpr Level kLevels[] = {
    {.name = "arm_neon",
     .cpu = "cortex-a53",
     .features = "+neon",
     .model = "cortex-a53",
     // The published Cortex-A55 model is the better guide for in-order cores;
     // the instructions stay those of the A53.
     .mcaCpu = "cortex-a55",
     .emulatorCpu = "cortex-a53",
     .summary = "AArch64 with NEON (Cortex-A53 and later)"},
    {.name = "arm_neon_dotprod",
     .cpu = "neoverse-n1", // the model of the Cortex-A76's core family
     .features = "+neon,+dotprod",
     .model = "neoverse-n1",
     .mcaCpu = "neoverse-n1",
     .emulatorCpu = "cortex-a76",
     .summary = "AArch64 with NEON and dot products (Cortex-A76 and later)"},
    {.name = "arm_neon_i8mm",
     .cpu = "neoverse-n2",
     .features = "+neon,+dotprod,+i8mm",
     .model = "neoverse-n2",
     .mcaCpu = "neoverse-n2",
     // Without SVE, which the CPUs of this level have but its code must not
     // use.
     .emulatorCpu = "max,sve=off",
     .summary = "AArch64 with NEON and matrix products (Neoverse N2, "
                "Cortex-A710 and later)"},
};

/// What LLVM's models of the levels' CPUs imply beyond the level, and code
/// could use.
static constexpr const char *kNothingElse =
    ",-fullfp16,-rdm,-lse,-rcpc,-aes,-sha2,-bf16,-sve";

static TargetDesc describe(const Level &level) {
  TargetDesc desc;
  desc.name = level.name;
  desc.triple = "aarch64-unknown-linux-gnu";
  desc.cpu = level.cpu;
  desc.features = std::string(level.features) + kNothingElse;
  desc.lookUpBytes = arm::lookUpBytes;
  desc.roundToBytes = arm::roundToBytes;
  desc.rescale = arm::rescale;
  desc.vectorBits = 128;
  desc.vectorRegisters = 32;
  desc.model = level.model;
  desc.mcaCpu = level.mcaCpu;
  desc.emulator = "qemu-aarch64-static";
  desc.emulatorCpu = level.emulatorCpu;
  desc.summary = level.summary;
  return desc;
}

llvm::ArrayRef<Target> lpgen::armTargets() {
  static const CellTable cells{arm::productRows(), arm::tableRows()};
  static const std::vector<Target> targets = [] {
    std::vector<Target> made;
    for (const Level &level : kLevels) {
      made.emplace_back(describe(level), cells);
    }
    return made;
  }();
  return targets;
}
