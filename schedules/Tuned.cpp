// Lookup of tuned rules. See Tuned.h.
#include "schedules/Tuned.h"
#include <cmath>

using namespace mlir;
using namespace lpgen;

TunedKey lpgen::keyOf(lp::ContractOp contract, const Target &target) {
  TunedKey key{target.desc().name,
               lp::toElementType(contract.getXElement()).str(),
               lp::toElementType(contract.getWElement()).str(),
               1,
               1,
               1};
  ContractShape shape = ContractShape::of(contract);
  for (auto [loop, extent] : llvm::enumerate(shape.extents)) {
    bool inW = shape.wMap.isFunctionOfDim(loop);
    (loop >= shape.parallel ? key.reduction
     : inW                  ? key.columns
                            : key.rows) *= extent;
  }
  return key;
}

/// Sum of |log2| ratios of the extents: 0 is exact, 1 is a factor of two in
/// one.
static double distance(const TunedKey &a, lp::TunedOp rule) {
  auto ratio = [](int64_t l, int64_t r) {
    return std::abs(std::log2(static_cast<double>(l) / static_cast<double>(r)));
  };
  return ratio(a.rows, rule.getRows()) + ratio(a.columns, rule.getColumns()) +
         ratio(a.reduction, rule.getReduction());
}

lp::ScheduleAttr lpgen::findTuned(lp::ContractOp contract, const Target &target,
                                  ModuleOp rules, std::string &reason) {
  if (!rules) {
    return {};
  }
  TunedKey key = keyOf(contract, target);
  lp::TunedOp best;
  double bestDistance = 0;
  rules.walk([&](lp::TunedOp rule) {
    if (rule.getTarget() != key.target || rule.getX() != key.x ||
        rule.getW() != key.w) {
      return;
    }
    double d = distance(key, rule);
    std::string whyNot;
    const Cell *cell = findCell(contract, rule.getSchedule().getCell());
    bool applies =
        rule.getSchedule().getCell().empty() ||
        (cell && planPackedForm(contract, *cell,
                                rule.getSchedule().getTileVectors(), whyNot));
    if (applies && (!best || d < bestDistance)) {
      best = rule;
      bestDistance = d;
    }
  });
  if (!best) {
    return {};
  }
  std::string where;
  llvm::raw_string_ostream(where) << best.getLoc();
  reason = (bestDistance == 0 ? "tuned rule " : "nearest tuned rule ") + where;
  return best.getSchedule();
}
