// Lookup of tuned rules. See Tuned.h.
#include "schedules/Tuned.h"
#include "mlir/IR/Location.h"
#include "schedules/Schedules.h"
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
    (loop >= shape.parallel - shape.groups ? key.reduction
     : inW                                 ? key.columns
                                           : key.rows) *= extent;
  }
  return key;
}

TunedKey lpgen::keyOf(lp::TunedOp rule) {
  return {rule.getTarget().str(),
          rule.getX().str(),
          rule.getW().str(),
          static_cast<int64_t>(rule.getRows()),
          static_cast<int64_t>(rule.getColumns()),
          static_cast<int64_t>(rule.getReduction())};
}

/// Sum of |log2| ratios of the extents: 0 is exact, 1 is a factor of two in
/// one. Nothing if target or types differ.
static std::optional<double> distance(const TunedKey &a, const TunedKey &b) {
  if (a.target != b.target || a.x != b.x || a.w != b.w) {
    return std::nullopt;
  }
  auto ratio = [](int64_t l, int64_t r) {
    return std::abs(std::log2(static_cast<double>(l) / static_cast<double>(r)));
  };
  return ratio(a.rows, b.rows) + ratio(a.columns, b.columns) +
         ratio(a.reduction, b.reduction);
}

/// "FILE:LINE", as messages of compilers have it.
static std::string placeOf(lp::TunedOp rule) {
  auto place = dyn_cast<FileLineColLoc>(rule.getLoc());
  if (!place) {
    return "in memory";
  }
  return place.getFilename().str() + ":" + std::to_string(place.getLine());
}

static std::string describe(lp::TunedOp rule, bool isExact) {
  std::string text = "tuned rule " + placeOf(rule);
  if (!isExact) {
    text = "nearest " + text + ", rows " + std::to_string(rule.getRows()) +
           " columns " + std::to_string(rule.getColumns()) + " reduction " +
           std::to_string(rule.getReduction());
  }
  return rule.getSource() ? text + ", " + rule.getSource()->str() : text;
}

lp::ScheduleAttr lpgen::findTuned(lp::ContractOp contract,
                                  const Machine &machine,
                                  ArrayRef<ModuleOp> rules,
                                  std::string &reason) {
  const TunedKey key = keyOf(contract, machine.target);
  lp::TunedOp best;
  lp::ScheduleAttr found;
  double bestDistance = maxTunedDistance;
  auto consider = [&](lp::TunedOp rule) {
    const std::optional<double> d = distance(key, keyOf(rule));
    const bool isNearer =
        d && (best ? *d < bestDistance : *d <= maxTunedDistance);
    if (!isNearer) {
      return;
    }
    std::string whyNot;
    if (auto schedule = applicableSchedule(
            contract, machine, requestFor(rule.getSchedule()), whyNot)) {
      best = rule;
      found = schedule;
      bestDistance = *d;
    }
  };
  for (ModuleOp module : rules) {
    module.walk(consider);
  }
  if (!best) {
    return {};
  }
  reason = describe(best, bestDistance == 0);
  return found;
}
