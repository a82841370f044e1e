// Linked kernels from section lp_kernels; others from the cache, whose files
// are named by operator and by a digest of text, compiler and CPU features.
#include "runtime/kernels/KernelProvider.h"
#include "base/abi/CpuFeatures.h"
#include "base/system/AtomicFile.h"
#include "base/system/Digest.h"
#include "base/system/Subprocess.h"
#include <array>
#include <bit>
#include <cstdio>
#include <unistd.h>

// The linker makes these bounds of the section that lists all kernels.
// NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier)
extern "C" {
extern const lp_kernel *const __start_lp_kernels[] __attribute__((weak));
extern const lp_kernel *const __stop_lp_kernels[] __attribute__((weak));
}
// NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier)

namespace lpgen {

const lp_kernel *findLinkedKernel(const std::string &op) {
  const uint64_t features = lp_cpu_features();
  const lp_kernel *best = nullptr;
  for (const lp_kernel *const *entry = __start_lp_kernels;
       entry != __stop_lp_kernels; ++entry) {
    const lp_kernel *kernel = *entry;
    if (kernel->abi_version != LP_ABI_VERSION || op != kernel->op ||
        (kernel->cpu_features & ~features) != 0) {
      continue;
    }
    if (!best || std::popcount(kernel->cpu_features) >
                     std::popcount(best->cpu_features)) {
      best = kernel;
    }
  }
  return best;
}

Result<std::string> compilerProgram(const CompilerOptions &options) {
  std::string program = options.program;
  if (program.empty()) {
    const Result<std::string> folder = programFolder();
    LPGEN_RETURN_IF_ERROR(folder.status());
    program = *folder + "/lpgen";
  }
  if (::access(program.c_str(), X_OK) != 0) {
    return Status::error("there is no program '" + program +
                         "' to compile kernels with; remedy: name the lpgen "
                         "program with --compiler");
  }
  return program;
}

/// Finds compiler and cache, once.
Status KernelProvider::prepare() {
  if (compilerDigest != 0) {
    return Status::success();
  }
  Result<std::string> compiler = compilerProgram(options);
  LPGEN_RETURN_IF_ERROR(compiler.status());
  options.program = std::move(*compiler);
  if (options.cacheFolder.empty()) {
    Result<std::string> folder = KernelCache::userFolder();
    LPGEN_RETURN_IF_ERROR(folder.status());
    options.cacheFolder = std::move(*folder);
  }
  Result<KernelCache> opened = KernelCache::open(options.cacheFolder);
  LPGEN_RETURN_IF_ERROR(opened.status());
  cache = std::move(*opened);
  const Result<std::string> program = readWholeFile(options.program);
  LPGEN_RETURN_IF_ERROR(program.status());
  compilerDigest = extendDigest(emptyDigest, *program) | 1;
  return Status::success();
}

/// Compiles in a folder of its own and adds the result to the cache.
Result<std::string> KernelProvider::compile(const std::string &op,
                                            const std::string &text,
                                            const std::string &name) {
  const Result<std::unique_ptr<WorkFolder>> work = cache->makeWorkFolder();
  LPGEN_RETURN_IF_ERROR(work.status());
  const std::string &folder = (*work)->path();
  const std::string source = folder + "/" + op + ".lp";
  LPGEN_RETURN_IF_ERROR(writeFileAtomically(source, text));
  const Result<ProgramOutcome> outcome =
      runProgram({options.program, "compile", source, "--emit", "shared",
                  "--target", options.target, "--quiet", "-o", folder});
  LPGEN_RETURN_IF_ERROR(outcome.status());
  if (outcome->exitStatus != 0) {
    return Status::error("'" + options.program +
                         "' could not compile operator '" + op + "' (status " +
                         std::to_string(outcome->exitStatus) +
                         "): " + outcome->messages);
  }
  const std::string made = folder + "/" + op + ".so";
  const Result<std::string> library = readWholeFile(made);
  if (!library.ok()) {
    return Status::error("'" + options.program + "' left no kernel '" + made +
                         "'");
  }
  return cache->add(name, *library);
}

Result<std::string> KernelProvider::libraryFor(const std::string &op,
                                               const std::string &text) {
  LPGEN_RETURN_IF_ERROR(prepare());
  const uint64_t features = lp_cpu_features();
  uint64_t digest = extendDigest(compilerDigest, text);
  digest = extendDigest(digest, options.target);
  digest = extendDigest(
      digest, {reinterpret_cast<const char *>(&features), sizeof features});
  std::array<char, 17> hex = {};
  std::snprintf(hex.data(), hex.size(), "%016llx",
                static_cast<unsigned long long>(digest));
  const std::string name = op + "-" + hex.data() + ".so";
  if (const std::string library = cache->find(name); !library.empty()) {
    ++cached;
    return library;
  }
  Result<std::string> library = compile(op, text, name);
  compiled += library.ok() ? 1 : 0;
  return library;
}

Result<const lp_kernel *> KernelProvider::find(const std::string &op,
                                               const std::string &text) {
  const auto found = kernels.find(op);
  if (found != kernels.end()) {
    return found->second.kernel;
  }
  const lp_kernel *kernel = findLinkedKernel(op);
  if (!kernel) {
    const Result<std::string> library = libraryFor(op, text);
    LPGEN_RETURN_IF_ERROR(library.status());
    Result<SharedKernel> shared = SharedKernel::load(*library, op);
    if (!shared.ok()) {
      return Status::error(shared.message() + "; remedy: delete '" + *library +
                           "', it will be compiled again");
    }
    kernel = &loaded.emplace(op, std::move(*shared)).first->second.kernel();
  }
  kernels[op] = {kernel, text};
  return kernel;
}

std::string KernelProvider::operators() const {
  std::string all;
  for (const auto &[op, found] : kernels) {
    all += (all.empty() ? "" : "\n") + found.text;
  }
  return all;
}

} // namespace lpgen
