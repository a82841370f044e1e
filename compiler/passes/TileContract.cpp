// lp-tile: packed contractions as loops around register tiles and their
// epilogue.
//
// One task computes `block` register tiles of one panel of output channels: the
// panel of w, or a slice of it, stays in cache while rows of x stream by
// (TilePlan). The sums gather in scratch; then those of products of stored
// elements are completed to (x - xZero)(w - wZero) and handed to the body.
#include "compiler/passes/PackRow.h"
#include "compiler/passes/TilePlan.h"
#include "targets/Target.h"
#include "llvm/Support/MathExtras.h"
#include <vector>

using namespace mlir;
using namespace lpgen;

namespace {

TilePlan scheduledPlan(lp::ContractOp op, const PackedForm &form) {
  lp::ScheduleAttr schedule = *op.getSchedule();
  const Target *target = targetOf(op);
  return planTile(form, findCell(op, schedule.getCell())->facts(),
                  schedule.getTileRows(), schedule.getBlock(),
                  target->desc().l1Bytes);
}

/// One, or all if the chain needs sums of whole positions.
int64_t panelsPerTask(lp::ContractOp op, const Geometry &g) {
  return llvm::any_of(
             lp::chainedPacks(op),
             [](lp::PackOp pack) { return pack.getLayout().getSums(); })
             ? g.panels
             : 1;
}

/// The x of another contraction that the epilogue writes, row by row.
struct Chain {
  lp::PackOp op;
  Geometry geometry;
  RowPacker row;
};

class ContractTiler {
public:
  ContractTiler(lp::ContractOp op, Emitter &e, PackedForm form, Value scratch)
      : op(op), e(e), form(std::move(form)), g(this->form.geometry),
        schedule(*op.getSchedule()), cell(*findCell(op, schedule.getCell())),
        scratch(scratch), lanes(g.wLayout.getLanes()), rowBytes(lanes * 4),
        plan(scheduledPlan(op, this->form)),
        hasHalves(needsHalves(this->form, cell.facts(), plan.stepsPerPiece())) {
  }

  void emit(Coordinates task);
  /// Bytes of the sums of the task's tiles.
  int64_t tileBytes() const {
    return llvm::alignTo(
        sumsBytes() + (hasHalves ? halvesRows() * lanes * 2 : 0), 64);
  }
  int64_t scratchBytes() {
    int64_t bytes = tileBytes();
    for (lp::PackOp chain : lp::chainedPacks(op)) {
      bytes += RowPacker::rowBytes(chain.getLayout(), lanes);
    }
    return bytes;
  }

private:
  /// Rows of 16-bit sums of one tile, of each plane of x that shares it.
  int64_t halvesRows() const {
    return schedule.getTileRows() *
           planesTogether(form.x.planes.size(), form.w.planes.size(), cell,
                          schedule.getTileRows(), schedule.getTileVectors(),
                          targetOf(op)->desc());
  }
  int64_t sumsBytes() const {
    return schedule.getTileRows() * schedule.getBlock() * rowBytes;
  }
  void emitPanel();
  void emitTiles(llvm::function_ref<void(Value, int64_t)> tile);
  void emitPass(Value firstTrip, int64_t trips);
  void emitTile(Value row, int64_t rows, Value firstTrip, int64_t trips);
  void emitPiece(ArrayRef<Value> offsets, Value accOffset, Value firstTrip,
                 int64_t trips, const TilePart *part);
  void zeroScratch();
  void emitEpilogue();
  std::vector<Chain> openChains();
  void packRow(Chain &chain, Value columns);
  void setLoops(LoopRole role, Value linear);
  SmallVector<OpFoldResult> extentsOf(LoopRole role);
  Value strideDot(LoopRole role, Value start, int64_t divisor);
  Value rowAddress(Value row);
  bool hasAdjacentRows();
  Value withRowsAsOne(Value output);
  Value zeroOffset(Value zero, StringRef element, ArrayRef<Value> at,
                   int64_t offset);
  Value sumOfX();
  Value borderClass();
  struct RowTerms;
  RowTerms rowTerms();
  Value complete(const RowTerms &terms, Value sum, Value lane);

