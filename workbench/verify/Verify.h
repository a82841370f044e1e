// Verification: generated kernels against the interpreter, bit for bit.
//
// Takes checked operators and their objects, from any number of files; runs all
// in as few processes as fit in memory. Used by `lpgen verify` and by the
// differential tests.
#ifndef LPGEN_WORKBENCH_VERIFY_VERIFY_H
#define LPGEN_WORKBENCH_VERIFY_VERIFY_H

#include "base/system/Status.h"
#include "operators/frontend/Ast.h"
#include "targets/Target.h"
#include "workbench/verify/Compare.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace lpgen {

/// A kernel to verify. Several kernels of one operator (variants) must be
/// compiled without short names and be given by symbol.
struct VerifyItem {
  const ast::Op *op = nullptr;
  std::string kernel; ///< Long symbol, or name of the operator.
  /// Bytes of the ELF object; empty if the kernel is in another item's object.
  llvm::StringRef object;
};

struct VerifyOptions {
  uint64_t seed = 1;
  unsigned randomCases = 2; ///< Sets of random inputs per choice of sizes.
  Expectation::Limits limits;
  size_t maxMessages = 10;               ///< Per item.
  int64_t batchBytes = int64_t{1} << 26; ///< Of tensors, per process.
};

/// What came of one layer of a network, over all its sets of inputs.
struct LayerReport {
  std::string name;
  int64_t elements = 0;   ///< Of its results.
  int64_t compared = 0;   ///< Of these, with the interpreter's.
  int64_t mismatches = 0; ///< Of these.
};

/// The outcome for one item.
struct VerifyReport {
  std::string op;
  std::string symbol; ///< Of the kernel that ran.
  int64_t inputSets = 0;
  int64_t runs = 0;       ///< Executions: input sets times splits of tasks.
  int64_t elements = 0;   ///< Output elements compared, over all runs.
  bool isSampled = false; ///< Some runs were compared at samples only.
  int64_t mismatches = 0;
  std::vector<std::string> messages; ///< The first mismatches.
  std::vector<LayerReport> layers;   ///< Of a network, in order.
  bool ok() const { return mismatches == 0; }
  /// Null if no layer differs.
  const LayerReport *firstDifferent() const {
    for (const LayerReport &layer : layers) {
      if (layer.mismatches > 0) {
        return &layer;
      }
    }
    return nullptr;
  }
};

/// Verifies all items; reports stand at the items' places. An error if a kernel
/// could not be run or died, with its name and what it was doing.
Result<std::vector<VerifyReport>> verifyOps(llvm::ArrayRef<VerifyItem> items,
                                            const TargetDesc &target,
                                            const VerifyOptions &options);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_VERIFY_VERIFY_H
