// arm_neon and its levels: AArch64 with Advanced SIMD, from the Cortex-A53 on.
// A level adds instructions; all have one kind of register tile and one folder.
#include "base/abi/lp_kernel.h"
#include "targets/Targets.h"
#include "targets/arm_neon/Cells.h"

using namespace lpgen;

namespace {

enum class Level { Baseline, DotProd, I8mm };

class ArmNeonTarget : public Target {
public:
  explicit ArmNeonTarget(Level level) : Target(describe(level)), level(level) {}
  llvm::ArrayRef<const Cell *> cells() const override;

private:
  static TargetDesc describe(Level level);
  Level level;
};

} // namespace

/// What LLVM's models of the levels' CPUs imply beyond the level, and code
/// could use.
static constexpr const char *kNothingElse =
    ",-fullfp16,-rdm,-lse,-rcpc,-aes,-sha2,-bf16,-sve";

TargetDesc ArmNeonTarget::describe(Level level) {
  TargetDesc desc;
  desc.triple = "aarch64-unknown-linux-gnu";
  desc.vectorBits = 128;
  desc.vectorRegisters = 32;
  desc.unroll = 4;
  desc.l1Bytes = int64_t{32} * 1024;
  desc.l2Bytes = int64_t{512} * 1024;
  desc.emulator = "qemu-aarch64-static";
  desc.cpuFeatures = LP_CPU_NEON;
  switch (level) {
  case Level::Baseline:
    desc.name = "arm_neon";
    // The published Cortex-A55 model is the better guide for in-order cores;
    // the instructions stay those of the A53.
    desc.cpu = "cortex-a53";
    desc.features = "+neon";
    desc.mcaCpu = "cortex-a55";
    desc.emulatorCpu = "cortex-a53";
    desc.loadCycles = 2; // nothing vector issues beside a 128-bit load
    desc.summary = "AArch64 with NEON (Cortex-A53 and later)";
    break;
  case Level::DotProd:
    desc.name = "arm_neon_dotprod";
    desc.cpu = "neoverse-n1"; // the model of the Cortex-A76's core family
    desc.features = std::string("+neon,+dotprod") + kNothingElse;
    desc.cpuFeatures |= LP_CPU_DOTPROD;
    desc.mcaCpu = "neoverse-n1";
    desc.emulatorCpu = "cortex-a76";
    desc.vectorPipes = 2;
    desc.sustainedPipes = 1.8;
    desc.sustainedIssue = 3;
    desc.summary = "AArch64 with NEON and dot products (Cortex-A76 and later)";
    break;
  case Level::I8mm:
    desc.name = "arm_neon_i8mm";
    desc.cpu = "neoverse-n2";
    desc.features = std::string("+neon,+dotprod,+i8mm") + kNothingElse;
    desc.cpuFeatures |= LP_CPU_DOTPROD | LP_CPU_I8MM;
    desc.mcaCpu = "neoverse-n2";
    // Without SVE, which the CPUs of this level have but its code must not use.
    desc.emulatorCpu = "max,sve=off";
    desc.vectorPipes = 2;
    desc.sustainedPipes = 1.8;
    desc.summary = "AArch64 with NEON and matrix products (Neoverse N2, "
                   "Cortex-A710 and later)";
    break;
  }
  return desc;
}

llvm::ArrayRef<const Cell *> ArmNeonTarget::cells() const {
  // From the best on; every level has the cells of those below it.
  static const Cell *const list[] = {
      &arm::usmmlaCell(),   &arm::smmlaCell(),    &arm::ummlaCell(),
      &arm::usdotCell(),    &arm::sdotCell(),     &arm::udotCell(),
      &arm::pair8Cell(),    &arm::pair4Cell(),    &arm::pair2Cell(),
      &arm::smlal16Cell(),  &arm::smlal32Cell(),  &arm::cntCell(),
      &arm::lookup11Cell(), &arm::lookup21Cell(), &arm::lookup22Cell(),
      &arm::lookup41Cell(), &arm::tables41Cell()};
  llvm::ArrayRef<const Cell *> all(list);
  switch (level) {
  case Level::Baseline:
    return all.drop_front(6);
  case Level::DotProd:
    return all.drop_front(4);
  case Level::I8mm:
    return all;
  }
  llvm_unreachable("a level");
}

const Target &lpgen::armNeonTarget() {
  static const ArmNeonTarget target(Level::Baseline);
  return target;
}

const Target &lpgen::armNeonDotProdTarget() {
  static const ArmNeonTarget target(Level::DotProd);
  return target;
}

const Target &lpgen::armNeonI8mmTarget() {
  static const ArmNeonTarget target(Level::I8mm);
  return target;
}
