// lp-tile: the strip of x of a task with channels in the lanes. See
// LaneTiler.h.
//
// Along the innermost positions, from the last to the first, a group of taps is
// the one of the position after it, moved up by an element, with the element of
// this position below. Positions outside x get the padding.
#include "compiler/passes/LaneTiler.h"
#include "targets/Cell.h"

using namespace mlir;
using namespace lpgen;

/// The constant padding as it is stored.
static int64_t storedPad(lp::ContractOp op, const LaneForm &form) {
  const int64_t offset = form.unfolded.x.offset;
  return op.getXPad().value_or(-offset) + offset;
}

StripFiller::StripFiller(lp::ContractOp op, Emitter &e, const LaneForm &form,
                         int64_t block, int64_t length, Value buffer)
    : op(op), e(e), form(form), g(form.unfolded.geometry), block(block),
      length(length), strip(planStrip(form, block, length)), buffer(buffer),
      laneBits(static_cast<unsigned>(g.xLayout.getGroupBytes() * 8)),
      elementBits(static_cast<unsigned>(g.xLayout.getBits())),
      walkDim(form.groupsChannels()
                  ? static_cast<unsigned>(strip.dims.size() - 1)
                  : form.groupDim),
      panel(e, form) {
  interleaves = canInterleave();
  padding =
      interleaves
          ? cell::splat(e.b, e.loc, cell::vectorType(e.b, form.vectorLanes, 8),
                        storedPad(op, form) - form.unfolded.x.offset)
          : splatPadding();
}

/// The lanes of a vector of groups, all `value`.
Value StripFiller::groupsOf(int64_t value) {
  return cell::splat(e.b, e.loc,
                     cell::vectorType(e.b, form.vectorLanes, laneBits), value);
}

/// The stored padding, as an element; in every element of a group of channels.
Value StripFiller::splatPadding() {
  mlir::Type lane = e.b.getIntegerType(laneBits);
  Value pad;
  if (op.getXPadScalar()) {
    pad = e.read(op.getXPadScalar(), {}, *op.getXPadElement());
    pad = e.castInt(pad, e.b.getI32Type());
    pad = e.add(pad, e.i32(form.unfolded.x.offset));
  } else {
    pad = e.i32(storedPad(op, form));
  }
  pad = arith::AndIOp::create(e.b, e.loc, pad,
                              e.i32((int64_t{1} << elementBits) - 1));
  Value all = pad;
  for (int64_t i = 1; form.groupsChannels() && i < g.xLayout.getGroup(); ++i) {
    Value moved =
        arith::ShLIOp::create(e.b, e.loc, pad, e.i32(i * elementBits));
    all = arith::OrIOp::create(e.b, e.loc, all, moved);
  }
  return vector::BroadcastOp::create(
      e.b, e.loc, cell::vectorType(e.b, form.vectorLanes, laneBits),
      e.castInt(all, lane));
}

/// Element `element` of the channels of each lane, as it lies in x.
Value StripFiller::elementOf(Value segment, int64_t element) {
  const int64_t sourceCount =
      cast<VectorType>(segment.getType()).getNumElements();
  SmallVector<int64_t> mask;
  bool isIdentity = sourceCount == form.vectorLanes;
  for (int64_t lane = 0; lane < form.vectorLanes; ++lane) {
    // What lanes past the end hold meets weights of zero.
    const int64_t from =
        lane < count ? lane / form.share * form.pitch + element : 0;
    isIdentity &= from == lane;
    mask.push_back(std::min(from, sourceCount - 1));
  }
  return isIdentity
             ? segment
             : vector::ShuffleOp::create(e.b, e.loc, segment, segment, mask)
                   .getResult();
}

