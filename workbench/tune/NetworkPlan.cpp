// The layers of a network in the order in which they are tuned. See
// NetworkPlan.h.
#include "workbench/tune/NetworkPlan.h"
#include "operators/network/Layers.h"
#include "operators/network/SubOperator.h"
#include <map>

namespace lpgen {

/// Expected cycles of the contractions that have a choice of schedules.
static double expectedCycles(const TuneProblem &problem) {
  double cycles = 0;
  for (size_t i = 0; i < problem.numContractions(); ++i) {
    const std::vector<std::string> ranked = problem.ranked(i);
    const auto counted =
        ranked.size() > 1 ? problem.count(i, ranked.front()) : std::nullopt;
    cycles += counted ? counted->cycles : 0;
  }
  return cycles;
}

std::optional<std::vector<LayerProblem>>
planNetwork(const ast::Op &op, llvm::SourceMgr &sources,
            const CompileOptions &given) {
  std::vector<LayerProblem> plan;
  std::map<std::vector<TunedKey>, size_t> known;
  for (const Layer &layer : layersOf(op)) {
    LayerProblem next;
    next.op = std::make_unique<ast::Op>(
        makeSubOperator(op, layer.statements, layer.results).op);
    next.problem = TuneProblem::create(*next.op, sources, given);
    if (!next.problem) {
      return std::nullopt;
    }
    std::vector<TunedKey> keys;
    keys.reserve(next.problem->numContractions());
    for (size_t i = 0; i < next.problem->numContractions(); ++i) {
      keys.push_back(next.problem->key(i));
    }
    if (keys.empty()) {
      continue;
    }
    next.cycles = expectedCycles(*next.problem);
    const auto [place, isNew] = known.insert({keys, plan.size()});
    if (isNew) {
      plan.push_back(std::move(next));
    } else {
      plan[place->second].cycles += next.cycles;
    }
    plan[place->second].layers.push_back(layer.name);
  }
  llvm::sort(plan, [](const LayerProblem &a, const LayerProblem &b) {
    return a.cycles != b.cycles ? a.cycles > b.cycles : a.layers < b.layers;
  });
  return plan;
}

double shareOf(const std::vector<LayerProblem> &plan, size_t next) {
  double left = 0;
  for (size_t i = next; i < plan.size(); ++i) {
    left += plan[i].cycles;
  }
  return left > 0 ? plan[next].cycles / left : 1;
}

} // namespace lpgen
