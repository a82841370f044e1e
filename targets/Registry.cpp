// Targets by name, and the one that fits this CPU.
#include "base/abi/CpuFeatures.h"
#include "base/abi/lp_kernel.h"
#include "targets/Cell.h"
#include "targets/Targets.h"
#include "targets/cpus/Cpus.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace lpgen;

/// The LP_CPU_* bits of the features that an LLVM feature string adds. LLVM
/// writes the names in lower case, and one with a point.
static uint64_t featureBits(llvm::StringRef features) {
  uint64_t bits = 0;
  for (llvm::StringRef feature : llvm::split(features, ',')) {
    if (!feature.consume_front("+")) {
      continue;
    }
    std::string name = feature.upper();
    llvm::erase(name, '.');
#define LP_CPU_FEATURE(known, bit)                                             \
  if (name == #known) {                                                        \
    bits |= LP_CPU_##known;                                                    \
  }
#include "base/abi/lp_cpu_features.def"
#undef LP_CPU_FEATURE
  }
  return bits;
}

static TargetDesc withFeatureBits(TargetDesc description) {
  description.cpuFeatures = featureBits(description.features);
  return description;
}

Target::Target(TargetDesc given, const CellTable &family)
    : description(withFeatureBits(std::move(given))),
      cellList(family.cellsFor(description.cpuFeatures)),
      model(findCpu(description.model)) {
  assert(model && model->unit(description.vectorBits) &&
         "a target names a CPU with vectors of its width");
}

llvm::ArrayRef<const Target *> lpgen::allTargets() {
  // Later ones are preferred on a CPU that runs several.
  static const std::vector<const Target *> list = [] {
    std::vector<const Target *> all{&genericTarget()};
    for (llvm::ArrayRef<Target> family : {armTargets(), x86Targets()}) {
      for (const Target &target : family) {
        all.push_back(&target);
      }
    }
    return all;
  }();
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