/// True if groups are pairs of taps in 16 bits, of bytes that fill half a
/// register of 128 bits, and the padding is such a byte: a pair is two bytes
/// side by side, and both are extended at once.
bool StripFiller::canInterleave() {
  constexpr int64_t mostBits = 64;
  const ElementType type = lp::toElementType(op.getXElement());
  const int64_t pad = storedPad(op, form) - form.unfolded.x.offset;
  const unsigned have = cast<MemRefType>(op.getX().getType())
                            .getElementType()
                            .getIntOrFloatBitWidth();
  const int64_t low = type.isStorageSigned() ? -128 : 0;
  return !form.groupsChannels() && g.xLayout.getGroup() == 2 &&
         elementBits == 16 && have == 8 && !op.getXPadScalar() &&
         form.vectorLanes * have <= mostBits && pad >= low && pad <= low + 255;
}

/// Elements as their storage has them, in the width and with the offset of the
/// packed ones.
Value StripFiller::storedElements(Value elements) {
  const auto from = cast<VectorType>(elements.getType());
  VectorType type = cell::vectorType(e.b, from.getNumElements(), elementBits);
  if (from.getElementTypeBitWidth() > elementBits) {
    elements = arith::TruncIOp::create(e.b, e.loc, type, elements);
  } else if (from.getElementTypeBitWidth() < elementBits) {
    elements =
        lp::toElementType(op.getXElement()).isStorageSigned()
            ? arith::ExtSIOp::create(e.b, e.loc, type, elements).getResult()
            : arith::ExtUIOp::create(e.b, e.loc, type, elements);
  }
  if (const int64_t offset = form.unfolded.x.offset) {
    elements = arith::AddIOp::create(e.b, e.loc, elements,
                                     cell::splat(e.b, e.loc, type, offset));
  }
  return elements;
}

/// Groups of the bytes of taps `low` and those of the ones after it.
Value StripFiller::interleaved(Value low, Value high) {
  SmallVector<int64_t> mask;
  for (int64_t lane = 0; lane < form.vectorLanes; ++lane) {
    mask.push_back(lane);
    mask.push_back(form.vectorLanes + lane);
  }
  Value bytes = vector::ShuffleOp::create(e.b, e.loc, low, high, mask);
  return cell::bitcast(e.b, e.loc, storedElements(bytes),
                       cell::vectorType(e.b, form.vectorLanes, laneBits));
}

/// Element `element` of the channels of each lane, stored, in the lowest bits.
Value StripFiller::lanesOf(Value segment, int64_t element) {
  const int64_t offset = form.unfolded.x.offset;
  segment = elementOf(segment, element);
  VectorType type = cell::vectorType(e.b, form.vectorLanes, laneBits);
  const unsigned have =
      cast<VectorType>(segment.getType()).getElementTypeBitWidth();
  const bool isSigned = lp::toElementType(op.getXElement()).isStorageSigned();
  if (have < laneBits) {
    // Bytes of a group of bytes are clean as they are.
    const bool extendsSign = isSigned && (have < elementBits || offset != 0);
    segment =
        extendsSign
            ? arith::ExtSIOp::create(e.b, e.loc, type, segment).getResult()
            : arith::ExtUIOp::create(e.b, e.loc, type, segment).getResult();
  } else if (have > laneBits) {
    segment = arith::TruncIOp::create(e.b, e.loc, type, segment);
  }
  if (offset != 0) {
    segment = arith::AddIOp::create(e.b, e.loc, segment, groupsOf(offset));
  }
  const bool isClean =
      elementBits == laneBits || (have <= elementBits && offset == 0 &&
                                  (!isSigned || have == elementBits));
  return isClean
             ? segment
             : arith::AndIOp::create(e.b, e.loc, segment,
                                     groupsOf((int64_t{1} << elementBits) - 1))
                   .getResult();
}

