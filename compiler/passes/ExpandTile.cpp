// lp-expand-tile: register tiles to vector code. Stage `vector`.
//
// The loops over the reduction are the same for every cell. Accumulators travel
// in registers through as many inner loops as the cell's bound allows; outside
// these, the widened sums are added to the tile in memory:
//
//   tile = 0
//   for plane pairs: for outer loops:          (memory loops)
//     acc = 0
//     for inner loops, `unroll` steps a trip:  (at most `chunk` steps)
//       w0..wV = load; for each row: x = broadcast; acc += cell(x, w)
//     tile += coefficient * widen(acc)
//
// Sums of f32 are rounded at each step: their accumulators start from the tile
// and are written back.
//
// Where registers allow, planes of w are side by side instead, as vectors, and
// x is read once for all of them; or those of x in a tile of one row, as rows,
// and w is read once (planesTogether).
//
// Bytes that count bits go to 16-bit sums in memory first, as this takes less
// than half the instructions; see needsHalves.
#include "compiler/passes/TileExpander.h"
#include "llvm/Support/MathExtras.h"

namespace lpgen {
#define GEN_PASS_DEF_EXPANDTILEPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

/// The last rows of a larger tile have no 16-bit sums for other planes.
static PlanesTogether planesBesideEachOther(lp::TileOp op, const Cell &cell) {
  const auto tileRows = static_cast<int64_t>(op.getXOffsets().size());
  const auto tileVectors = static_cast<int64_t>(op.getVectors());
  const PlanesTogether planes =
      planesTogether(op.getXPlanes().size(), op.getWPlanes().size(), cell,
                     tileRows, tileVectors, machineOf(op));
  if (!op.getHalves()) {
    return planes;
  }
  auto halves = cast<MemRefType>(op.getHalves().getType());
  const bool hasRoom =
      halves.getDimSize(0) >= tileRows * planes.x &&
      halves.getDimSize(1) >= tileVectors * cell.facts().lanes * planes.w;
  return hasRoom ? planes : PlanesTogether{};
}

TileExpander::TileExpander(lp::TileOp op, const Cell &cell, OpBuilder &builder)
    : op(op), cell(cell), e(builder, op.getLoc()),
      together(planesBesideEachOther(op, cell)),
      rows(static_cast<int64_t>(op.getXOffsets().size()) * together.x),
      blocks(rowBlocks(cell, rows)),
      panelVectors(static_cast<int64_t>(op.getVectors())),
      vectors(panelVectors * together.w), counts(op.getCounts()), trips(counts),
      strides(op.getStrides()), wSteps(op.getWSteps()),
      hasHalves(bool(op.getHalves())) {
  stepBytes = panelVectors * cell.facts().lanes * cell.facts().wBytes();
  if (!cell.facts().isFloat) { // whose accumulators need no widening
    findCarried();
  }
}

/// The longest suffix of loops whose steps fit the chunk; the loop before it is
/// cut into strips.
void TileExpander::findCarried() {
  int64_t chunk = static_cast<int64_t>(op.getChunk());
  int64_t innerSteps = 1; // of the carried loops
  carried = counts.size();
  while (carried > 0 && innerSteps * counts[carried - 1] <= chunk) {
    innerSteps *= counts[--carried];
  }
  if (carried == 0) {
    return;
  }
  int64_t count = counts[carried - 1];
  int64_t most = std::clamp<int64_t>(chunk / innerSteps, 1, count);
  // Strips of equal length cost no more widenings and leave no short tail.
  strip = llvm::divideCeil(count, llvm::divideCeil(count, most));
  int64_t run = op.getXInLanes() ? 1 : cell.facts().run;
  if (carried == counts.size() && most >= run) {
    // Whole runs of steps, which are cheaper than single ones.
    strip = std::min<int64_t>(llvm::alignTo(strip, run),
                              llvm::alignDown(most, run));
  }
}

/// Zeros; or what the tile has of f32, whose sums go on from there.
SmallVector<Value> TileExpander::firstAccumulators() {
  SmallVector<Value> acc;
  for (int64_t i = 0; i < blocks * vectors; ++i) {
    if (cell.facts().isFloat && op.getAccumulate()) {
      acc.push_back(vector::LoadOp::create(
          e.b, e.loc, VectorType::get({cell.facts().lanes}, e.b.getF32Type()),
          op.getAcc(),
          ValueRange{e.index(i / vectors),
                     e.index(i % vectors * cell.facts().lanes)}));
      continue;
    }
    llvm::append_range(acc, cell.zero(e.b, e.loc));
  }
  return acc;
}

scf::ForOp TileExpander::carry(Value low, Value high, int64_t step,
                               ArrayRef<Value> acc) {
  auto loop = scf::ForOp::create(e.b, e.loc, low, high, e.index(step), acc);
  // The tile is unrolled as it should be; LLVM must leave it alone.
  MLIRContext *context = e.b.getContext();
  auto yes = e.b.getBoolAttr(true);
  auto vectorize =
      LLVM::LoopVectorizeAttr::get(context, yes, {}, {}, {}, {}, {}, {});
  auto unroll = LLVM::LoopUnrollAttr::get(context, yes, {}, {}, {}, {}, {}, {});
  loop->setAttr("llvm.loop_annotation",
                LLVM::LoopAnnotationAttr::get(context, {}, vectorize, {},
                                              unroll, {}, {}, {}, {}, {}, {},
                                              {}, {}, {}, {}, {}));
  return loop;
}

/// `count` consecutive groups, from byte `x` on, of the rows of one block.
Cell::Values TileExpander::loadRows(int64_t block, Value x, int64_t count) {
  SmallVector<Value> offsets;
  for (int64_t r = 0; r < cell.facts().rows; ++r) {
    // A row too many repeats the last one; nothing reads its sums.
    int64_t row = std::min(block * cell.facts().rows + r, rows - 1);
    // A plane in the place of a row follows the one before.
    auto plane = static_cast<int64_t>(op.getXPlaneStride());
    offsets.push_back(e.add(op.getXOffsets()[row / together.x],
                            e.add(x, e.index(row % together.x * plane))));
  }
  return op.getXInLanes()
             ? Cell::Values{cell.loadLanes(e.b, e.loc, op.getX(), offsets[0])}
             : cell.loadRun(e.b, e.loc, op.getX(), offsets, count);
}

/// The lines of w that a step reads, as far ahead as the schedule says, for the
/// second level: the hardware's own prefetching ends with each page.
void TileExpander::prefetchStep(Value w) {
  constexpr int64_t lineBytes = 64;
  constexpr unsigned secondLevel = 1;
  const auto ahead = static_cast<int64_t>(op.getPrefetch());
  if (ahead == 0) {
    return;
  }
  const auto planeBytes = static_cast<int64_t>(op.getWPlaneStride());
  for (int64_t plane = 0; plane < together.w; ++plane) {
    for (int64_t line = 0; line < stepBytes; line += lineBytes) {
      const int64_t at = plane * planeBytes + ahead + line;
      memref::PrefetchOp::create(e.b, e.loc, op.getW(), e.add(w, e.index(at)),
                                 /*isWrite=*/false, secondLevel,
                                 /*isDataCache=*/true);
    }
  }
}

/// `count` steps on consecutive groups: in each, every vector of w once, every
/// row of x once. `x` and `w` are byte offsets.
SmallVector<Value> TileExpander::emitSteps(Value x, Value w, int64_t count,
                                           SmallVector<Value> acc) {
  SmallVector<Cell::Values> groups(blocks);
  SmallVector<Cell::Values> running;
  for (int64_t i = 0; i < blocks * vectors; ++i) {
    running.emplace_back(ArrayRef(acc).slice(i * perAcc(), perAcc()));
  }
  int64_t vectorBytes = cell.facts().lanes * cell.facts().wBytes();
  // What is not loaded together is loaded when it is needed.
  const bool loadsRun = cell.facts().run > 1 && !op.getXInLanes();
  const int64_t groupBytes = cell.facts().groupBytes;
  auto planeBytes = static_cast<int64_t>(op.getWPlaneStride());
  for (int64_t step = 0; step < count; ++step) {
    prefetchStep(e.add(w, e.index(step * stepBytes)));
    SmallVector<Value> weights;
    for (int64_t v = 0; v < vectors; ++v) {
      Value at =
          e.add(w, e.index(step * stepBytes + v / panelVectors * planeBytes +
                           v % panelVectors * vectorBytes));
      weights.push_back(cell.loadW(e.b, e.loc, op.getW(), at));
    }
    for (int64_t i = 0; i < blocks; ++i) {
      if (!loadsRun || step == 0) {
        groups[i] = loadRows(i, e.add(x, e.index(step * groupBytes)),
                             loadsRun ? count : 1);
      }
      for (int64_t v = 0; v < vectors; ++v) {
        Cell::Values &one = running[i * vectors + v];
        one = cell.runStep(e.b, e.loc, std::move(one),
                           groups[i][loadsRun ? step : 0], weights[v], step,
                           count);
      }
    }
  }
  acc.clear();
  for (const Cell::Values &one : running) {
    assert(one.size() == perAcc() && "a run leaves nothing behind");
    llvm::append_range(acc, one);
  }
  return acc;
}

/// So few steps are unrolled wholly: no loop, and no sum with an empty
/// accumulator.
static constexpr int64_t kFewSteps = 8;

/// Steps of loops [depth, end).
int64_t TileExpander::stepsFrom(unsigned depth) const {
  int64_t steps = 1;
  for (int64_t count : ArrayRef(trips).drop_front(depth)) {
    steps *= count;
  }
  return steps;
}

/// The innermost loop, unrolled; what does not divide is peeled.
SmallVector<Value> TileExpander::innermost(Value x, Value step,
                                           SmallVector<Value> acc) {
  int64_t count = trips.back();
  int64_t stride = strides.back();
  int64_t wStride = wSteps.back();
  int64_t unroll =
      count <= kFewSteps ? count : static_cast<int64_t>(op.getUnroll());
  int64_t whole = count / unroll * unroll;
  // Groups that lie side by side may be fetched together.
  bool sideBySide =
      stride == cell.facts().groupBytes && wStride == 1 && !op.getXInLanes();
  int64_t run = sideBySide ? cell.stepsTogether() : 1;
  auto steps = [&](Value first, int64_t n, SmallVector<Value> values) {
    for (int64_t u = 0; u < n; u += run) {
      Value at = e.add(first, e.index(u));
      Value xAt = e.add(x, e.mul(at, e.index(stride)));
      Value wAt =
          e.add(op.getWOffset(), e.mul(e.add(step, e.mul(at, e.index(wStride))),
                                       e.index(stepBytes)));
      values = emitSteps(xAt, wAt, std::min(run, n - u), std::move(values));
    }
    return values;
  };
  if (whole > unroll) {
    auto loop = carry(e.index(0), e.index(whole), unroll, acc);
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next =
        steps(loop.getInductionVar(), unroll,
              llvm::to_vector_of<Value>(loop.getRegionIterArgs()));
    scf::YieldOp::create(e.b, e.loc, next);
    e.b.setInsertionPointAfter(loop);
    acc = llvm::to_vector_of<Value>(loop.getResults());
    return steps(e.index(whole), count - whole, std::move(acc));
  }
  return steps(e.index(0), count, std::move(acc));
}

/// Loops [depth, end) with the accumulators as loop-carried values. `step` is
/// the step of w.
SmallVector<Value> TileExpander::carriedLoops(unsigned depth, Value x,
                                              Value step,
                                              SmallVector<Value> acc) {
  if (depth + 1 >= counts.size()) {
    return innermost(x, step, std::move(acc));
  }
  if (op.getXInLanes() && stepsFrom(depth) <= kFewSteps) {
    for (int64_t i = 0; i < trips[depth]; ++i) {
      acc =
          carriedLoops(depth + 1, e.add(x, e.index(i * strides[depth])),
                       e.add(step, e.index(i * wSteps[depth])), std::move(acc));
    }
    return acc;
  }
  auto loop = carry(e.index(0), e.index(trips[depth]), 1, acc);
  {
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(loop.getBody());
    Value i = loop.getInductionVar();
    SmallVector<Value> next =
        carriedLoops(depth + 1, e.add(x, e.mul(i, e.index(strides[depth]))),
                     e.add(step, e.mul(i, e.index(wSteps[depth]))),
                     llvm::to_vector_of<Value>(loop.getRegionIterArgs()));
    scf::YieldOp::create(e.b, e.loc, next);
  }
  return llvm::to_vector_of<Value>(loop.getResults());
}

/// `length` trips of loop carried - 1, from `begin` on, with accumulators in
/// registers.
void TileExpander::emitStrip(Value begin, int64_t length, Value x, Value step,
                             Value coefficient) {
  unsigned depth = carried - 1;
  trips[depth] = length;
  x = e.add(x, e.mul(begin, e.index(strides[depth])));
  step = e.add(step, e.mul(begin, e.index(wSteps[depth])));
  SmallVector<Value> acc = carriedLoops(depth, x, step, firstAccumulators());
  if (hasHalves) {
    addToHalves(acc);
  } else {
    addToTile(acc, coefficient);
  }
}

/// Loops [depth, carried), the last one in strips.
void TileExpander::emitMemoryLoops(unsigned depth, Value x, Value step,
                                   Value coefficient) {
  if (carried == 0) {
    addToTile(carriedLoops(0, x, step, firstAccumulators()), coefficient);
    return;
  }
  if (depth + 1 < carried) {
    e.loop(e.index(0), e.index(counts[depth]), 1, [&](Value i) {
      emitMemoryLoops(depth + 1, e.add(x, e.mul(i, e.index(strides[depth]))),
                      e.add(step, e.mul(i, e.index(wSteps[depth]))),
                      coefficient);
    });
    return;
  }
  int64_t count = counts[depth];
  int64_t whole = count / strip * strip;
  e.loop(e.index(0), e.index(whole), strip,
         [&](Value i) { emitStrip(i, strip, x, step, coefficient); });
  if (whole < count) {
    emitStrip(e.index(whole), count - whole, x, step, coefficient);
  }
}

/// Coefficient of a plane: a power of the second one's, negated for the top
/// plane of two's complement.
Value TileExpander::coefficientOf(Value plane, ArrayRef<int64_t> planes) {
  Value shift = arith::IndexCastOp::create(e.b, e.loc, e.b.getI32Type(), plane);
  if (planes.size() > 1) {
    auto second = static_cast<uint64_t>(std::abs(planes[1]));
    shift = e.mul(shift, e.i32(llvm::Log2_64(second)));
  }
  Value value = arith::ShLIOp::create(e.b, e.loc, e.i32(1), shift);
  if (planes.back() > 0) {
    return value;
  }
  Value last =
      arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, plane,
                            e.index(static_cast<int64_t>(planes.size()) - 1));
  return arith::SelectOp::create(e.b, e.loc, last, e.sub(e.i32(0), value),
                                 value);
}

