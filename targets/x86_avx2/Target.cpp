// x86_avx2: every x86-64 CPU since Haswell and Zen.
#include "runtime/abi/lp_kernel.h"
#include "targets/Targets.h"
#include "targets/x86_avx2/Cells.h"

using namespace lpgen;

static TargetDesc describe() {
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
  return desc;
}

namespace {
class X86Avx2Target : public Target {
public:
  X86Avx2Target() : Target(describe()) {}
  llvm::ArrayRef<const Cell *> cells() const override {
    static const Cell *const list[] = {
        &x86::maddubs16Cell(), &x86::maddubs32Cell(), &x86::maddwCell(),
        &x86::maddw8Cell(),    &x86::lookup11Cell(),  &x86::lookup21Cell(),
        &x86::lookup22Cell(),  &x86::lookup41Cell(),  &x86::tables41Cell(),
        &x86::nibbleCell()};
    return list;
  }
};
} // namespace

const Target &lpgen::x86Avx2Target() {
  static const X86Avx2Target target;
  return target;
}
