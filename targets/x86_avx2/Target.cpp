// x86_avx2 and its level with AVX-VNNI: 256-bit vectors, 16 registers.
#include "base/abi/lp_kernel.h"
#include "targets/Targets.h"
#include "targets/x86/Cells.h"

using namespace lpgen;
using x86::Width;

namespace {

enum class Level { Baseline, Vnni };

class X86Avx2Target : public Target {
public:
  explicit X86Avx2Target(Level level) : Target(describe(level)), level(level) {}
  llvm::ArrayRef<const Cell *> cells() const override;

private:
  static TargetDesc describe(Level level);
  Level level;
};

} // namespace

TargetDesc X86Avx2Target::describe(Level level) {
  TargetDesc desc;
  desc.name = "x86_avx2";
  desc.triple = "x86_64-unknown-linux-gnu";
  desc.cpu = "znver3";
  desc.features =
      "+sse4.2,+popcnt,+avx2,+fma,+bmi,+bmi2,-sse4a,-vaes,-vpclmulqdq";
  desc.cpuFeatures =
      LP_CPU_SSE42 | LP_CPU_POPCNT | LP_CPU_AVX2 | LP_CPU_FMA | LP_CPU_BMI2;
  desc.vectorBits = 256;
  desc.vectorRegisters = 16;
  desc.vectorPipes = 4;
  desc.sustainedPipes = 3.1; // Zen 3
  desc.sustainedIssue = 5;   // of 6
  desc.l1Bytes = int64_t{32} * 1024;
  desc.l2Bytes = int64_t{512} * 1024;
  desc.mcaCpu = "znver3";
  desc.emulator = "qemu-x86_64-static";
  desc.emulatorCpu = "max";
  desc.summary = "x86-64 with AVX2 and FMA (Haswell, Zen and later)";
  if (level == Level::Vnni) {
    desc.name = "x86_avx2_vnni";
    desc.cpu = "alderlake";
    desc.features += ",+avxvnni,+fast-dpwssd,-gfni";
    desc.cpuFeatures |= LP_CPU_AVXVNNI;
    desc.vectorPipes = 3; // two of them multiply
    desc.sustainedPipes = 2;
    desc.mcaCpu = "alderlake";
    desc.emulator = "lpgen-emulate-avxvnni";
    desc.emulatorCpu = "";
    desc.summary =
        "x86-64 with AVX2 and AVX-VNNI (Alder Lake, Zen 5 and later)";
  }
  return desc;
}

llvm::ArrayRef<const Cell *> X86Avx2Target::cells() const {
  // From the best on; the baseline lacks the first ones.
  static const Cell *const list[] = {
      &x86::dpbusdCell(Width::Ymm),      &x86::dpwssdCell(Width::Ymm),
      &x86::dpbusdw4Cell(Width::Ymm),    &x86::dpbusdw2Cell(Width::Ymm),
      &x86::dpbusdw1Cell(Width::Ymm),    &x86::maddubs16Cell(Width::Ymm),
      &x86::maddubs32Cell(Width::Ymm),   &x86::maddwCell(Width::Ymm),
      &x86::maddw8Cell(Width::Ymm),      &x86::maddubs16w4Cell(Width::Ymm),
      &x86::maddubs16w2Cell(Width::Ymm), &x86::maddubs16w1Cell(Width::Ymm),
      &x86::lookup11Cell(Width::Ymm),    &x86::lookup21Cell(Width::Ymm),
      &x86::lookup22Cell(Width::Ymm),    &x86::lookup41Cell(Width::Ymm),
      &x86::tables41Cell(Width::Ymm),    &x86::packedTables41Cell(Width::Ymm),
      &x86::nibbleCell(Width::Ymm)};
  return llvm::ArrayRef<const Cell *>(list).drop_front(
      level == Level::Vnni ? 0 : 5);
}

const Target &lpgen::x86Avx2Target() {
  static const X86Avx2Target target(Level::Baseline);
  return target;
}

const Target &lpgen::x86Avx2VnniTarget() {
  static const X86Avx2Target target(Level::Vnni);
  return target;
}