/// The reduction of one pair of planes.
void TileExpander::emitPlanePair(Value x, Value step, Value coefficient) {
  if (hasHalves) {
    zero(op.getHalves(), rows, vectors);
  }
  emitMemoryLoops(0, x, step, coefficient);
  if (hasHalves) {
    addHalvesToTile(coefficient);
  }
}

/// Once for each pair of planes, or for each group of those that are
/// together.
void TileExpander::emitPlanes() {
  ArrayRef<int64_t> xPlanes = op.getXPlanes();
  ArrayRef<int64_t> wPlanes = op.getWPlanes();
  int64_t planeSteps = static_cast<int64_t>(op.getWPlaneStride()) / stepBytes;
  auto groups = [](ArrayRef<int64_t> planes, int64_t side) {
    return std::max<int64_t>(static_cast<int64_t>(planes.size()), 1) / side;
  };
  e.loop(e.index(0), e.index(groups(wPlanes, together.w)), 1, [&](Value i) {
    e.loop(e.index(0), e.index(groups(xPlanes, together.x)), 1, [&](Value j) {
      // Of planes that are together, addVector has them.
      Value coefficient = e.i32(1);
      if (together.w == 1 && !wPlanes.empty()) {
        coefficient = coefficientOf(i, wPlanes);
      }
      if (together.x == 1 && !xPlanes.empty()) {
        coefficient = e.mul(coefficient, coefficientOf(j, xPlanes));
      }
      emitPlanePair(
          e.mul(j, e.index(static_cast<int64_t>(op.getXPlaneStride()))),
          e.mul(i, e.index(planeSteps)), coefficient);
    });
  });
}

