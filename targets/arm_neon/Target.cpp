// arm_neon: AArch64 with baseline Advanced SIMD, tuned for the Cortex-A53.
#include "runtime/abi/lp_kernel.h"
#include "targets/Targets.h"
#include "targets/arm_neon/Cells.h"

using namespace lpgen;

static TargetDesc describe() {
  TargetDesc desc;
  desc.name = "arm_neon";
  desc.triple = "aarch64-unknown-linux-gnu";
  desc.cpu = "cortex-a53";
  desc.features = "+neon";
  desc.cpuFeatures = LP_CPU_NEON;
  desc.vectorBits = 128;
  desc.vectorRegisters = 32;
  desc.l1Bytes = int64_t{32} * 1024;
  desc.l2Bytes = int64_t{512} * 1024;
  // The published Cortex-A55 model is the better guide for in-order cores; the
  // instructions stay those of the A53.
  desc.mcaCpu = "cortex-a55";
  desc.emulator = "qemu-aarch64-static";
  desc.emulatorCpu = "cortex-a53";
  desc.summary = "AArch64 with NEON (Cortex-A53 and later)";
  return desc;
}

namespace {
class ArmNeonTarget : public Target {
public:
  ArmNeonTarget() : Target(describe()) {}
  llvm::ArrayRef<const Cell *> cells() const override {
    static const Cell *const list[] = {&arm::smlal16Cell(), &arm::smlal32Cell(),
                                       &arm::cntCell()};
    return list;
  }
};
} // namespace

const Target &lpgen::armNeonTarget() {
  static const ArmNeonTarget target;
  return target;
}
