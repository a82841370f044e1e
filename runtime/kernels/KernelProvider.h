// Kernels by operator: those linked into the program, else compiled on demand
// by the program `lpgen` into a cache of shared objects on disk.
//
// There is no LLVM in this process: the compiler is another one, and what goes
// wrong there is a message here.
#ifndef LPGEN_RUNTIME_KERNELS_KERNELPROVIDER_H
#define LPGEN_RUNTIME_KERNELS_KERNELPROVIDER_H

#include "runtime/kernels/KernelCache.h"
#include "runtime/kernels/SharedKernel.h"
#include <map>
#include <optional>
#include <string>

namespace lpgen {

/// Where kernels come from that are not linked in.
struct CompilerOptions {
  /// The program lpgen; "" is the one beside this program.
  std::string program;
  /// Folder of shared objects; "" is lpgen/kernels in $XDG_CACHE_HOME or
  /// ~/.cache. Made if missing. Any number of processes may share it.
  std::string cacheFolder;
  /// Of the kernels, as for `lpgen compile --target`.
  std::string target = "host";
};

/// The program that `options` mean. An error if it is not there.
Result<std::string> compilerProgram(const CompilerOptions &options);

class KernelProvider {
public:
  explicit KernelProvider(CompilerOptions options)
      : options(std::move(options)) {}

  /// The kernel of operator `op`, whose definition is `text`; the name stands
  /// for the definition: equal names have equal texts. Lives as long as the
  /// provider. An error if there is no kernel and none can be made.
  Result<const lp_kernel *> find(const std::string &op,
                                 const std::string &text);

  /// The definitions of all kernels found so far, as one file: what a program
  /// links to do without the compiler.
  std::string operators() const;

  /// Kernels that this provider had compiled, and that it took from the cache.
  int numCompiled() const { return compiled; }
  int numCached() const { return cached; }

private:
  Status prepare();
  Result<std::string> libraryFor(const std::string &op,
                                 const std::string &text);
  Result<std::string> compile(const std::string &op, const std::string &text,
                              const std::string &name);

  CompilerOptions options;
  uint64_t compilerDigest = 0; ///< Of the program's file; 0 before prepare.
  std::optional<KernelCache> cache;
  struct Found {
    const lp_kernel *kernel;
    std::string text;
  };
  std::map<std::string, Found> kernels;
  std::map<std::string, SharedKernel> loaded;
  int compiled = 0;
  int cached = 0;
};

/// The kernel of operator `op` that is linked into this program and that this
/// CPU runs, the one with the most CPU features if there are several; else
/// null.
const lp_kernel *findLinkedKernel(const std::string &op);

} // namespace lpgen

#endif // LPGEN_RUNTIME_KERNELS_KERNELPROVIDER_H