  lp::ContractOp op;
  Emitter &e;
  PackedForm form;
  Geometry &g;
  lp::ScheduleAttr schedule;
  const Cell &cell;
  Value scratch;
  int64_t lanes;
  int64_t rowBytes; ///< Of one row of sums.
  TilePlan plan;
  bool hasHalves; ///< 16-bit sums of a tile follow the sums in scratch.
  Value begin;    ///< First row of the task.
  Value end;      ///< Past its last row.
  Value batch;
  Value panel;
  Value wOffset;            ///< Byte where the panel begins in w.
  Value panelNumber;        ///< batch * panels + panel.
  Value xBase;              ///< Byte of x at this batch and row 0.
  SmallVector<Value> loops; ///< Current value of each parallel loop.
};

/// What the completed sum needs of one row; see `complete`. Unset terms are
/// zero.
struct ContractTiler::RowTerms {
  Value sumX;        ///< Sum of stored x over the inside taps.
  Value offsetX;     ///< Bx: value of a stored x of 0, less the zero point.
  Value outside;     ///< P: value of an outside x, less the zero point.
  Value insideTable; ///< Position of this class's sums of w.
  Value totalTable;  ///< Position of the sums over all taps.
  Value countInside; ///< Inside elements.
  Value countOutside;
};

SmallVector<OpFoldResult> ContractTiler::extentsOf(LoopRole role) {
  SmallVector<OpFoldResult> all = mixedExtents(
      op.getExtents(), op.getDynamicExtents(), e.b, [](Value v) { return v; });
  SmallVector<OpFoldResult> sizes;
  for (unsigned loop : g.loopsOf(role)) {
    sizes.push_back(all[loop]);
  }
  return sizes;
}

void ContractTiler::setLoops(LoopRole role, Value linear) {
  loops.resize(g.roles.size());
  for (auto [loop, value] : llvm::zip_equal(
           g.loopsOf(role), e.delinearize(linear, extentsOf(role)))) {
    loops[loop] = value;
  }
}

/// start + bytes that the loops of `role` add to the address of x, over
/// `divisor`.
Value ContractTiler::strideDot(LoopRole role, Value start, int64_t divisor) {
  for (unsigned loop : g.loopsOf(role)) {
    start =
        e.add(start, e.mul(loops[loop], e.index(g.xStride(loop) / divisor)));
  }
  return start;
}

/// Byte of x where `row` begins. Loops that step as one loop would are not
/// taken apart: where there is no halo, all of them.
Value ContractTiler::rowAddress(Value row) {
  SmallVector<OpFoldResult> sizes;
  SmallVector<int64_t> strides;
  for (auto [loop, size] :
       llvm::zip_equal(g.loopsOf(LoopRole::Row), extentsOf(LoopRole::Row))) {
    int64_t extent = g.shape.extents[loop];
    int64_t stride = g.xStride(loop);
    if (strides.empty() || strides.back() != stride * extent) {
      sizes.push_back(size);
    } else if (sizes.size() > 1) { // The outermost size bounds nothing.
      int64_t outer = *getConstantIntValue(sizes.back());
      sizes.back() = e.b.getIndexAttr(outer * extent);
    }
    strides.resize(sizes.size());
    strides.back() = stride;
  }
  return e.dot(e.delinearize(row, sizes), strides, xBase);
}

void ContractTiler::emit(Coordinates task) {
  batch = task[0];
  setLoops(LoopRole::Batch, batch);
  xBase = strideDot(LoopRole::Batch, e.index(g.xOrigin()), 1);

  Value rows = e.product(extentsOf(LoopRole::Row));
  int64_t blockRows = schedule.getTileRows() * schedule.getBlock();
  begin = e.mul(task[2], e.index(blockRows));
  end = e.min(e.add(begin, e.index(blockRows)), rows);
  int64_t count = panelsPerTask(op, g);
  auto emitNumber = [&](Value number) {
    panel = number;
    emitPanel();
  };
  if (count == 1) {
    emitNumber(task[1]);
  } else {
    e.loop(e.index(0), e.index(count), 1, emitNumber);
  }
}

/// All tiles of the task in one panel.
void ContractTiler::emitPanel() {
  panelNumber = e.add(e.mul(batch, e.index(g.panels)), panel);
  wOffset = e.add(e.index(kPackedHeaderBytes),
                  e.mul(panelNumber, e.index(g.panelBytes)));
  if (!plan.writesOnce()) {
    zeroScratch();
  }
  int64_t count = plan.loops[0].count;
  int64_t whole = count / plan.strip * plan.strip;
  if (whole == plan.strip) {
    emitPass(e.index(0), plan.strip);
  } else {
    e.loop(e.index(0), e.index(whole), plan.strip,
           [&](Value trip) { emitPass(trip, plan.strip); });
  }
  if (whole < count) {
    emitPass(e.index(whole), count - whole);
  }
  emitEpilogue();
}

/// `tile` for every register tile of the task, given its first row and its
/// number of rows.
void ContractTiler::emitTiles(llvm::function_ref<void(Value, int64_t)> tile) {
  int64_t tileRows = schedule.getTileRows();
  Value whole =
      arith::DivUIOp::create(e.b, e.loc, e.sub(end, begin), e.index(tileRows));
  Value wholeEnd = e.add(begin, e.mul(whole, e.index(tileRows)));
  e.loop(begin, wholeEnd, tileRows, [&](Value row) { tile(row, tileRows); });
  // Tasks have whole trips of the innermost row loop, aligned tiles divide it.
  if (tileRows == 1 || plan.aligned) {
    return;
  }
  bool isDynamic = llvm::any_of(g.loopsOf(LoopRole::Row), [&](unsigned loop) {
    return g.shape.isDynamic[loop];
  });
  if (isDynamic) {
    e.loop(wholeEnd, end, 1, [&](Value row) { tile(row, 1); });
  } else if (int64_t rest = g.extentOf(LoopRole::Row) % tileRows) {
    e.ifThen(e.less(wholeEnd, end), [&] { tile(wholeEnd, rest); });
  }
}

void ContractTiler::zeroScratch() {
  Value zero = arith::ConstantOp::create(
      e.b, e.loc,
      DenseElementsAttr::get(VectorType::get({lanes}, e.b.getI32Type()), 0));
  auto type = MemRefType::get(
      {schedule.getTileRows() * schedule.getBlock(), lanes}, e.b.getI32Type());
  Value sums = memref::ViewOp::create(e.b, e.loc, type, scratch, e.index(0),
                                      ValueRange{});
  e.loop(e.index(0), e.sub(end, begin), 1, [&](Value row) {
    vector::StoreOp::create(e.b, e.loc, zero, sums,
                            ValueRange{row, e.index(0)});
  });
}

/// Trips [firstTrip, firstTrip + trips) of the outermost reduction loop for all
/// tiles of the task.
void ContractTiler::emitPass(Value firstTrip, int64_t trips) {
  emitTiles([&](Value row, int64_t rows) {
    if (!plan.across) {
      return emitTile(row, rows, firstTrip, trips);
    }
    // An aligned tile has one row of the loop across: is this tap inside?
    const BorderDim &dim = *plan.across;
    SmallVector<int32_t> inside;
    for (int64_t i = 0; i < dim.rows; ++i) {
      for (int64_t tap = 0; tap < dim.taps; ++tap) {
        inside.push_back(dim.isInside(i, tap));
      }
    }
    setLoops(LoopRole::Row, row);
    Value at = e.add(e.mul(loops[dim.rowLoop], e.index(dim.taps)), firstTrip);
    Value flag = memref::LoadOp::create(e.b, e.loc, e.table(inside), at);
    e.ifThen(e.less(e.i32(0), flag),
             [&] { emitTile(row, rows, firstTrip, trips); });
  });
}

/// One pass of one tile: as a whole, or the parts of its position's class.
void ContractTiler::emitTile(Value row, int64_t rows, Value firstTrip,
                             int64_t trips) {
  SmallVector<Value> offsets;
  Value position;
  for (int64_t i = 0; i < rows; ++i) {
    if (i > 0 && plan.aligned) {
      unsigned innermost = g.loopsOf(LoopRole::Row).back();
      offsets.push_back(e.add(offsets[0], e.index(i * g.xStride(innermost))));
      continue;
    }
    offsets.push_back(rowAddress(e.add(row, e.index(i))));
    if (plan.along && i == 0) {
      setLoops(LoopRole::Row, row);
      position = arith::DivUIOp::create(e.b, e.loc, loops[plan.along->rowLoop],
                                        e.index(rows));
    }
  }
  Value accOffset = e.mul(e.sub(row, begin), e.index(rowBytes));
  if (!plan.along) {
    return emitPiece(offsets, accOffset, firstTrip, trips, nullptr);
  }
  auto emitParts = [&](ArrayRef<TilePart> parts) {
    for (const TilePart &part : parts) {
      emitPiece(offsets, accOffset, firstTrip, trips, &part);
    }
  };
  if (plan.classes.size() == 1) {
    return emitParts(plan.classes[0]);
  }
  Value number =
      memref::LoadOp::create(e.b, e.loc, e.table(plan.classOf), position);
  for (auto [i, parts] : llvm::enumerate(plan.classes)) {
    Value isThis =
        arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, number,
                              e.i32(static_cast<int64_t>(i)));
    e.ifThen(isThis, [&] { emitParts(parts); });
  }
}

