// lp-tile: the tasks of a contraction with its channels in the lanes: register
// tiles over strips of x (LaneStrip.cpp), then the body. See LaneTiler.h.
#include "compiler/passes/LaneTiler.h"
#include "targets/cpus/Cpus.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;

/// Trips of the second row loop in a task.
static int64_t blockOf(const LaneForm &form, lp::ScheduleAttr schedule) {
  const auto across = form.across();
  return across ? std::min<int64_t>(schedule.getBlock(),
                                    form.shape.extents[*across])
                : 1;
}

LaneTiler::LaneTiler(lp::ContractOp op, Emitter &e, LaneForm laneForm,
                     Value scratch)
    : op(op), e(e), form(std::move(laneForm)), g(form.unfolded.geometry),
      schedule(*op.getSchedule()), scratch(scratch),
      block(blockOf(form, schedule)),
      length(pieceLength(form, block, machineOf(op).cpu.l1Bytes)),
      strip(planStrip(form, block, length)) {}

/// A view of a tile ends as much after its last lane as it begins after the
/// first one of a panel.
int64_t LaneTiler::sumsBytes() const {
  return llvm::alignTo((form.tripsAtOnce(block) * length + 1) * panelLanes() *
                           int64_t(sizeof(int32_t)),
                       64);
}

/// Sums and strips.
int64_t LaneTiler::stripsEnd() const {
  return llvm::alignTo(sumsBytes() + strip.bytes * form.stripVectors(), 64);
}

/// What comes before the rows of chains.
int64_t LaneTiler::tileBytes() const {
  return llvm::alignTo(stripsEnd() + rolledBytes(), 64);
}

int64_t LaneTiler::scratchBytes() const {
  return tileBytes() + ChainWriter::scratchBytes(op, panelLanes());
}

