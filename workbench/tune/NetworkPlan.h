// A network for the tuner: its layers as operators of their own, those that
// matter most first, equal ones together.
#ifndef LPGEN_WORKBENCH_TUNE_NETWORKPLAN_H
#define LPGEN_WORKBENCH_TUNE_NETWORKPLAN_H

#include "workbench/tune/TuneProblem.h"
#include <memory>
#include <string>
#include <vector>

namespace lpgen {

/// One layer, and those that the rules found for it serve as well.
struct LayerProblem {
  std::unique_ptr<ast::Op> op; ///< The layer alone, on logical inputs.
  std::unique_ptr<TuneProblem> problem;
  std::vector<std::string> layers; ///< Names, its own first.
  /// What the cost model expects of all of them with its own choice of
  /// schedules, in cycles; 0 if there is no choice.
  double cycles = 0;
};

/// The layers of `op` with contractions, by expected cycles, the greatest
/// first. Nothing after an error, which is at `sources`.
std::optional<std::vector<LayerProblem>>
planNetwork(const ast::Op &op, llvm::SourceMgr &sources,
            const CompileOptions &given);

/// The share of layer `next` of what the layers before it left of the budget.
double shareOf(const std::vector<LayerProblem> &plan, size_t next);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_TUNE_NETWORKPLAN_H