/// Whole groups of channels, which are side by side in x: the groups of a
/// segment, of which each lane takes its own.
SmallVector<Value> StripFiller::wholeGroups(Value segment) {
  const int64_t group = g.xLayout.getGroup();
  const int64_t elements = cast<VectorType>(segment.getType()).getNumElements();
  segment = storedElements(segment);
  const int64_t count = elements / group;
  Value all = cell::bitcast(e.b, e.loc, segment,
                            cell::vectorType(e.b, count, laneBits));
  SmallVector<Value> groups;
  for (int64_t i = 0; i < g.groups; ++i) {
    SmallVector<int64_t> mask;
    for (int64_t lane = 0; lane < form.vectorLanes; ++lane) {
      mask.push_back(
          std::min(lane / form.share * form.pitch / group + i, count - 1));
    }
    groups.push_back(vector::ShuffleOp::create(e.b, e.loc, all, all, mask));
  }
  return groups;
}

/// The channels of each lane as groups, the last one filled up by zeros.
SmallVector<Value> StripFiller::channelGroups(Value segment) {
  const int64_t group = g.xLayout.getGroup();
  if (g.innerExtent() % group == 0 && form.pitch % group == 0) {
    return wholeGroups(segment);
  }
  SmallVector<Value> groups;
  for (int64_t k = 0; k < g.innerExtent(); ++k) {
    const int64_t place = k % g.xLayout.getGroup();
    Value element = lanesOf(segment, k);
    if (place == 0) {
      groups.push_back(element);
      continue;
    }
    Value moved = arith::ShLIOp::create(e.b, e.loc, element,
                                        groupsOf(place * elementBits));
    groups.back() = arith::OrIOp::create(e.b, e.loc, groups.back(), moved);
  }
  return groups;
}

/// True if some position of dimension `d` of a strip can lie outside x.
bool StripFiller::canBeOutside(unsigned d) const {
  if (form.shape.isXDynamic[d]) {
    return false; // a bare row loop
  }
  const StripDim &dim = strip.dims[d];
  int64_t high = dim.subscript.constant + dim.size - 1;
  for (unsigned loop : g.loopsOf(LoopRole::Row)) {
    const int64_t most = form.shape.extents[loop] - 1;
    // The last task of a block has the last trip, or may have its first one.
    const int64_t first = loop == form.along()    ? most - (length - 1)
                          : loop != form.across() ? most
                          : d == walkDim          ? most / block * block
                                                  : most - (block - 1);
    high += dim.subscript.coefficients[loop] * first;
  }
  return dim.subscript.constant < 0 || high >= form.shape.xShape[d];
}

/// True where positions of all dimensions but `walk` are inside; null if they
/// always are.
Value StripFiller::inside(ArrayRef<Value> at, unsigned walk) {
  Value all;
  for (unsigned d = 0; d < at.size(); ++d) {
    if (d == walk || !canBeOutside(d)) {
      continue;
    }
    // Unsigned: a negative position is a huge one.
    Value in = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult,
                                     at[d], e.index(form.shape.xShape[d]));
    all = all ? arith::AndIOp::create(e.b, e.loc, all, in).getResult() : in;
  }
  return all;
}

/// Each of `groups` `apart` bytes after the one before.
void StripFiller::storeGroups(Value offset, ArrayRef<Value> groups,
                              int64_t apart) {
  const int64_t bytes = form.vectorLanes * laneBits / 8;
  for (auto [i, group] : llvm::enumerate(groups)) {
    vector::StoreOp::create(
        e.b, e.loc,
        cell::bitcast(e.b, e.loc, group, cell::vectorType(e.b, bytes, 8)),
        buffer, e.add(offset, e.index(static_cast<int64_t>(i) * apart)));
  }
}

