// The names that kernels take in C: no two of a program may be the same.
#ifndef LPGEN_COMPILER_CODEGEN_CNAMES_H
#define LPGEN_COMPILER_CODEGEN_CNAMES_H

#include "compiler/codegen/KernelInfo.h"
#include "llvm/ADT/StringMap.h"

namespace lpgen {

/// Collects the names of kernels that one C program may use together.
class CNames {
public:
  /// Holds what base/abi/lp_kernel.h declares.
  CNames();

  /// Adds the names of a kernel's header and object. Says which two things have
  /// one name, and what to do; "" if all are different.
  std::string add(const KernelInfo &kernel);

private:
  llvm::StringMap<std::string> owners; ///< By name: whose it is.
};

} // namespace lpgen

#endif // LPGEN_COMPILER_CODEGEN_CNAMES_H
