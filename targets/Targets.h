// The target folders, one function each; add yours here and in Registry.cpp.
#ifndef LPGEN_TARGETS_TARGETS_H
#define LPGEN_TARGETS_TARGETS_H

#include "targets/Target.h"

namespace lpgen {

const Target &genericTarget();
/// Target generic for an LLVM triple such as `riscv64-linux-gnu`; null, and
/// what is expected, if kernels cannot be for it. Lives as long as the program.
const Target *genericTargetFor(llvm::StringRef text, std::string &message);
const Target &x86Avx2Target();
const Target &x86Avx2VnniTarget();
const Target &x86Avx512Target();
const Target &x86Avx512VnniTarget();
const Target &x86Avx512VbmiTarget();
const Target &armNeonTarget();
const Target &armNeonDotProdTarget();
const Target &armNeonI8mmTarget();

} // namespace lpgen

#endif // LPGEN_TARGETS_TARGETS_H
