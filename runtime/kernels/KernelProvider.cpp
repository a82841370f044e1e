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
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

// The linker makes these bounds of the section that lists all kernels.
// NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier)
extern "C" {
extern const lp_kernel *const __start_lp_kernels[] __attribute__((weak));
extern const lp_kernel *const __stop_lp_kernels[] __attribute__((weak));
}
// NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier)

namespace lpgen {

namespace fs = std::filesystem;

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

/// The user's folder for caches, or "" if there is none.
static std::string userCacheFolder() {
  const char *cache = std::getenv("XDG_CACHE_HOME"); // NOLINT(concurrency-*)
  if (cache && cache[0] == '/') {
    return cache;
  }
  const char *home = std::getenv("HOME"); // NOLINT(concurrency-*)
  return home && home[0] == '/' ? std::string(home) + "/.cache" : "";
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
    const std::string folder = userCacheFolder();
    if (folder.empty()) {
      return Status::error("there is no folder for compiled kernels: neither "
                           "XDG_CACHE_HOME nor HOME is set; remedy: name one "
                           "with --kernel-cache");
    }
    options.cacheFolder = folder + "/lpgen/kernels";
  }
  std::error_code error;
  fs::create_directories(options.cacheFolder, error);
  if (error) {
    return Status::error("cannot make folder '" + options.cacheFolder +
                         "' for compiled kernels: " + error.message());
  }
  const Result<std::string> program = readWholeFile(options.program);
  LPGEN_RETURN_IF_ERROR(program.status());
  compilerDigest = extendDigest(emptyDigest, *program) | 1;
  return Status::success();
}

/// Compiles into a folder of its own and renames the result, so that a cache
/// never holds half a library and two processes do not meet.
Status KernelProvider::compile(const std::string &op, const std::string &text,
                               const std::string &library) {
  std::string folder = options.cacheFolder + "/tmp.XXXXXX";
  if (!::mkdtemp(folder.data())) {
    return Status::error("cannot make a folder in '" + options.cacheFolder +
                         "'");
  }
  const auto build = [&]() -> Status {
    const std::string source = folder + "/" + op + ".lp";
    LPGEN_RETURN_IF_ERROR(writeFileAtomically(source, text));
    const Result<ProgramOutcome> outcome =
        runProgram({options.program, "compile", source, "--emit", "shared",
                    "--target", options.target, "--quiet", "-o", folder});
    LPGEN_RETURN_IF_ERROR(outcome.status());
    if (outcome->exitStatus != 0) {
      return Status::error("'" + options.program +
                           "' could not compile operator '" + op +
                           "' (status " + std::to_string(outcome->exitStatus) +
                           "): " + outcome->messages);
    }
    const std::string made = folder + "/" + op + ".so";
    if (std::rename(made.c_str(), library.c_str()) != 0) {
      return Status::error("'" + options.program + "' left no kernel '" + made +
                           "'");
    }
    return Status::success();
  };
  const Status status = build();
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  return status;
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
  const std::string library =
      options.cacheFolder + "/" + op + "-" + hex.data() + ".so";
  std::error_code ignored;
  if (fs::exists(library, ignored)) {
    ++cached;
    return library;
  }
  LPGEN_RETURN_IF_ERROR(compile(op, text, library));
  ++compiled;
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