void TileExpander::expand() {
  bool onePair = op.getXPlanes().size() <= 1 && op.getWPlanes().size() <= 1;
  bool negative =
      llvm::any_of(op.getXPlanes(), [](int64_t c) { return c < 0; }) !=
      llvm::any_of(op.getWPlanes(), [](int64_t c) { return c < 0; });
  bool isPlain = onePair && !negative;
  if (!op.getAccumulate() && (!isPlain || (carried > 0 && !hasHalves))) {
    zero(op.getAcc(), static_cast<int64_t>(op.getXOffsets().size()),
         panelVectors);
  }
  if (isPlain) {
    emitPlanePair(e.index(0), e.index(0), {});
  } else {
    emitPlanes();
  }
  op.erase();
}

/// What the tile must have for the cell: room for its rows and vectors, and
/// 16-bit sums or planes only where the cell adds up digits in bytes.
static LogicalResult checkTile(lp::TileOp op, const Cell &cell) {
  const auto tileRows = static_cast<int64_t>(op.getXOffsets().size());
  const int64_t tileLanes =
      static_cast<int64_t>(op.getVectors()) * cell.facts().lanes;
  auto hasRoom = [&](Value sums) {
    auto type = cast<MemRefType>(sums.getType());
    return type.getDimSize(0) >= tileRows && type.getDimSize(1) >= tileLanes;
  };
  if (!hasRoom(op.getAcc()) || (op.getHalves() && !hasRoom(op.getHalves()))) {
    return op.emitOpError("needs sums of ")
           << tileRows << " rows of " << tileLanes << " lanes";
  }
  auto sums = cast<MemRefType>(op.getAcc().getType()).getElementType();
  if (cell.facts().isFloat != sums.isF32()) {
    return op.emitOpError("has sums of ")
           << sums << ", which cell '" << op.getCell() << "' does not make";
  }
  if (!cell.facts().planes && (op.getXPlanes().size() > 1 ||
                               op.getWPlanes().size() > 1 || op.getHalves())) {
    return op.emitOpError("has planes, which cell '")
           << op.getCell() << "' does not add up";
  }
  if (op.getXInLanes() && !cell.facts().xInLanes) {
    return op.emitOpError("has x in lanes, which cell '")
           << op.getCell() << "' does not take";
  }
  return success();
}

