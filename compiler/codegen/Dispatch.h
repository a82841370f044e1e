// Several kernels of one operator, for different CPUs, as one library.
//
// Each variant is compiled by itself under its long symbol. What is written
// here joins them: a small C file that chooses a variant by the features of the
// CPU and owns the short names, the header, and the manifest of them all. It
// stands behind code generation and is called by the compile command.
#ifndef LPGEN_COMPILER_CODEGEN_DISPATCH_H
#define LPGEN_COMPILER_CODEGEN_DISPATCH_H

#include "compiler/codegen/KernelInfo.h"
#include "targets/Target.h"
#include "llvm/ADT/ArrayRef.h"
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

/// One kernel of a library.
struct Variant {
  KernelInfo info;
  const Target *target = nullptr;
};

/// The texts that join the variants of one operator.
struct KernelLibrary {
  std::string dispatch; ///< C11: lp_<op>_select and the short names. Needs
                        ///< lp_kernel.h and lp_cpu_features().
  std::string header;   ///< As of a single kernel, and lp_<op>_select.
  std::string manifest; ///< JSON, with the manifest of each variant.
};

/// Why these targets cannot stand in one library (two architectures, one target
/// twice), or nothing.
std::optional<std::string> whyNoLibrary(llvm::ArrayRef<const Target *> targets);

/// Joins variants of one operator, at least one. They are tried in this order:
/// the one that needs the most CPU features first, `generic` last, equals as
/// given.
KernelLibrary joinVariants(std::vector<Variant> variants);

} // namespace lpgen

#endif // LPGEN_COMPILER_CODEGEN_DISPATCH_H
