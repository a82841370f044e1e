// lp-tile: sweeps of a packed contraction over the register tiles of a task.
// See ContractTiler.h.
//
// A sweep is some trips of the outermost reduction loop for all tiles. Of a
// tile it computes all, or the pieces that its place at the border leaves
// (TilePlan). Each piece becomes an lp.tile, which ExpandTile turns into loops
// and cells.
#include "compiler/passes/ContractTiler.h"

using namespace mlir;
using namespace lpgen;

/// The row loops, outermost first. Loops that step as one loop would are one:
/// where there is no halo, all of them.
ContractTiler::RowLoops ContractTiler::rowLoops() {
  RowLoops rows;
  auto &[sizes, strides] = rows;
  for (auto [loop, size] :
       llvm::zip_equal(g.loopsOf(LoopRole::Row), extentsOf(LoopRole::Row))) {
    int64_t extent = g.shape.extents[loop];
    int64_t stride = g.xStride(loop);
    if (strides.empty() || g.shape.isDynamic[loop] ||
        strides.back() != stride * extent) {
      sizes.push_back(size);
    } else if (sizes.size() > 1) { // The outermost size bounds nothing.
      sizes.back() = e.product({sizes.back(), size});
    }
    strides.resize(sizes.size());
    strides.back() = stride;
  }
  return rows;
}

/// Bytes of x where `count` rows from `first` on begin. If they lie in two rows
/// of the innermost loop at most, they are the addresses of two rows and steps
/// from there; divisions for each row take longer than a short reduction.
SmallVector<Value> ContractTiler::rowAddresses(Value first, int64_t count) {
  const RowLoops rows = rowLoops();
  SmallVector<Value> addresses;
  const auto addressOf = [&](ArrayRef<Value> coordinates) {
    return e.dot(coordinates,
                 ArrayRef(rows.strides).take_front(coordinates.size()), xBase);
  };
  const std::optional<int64_t> innermost =
      rows.sizes.size() < 2 ? std::nullopt
                            : getConstantIntValue(rows.sizes.back());
  if (count == 1 || !innermost || *innermost < count) {
    for (int64_t i = 0; i < count; ++i) {
      addresses.push_back(
          addressOf(e.delinearize(e.add(first, e.index(i)), rows.sizes)));
    }
    return addresses;
  }
  const int64_t step = rows.strides.back();
  const auto outerSizes = ArrayRef(rows.sizes).drop_back();
  Value size = e.index(*innermost);
  Value outer = arith::DivUIOp::create(e.b, e.loc, first, size);
  Value inner = arith::RemUIOp::create(e.b, e.loc, first, size);
  Value innerBytes = e.mul(inner, e.index(step));
  Value here = e.add(addressOf(e.delinearize(outer, outerSizes)), innerBytes);
  Value next = addressOf(e.delinearize(e.add(outer, e.index(1)), outerSizes));
  next = e.add(e.sub(next, e.index(*innermost * step)), innerBytes);
  for (int64_t i = 0; i < count; ++i) {
    Value isHere = e.less(e.add(inner, e.index(i)), size);
    Value base = arith::SelectOp::create(e.b, e.loc, isHere, here, next);
    addresses.push_back(e.add(base, e.index(i * step)));
  }
  return addresses;
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

/// Trips [firstTrip, firstTrip + trips) of the outermost reduction loop for all
/// tiles of the task.
void ContractTiler::emitSweep(Value firstTrip, int64_t trips) {
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

/// One sweep over one tile: as a whole, or the parts of its position's class.
void ContractTiler::emitTile(Value row, int64_t rows, Value firstTrip,
                             int64_t trips) {
  SmallVector<Value> offsets = rowAddresses(row, plan.aligned ? 1 : rows);
  for (int64_t i = 1; plan.aligned && i < rows; ++i) {
    const unsigned innermost = g.loopsOf(LoopRole::Row).back();
    offsets.push_back(e.add(offsets[0], e.index(i * g.xStride(innermost))));
  }
  Value position;
  if (plan.along) {
    setLoops(LoopRole::Row, row);
    position = arith::DivUIOp::create(e.b, e.loc, loops[plan.along->rowLoop],
                                      e.index(rows));
  }
  if (!plan.along) {
    return emitPiece(offsets, row, firstTrip, trips, nullptr);
  }
  auto emitParts = [&](ArrayRef<TilePart> parts) {
    for (const TilePart &part : parts) {
      emitPiece(offsets, row, firstTrip, trips, &part);
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

/// Where the sums of `rows` rows from `row` on go.
Value ContractTiler::sumsOfTile(Value row, int64_t rows) {
  if (results) {
    const auto one = e.b.getIndexAttr(1);
    return memref::SubViewOp::create(
        e.b, e.loc, results,
        ArrayRef<OpFoldResult>{row, e.mul(panel, e.index(lanes))},
        ArrayRef<OpFoldResult>{e.b.getIndexAttr(rows), e.b.getIndexAttr(lanes)},
        ArrayRef<OpFoldResult>{one, one});
  }
  return memref::ViewOp::create(
      e.b, e.loc, MemRefType::get({rows, lanes}, sumType), scratch,
      e.mul(e.sub(row, begin), e.index(rowBytes)), ValueRange{});
}

/// A register tile over one part (all, if null) of `trips` trips; `row` is the
/// first of the tile.
void ContractTiler::emitPiece(ArrayRef<Value> offsets, Value row,
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
  Value acc = sumsOfTile(e.add(row, e.index(firstRow)), rows);
  Value halves;
  if (hasHalves) {
    auto type = MemRefType::get(
        {schedule.getTileRows() * together.x, lanes * together.w},
        e.b.getI16Type());
    halves = memref::ViewOp::create(e.b, e.loc, type, scratch,
                                    e.index(sumsBytes()), ValueRange{});
  }
  lp::TileOp::create(e.b, e.loc, op.getX(), op.getW(), acc, halves, xOffsets,
                     wAt, schedule.getCell(), schedule.getTileVectors(), counts,
                     strides, wSteps, !plan.writesOnce(), form.chunk,
                     schedule.getUnroll(), form.x.planes, form.w.planes,
                     g.xPlaneBytes, g.wPlaneBytes,
                     schedule.getPrefetch().value_or(0), /*xInLanes=*/false);
}
