// See CNames.h.
#include "compiler/codegen/CNames.h"
#include <utility>
#include <vector>

using namespace lpgen;

static constexpr llvm::StringLiteral kOfInterface = "the C interface";

/// base/abi/lp_kernel.h; a test compares the list with the file.
static constexpr llvm::StringLiteral kInterfaceNames[] = {
    "LPGEN_BASE_ABI_LP_KERNEL_H",
    "LP_ABI_VERSION",
    "LP_ALIGNMENT",
    "LP_OK",
    "LP_ERROR_NULL",
    "LP_ERROR_ALIGNMENT",
    "LP_ERROR_ALIAS",
    "LP_ERROR_SHAPE",
    "LP_ERROR_LAYOUT",
    "LP_ERROR_CPU",
    "LP_ERROR_PHASE",
    "LP_CPU_FEATURE",
    "LP_CPU_NONE",
#define LP_CPU_FEATURE(name, bit) "LP_CPU_" #name,
#include "base/abi/lp_cpu_features.def"
#undef LP_CPU_FEATURE
    "lp_status",
    "lp_cpu_feature",
    "lp_cpu_features",
    "lp_args",
    "lp_kernel",
    "lp_run",
    "lp_run_with",
    "lp_run_phase",
    "lp_run_phase_alone",
    "lp_run_tasks",
    "lp_set_float_mode",
    "lp_restore_float_mode"};

CNames::CNames() {
  for (const llvm::StringLiteral name : kInterfaceNames) {
    owners[name] = kOfInterface.str();
  }
}

/// Each name of the kernel and what it stands for.
static std::vector<std::pair<std::string, std::string>>
namesOf(const KernelInfo &kernel) {
  const std::string op = "operator '" + kernel.op + "'";
  const std::string function = "lp_" + kernel.op;
  const std::string constant = "LP_" + llvm::StringRef(kernel.op).upper();
  std::vector<std::pair<std::string, std::string>> names = {{function, op}};
  for (const char *suffix : {"_kernel", "_tasks", "_scratch_size",
                             "_workspace_size", "_packed_size", "_pack"}) {
    names.emplace_back(function + suffix, op);
  }
  for (const char *suffix : {"_H", "_BUFFERS", "_PHASES", "_SIZES"}) {
    names.emplace_back(constant + suffix, op);
  }
  for (const BufferInfo &buffer : kernel.buffers) {
    names.emplace_back(constant + "_" + llvm::StringRef(buffer.name).upper(),
                       "tensor '" + buffer.name + "' of " + op);
  }
  for (const SizeInfo &size : kernel.sizes) {
    names.emplace_back(constant + "_SIZE_" + llvm::StringRef(size.name).upper(),
                       "size '?" + size.name + "' of " + op);
  }
  return names;
}

std::string CNames::add(const KernelInfo &kernel) {
  for (const auto &[name, owner] : namesOf(kernel)) {
    const auto [entry, isNew] = owners.try_emplace(name, owner);
    if (!isNew) {
      std::string message = entry->second;
      message += " and " + owner;
      message += " are both '" + name;
      return message + "' in C; rename one of them";
    }
  }
  return {};
}