void LaneTiler::emit(Coordinates task) {
  SmallVector<unsigned> rows = g.loopsOf(LoopRole::Row);
  loops.assign(form.shape.extents.size(), e.index(0));
  for (auto [loop, value] : llvm::zip(rows, task.drop_back())) {
    loops[loop] = value;
  }
  blockTrips = e.index(1);
  if (auto across = form.across()) {
    const int64_t extent = form.shape.extents[*across];
    loops[*across] = e.mul(loops[*across], e.index(block));
    blockTrips =
        extent % block == 0
            ? e.index(block)
            : e.min(e.index(block), e.sub(e.index(extent), loops[*across]));
  }
  panel = task.back();
  stripBuffer =
      e.view(scratch, sumsBytes(), strip.bytes * form.stripVectors(), 8);
  const int64_t rest = form.lanes() % panelLanes();
  if (rest == 0 || g.panels == 1) {
    return emitPanel(rest == 0 ? panelLanes() : rest);
  }
  Value isWhole = e.less(panel, e.index(g.panels - 1));
  auto branch = scf::IfOp::create(e.b, e.loc, isWhole, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPointToStart(&branch.getThenRegion().front());
  emitPanel(panelLanes());
  e.b.setInsertionPointToStart(&branch.getElseRegion().front());
  emitPanel(rest);
}

/// A panel of which `lanes` are there. The last piece may begin within the one
/// before, whose results it makes again.
void LaneTiler::emitPanel(int64_t lanes) {
  weights = op.getW();
  weightStart =
      e.add(e.index(kPackedHeaderBytes), e.mul(panel, e.index(g.panelBytes)));
  if (form.roll) {
    copyWeights();
  }
  const int64_t extent = form.shape.extents[form.along()];
  if (length == extent) {
    loops[form.along()] = e.index(0);
    return emitPiece(lanes);
  }
  e.loop(e.index(0), e.index(extent), length, [&](Value first) {
    loops[form.along()] =
        extent % length == 0 ? first : e.min(first, e.index(extent - length));
    emitPiece(lanes);
  });
}

/// A piece of the innermost row loop.
void LaneTiler::emitPiece(int64_t lanes) {
  if (form.roll) {
    return emitRolling(lanes);
  }
  const int64_t whole = lanes / form.vectorLanes;
  const bool isPanel = form.fillsPanels && lanes == panelLanes();
  if (isPanel) {
    StripFiller(op, e, form, block, length, stripBuffer)
        .fillPanel(firstChannel(e.index(0)), firstRows(), blockTrips);
    e.loop(e.index(0), e.index(whole), 1, [&](Value vector) {
      emitRows(vector, e.mul(vector, e.index(strip.bytes)));
    });
  } else if (whole > 0) {
    e.loop(e.index(0), e.index(whole), 1,
           [&](Value vector) { emitVector(vector, form.vectorLanes); });
  }
  if (const int64_t rest = lanes % form.vectorLanes) {
    emitVector(e.index(whole), rest);
  }
  emitEpilogue(lanes, blockTrips);
}

/// The channel of x that the first lane of a vector of the panel reads first.
Value LaneTiler::firstChannel(Value vector) {
  Value set = e.add(e.mul(panel, e.index(panelLanes() / form.share)),
                    e.mul(vector, e.index(form.vectorLanes / form.share)));
  return e.add(e.mul(set, e.index(form.pitch)), e.index(form.firstChannel));
}

/// The first trip of each row loop in the piece.
ArrayRef<Value> LaneTiler::firstRows() const {
  return ArrayRef(loops).take_front(g.loopsOf(LoopRole::Row).size());
}

/// All rows of the piece for `count` lanes.
void LaneTiler::emitVector(Value vector, int64_t count) {
  StripFiller(op, e, form, block, length, stripBuffer)
      .fill(firstChannel(vector), count, firstRows(), blockTrips);
  emitRows(vector, e.index(0));
}

/// The tiles of a vector whose strip begins at byte `stripStart`.
void LaneTiler::emitRows(Value vector, Value stripStart) {
  e.loop(e.index(0), blockTrips, 1,
         [&](Value row) { emitTiles(vector, row, stripStart); });
}

/// The register tiles of one row. The last one may begin within the one before,
/// whose sums it makes again.
void LaneTiler::emitTiles(Value vector, Value row, Value stripStart) {
  const int64_t rows = std::min<int64_t>(schedule.getTileRows(), length);
  const int64_t whole = length / rows;
  e.loop(e.index(0), e.index(whole), 1, [&](Value i) {
    emitTile(vector, row, e.mul(i, e.index(rows)), rows, stripStart);
  });
  if (length % rows != 0) {
    emitTile(vector, row, e.index(length - rows), rows, stripStart);
  }
}

void LaneTiler::emitTile(Value vector, Value row, Value first, int64_t rows,
                         Value stripStart) {
  const int64_t groupBytes = g.xLayout.getGroupBytes();
  const int64_t vectorBytes = form.vectorLanes * groupBytes;
  const int64_t step = panelLanes() / form.vectorLanes; // of w, in vectors
  SmallVector<int64_t> counts;
  SmallVector<int64_t> strides;
  SmallVector<int64_t> wSteps;
  int64_t inner = g.steps;
  for (unsigned loop : g.loopsOf(LoopRole::Tap)) {
    inner /= form.shape.extents[loop];
    if (form.shape.extents[loop] > 1) {
      counts.push_back(form.shape.extents[loop]);
      strides.push_back(strip.strideOf(loop));
      wSteps.push_back(inner * step);
    }
  }
  if (g.groups > 1 || counts.empty()) {
    counts.push_back(g.groups);
    strides.push_back(form.groupsChannels()
                          ? vectorBytes
                          : g.xLayout.getGroup() * strip.strideOf(g.innerLoop));
    wSteps.push_back(step);
  }
  const int64_t alongStride = strip.strideOf(form.along());
  Value base = e.add(stripStart, e.mul(first, e.index(alongStride)));
  if (auto across = form.across()) {
    base = e.add(base, e.mul(row, e.index(strip.strideOf(*across))));
  }
  SmallVector<Value> offsets;
  for (int64_t i = 0; i < rows; ++i) {
    offsets.push_back(e.add(base, e.index(i * alongStride)));
  }
  Value wOffset = e.add(
      weightStart,
      e.mul(vector, e.index(form.vectorLanes * g.wLayout.getGroupBytes())));
  Value sum = e.add(e.mul(row, e.index(length)), first);
  sum = e.add(e.mul(sum, e.index(panelLanes())),
              e.mul(vector, e.index(form.vectorLanes)));
  Value acc = memref::ViewOp::create(
      e.b, e.loc, MemRefType::get({rows, panelLanes()}, e.b.getI32Type()),
      scratch, e.mul(sum, e.index(sizeof(int32_t))), ValueRange{});
  lp::TileOp::create(e.b, e.loc, stripBuffer, weights, acc, Value(), offsets,
                     wOffset, schedule.getCell(), /*vectors=*/1, counts,
                     strides, wSteps, /*accumulate=*/false, form.unfolded.chunk,
                     schedule.getUnroll(), ArrayRef<int64_t>(),
                     ArrayRef<int64_t>(), /*xPlaneStride=*/0,
                     /*wPlaneStride=*/0, /*prefetch=*/0, /*xInLanes=*/true);
}

/// What makes the sum of stored x that of the factor: (bias - zero point) times
/// the sum of w of `lane` of the panel.
Value LaneTiler::correction(Value lane) {
  const int64_t lanes = panelLanes();
  Value factor = e.i32(form.unfolded.xFactor.bias);
  if (op.getXZero()) {
    Value zero = e.read(op.getXZero(), mapIndices(e, *op.getXZeroMap(), loops),
                        *op.getXZeroElement());
    factor = e.sub(factor, e.castInt(zero, e.b.getI32Type()));
  }
  // A table of the sums inside x, which are those of all taps, follows one of
  // all taps.
  const int64_t tables = g.classes.count() + 1;
  Value table =
      e.view(op.getW(), g.wTableOffset, g.panels * tables * lanes, 32);
  Value at = e.add(e.mul(panel, e.index(tables * lanes)), lane);
  return e.mul(factor, memref::LoadOp::create(e.b, e.loc, table, at));
}

/// Are the elements of the last dimensions, those of the lanes, one after the
/// other?
static bool areLanesAdjacent(Value tensor, size_t laneDims) {
  return laneDims == 1 || cast<MemRefType>(tensor.getType())
                              .areTrailingDimsContiguous(int64_t(laneDims));
}

/// `tensor`, whose last dimensions are those of the lanes, with these as one.
static Value withLanesAsOne(Emitter &e, Value tensor, size_t laneDims) {
  if (laneDims == 1) {
    return tensor;
  }
  const auto rank =
      static_cast<size_t>(cast<MemRefType>(tensor.getType()).getRank());
  SmallVector<ReassociationIndices> dims(rank - laneDims + 1);
  for (size_t d = 0; d < rank; ++d) {
    dims[std::min(d, rank - laneDims)].push_back(static_cast<int64_t>(d));
  }
  return memref::CollapseShapeOp::create(e.b, e.loc, tensor, dims);
}

/// The value of each loop of lanes at lane `number`; of all at once where they
/// subscript the last dimensions of what is read, whose elements are then side
/// by side.
void LaneTiler::readLanesAsOne(Block &body, Value number) {
  SmallVector<Value> values;
  SmallVector<int64_t> extents;
  for (unsigned loop : g.loopsOf(LoopRole::Column)) {
    values.push_back(loops[loop]);
    extents.push_back(form.shape.extents[loop]);
  }
  SmallVector<lp::ReadOp> reads(body.getOps<lp::ReadOp>());
  for (lp::ReadOp read : reads) {
    auto type = cast<MemRefType>(read.getSource().getType());
    const auto results = read.getMap().getResults();
    if (results.size() < values.size() || read.mayBeOutside() ||
        !areLanesAdjacent(read.getSource(), values.size()) ||
        type.getShape().take_back(extents.size()) != ArrayRef(extents)) {
      continue;
    }
    SmallVector<Value> at = llvm::map_to_vector(results, [&](AffineExpr expr) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      return dim ? Value(read.getIndices()[dim.getPosition()]) : Value();
    });
    if (llvm::is_contained(at, Value()) ||
        ArrayRef(at).take_back(values.size()) != ArrayRef(values)) {
      continue;
    }
    at.truncate(at.size() - values.size());
    at.push_back(number);
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPoint(read);
    Value one = e.read(withLanesAsOne(e, read.getSource(), values.size()), at,
                       *read.getElement());
    one.getDefiningOp<lp::ReadOp>().setRangeAttr(read.getRangeAttr());
    read.replaceAllUsesWith(one);
    read.erase();
  }
}

