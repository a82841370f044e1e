// The form of a contraction with its channels in the lanes. See LaneForm.h.
#include "ir/analysis/LaneForm.h"
#include "ir/dialect/Extents.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;

namespace {

/// Elements that one load of a vector may span.
constexpr int64_t kMostSegment = 64;
/// Positions from one element of a group to the next.
constexpr int64_t kMostGroupStep = 8;

/// Finds out how a contraction lies in lanes.
class LanePlanner {
public:
  LanePlanner(lp::ContractOp contract, const Cell &cell, std::string &reason)
      : contract(contract), facts(cell.facts()), cell(cell), reason(reason) {
    form.shape = ContractShape::of(contract);
    form.vectorLanes = facts.lanes;
  }

  std::optional<LaneForm> plan(int64_t vectors) {
    if (!sortLoops() || !findChannels() || !checkPositions() || !findGroups() ||
        !unfold() || !store()) {
      return std::nullopt;
    }
    layOut(vectors);
    return std::move(form);
  }

private:
  bool fail(const llvm::Twine &why) {
    reason = why.str();
    return false;
  }
  bool isReduction(unsigned loop) const { return loop >= form.shape.parallel; }

  bool sortLoops();
  bool findChannels();
  bool checkPositions();
  bool findGroups();
  bool unfold();
  bool store();
  bool storeX(StoredRange range);
  bool storeW(StoredRange range);
  bool padFits();
  bool canFillPanels(int64_t vectors);
  std::optional<LaneRoll> findRoll();
  void layOut(int64_t vectors);

