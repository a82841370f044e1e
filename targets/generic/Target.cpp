// generic: 64-bit little-endian CPUs that LLVM knows, through the vector
// dialect only. The fallback, and the oracle for the other targets' cells.
#include "targets/Cell.h"
#include "targets/Targets.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include <map>

using namespace lpgen;

namespace {

/// An architecture with the baseline that its Linux distributions have.
struct Architecture {
  llvm::Triple::ArchType arch;
  const char *cpu;
  const char *features;
  bool hasFma;
  bool hasHalf;
  const char *emulator; ///< "" where there is no kernel runner.
};

constexpr Architecture kArchitectures[] = {
    {llvm::Triple::x86_64, "generic", "", false, false, "qemu-x86_64-static"},
    {llvm::Triple::aarch64, "generic", "", true, true, "qemu-aarch64-static"},
    {llvm::Triple::riscv64, "generic-rv64", "+m,+a,+f,+d,+c", true, false, ""},
    {llvm::Triple::ppc64le, "ppc64le", "", true, false, ""},
    {llvm::Triple::loongarch64, "loongarch64", "", true, false, ""},
};

const Architecture *findArchitecture(const llvm::Triple &triple) {
  for (const Architecture &known : kArchitectures) {
    if (known.arch == triple.getArch()) {
      return &known;
    }
  }
  return nullptr;
}

TargetDesc describe(llvm::StringRef triple) {
  TargetDesc desc;
  desc.name = "generic";
  desc.triple = triple.str();
  desc.cpu = "generic";
  if (const Architecture *known = findArchitecture(llvm::Triple(triple))) {
    desc.cpu = known->cpu;
    desc.features = known->features;
    desc.hasFma = known->hasFma;
    desc.hasHalf = known->hasHalf;
    desc.emulator = known->emulator;
  }
  desc.hasRounding = false;
  desc.vectorBits = 128;
  desc.vectorRegisters = 16;
  desc.model = "generic";
  desc.summary = "any 64-bit little-endian CPU (--triple); here the baseline "
                 "of this one";
  return desc;
}

/// Cells in the vector dialect only. x86-64 adds up f32 in f64, in halves
/// (lp-expand-fma).
const CellTable &genericCells() {
  static const CellTable cells{
      {{BytePopcountCell::complete(
            {.name = "ctpop", .lanes = 16, .stepOps = 12}),
        emitter<BytePopcountCell>},
       {FmaCell::complete({.lanes = 4, .fixedRegisters = 4, .stepOps = 8}),
        emitter<FmaCell>}}};
  return cells;
}
} // namespace

const Target &lpgen::genericTarget() {
  static const Target target(describe(llvm::sys::getDefaultTargetTriple()),
                             genericCells());
  return target;
}

const Target *lpgen::genericTargetFor(llvm::StringRef text,
                                      std::string &message) {
  const std::string normal = llvm::Triple::normalize(text);
  const llvm::Triple triple(normal);
  if (!findArchitecture(triple) || !triple.isOSBinFormatELF() ||
      !triple.isArch64Bit() || triple.isX32()) {
    message = "cannot compile for triple '" + text.str() +
              "': expected a 64-bit little-endian ELF platform of x86_64, "
              "aarch64, riscv64, powerpc64le or loongarch64, such as "
              "riscv64-linux-gnu";
    if (triple.getArch() != llvm::Triple::UnknownArch &&
        !triple.isLittleEndian()) {
      message += "; packed layouts are defined for little-endian CPUs only";
    }
    return nullptr;
  }
  static std::map<std::string, Target> targets;
  return &targets.try_emplace(normal, describe(normal), genericCells())
              .first->second;
}
