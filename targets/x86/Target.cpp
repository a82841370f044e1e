// The targets of x86: 256-bit vectors in 16 registers, and 512-bit ones in 32.
#include "targets/ByteLookup.h"
#include "targets/Rescale.h"
#include "targets/RoundToBytes.h"
#include "targets/Targets.h"
#include "targets/x86/Cells.h"

using namespace lpgen;
using x86::Width;

/// All cells for registers of one width.
static const CellTable &cellsOf(Width width) {
  const auto make = [](Width w) {
    return CellTable{x86::dwordRows(w), x86::packedRows(w), x86::planeRows(w)};
  };
  static const CellTable ymm = make(Width::Ymm);
  static const CellTable zmm = make(Width::Zmm);
  return width == Width::Ymm ? ymm : zmm;
}

namespace {
/// What distinguishes a level of x86.
struct Level {
  const char *name;
  Width width;
  const char *cpu;
  /// What the level adds to kAvx2 or kAvx512, and what LLVM's `cpu` implies
  /// beyond it and code could use.
  const char *features;
  ByteLookup lookUpBytes;
  const char *model;
  const char *mcaCpu;
  const char *emulator;
  const char *emulatorCpu;
  const char *summary;
};
} // namespace

static constexpr llvm::StringLiteral kAvx2 =
    "+sse4.2,+popcnt,+avx2,+fma,+bmi,+bmi2";
static constexpr llvm::StringLiteral kAvx512 =
    ",+avx512f,+avx512bw,+avx512dq,+avx512vl,-avx512cd,+fast-dpwssd";

static constexpr Level kLevels[] = {
    {.name = "x86_avx2",
     .width = Width::Ymm,
     .cpu = "znver3",
     .features = ",-sse4a,-vaes,-vpclmulqdq",
     .lookUpBytes = x86::lookUpNibbles,
     .model = "znver3",
     .mcaCpu = "znver3",
     .emulator = "qemu-x86_64-static",
     .emulatorCpu = "max",
     .summary = "x86-64 with AVX2 and FMA (Haswell, Zen and later)"},
    {.name = "x86_avx2_vnni",
     .width = Width::Ymm,
     .cpu = "alderlake",
     .features = ",-sse4a,-vaes,-vpclmulqdq,+avxvnni,+fast-dpwssd,-gfni",
     .lookUpBytes = x86::lookUpNibbles,
     .model = "alderlake",
     .mcaCpu = "alderlake",
     .emulator = "lpgen-emulate-avxvnni",
     .emulatorCpu = "",
     .summary = "x86-64 with AVX2 and AVX-VNNI (Alder Lake, Zen 5 and later)"},
    {.name = "x86_avx512",
     .width = Width::Zmm,
     .cpu = "skylake-avx512",
     .features = "",
     .lookUpBytes = x86::lookUpNibbles,
     .model = "znver4",
     .mcaCpu = "icelake-server",
     .emulator = "lpgen-emulate-avx512",
     .emulatorCpu = "corei7_skylake_x",
     .summary = "x86-64 with AVX-512 F, BW, DQ, VL (Skylake-X and later)"},
    {.name = "x86_avx512_vnni",
     .width = Width::Zmm,
     .cpu = "cascadelake",
     .features = ",+avx512vnni",
     .lookUpBytes = x86::lookUpNibbles,
     .model = "znver4",
     .mcaCpu = "icelake-server",
     .emulator = "lpgen-emulate-avx512",
     .emulatorCpu = "corei7_icelake_u",
     .summary = "x86-64 with AVX-512 and VNNI (Cascade Lake and later)"},
    {.name = "x86_avx512_vbmi",
     .width = Width::Zmm,
     .cpu = "icelake-server",
     .features = ",+avx512vnni,+avx512vbmi,+avx512vpopcntdq,+avx512bitalg,"
                 "-avx512vbmi2,-avx512ifma,-gfni,-vaes,-vpclmulqdq",
     .lookUpBytes = x86::lookUpBytes,
     .model = "znver4",
     .mcaCpu = "icelake-server",
     .emulator = "lpgen-emulate-avx512",
     .emulatorCpu = "tigerlake",
     .summary = "x86-64 with AVX-512, VNNI, VBMI, VPOPCNTDQ and BITALG (Ice "
                "Lake, Zen 4 and later)"},
};

static TargetDesc describe(const Level &level) {
  const bool isZmm = level.width == Width::Zmm;
  TargetDesc desc;
  desc.name = level.name;
  desc.triple = "x86_64-unknown-linux-gnu";
  desc.cpu = level.cpu;
  desc.features = (kAvx2 + (isZmm ? kAvx512 : "") + level.features).str();
  desc.hasHalf = isZmm; // F16C is not asked for; AVX-512 has it
  desc.lookUpBytes = level.lookUpBytes;
  desc.roundToBytes = isZmm ? x86::roundToBytesZmm : x86::roundToBytesYmm;
  desc.rescale = x86::rescale;
  desc.vectorBits = static_cast<unsigned>(level.width);
  desc.vectorRegisters = isZmm ? 32 : 16;
  desc.model = level.model;
  desc.mcaCpu = level.mcaCpu;
  desc.emulator = level.emulator;
  desc.emulatorCpu = level.emulatorCpu;
  desc.summary = level.summary;
  return desc;
}

llvm::ArrayRef<Target> lpgen::x86Targets() {
  static const std::vector<Target> targets = [] {
    std::vector<Target> made;
    for (const Level &level : kLevels) {
      made.emplace_back(describe(level), cellsOf(level.width));
    }
    return made;
  }();
  return targets;
}
