// lp-tile: packed contractions as loops around register tiles and their
// epilogue.
//
// One task computes `block` register tiles of one panel of output channels: the
// panel of w stays in cache while rows of x stream by. After each tile the sums
// of products of stored elements are completed to (x - xZero)(w - wZero) and
// handed to the body.
#include "compiler/passes/Phases.h"

using namespace mlir;
using namespace lpgen;

namespace {

class ContractTiler {
public:
  ContractTiler(lp::ContractOp op, Emitter &e, PackedForm form, Value scratch)
      : op(op), e(e), form(std::move(form)), g(this->form.geometry),
        schedule(*op.getSchedule()), cell(*findCell(op, schedule.getCell())),
        scratch(scratch), lanes(g.wLayout.getLanes()) {}

  void emit(Coordinates task);
  int64_t scratchBytes() const {
    return tileMemoryRows(form, cell, schedule.getTileRows()) * lanes * 4;
  }

private:
  void emitTile(Value row, int64_t rows);
  void emitEpilogue(Value firstRow, int64_t rows, Value acc);
  void setLoops(LoopRole role, Value linear);
  SmallVector<OpFoldResult> extentsOf(LoopRole role);
  Value strideDot(LoopRole role, Value start, int64_t divisor);
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

void ContractTiler::emit(Coordinates task) {
  panel = task[1];
  setLoops(LoopRole::Batch, task[0]);
  panelNumber = e.add(e.mul(task[0], e.index(g.panels)), panel);
  wOffset = e.add(e.index(kPackedHeaderBytes),
                  e.mul(panelNumber, e.index(g.panelBytes)));
  xBase = strideDot(LoopRole::Batch, e.index(g.xOrigin()), 1);

  SmallVector<OpFoldResult> rowExtents = extentsOf(LoopRole::Row);
  Value rows = e.product(rowExtents);
  int64_t tileRows = schedule.getTileRows();
  int64_t blockRows = tileRows * schedule.getBlock();
  Value begin = e.mul(task[2], e.index(blockRows));
  Value end = e.min(e.add(begin, e.index(blockRows)), rows);
  Value whole =
      arith::DivUIOp::create(e.b, e.loc, e.sub(end, begin), e.index(tileRows));
  Value wholeEnd = e.add(begin, e.mul(whole, e.index(tileRows)));
  e.loop(begin, wholeEnd, tileRows,
         [&](Value row) { emitTile(row, tileRows); });
  if (tileRows == 1) {
    return;
  }
  bool isDynamic = llvm::any_of(g.loopsOf(LoopRole::Row), [&](unsigned loop) {
    return g.shape.isDynamic[loop];
  });
  if (isDynamic) {
    e.loop(wholeEnd, end, 1, [&](Value row) { emitTile(row, 1); });
  } else if (int64_t rest = g.extentOf(LoopRole::Row) % tileRows) {
    e.ifThen(e.less(wholeEnd, end), [&] { emitTile(wholeEnd, rest); });
  }
}

void ContractTiler::emitTile(Value row, int64_t rows) {
  SmallVector<Value> offsets;
  for (int64_t i = 0; i < rows; ++i) {
    setLoops(LoopRole::Row, e.add(row, e.index(i)));
    offsets.push_back(strideDot(LoopRole::Row, xBase, 1));
  }
  auto accType = MemRefType::get({tileMemoryRows(form, cell, rows), lanes},
                                 e.b.getI32Type());
  Value acc = memref::ViewOp::create(e.b, e.loc, accType, scratch, e.index(0),
                                     ValueRange{});
  SmallVector<int64_t> counts;
  SmallVector<int64_t> strides;
  g.reductionLoops(counts, strides);
  lp::TileOp::create(e.b, e.loc, op.getX(), op.getW(), acc, offsets, wOffset,
                     schedule.getCell(), schedule.getTileVectors(), counts,
                     strides, form.chunk, schedule.getUnroll(), form.x.planes,
                     form.w.planes, g.xPlaneBytes, g.wPlaneBytes);
  emitEpilogue(row, rows, acc);
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
    for (AffineExpr expr : op.getWZeroMap()->getResults()) {
      if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
        at.push_back(loops[dim.getPosition()]);
      } else {
        at.push_back(e.index(cast<AffineConstantExpr>(expr).getValue()));
      }
    }
  }
  Value bw = zeroOffset(op.getWZero(), "wZeroElement", at, form.w.offset);
  return bw && perW ? e.add(result, e.mul(bw, perW)) : result;
}

void ContractTiler::emitEpilogue(Value firstRow, int64_t rows, Value acc) {
  Value firstColumn = e.mul(panel, e.index(lanes));
  Value columns =
      e.min(e.index(lanes),
            e.sub(e.index(g.extentOf(LoopRole::Column)), firstColumn));
  e.loop(e.index(0), e.index(rows), 1, [&](Value i) {
    setLoops(LoopRole::Row, e.add(firstRow, i));
    RowTerms terms = rowTerms();
    e.loop(e.index(0), columns, 1, [&](Value lane) {
      setLoops(LoopRole::Column, e.add(firstColumn, lane));
      Value sum = memref::LoadOp::create(e.b, e.loc, acc, ValueRange{i, lane});
      SmallVector<Value> indices(ArrayRef(loops).take_front(op.getParallel()));
      SmallVector<Value> arguments(indices);
      arguments.push_back(complete(terms, sum, lane));
      inlineBody(e, op.getBody(), arguments, op.getOutputs(), indices);
    });
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
          e.b.getIndexAttr(g.panels), e.ceilDiv(e.product(rows), blockRows)};
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