/// Runs the body on the sums of `lanes` lanes at row `at[0]` and position
/// `at[1]` of the piece.
void LaneTiler::emitPosition(Value sums, ArrayRef<Value> at, int64_t lanes,
                             ChainWriter &chains) {
  SmallVector<unsigned> laneLoops = g.loopsOf(LoopRole::Column);
  SmallVector<OpFoldResult> laneSizes;
  for (unsigned loop : laneLoops) {
    laneSizes.push_back(e.b.getIndexAttr(form.shape.extents[loop]));
  }
  SmallVector<Value> outputs =
      llvm::map_to_vector(op.getOutputs(), [&](Value output) {
        return areLanesAdjacent(output, laneLoops.size())
                   ? withLanesAsOne(e, output, laneLoops.size())
                   : output;
      });
  e.elementwiseLoop(e.index(0), e.index(lanes), [&](Value lane) {
    Value number = e.add(e.mul(panel, e.index(panelLanes())), lane);
    for (auto [loop, value] :
         llvm::zip_equal(laneLoops, e.delinearize(number, laneSizes))) {
      loops[loop] = value;
    }
    Value sum = memref::LoadOp::create(e.b, e.loc, sums,
                                       ValueRange{at[0], at[1], lane});
    if (form.unfolded.needsWSums) {
      sum = e.add(sum, correction(lane));
    }
    SmallVector<Value> indices(ArrayRef(loops).take_front(op.getParallel()));
    SmallVector<Value> arguments(indices);
    arguments.push_back(sum);
    SmallVector<Value> asOne(indices);
    asOne.truncate(indices.size() - laneLoops.size());
    asOne.push_back(number);
    SmallVector<Value> values = inlineBody(e, op.getBody(), arguments);
    for (auto [value, output] : llvm::zip(values, outputs)) {
      const size_t rank = cast<MemRefType>(output.getType()).getRank();
      memref::StoreOp::create(e.b, e.loc, value, output,
                              rank == asOne.size() ? asOne : indices);
    }
    chains.put(lane, values);
    if (laneLoops.size() > 1) {
      readLanesAsOne(*e.b.getInsertionBlock(), number);
    }
  });
  chains.pack(loops, panel, e.index(lanes), /*first=*/{});
}