/// A register tile over one part (all, if null) of `trips` trips.
void ContractTiler::emitPiece(ArrayRef<Value> offsets, Value accOffset,
                              Value firstTrip, int64_t trips,
                              const TilePart *part) {
  const ReductionLoop &outer = plan.loops[0];
  Value xAt = e.mul(firstTrip, e.index(outer.xStride));
  Value wAt =
      e.add(wOffset, e.mul(firstTrip, e.index(outer.wSteps * g.stepBytes)));
  int64_t firstRow = 0;
  auto rows = static_cast<int64_t>(offsets.size());
  if (part) {
    const ReductionLoop &along = plan.loops[plan.alongLoop];
    xAt = e.add(xAt, e.index(part->tapBegin * along.xStride));
    wAt = e.add(wAt, e.index(part->tapBegin * along.wSteps * g.stepBytes));
    firstRow = part->rowBegin;
    rows = part->rowEnd - firstRow;
  }
  SmallVector<Value> xOffsets;
  for (Value offset : offsets.slice(firstRow, rows)) {
    xOffsets.push_back(e.add(offset, xAt));
  }
  SmallVector<int64_t> counts;
  SmallVector<int64_t> strides;
  SmallVector<int64_t> wSteps;
  for (const ReductionLoop &loop : plan.loopsOf(trips, part)) {
    counts.push_back(loop.count);
    strides.push_back(loop.xStride);
    wSteps.push_back(loop.wSteps);
  }
  auto accType = MemRefType::get({rows, lanes}, e.b.getI32Type());
  Value acc = memref::ViewOp::create(
      e.b, e.loc, accType, scratch,
      e.add(accOffset, e.index(firstRow * rowBytes)), ValueRange{});
  Value halves;
  if (hasHalves) {
    auto type = MemRefType::get({halvesRows(), lanes}, e.b.getI16Type());
    halves = memref::ViewOp::create(e.b, e.loc, type, scratch,
                                    e.index(sumsBytes()), ValueRange{});
  }
  lp::TileOp::create(e.b, e.loc, op.getX(), op.getW(), acc, halves, xOffsets,
                     wAt, schedule.getCell(), schedule.getTileVectors(), counts,
                     strides, wSteps, !plan.writesOnce(), form.chunk,
                     schedule.getUnroll(), form.x.planes, form.w.planes,
                     g.xPlaneBytes, g.wPlaneBytes);
}

