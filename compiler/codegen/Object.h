// LLVM IR -> optimized IR, assembly and object.
#ifndef LPGEN_COMPILER_CODEGEN_OBJECT_H
#define LPGEN_COMPILER_CODEGEN_OBJECT_H

#include "targets/Target.h"
#include <memory>
#include <string>

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace lpgen {

/// Makes every target LLVM was built with available; cheap to call again.
void initializeLlvmTargets();

/// The machine of `target`; null and a message if LLVM does not know it.
std::unique_ptr<llvm::TargetMachine> createMachine(const TargetDesc &target,
                                                   std::string &message);

/// Runs LLVM's optimizer. Register tiles are left as they are: their loops
/// carry metadata against vectorizing and unrolling, and the SLP vectorizer is
/// off. `vectorBits` is the width of the target's vectors.
void optimize(llvm::Module &module, llvm::TargetMachine &machine,
              unsigned vectorBits);

enum class OutputKind { Assembly, Object };
/// Assembly or object of `module`; empty and a message on failure.
std::string emitCode(llvm::Module &module, llvm::TargetMachine &machine,
                     OutputKind kind, std::string &message);

} // namespace lpgen

#endif // LPGEN_COMPILER_CODEGEN_OBJECT_H