  lp::ContractOp contract;
  const CellFacts &facts;
  const Cell &cell;
  std::string &reason;
  LaneForm form;
  SmallVector<unsigned> rows;
  SmallVector<unsigned> laneLoops;
  std::optional<unsigned> channelLoop; ///< A reduction over channels.
};

/// Rows of x, then lanes, which w has too, then the reduction.
bool LanePlanner::sortLoops() {
  const ContractShape &shape = form.shape;
  if (hasDivisions(contract)) {
    return fail(whyDivided(contract));
  }
  if (contract.numGroups() > 0) {
    return fail("its groups have sums of their own");
  }
  if (!contract.accumulatorType().isInteger(32)) {
    return fail("the sum is not one of integers that fits 32 bits");
  }
  for (unsigned loop = 0; loop < shape.extents.size(); ++loop) {
    const bool inX = shape.xMap.isFunctionOfDim(loop);
    const bool inW = shape.wMap.isFunctionOfDim(loop);
    if (isReduction(loop)) {
      if (!inX || !inW || shape.isDynamic[loop]) {
        return fail("a reduction loop subscripts only one operand, or has a "
                    "run-time extent");
      }
      continue;
    }
    if (!inX && !inW) {
      return fail("a loop of the result subscripts neither operand");
    }
    if (inW) {
      laneLoops.push_back(loop);
    } else if (laneLoops.empty()) {
      rows.push_back(loop);
    } else {
      return fail(
          "the channels are not the innermost dimensions of the result");
    }
  }
  if (rows.empty() || laneLoops.empty()) {
    return fail("there are no rows, or no channels, to put in lanes");
  }
  // What a task covers is of constant extent, and so are the channels.
  for (auto [loop, isDynamic] : llvm::enumerate(shape.isDynamic)) {
    if (isDynamic && (rows.size() < 3 || loop != rows.front())) {
      return fail("a run-time extent is not that of the first of three row "
                  "loops");
    }
  }
  return true;
}

/// The last dimension of x: sets of lanes, of which each has channels of its
/// own.
bool LanePlanner::findChannels() {
  const ContractShape &shape = form.shape;
  const auto last = static_cast<unsigned>(shape.xShape.size() - 1);
  if (shape.xShape.empty() || shape.isXDynamic[last]) {
    return fail("the last dimension of x is not one of channels");
  }
  if (!lp::isInnermostDense(contract.getX())) {
    return fail("the channels of x are not side by side in memory");
  }
  const Subscript s = subscriptOf(shape, last);
  int64_t high = s.constant;
  for (unsigned loop = 0; loop < shape.extents.size(); ++loop) {
    if (!s.uses(loop)) {
      continue;
    }
    high += s.coefficients[loop] * (shape.extents[loop] - 1);
    if (isReduction(loop)) {
      if (channelLoop || s.coefficients[loop] != 1) {
        return fail("the last dimension of x has two reductions, or one with "
                    "gaps");
      }
      channelLoop = loop;
    } else if (!shape.wMap.isFunctionOfDim(loop)) {
      return fail("the last dimension of x has a row loop");
    }
  }
  int64_t step = 0; // of the sets that inner loops make
  for (unsigned loop : llvm::reverse(laneLoops)) {
    const int64_t c = s.coefficients[loop];
    if (c == 0 && step == 0) {
      form.share *= shape.extents[loop];
    } else if (c < 1 || (step != 0 && c != step)) {
      return fail("the channels of lanes are not evenly apart");
    } else {
      form.pitch = step == 0 ? c : form.pitch;
      step = c * shape.extents[loop];
    }
  }
  if (step == 0) {
    return fail("all output channels read the same channels of x");
  }
  if (s.constant < 0 || high >= shape.xShape[last]) {
    return fail("the channels of x are padded");
  }
  form.firstChannel = s.constant;
  return true;
}

/// The other dimensions: rows and taps, forwards.
bool LanePlanner::checkPositions() {
  const ContractShape &shape = form.shape;
  for (unsigned d = 0; d + 1 < shape.xShape.size(); ++d) {
    const Subscript s = subscriptOf(shape, d);
    for (unsigned loop = 0; loop < shape.extents.size(); ++loop) {
      if (s.coefficients[loop] < 0 ||
          (s.uses(loop) &&
           (channelLoop == loop || llvm::is_contained(laneLoops, loop)))) {
        return fail("a position of x depends on a channel, or goes backwards");
      }
    }
    auto bare = dyn_cast<AffineDimExpr>(shape.xMap.getResult(d));
    if (shape.isXDynamic[d] &&
        (!bare || !shape.isDynamic[bare.getPosition()])) {
      return fail("a padded dimension of x has a run-time size");
    }
  }
  return true;
}

/// What groups are made of: channels, or the last tap of a dimension.
bool LanePlanner::findGroups() {
  const ContractShape &shape = form.shape;
  if (channelLoop) {
    form.groupDim = shape.xShape.size() - 1;
    return true;
  }
  for (unsigned loop = shape.extents.size(); loop-- > shape.parallel;) {
    for (unsigned d = shape.xShape.size() - 1; d-- > 0;) {
      const Subscript s = subscriptOf(shape, d);
      if (s.uses(loop)) {
        form.groupDim = d;
        form.groupStep = s.coefficients[loop];
        channelLoop = loop;
        return form.groupStep <= kMostGroupStep ||
               fail("the taps are too far apart");
      }
    }
  }
  return fail("there is no reduction");
}

/// The geometry of w: that of a GEMM whose x has a dimension for each row and
/// each reduction loop, the one of groups last.
bool LanePlanner::unfold() {
  const ContractShape &shape = form.shape;
  ContractShape gemm = shape;
  SmallVector<AffineExpr> dims;
  gemm.xShape.clear();
  gemm.isXDynamic.clear();
  auto add = [&](unsigned loop) {
    dims.push_back(getAffineDimExpr(loop, contract.getContext()));
    gemm.xShape.push_back(shape.extents[loop]);
    gemm.isXDynamic.push_back(shape.isDynamic[loop]);
  };
  llvm::for_each(rows, add);
  for (unsigned loop = shape.parallel; loop < shape.extents.size(); ++loop) {
    if (loop != *channelLoop) {
      add(loop);
    }
  }
  add(*channelLoop);
  gemm.xMap =
      AffineMap::get(shape.extents.size(), 0, dims, contract.getContext());
  auto geometry = Geometry::analyze(gemm, reason);
  if (!geometry) {
    return false;
  }
  assert(geometry->innerLoop == *channelLoop && "the last dimension is packed");
  form.unfolded.geometry = std::move(*geometry);
  if (facts.lanes % form.share != 0) {
    return fail("the " + llvm::Twine(form.share) +
                " outputs of a group of channels do not divide a vector of " +
                llvm::Twine(facts.lanes));
  }
  if (form.segment(facts.lanes) > kMostSegment) {
    return fail("the channels of a vector of lanes are too far apart");
  }
  return true;
}

static bool isWithin(StoredRange range, StoredRange limit) {
  return range.lo >= limit.lo && range.hi <= limit.hi;
}

/// Elements plus `offset`, if that fits.
static std::optional<ElementStorage> shifted(StoredRange range, int64_t offset,
                                             StoredRange limit) {
  const StoredRange stored{range.lo + offset, range.hi + offset};
  return isWithin(stored, limit)
             ? std::optional(ElementStorage{offset, false, stored, {}})
             : std::nullopt;
}

/// With the constant of the factor if it fits, else as every cell stores it;
/// then sums of w complete the sum.
bool LanePlanner::storeX(StoredRange range) {
  PackedForm &packed = form.unfolded;
  const lp::ContractOp::Affine affine = contract.affineOfX();
  std::optional<ElementStorage> x = shifted(range, affine.offset, facts.x);
  if (!x) {
    x = storageOf(lp::toElementType(contract.getXElement()), range, facts,
                  lp::OperandKind::Activations);
  }
  if (!x || x->halve || affine.scale != 1) {
    return fail("x does not fit the cell's operands");
  }
  packed.x = *x;
  packed.xFactor = {1, affine.offset - x->offset};
  packed.needsWSums = packed.xFactor.bias != 0 || contract.getXZero();
  if (auto map = contract.getXZeroMap();
      map && llvm::any_of(laneLoops, [&](unsigned loop) {
        return map->isFunctionOfDim(loop);
      })) {
    return fail("the zero point of x depends on a channel");
  }
  return padFits();
}

/// The halo holds the padding like an element of x.
bool LanePlanner::padFits() {
  PackedForm &packed = form.unfolded;
  StoredRange pad{0, 0};
  if (Value scalar = contract.getXPadScalar()) {
    mlir::Type element = contract.getXPadElement().value_or(
        cast<ShapedType>(scalar.getType()).getElementType());
    pad = rangeOfScalar(scalar, lp::toElementType(element));
  } else {
    pad.lo = pad.hi = contract.getXPad().value_or(-packed.x.offset);
  }
  pad = {pad.lo + packed.x.offset, pad.hi + packed.x.offset};
  if (!isWithin(pad, facts.x)) {
    return fail("the padding of x does not fit the cell's operands");
  }
  packed.x.range = {std::min(packed.x.range.lo, pad.lo),
                    std::max(packed.x.range.hi, pad.hi)};
  return true;
}

/// As the factor is: there are no sums of x by lane to complete it.
bool LanePlanner::storeW(StoredRange range) {
  const lp::ContractOp::Affine affine = contract.affineOfW();
  std::optional<ElementStorage> w = shifted(range, affine.offset, facts.w);
  if (!w || affine.scale != 1 || contract.getWZero()) {
    return fail("w, with its zero point, does not fit the cell's operands");
  }
  form.unfolded.w = *w;
  return true;
}

bool LanePlanner::store() {
  if (!storeX({contract.getXRange()[0], contract.getXRange()[1]}) ||
      !storeW({contract.getWRange()[0], contract.getWRange()[1]})) {
    return false;
  }
  PackedForm &packed = form.unfolded;
  packed.chunk =
      cell.maxSteps(packed.x.rangeWithZero(), packed.w.rangeWithZero());
  return packed.chunk >= 1 ||
         fail("one step could overflow the accumulator of cell '" + facts.name +
              "'");
}

/// Four vectors of 32-bit groups of neighbouring taps have the channels of a
/// register of bytes.
bool LanePlanner::canFillPanels(int64_t vectors) {
  constexpr int64_t unitBits = 128; // of what interleaves
  const PackedForm &packed = form.unfolded;
  const ElementType element = lp::toElementType(contract.getXElement());
  if (form.groupsChannels() || form.groupStep != 1 || form.share != 1 ||
      form.pitch != 1 || facts.groupBytes != 4 || vectors % 4 != 0 ||
      facts.lanes * 32 % unitBits != 0 || contract.getXPadScalar() ||
      !lp::getStorageType(contract.getXElement()).isInteger(8)) {
    return false;
  }
  const int64_t pad = contract.getXPad().value_or(0);
  return facts.group == 4 || (facts.group == 2 && !element.isStorageSigned() &&
                              packed.x.offset == 0 && pad >= 0 && pad <= 255);
}

/// The dimension of the second row loop, if its taps are the outermost ones and
/// no other dimension but that of the walk has more than a position.
std::optional<LaneRoll> LanePlanner::findRoll() {
  const ContractShape &shape = form.shape;
  const Geometry &g = form.unfolded.geometry;
  const auto across = form.across();
  std::optional<LaneRoll> roll;
  if (!across) {
    return roll;
  }
  std::optional<unsigned> outermost;
  for (unsigned loop : g.loopsOf(LoopRole::Tap)) {
    outermost = outermost || shape.extents[loop] == 1 ? outermost : loop;
  }
  const auto walk = static_cast<unsigned>(
      form.groupsChannels() ? shape.xShape.size() - 2 : form.groupDim);
  for (unsigned d = 0; d + 1 < shape.xShape.size(); ++d) {
    const Subscript s = subscriptOf(shape, d);
    if (d == walk) {
      if (s.uses(*across) || (outermost && s.uses(*outermost))) {
        return std::nullopt;
      }
      continue;
    }
    for (unsigned loop = 0; loop < shape.extents.size(); ++loop) {
      const bool isOther = isReduction(loop)
                               ? shape.extents[loop] > 1 && loop != outermost
                               : loop == form.along();
      if (s.uses(loop) && isOther) {
        return std::nullopt;
      }
    }
    if (!s.uses(*across)) {
      if (outermost && s.uses(*outermost)) {
        return std::nullopt;
      }
      continue;
    }
    const bool hasTaps = outermost && s.coefficients[*outermost] == 1;
    const int64_t step = s.coefficients[*across];
    if (roll || !hasTaps || step > shape.extents[*outermost] ||
        shape.isXDynamic[d]) {
      return std::nullopt;
    }
    roll = {d, shape.extents[*outermost], step};
  }
  return roll;
}

void LanePlanner::layOut(int64_t vectors) {
  PackedForm &packed = form.unfolded;
  form.fillsPanels = canFillPanels(vectors);
  auto layout = [&](lp::OperandKind operand, const ElementStorage &storage,
                    int64_t bytes, int64_t lanes, bool sums) {
    return lp::LayoutAttr::get(
        contract.getContext(), operand, lp::LayoutKind::Elements, facts.group,
        bytes, bytes * 8 / facts.group, /*planes=*/1, lanes, storage.offset,
        /*halve=*/false, storage.range.lo < 0, sums);
  };
  std::string none;
  packed.geometry.computeClasses(none);
  packed.geometry.setLayouts(layout(lp::OperandKind::Activations, packed.x,
                                    facts.groupBytes, 1, false),
                             layout(lp::OperandKind::Weights, packed.w,
                                    facts.wBytes(), facts.lanes * vectors,
                                    packed.needsWSums));
  form.roll = findRoll();
}

} // namespace

std::optional<unsigned> LaneForm::across() const {
  SmallVector<unsigned> rows = unfolded.geometry.loopsOf(LoopRole::Row);
  return rows.size() < 2 ? std::nullopt : std::optional(rows[rows.size() - 2]);
}

std::optional<LaneForm> lpgen::planLaneForm(lp::ContractOp contract,
                                            const Cell &cell, int64_t vectors,
                                            std::string &reason) {
  if (!cell.facts().xInLanes) {
    reason = "cell '" + cell.facts().name.str() + "' takes no x in lanes";
    return std::nullopt;
  }
  return LanePlanner(contract, cell, reason).plan(vectors);
}

FailureOr<LaneForm> lpgen::scheduledLaneForm(lp::ContractOp contract) {
  const lp::ScheduleAttr schedule = *contract.getSchedule();
  const Cell *cell = findCell(contract, schedule.getCell());
  if (!cell) {
    return contract.emitError("the target has no cell '")
           << schedule.getCell() << "'";
  }
  std::string reason;
  auto form = planLaneForm(contract, *cell, schedule.getTileVectors(), reason);
  if (!form) {
    return contract.emitError("schedule ")
           << schedule << " cannot be applied: " << reason;
  }
  return *form;
}