/// offset - zero, where value - zero = scale * stored + result.
Value ContractTiler::zeroOffset(Value zero, StringRef element,
                                ArrayRef<Value> at, int64_t offset) {
  if (!zero) {
    return offset == 0 ? Value() : e.i32(-offset);
  }
  Value value =
      e.read(zero, at, op->getAttrOfType<mlir::TypeAttr>(element).getValue());
  return e.sub(e.i32(-offset), e.castInt(value, e.b.getI32Type()));
}

/// Sum of the stored x of every tap of the current row.
Value ContractTiler::sumOfX() {
  int64_t planes = std::max<int64_t>(g.xLayout.getPlanes(), 1);
  Value sums =
      e.view(op.getX(), g.xPlaneBytes * planes, g.xPlaneBytes / g.runBytes, 32);
  Value position = e.index(g.xOrigin() / g.runBytes);
  position = strideDot(LoopRole::Batch, position, g.runBytes);
  position = strideDot(LoopRole::Row, position, g.runBytes);
  Value taps = e.index(g.extentOf(LoopRole::Tap));
  return e.reduce(e.index(0), taps, e.i32(0), [&](Value tap, Value sum) {
    setLoops(LoopRole::Tap, tap);
    Value at = strideDot(LoopRole::Tap, position, g.runBytes);
    return e.add(sum, memref::LoadOp::create(e.b, e.loc, sums, at));
  });
}

