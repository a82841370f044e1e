// Where the packed x of a contraction comes from. See Chains.h.
#include "ir/analysis/Chains.h"
#include "ir/analysis/Scans.h"

using namespace mlir;
using namespace lpgen;

/// The packed form of `contract` if its schedule has one.
static std::optional<PackedForm> formOf(lp::ContractOp contract) {
  const Cell *cell = packedCell(contract);
  std::string reason;
  return cell ? planPackedForm(contract, *cell,
                               contract.getSchedule()->getTileVectors(), reason)
              : std::nullopt;
}

/// The form of `contract` with its channels in the lanes, if that is its
/// schedule.
static std::optional<LaneForm> laneFormOf(lp::ContractOp contract) {
  const auto schedule = contract.getSchedule();
  if (!schedule || schedule->getTemplateName() != kLanesTemplate) {
    return std::nullopt;
  }
  const Cell *cell = findCell(contract, schedule->getCell());
  std::string reason;
  return cell
             ? planLaneForm(contract, *cell, schedule->getTileVectors(), reason)
             : std::nullopt;
}

/// True if packed x has each element of x exactly once.
static bool hasAllOfX(const Geometry &g) {
  return g.innerBatch.empty() && !g.merged &&
         g.innerExtent() == g.shape.xShape[g.innerXDim] &&
         llvm::all_of(g.positions, [&](const PositionDim &p) {
           return p.low <= 0 && p.low + p.size >= g.shape.xShape[p.xDim];
         });
}

/// True if packed x has what is there of x for all run-time sizes.
static bool followsSizes(const Geometry &g) {
  return llvm::all_of(g.positions, [&](const PositionDim &p) {
    return !g.shape.isXDynamic[p.xDim] || (!p.hasHalo && p.low == 0);
  });
}

/// Elements computed where they are packed: by the first contraction that reads
/// all of them, or by the only one. Empty, or why not.
static std::string whyNotComputed(lp::ContractOp contract, const Geometry &g,
                                  lp::ComputeOp compute) {
  Value x = compute.getResult(0);
  if (scanOf(compute)) {
    return "its running sums go on from element to element";
  }
  if (!followsSizes(g)) {
    return "a dimension of run-time size is not read from end to end";
  }
  if (x.hasOneUse()) {
    return "";
  }
  if (!hasAllOfX(g)) {
    return "others read it, and packed x has not all of its elements";
  }
  for (Operation *user : x.getUsers()) {
    auto other = dyn_cast<lp::ContractOp>(user);
    if (other && other.getX() == x && other->isBeforeInBlock(contract)) {
      auto form = formOf(other);
      if (form && hasAllOfX(form->geometry) &&
          !havePackedXAlike(form->geometry, g)) {
        return "another contraction reads it before";
      }
    }
  }
  return "";
}

std::string lpgen::whyNotChained(const Geometry &g,
                                 const PackedForm &producer) {
  if (!g.innerBatch.empty()) {
    return "its packed dimension is divided into groups of channels";
  }
  if (g.merged) {
    return "its positions are packed a row at a time";
  }
  SmallVector<unsigned> columns = producer.geometry.loopsOf(LoopRole::Column);
  if (columns != SmallVector<unsigned>{g.innerXDim}) {
    return "its packed dimension is not the column dimension of its producer";
  }
  if (g.innerExtent() != g.shape.xShape[g.innerXDim]) {
    return "only a part of its packed dimension is read";
  }
  if (!followsSizes(g)) {
    return "a dimension of run-time size is not read from end to end";
  }
  int64_t lanes = producer.geometry.wLayout.getLanes();
  int64_t group = g.xLayout.getGroup();
  if (producer.geometry.panels > 1 && lanes % group != 0) {
    return "panels of " + std::to_string(lanes) +
           " columns are not a multiple of the k-group of " +
           std::to_string(group);
  }
  return "";
}