/// One position of a walk over all vectors of a panel: four at a time.
SmallVector<Value> StripFiller::panelStep(ArrayRef<Value> at, Value offset,
                                          ArrayRef<Value> before,
                                          bool isInside) {
  SmallVector<Value> position(at);
  SmallVector<Value> after;
  SmallVector<Value> groups;
  for (int64_t first = 0; first < count; first += panel.width()) {
    Value here = padding;
    if (isInside) {
      position.back() = e.add(at.back(), e.index(first));
      here = panel.stored(vector::LoadOp::create(
          e.b, e.loc, cell::vectorType(e.b, panel.width(), 8), op.getX(),
          position));
    }
    SmallVector<Value> state(before.take_front(size_t(panel.stateSize())));
    before = before.drop_front(state.size());
    groups.append(panel.step(here, state));
    after.append(state);
  }
  storeGroups(offset, groups, strip.bytes);
  return after;
}

/// Positions [from, to) of the walk, the last one first. `before` has the
/// groups of the positions after it, as far as a group's elements are apart;
/// where groups are interleaved, their bytes.
SmallVector<Value> StripFiller::walkPart(Value from, Value to,
                                         ArrayRef<Value> before,
                                         bool isInside) {
  const StripDim &dim = strip.dims[walkDim];
  const int64_t vectorBytes = form.vectorLanes * laneBits / 8;
  // The position is carried: of one that is computed by a subtraction from the
  // number of the trip, LLVM makes a bitwise operation when it unrolls, which
  // is no address that it could step.
  SmallVector<Value> first(before);
  first.push_back(e.sub(to, e.index(1)));
  auto loop = scf::ForOp::create(e.b, e.loc, e.index(0), e.sub(to, from),
                                 e.index(1), first);
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> carried(loop.getRegionIterArgs());
  Value position = carried.pop_back_val();
  Value next = e.sub(position, e.index(1));
  Value offset = e.add(start, e.mul(position, e.index(dim.stride)));
  SmallVector<Value> at = source;
  at[walkDim] = e.add(at[walkDim], position);
  at.push_back(channel);
  if (isPanel) {
    carried = panelStep(at, offset, carried, isInside);
    carried.push_back(next);
    scf::YieldOp::create(e.b, e.loc, carried);
    return llvm::to_vector_of<Value>(loop.getResults().drop_back());
  }
  Value segment;
  if (isInside) {
    segment = vector::LoadOp::create(
        e.b, e.loc,
        VectorType::get({form.segment(count)},
                        cast<MemRefType>(op.getX().getType()).getElementType()),
        op.getX(), at);
  }
  if (form.groupsChannels()) {
    storeGroups(offset,
                isInside ? channelGroups(segment)
                         : SmallVector<Value>(g.groups, padding),
                vectorBytes);
    scf::YieldOp::create(e.b, e.loc, next);
    return {};
  }
  if (interleaves) {
    Value byte = isInside ? elementOf(segment, 0) : padding;
    storeGroups(offset, interleaved(byte, carried.pop_back_val()), vectorBytes);
    carried.insert(carried.begin(), byte);
    carried.push_back(next);
    scf::YieldOp::create(e.b, e.loc, carried);
    return llvm::to_vector_of<Value>(loop.getResults().drop_back());
  }
  Value group = isInside ? lanesOf(segment, 0) : padding;
  if (!carried.empty()) {
    Value moved = arith::ShLIOp::create(e.b, e.loc, carried.back(),
                                        groupsOf(elementBits));
    group = arith::OrIOp::create(e.b, e.loc, group, moved);
    carried.insert(carried.begin(), group);
    carried.pop_back();
  }
  storeGroups(offset, group, vectorBytes);
  carried.push_back(next);
  scf::YieldOp::create(e.b, e.loc, carried);
  return llvm::to_vector_of<Value>(loop.getResults().drop_back());
}