/// The border class of the current row.
Value ContractTiler::borderClass() {
  Value number = e.index(0);
  for (const BorderClasses::Dim &dim : g.classes.dims) {
    Value position = dim.rowLoop < 0 ? e.index(0) : loops[dim.rowLoop];
    Value inDim =
        memref::LoadOp::create(e.b, e.loc, e.table(dim.classOf), position);
    inDim = arith::IndexCastOp::create(e.b, e.loc, e.b.getIndexType(), inDim);
    number = e.add(
        e.mul(number, e.index(static_cast<int64_t>(dim.inside.size()))), inDim);
  }
  return number;
}

/// Inside elements per border class: inside taps times the inner extent.
static SmallVector<int32_t> insideCounts(const Geometry &g) {
  SmallVector<int32_t> counts;
  for (int64_t c = 0; c < g.classes.count(); ++c) {
    int64_t taps = 0;
    for (int64_t tap = 0; tap < g.extentOf(LoopRole::Tap); ++tap) {
      bool inside = true;
      int64_t rest = c;
      for (const BorderClasses::Dim &dim : llvm::reverse(g.classes.dims)) {
        int64_t n = static_cast<int64_t>(dim.inside.size());
        inside &= dim.inside[rest % n][tap];
        rest /= n;
      }
      taps += inside;
    }
    counts.push_back(static_cast<int32_t>(taps * g.innerExtent()));
  }
  return counts;
}

ContractTiler::RowTerms ContractTiler::rowTerms() {
  RowTerms terms;
  if (form.needsXSums) {
    terms.sumX = sumOfX();
  }
  if (!form.needsWSums) {
    return terms;
  }
  terms.offsetX = zeroOffset(op.getXZero(), "xZeroElement", {}, form.x.offset);
  bool hasHalo = !g.classes.dims.empty();
  if (hasHalo) {
    Value pad = e.i32(op.getXPad().value_or(0));
    if (op.getXPadScalar()) {
      pad = e.castInt(
          e.read(op.getXPadScalar(), {},
                 op->getAttrOfType<mlir::TypeAttr>("xPadElement").getValue()),
          e.b.getI32Type());
    }
    Value zero = zeroOffset(op.getXZero(), "xZeroElement", {}, 0);
    terms.outside = zero ? e.add(pad, zero) : pad;
  }
  int64_t classes = g.classes.count();
  Value first = e.mul(panelNumber, e.index((classes + 1) * lanes));
  terms.totalTable = e.add(first, e.index(classes * lanes));
  Value number = hasHalo ? borderClass() : e.index(0);
  terms.insideTable = e.add(first, e.mul(number, e.index(lanes)));
  Value all = e.i32(g.reductionSize());
  terms.countInside =
      hasHalo
          ? memref::LoadOp::create(e.b, e.loc, e.table(insideCounts(g)), number)
                .getResult()
          : all;
  terms.countOutside = e.sub(all, terms.countInside);
  return terms;
}

