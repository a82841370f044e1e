// x86_avx512 and its levels: 512-bit vectors, 32 registers. The first level is
// what every CPU with AVX-512 for bytes has; further ones add instructions.
#include "base/abi/lp_kernel.h"
#include "targets/Targets.h"
#include "targets/x86/Cells.h"

using namespace lpgen;
using x86::Width;

namespace {

enum class Level { Baseline, Vnni, Vbmi };

class X86Avx512Target : public Target {
public:
  explicit X86Avx512Target(Level level)
      : Target(describe(level)), level(level) {}
  llvm::ArrayRef<const Cell *> cells() const override;

private:
  static TargetDesc describe(Level level);
  Level level;
};

} // namespace

TargetDesc X86Avx512Target::describe(Level level) {
  TargetDesc desc;
  desc.triple = "x86_64-unknown-linux-gnu";
  desc.features = "+sse4.2,+popcnt,+avx2,+fma,+bmi,+bmi2,+avx512f,+avx512bw,"
                  "+avx512dq,+avx512vl,-avx512cd,+fast-dpwssd";
  desc.cpuFeatures = LP_CPU_SSE42 | LP_CPU_POPCNT | LP_CPU_AVX2 | LP_CPU_FMA |
                     LP_CPU_BMI2 | LP_CPU_AVX512F | LP_CPU_AVX512BW |
                     LP_CPU_AVX512DQ | LP_CPU_AVX512VL;
  desc.vectorBits = 512;
  desc.vectorRegisters = 32;
  desc.vectorPipes = 2; // ports 0 and 5; on Zen 4 four pipes of half the width
  desc.sustainedPipes = 1.6; // Zen 4
  desc.loadCycles = 0.3;
  desc.l1Bytes = int64_t{32} * 1024;
  desc.l2Bytes = int64_t{1024} * 1024;
  desc.mcaCpu = "icelake-server";
  desc.emulator = "lpgen-emulate-avx512";
  switch (level) {
  case Level::Baseline:
    desc.name = "x86_avx512";
    desc.cpu = "skylake-avx512";
    desc.emulatorCpu = "corei7_skylake_x";
    desc.summary = "x86-64 with AVX-512 F, BW, DQ, VL (Skylake-X and later)";
    break;
  case Level::Vnni:
    desc.name = "x86_avx512_vnni";
    desc.cpu = "cascadelake";
    desc.emulatorCpu = "corei7_icelake_u";
    desc.features += ",+avx512vnni";
    desc.cpuFeatures |= LP_CPU_AVX512VNNI;
    desc.summary = "x86-64 with AVX-512 and VNNI (Cascade Lake and later)";
    break;
  case Level::Vbmi:
    desc.name = "x86_avx512_vbmi";
    desc.cpu = "icelake-server";
    desc.emulatorCpu = "tigerlake";
    desc.features += ",+avx512vnni,+avx512vbmi,+avx512vpopcntdq,+avx512bitalg,"
                     "-avx512vbmi2,-avx512ifma,-gfni,-vaes,-vpclmulqdq";
    desc.cpuFeatures |= LP_CPU_AVX512VNNI | LP_CPU_AVX512VBMI |
                        LP_CPU_AVX512VPOPCNTDQ | LP_CPU_AVX512BITALG;
    desc.summary = "x86-64 with AVX-512, VNNI, VBMI, VPOPCNTDQ and BITALG (Ice "
                   "Lake, Zen 4 and later)";
    break;
  }
  return desc;
}

llvm::ArrayRef<const Cell *> X86Avx512Target::cells() const {
  // From the best on; every level has the cells of those below it.
  static const Cell *const list[] = {&x86::permute11Cell(),
                                     &x86::permute21Cell(),
                                     &x86::permute22Cell(),
                                     &x86::popcntdCell(Width::Zmm),
                                     &x86::dpbusdCell(Width::Zmm),
                                     &x86::dpwssdCell(Width::Zmm),
                                     &x86::dpbusdw4Cell(Width::Zmm),
                                     &x86::dpbusdw2Cell(Width::Zmm),
                                     &x86::dpbusdw1Cell(Width::Zmm),
                                     &x86::maddubs16Cell(Width::Zmm),
                                     &x86::maddubs32Cell(Width::Zmm),
                                     &x86::maddwCell(Width::Zmm),
                                     &x86::maddw8Cell(Width::Zmm),
                                     &x86::maddubs16w4Cell(Width::Zmm),
                                     &x86::maddubs16w2Cell(Width::Zmm),
                                     &x86::maddubs16w1Cell(Width::Zmm),
                                     &x86::lookup11Cell(Width::Zmm),
                                     &x86::lookup21Cell(Width::Zmm),
                                     &x86::lookup22Cell(Width::Zmm),
                                     &x86::lookup41Cell(Width::Zmm),
                                     &x86::tables41Cell(Width::Zmm),
                                     &x86::packedTables41Cell(Width::Zmm),
                                     &x86::nibbleCell(Width::Zmm)};
  llvm::ArrayRef<const Cell *> all(list);
  switch (level) {
  case Level::Baseline:
    return all.drop_front(9);
  case Level::Vnni:
    return all.drop_front(4);
  case Level::Vbmi:
    return all;
  }
  llvm_unreachable("a level");
}

const Target &lpgen::x86Avx512Target() {
  static const X86Avx512Target target(Level::Baseline);
  return target;
}

const Target &lpgen::x86Avx512VnniTarget() {
  static const X86Avx512Target target(Level::Vnni);
  return target;
}

const Target &lpgen::x86Avx512VbmiTarget() {
  static const X86Avx512Target target(Level::Vbmi);
  return target;
}