/// All positions of the innermost loop, `at` those of the first one.
void StripFiller::walk(ValueRange at, Value offset) {
  source.assign(at.begin(), at.end());
  start = offset;
  const int64_t size = strip.dims[walkDim].size;
  // Groups of one element, and of channels, stand for themselves.
  const bool carries = !form.groupsChannels() && g.xLayout.getGroup() > 1;
  Value zero = interleaves
                   ? cell::splat(e.b, e.loc,
                                 cell::vectorType(e.b, form.vectorLanes, 8), 0)
                   : groupsOf(0);
  SmallVector<Value> none(carries ? form.groupStep : 0, zero);
  if (isPanel) {
    none.clear();
    for (int64_t first = 0; first < count; first += panel.width()) {
      none.append(panel.none());
    }
  }
  auto emitAll = [&](bool isInside) {
    walkPart(e.index(0), e.index(size), none, isInside);
  };
  auto emitInside = [&] {
    if (!canBeOutside(walkDim)) {
      return emitAll(true);
    }
    Value low =
        e.min(e.max(e.sub(e.index(0), at[walkDim]), e.index(0)), e.index(size));
    Value high = e.sub(e.index(form.shape.xShape[walkDim]), at[walkDim]);
    high = e.max(e.min(high, e.index(size)), low);
    SmallVector<Value> groups = walkPart(high, e.index(size), none, false);
    groups = walkPart(low, high, groups, true);
    walkPart(e.index(0), low, groups, false);
  };
  Value in = inside(SmallVector<Value>(at), walkDim);
  if (!in) {
    return emitInside();
  }
  auto branch = scf::IfOp::create(e.b, e.loc, in, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPointToStart(&branch.getThenRegion().front());
  emitInside();
  e.b.setInsertionPointToStart(&branch.getElseRegion().front());
  emitAll(false);
}

void StripFiller::fillPanel(Value firstChannel, ArrayRef<Value> rows,
                            Value acrossTrips) {
  isPanel = true;
  padding = panel.padding(storedPad(op, form));
  fill(firstChannel, g.wLayout.getLanes(), rows, acrossTrips);
}

void StripFiller::fillRow(Value firstChannel, int64_t lanes, bool allVectors,
                          ArrayRef<Value> rows, Value number, Value slot,
                          Value first) {
  channel = firstChannel;
  count = lanes;
  if (allVectors) {
    isPanel = true;
    padding = panel.padding(storedPad(op, form));
  }
  SmallVector<Value> at;
  for (auto [d, dim] : llvm::enumerate(strip.dims)) {
    Value low = e.dot(
        rows, ArrayRef(dim.subscript.coefficients).take_front(rows.size()),
        e.index(dim.subscript.constant));
    at.push_back(d == form.roll->dim ? e.add(low, number) : low);
  }
  const int64_t stride = strip.dims[form.roll->dim].stride;
  walk(at, e.add(first, e.mul(slot, e.index(stride))));
}

void StripFiller::fill(Value firstChannel, int64_t lanes, ArrayRef<Value> rows,
                       Value acrossTrips) {
  channel = firstChannel;
  count = lanes;
  SmallVector<OpFoldResult> sizes;
  for (auto [d, dim] : llvm::enumerate(strip.dims)) {
    OpFoldResult size = e.b.getIndexAttr(d == walkDim ? 1 : dim.size);
    const auto across = form.across();
    const int64_t c = across ? dim.subscript.coefficients[*across] : 0;
    if (c != 0 && d != walkDim) {
      // The last block may be shorter.
      size =
          e.add(e.index(dim.size - c * block), e.mul(acrossTrips, e.index(c)));
    }
    sizes.push_back(size);
  }
  SmallVector<Value> low;
  for (const StripDim &dim : strip.dims) {
    low.push_back(e.dot(
        rows, ArrayRef(dim.subscript.coefficients).take_front(rows.size()),
        e.index(dim.subscript.constant)));
  }
  forEach(e, sizes, [&](ArrayRef<Value> at) {
    SmallVector<Value> position;
    Value offset = e.index(0);
    for (auto [d, dim] : llvm::enumerate(strip.dims)) {
      position.push_back(e.add(low[d], at[d]));
      offset = e.add(offset, e.mul(at[d], e.index(dim.stride)));
    }
    walk(position, offset);
  });
}
