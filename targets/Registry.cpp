// Targets by name, and the one that fits this CPU.
#include "base/abi/CpuFeatures.h"
#include "targets/Targets.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace lpgen;

Target::~Target() = default;

llvm::ArrayRef<const Target *> lpgen::allTargets() {
  // Later ones are preferred on a CPU that runs several.
  static const Target *const list[] = {
      &genericTarget(),     &armNeonTarget(),       &armNeonDotProdTarget(),
      &armNeonI8mmTarget(), &x86Avx2Target(),       &x86Avx2VnniTarget(),
      &x86Avx512Target(),   &x86Avx512VnniTarget(), &x86Avx512VbmiTarget()};
  return list;
}

bool lpgen::hostRuns(const TargetDesc &target) {
  llvm::Triple host(llvm::sys::getProcessTriple());
  return host.getArch() == llvm::Triple(target.triple).getArch() &&
         (target.cpuFeatures & ~lp_cpu_features()) == 0;
}

const Target *lpgen::findTarget(llvm::StringRef name) {
  const Target *best = nullptr;
  for (const Target *target : allTargets()) {
    if (target->desc().name == name) {
      return target;
    }
    if (name == "host" && hostRuns(target->desc())) {
      best = target;
    }
  }
  return best;
}
