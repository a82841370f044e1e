// What is known of each contraction of an operator once it has a schedule, and
// of each phase: for tables of layers.
#ifndef LPGEN_COMPILER_PIPELINE_CONTRACTFACTS_H
#define LPGEN_COMPILER_PIPELINE_CONTRACTFACTS_H

#include "base/types/ElementType.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

struct ContractFacts {
  std::string label; ///< Target of its last statement.
  ElementType x;
  ElementType w;
  unsigned xBits = 0; ///< Of the narrowest type that holds the values.
  unsigned wBits = 0;
  std::string templateName;
  std::string cell; ///< "" without one.
  std::string schedule;
  /// What the cost model expects for the bounds of run-time sizes; it knows
  /// schedules with a cell only.
  std::optional<double> cycles;
  int64_t weightBytes = 0; ///< Of w as the kernel reads it.
};

/// The contractions of MLIR text of stage `scheduled`, in order.
std::vector<ContractFacts> contractFacts(llvm::StringRef scheduledIr);

struct PhaseFacts {
  /// For each phase of the kernel the target of the last statement that it
  /// computes; of packing, that of the contraction for which it packs.
  std::vector<std::string> targets;
  /// The largest sum of the bytes that one phase finds alive in the workspace.
  int64_t mostBytesAlive = 0;
};

/// Of MLIR text of stage `packed`.
PhaseFacts phaseFacts(llvm::StringRef packedIr);

} // namespace lpgen

#endif // LPGEN_COMPILER_PIPELINE_CONTRACTFACTS_H