std::string lpgen::whyNotChained(const Geometry &g, const LaneForm &producer) {
  if (g.xLayout.getSums() && producer.unfolded.geometry.panels > 1) {
    return "its sums of a position are those of several tasks of its producer";
  }
  return whyNotChained(g, producer.unfolded);
}

/// Why the contraction `producer` cannot write the packed x of `g`.
static std::string whyNotWrittenBy(lp::ContractOp producer, const Geometry &g) {
  if (auto form = formOf(producer)) {
    return whyNotChained(g, *form);
  }
  auto lanes = laneFormOf(producer);
  return lanes ? whyNotChained(g, *lanes)
               : "its producer has no packed schedule";
}

XSource lpgen::findXSource(lp::ContractOp contract, const PackedForm &form) {
  XSource source;
  source.producer = contract.getX().getDefiningOp();
  if (auto compute = dyn_cast_or_null<lp::ComputeOp>(source.producer)) {
    source.whyNot = whyNotComputed(contract, form.geometry, compute);
    source.origin =
        source.whyNot.empty() ? XOrigin::Computed : XOrigin::Logical;
  } else if (auto other = dyn_cast_or_null<lp::ContractOp>(source.producer)) {
    source.whyNot = whyNotWrittenBy(other, form.geometry);
    source.origin = source.whyNot.empty() ? XOrigin::Chained : XOrigin::Logical;
  } else if (isa_and_present<lp::InterleaveOp>(source.producer)) {
    source.whyNot = "it is made of residue classes";
  }
  return source;
}

bool lpgen::havePackedXAlike(const Geometry &a, const Geometry &b) {
  // Parts of the inner dimension, by loops whose numbers may differ.
  const auto isSamePart = [&](const auto &l, const auto &r) {
    return l.second == r.second &&
           a.shape.extents[l.first] == b.shape.extents[r.first];
  };
  const auto isSameDim = [](const PositionDim &l, const PositionDim &r) {
    return l.xDim == r.xDim && l.low == r.low && l.size == r.size &&
           l.stride == r.stride;
  };
  // How much of a dimension of run-time size is packed follows from the loops.
  const bool followsLoops =
      llvm::any_of(a.positions, [&](const PositionDim &p) {
        return a.shape.isXDynamic[p.xDim] && p.hasHalo;
      });
  if (a.shape.storesPadding || b.shape.storesPadding) {
    return false; // Their paddings may differ.
  }
  if (followsLoops &&
      (a.shape.xMap != b.shape.xMap || a.shape.sizes != b.shape.sizes)) {
    return false;
  }
  return a.xLayout == b.xLayout && a.innerXDim == b.innerXDim &&
         a.xBytes == b.xBytes && a.merged.has_value() == b.merged.has_value() &&
         (!a.merged || isSameDim(a.merged->row, b.merged->row)) &&
         llvm::equal(a.innerBatch, b.innerBatch, isSamePart) &&
         a.runExtent() == b.runExtent() &&
         llvm::equal(a.positions, b.positions, isSameDim);
}

std::string lpgen::describeXSource(lp::ContractOp contract) {
  auto form = formOf(contract);
  if (!form || !contract.getX().getDefiningOp()) {
    return "";
  }
  XSource source = findXSource(contract, *form);
  std::optional<StringRef> label;
  if (auto compute = dyn_cast<lp::ComputeOp>(source.producer)) {
    label = compute.getLabel();
  } else if (auto other = dyn_cast<lp::ContractOp>(source.producer)) {
    label = other.getLabel();
  }
  std::string name = label ? "'" + label->str() + "' " : "it ";
  switch (source.origin) {
  case XOrigin::Chained:
    return name + "is written packed by the contraction that makes it";
  case XOrigin::Computed:
    return name + "is computed where it is packed";
  case XOrigin::Logical:
    return name + "is packed by a phase of its own, as " + source.whyNot;
  }
  llvm_unreachable("all origins are above");
}
