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

/// For each phase of the kernel the target of the last statement that it
/// computes; of packing, that of the contraction for which it packs. From MLIR
/// text of stage `packed`.
std::vector<std::string> phaseTargets(llvm::StringRef packedIr);

} // namespace lpgen

#endif // LPGEN_COMPILER_PIPELINE_CONTRACTFACTS_H