/// Completes the sums of all positions in `trips` trips of the second row loop
/// and runs the body on them.
void LaneTiler::emitEpilogue(int64_t lanes, Value trips) {
  auto type = MemRefType::get({form.tripsAtOnce(block), length, panelLanes()},
                              e.b.getI32Type());
  Value sums = memref::ViewOp::create(e.b, e.loc, type, scratch, e.index(0),
                                      ValueRange{});
  const SmallVector<Value> first = loops;
  ChainWriter chains(op, e, panelLanes(), scratch, tileBytes());
  const OpFoldResult positions[] = {trips, e.b.getIndexAttr(length)};
  forEach(e, positions, [&](ArrayRef<Value> at) {
    if (auto across = form.across()) {
      loops[*across] = e.add(first[*across], at[0]);
    }
    loops[form.along()] = e.add(first[form.along()], at[1]);
    emitPosition(sums, at, lanes, chains);
  });
  loops = first;
}

SmallVector<OpFoldResult>
lpgen::laneTaskSizes(lp::ContractOp op, Emitter &e,
                     llvm::function_ref<Value(Value)> resolve) {
  // checkPhase proves that there is a form.
  std::string reason;
  const lp::ScheduleAttr schedule = *op.getSchedule();
  auto form = planLaneForm(op, *findCell(op, schedule.getCell()),
                           schedule.getTileVectors(), reason);
  SmallVector<OpFoldResult> extents =
      mixedExtents(op.getExtents(), op.getDynamicExtents(), e.b, resolve);
  SmallVector<OpFoldResult> sizes;
  for (unsigned loop : form->unfolded.geometry.loopsOf(LoopRole::Row)) {
    if (loop == form->across()) {
      sizes.push_back(e.b.getIndexAttr(llvm::divideCeil(
          form->shape.extents[loop], blockOf(*form, schedule))));
    } else if (loop != form->along()) {
      sizes.push_back(extents[loop]);
    }
  }
  sizes.push_back(e.b.getIndexAttr(form->unfolded.geometry.panels));
  return sizes;
}

FailureOr<int64_t> lpgen::emitLaneTask(lp::ContractOp op, Emitter &e,
                                       Coordinates task, Value scratch) {
  FailureOr<LaneForm> form = scheduledLaneForm(op);
  if (failed(form)) {
    return failure();
  }
  LaneTiler tiler(op, e, std::move(*form), scratch);
  tiler.emit(task);
  const int64_t bytes = tiler.scratchBytes();
  op.erase();
  return bytes;
}