/// With x = ax*sx + Bx inside and P outside, w = aw*sw + Bw, S = sum sx*sw:
///   ax*aw*S + ax*Bw*sum(sx) + aw*(Bx*sum_in(sw) + P*sum_out(sw))
///     + Bw*(Bx*count_in + P*count_out)
/// modulo 2^32, which is exact because the whole fits 32 bits.
Value ContractTiler::complete(const RowTerms &terms, Value sum, Value lane) {
  int64_t ax = form.x.scale();
  int64_t aw = form.w.scale();
  Value result = ax * aw == 1 ? sum : e.mul(sum, e.i32(ax * aw));
  Value perW; // what Bw multiplies
  auto accumulate = [&](Value &to, Value term) {
    to = to ? e.add(to, term) : term;
  };
  if (terms.sumX) {
    accumulate(perW, e.mul(terms.sumX, e.i32(ax)));
  }
  if (form.needsWSums) {
    int64_t count = g.extentOf(LoopRole::Batch) * g.panels *
                    (g.classes.count() + 1) * lanes;
    Value table = e.view(op.getW(), g.wTableOffset, count, 32);
    auto load = [&](Value position) -> Value {
      return memref::LoadOp::create(e.b, e.loc, table, e.add(position, lane));
    };
    Value inside = load(terms.insideTable);
    if (terms.offsetX) {
      result = e.add(result, e.mul(e.mul(inside, e.i32(aw)), terms.offsetX));
      accumulate(perW, e.mul(terms.offsetX, terms.countInside));
    }
    if (terms.outside) {
      Value outside = e.sub(load(terms.totalTable), inside);
      result = e.add(result, e.mul(e.mul(outside, e.i32(aw)), terms.outside));
      accumulate(perW, e.mul(terms.outside, terms.countOutside));
    }
  }
  SmallVector<Value> at;
  if (op.getWZero()) {
    at = mapIndices(e, *op.getWZeroMap(), loops);
  }
  Value bw = zeroOffset(op.getWZero(), "wZeroElement", at, form.w.offset);
  return bw && perW ? e.add(result, e.mul(bw, perW)) : result;
}

/// Are the row loops side by side in the outputs, outermost first?
bool ContractTiler::hasAdjacentRows() {
  SmallVector<unsigned> rows = g.loopsOf(LoopRole::Row);
  return rows.size() > 1 && rows.back() - rows.front() + 1 == rows.size();
}

/// `output` with its row dimensions as one.
Value ContractTiler::withRowsAsOne(Value output) {
  auto type = cast<MemRefType>(output.getType());
  SmallVector<unsigned> rows = g.loopsOf(LoopRole::Row);
  SmallVector<ReassociationIndices> dims;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (dim > rows.front() && dim <= rows.back()) {
      dims.back().push_back(dim);
    } else {
      dims.push_back({dim});
    }
  }
  return memref::CollapseShapeOp::create(e.b, e.loc, output, dims);
}

/// Room in scratch, after the sums, for a row of each chain.
std::vector<Chain> ContractTiler::openChains() {
  std::vector<Chain> chains;
  int64_t offset = tileBytes();
  for (lp::PackOp pack : lp::chainedPacks(op)) {
    Geometry geometry = packedGeometry(pack);
    RowPacker row(pack, e, geometry, lanes, scratch, offset);
    chains.push_back({pack, std::move(geometry), row});
    offset += RowPacker::rowBytes(pack.getLayout(), lanes);
  }
  return chains;
}

/// Packs the first `columns` elements of the chain's row, which are the panel's
/// columns at the current rows, unless the other contraction does not read
/// them.
void ContractTiler::packRow(Chain &chain, Value columns) {
  Value read;
  Value start = e.index(0);
  for (const PositionDim &p : chain.geometry.positions) {
    Value position = e.sub(loops[p.xDim], e.index(p.low));
    start = e.add(start, e.mul(position, e.index(p.stride)));
    int64_t extent = chain.geometry.shape.xShape[p.xDim];
    if (p.low > 0 || p.low + p.size < extent) {
      // Unsigned: a negative position is a huge one.
      Value in = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult,
                                       position, e.index(p.size));
      read =
          read ? arith::AndIOp::create(e.b, e.loc, read, in).getResult() : in;
    }
  }
  lp::LayoutAttr layout = chain.op.getLayout();
  auto pack = [&] {
    chain.row.fillGroup(columns);
    Value first;
    if (panelsPerTask(op, g) > 1) {
      first = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, panel,
                                    e.index(0));
    }
    Value offset = e.mul(
        panel, e.index(lanes / layout.getGroup() * layout.getGroupBytes()));
    chain.row.pack(e.ceilDiv(columns, layout.getGroup()), start, offset, first);
  };
  if (read) {
    e.ifThen(read, pack);
  } else {
    pack();
  }
}

