// The families of targets, a folder each; Registry.cpp joins them.
#ifndef LPGEN_TARGETS_TARGETS_H
#define LPGEN_TARGETS_TARGETS_H

#include "targets/Target.h"

namespace lpgen {

const Target &genericTarget();
/// Target generic for an LLVM triple such as `riscv64-linux-gnu`; null, and
/// what is expected, if kernels cannot be for it. Lives as long as the program.
const Target *genericTargetFor(llvm::StringRef text, std::string &message);
/// The levels of an architecture, each with the instructions of those before
/// it that share its registers.
llvm::ArrayRef<Target> armTargets();
llvm::ArrayRef<Target> x86Targets();

} // namespace lpgen

#endif // LPGEN_TARGETS_TARGETS_H