/// 16-bit sums take accumulators of bytes.
static LogicalResult checkHalves(lp::TileOp op, const Cell &cell) {
  OpBuilder builder(op);
  Cell::Values zero = cell.zero(builder, op.getLoc());
  const bool isBytes =
      zero.size() == 1 &&
      cast<VectorType>(zero[0].getType()).getElementType().isInteger(8);
  for (Value value : zero) {
    value.getDefiningOp()->erase();
  }
  return isBytes ? success()
                 : LogicalResult(op.emitOpError("has 16-bit sums, which cell '")
                                 << op.getCell() << "' does not need");
}

namespace {
struct ExpandTilePass : public lpgen::impl::ExpandTilePassBase<ExpandTilePass> {
  void runOnOperation() override {
    SmallVector<lp::TileOp> tiles;
    getOperation().walk([&](lp::TileOp op) { tiles.push_back(op); });
    for (lp::TileOp op : tiles) {
      const Cell *cell = findCell(op, op.getCell());
      if (!cell) {
        op.emitError("the target has no cell '") << op.getCell() << "'";
        return signalPassFailure();
      }
      if (failed(checkTile(op, *cell)) ||
          (op.getHalves() && failed(checkHalves(op, *cell)))) {
        return signalPassFailure();
      }
      OpBuilder builder(op);
      TileExpander(op, *cell, builder).expand();
    }
  }
};

} // namespace