/// Completes the sums of all rows of the task and runs the body on them.
void ContractTiler::emitEpilogue() {
  int64_t columns = g.extentOf(LoopRole::Column);
  Value firstColumn = e.mul(panel, e.index(lanes));
  Value ownColumns =
      columns % lanes == 0
          ? e.index(lanes)
          : e.min(e.index(lanes), e.sub(e.index(columns), firstColumn));
  auto type = MemRefType::get(
      {schedule.getTileRows() * schedule.getBlock(), lanes}, e.b.getI32Type());
  Value sums = memref::ViewOp::create(e.b, e.loc, type, scratch, e.index(0),
                                      ValueRange{});
  bool adjacent = hasAdjacentRows();
  SmallVector<Value> outputs =
      llvm::map_to_vector(op.getOutputs(), [&](Value output) {
        return adjacent ? withRowsAsOne(output) : output;
      });
  std::vector<Chain> chains = openChains();
  e.loop(begin, end, 1, [&](Value row) {
    setLoops(LoopRole::Row, row);
    RowTerms terms = rowTerms();
    e.elementwiseLoop(e.index(0), ownColumns, [&](Value lane) {
      setLoops(LoopRole::Column, e.add(firstColumn, lane));
      Value sum = memref::LoadOp::create(e.b, e.loc, sums,
                                         ValueRange{e.sub(row, begin), lane});
      SmallVector<Value> indices(ArrayRef(loops).take_front(op.getParallel()));
      SmallVector<Value> arguments(indices);
      arguments.push_back(complete(terms, sum, lane));
      if (adjacent) {
        SmallVector<unsigned> rows = g.loopsOf(LoopRole::Row);
        indices[rows.front()] = row;
        indices.erase(indices.begin() + rows.front() + 1,
                      indices.begin() + rows.back() + 1);
      }
      SmallVector<Value> values = inlineBody(e, op.getBody(), arguments);
      for (auto [value, output] : llvm::zip(values, outputs)) {
        memref::StoreOp::create(e.b, e.loc, value, output, indices);
      }
      for (Chain &chain : chains) {
        chain.row.put(lane, values[*chain.op.getYielded()]);
      }
    });
    for (Chain &chain : chains) {
      packRow(chain, ownColumns);
    }
  });
}

} // namespace

SmallVector<OpFoldResult>
lpgen::contractTaskSizes(lp::ContractOp op, Emitter &e,
                         llvm::function_ref<Value(Value)> resolve) {
  // The geometry needs no layout here, so the error of scheduledForm cannot
  // occur.
  std::string reason;
  const Cell *cell = findCell(op, op.getSchedule()->getCell());
  auto form =
      planPackedForm(op, *cell, op.getSchedule()->getTileVectors(), reason);
  const Geometry &g = form->geometry;
  SmallVector<OpFoldResult> extents =
      mixedExtents(op.getExtents(), op.getDynamicExtents(), e.b, resolve);
  SmallVector<OpFoldResult> rows;
  for (unsigned loop : g.loopsOf(LoopRole::Row)) {
    rows.push_back(extents[loop]);
  }
  int64_t blockRows =
      op.getSchedule()->getTileRows() * op.getSchedule()->getBlock();
  return {e.b.getIndexAttr(g.extentOf(LoopRole::Batch)),
          e.b.getIndexAttr(g.panels / panelsPerTask(op, g)),
          e.ceilDiv(e.product(rows), blockRows)};
}

FailureOr<int64_t> lpgen::emitTask(lp::ContractOp op, Emitter &e,
                                   Coordinates task, Value scratch) {
  FailureOr<PackedForm> form = scheduledForm(op);
  if (failed(form)) {
    return failure();
  }
  ContractTiler tiler(op, e, std::move(*form), scratch);
  tiler.emit(task);
  int64_t bytes = tiler.scratchBytes();
  op.erase();
  return bytes;
}
