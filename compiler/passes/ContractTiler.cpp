// lp-tile: the tasks of a packed contraction, and what one does with a panel of
// w: sweeps over its tiles (ContractSweeps.cpp), then its epilogue
// (ContractEpilogue.cpp). See ContractTiler.h.
#include "compiler/passes/ContractTiler.h"
#include "compiler/passes/ChainWriter.h"
#include "targets/Target.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;

static TilePlan scheduledPlan(lp::ContractOp op, const PackedForm &form) {
  lp::ScheduleAttr schedule = *op.getSchedule();
  return planTile(form, findCell(op, schedule.getCell())->facts(),
                  schedule.getTileRows(), schedule.getBlock(), machineOf(op));
}

/// One, or all if the chain needs sums of whole positions.
static int64_t panelsPerTask(lp::ContractOp op, const Geometry &g) {
  return llvm::any_of(
             lp::chainedPacks(op),
             [](lp::PackOp pack) { return pack.getLayout().getSums(); })
             ? g.panels
             : 1;
}

ContractTiler::ContractTiler(lp::ContractOp op, Emitter &e, PackedForm form,
                             Value scratch)
    : op(op), e(e), form(std::move(form)), g(this->form.geometry),
      schedule(*op.getSchedule()), cell(*findCell(op, schedule.getCell())),
      scratch(scratch), lanes(g.wLayout.getLanes()),
      sumType(op.accumulatorType()),
      rowBytes(lanes * sumType.getIntOrFloatBitWidth() / 8),
      taskPanels(panelsPerTask(op, g)), plan(scheduledPlan(op, this->form)),
      together(planesTogether(
          this->form.x.planes.size(), this->form.w.planes.size(), cell,
          schedule.getTileRows(), schedule.getTileVectors(), machineOf(op))),
      hasHalves(needsHalves(this->form, cell.facts(), plan.stepsPerPiece())) {}

int64_t ContractTiler::sumsBytes() const {
  return schedule.getTileRows() * schedule.getBlock() * rowBytes;
}

int64_t ContractTiler::halvesBytes() const {
  return hasHalves ? schedule.getTileRows() * together.x * lanes * together.w *
                         int64_t(sizeof(int16_t))
                   : 0;
}

int64_t ContractTiler::tileBytes() const {
  return llvm::alignTo(sumsBytes() + halvesBytes(), 64);
}

int64_t ContractTiler::totalsBytes() {
  const int64_t bytes = schedule.getTileRows() * schedule.getBlock() * lanes *
                        int64_t(sizeof(float));
  return op.numGroups() == 0 ? 0 : llvm::alignTo(bytes, 64);
}

int64_t ContractTiler::scratchBytes() {
  return tileBytes() + totalsBytes() + ChainWriter::scratchBytes(op, lanes);
}

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
  batch = task[0];
  setLoops(LoopRole::Batch, batch);

  Value rows = e.product(extentsOf(LoopRole::Row));
  int64_t blockRows = schedule.getTileRows() * schedule.getBlock();
  begin = e.mul(task[2], e.index(blockRows));
  Value whole = e.add(begin, e.index(blockRows));
  if (op.numGroups() == 0 || schedule.getBlock() > 1) {
    end = e.min(whole, rows);
    return emitPanels(task[1]);
  }
  // LLVM keeps the sums of groups in registers where the rows of a tile are
  // known: code of its own for whole tiles.
  if (getConstantIntValue(rows).value_or(1) % blockRows != 0) {
    end = rows;
    e.ifThen(e.less(rows, whole), [&] { emitPanels(task[1]); });
    end = whole;
    e.ifThen(e.less(e.sub(whole, e.index(1)), rows),
             [&] { emitPanels(task[1]); });
    return;
  }
  end = whole;
  emitPanels(task[1]);
}

/// The panels of the task: `number`, or all.
void ContractTiler::emitPanels(Value number) {
  auto emitNumber = [&](Value one) {
    panel = one;
    emitPanel();
  };
  if (taskPanels == 1) {
    emitNumber(number);
  } else {
    e.loop(e.index(0), e.index(taskPanels), 1, emitNumber);
  }
}

Value ContractTiler::viewOf(mlir::Type type, int64_t offset) {
  auto rows = MemRefType::get(
      {schedule.getTileRows() * schedule.getBlock(), lanes}, type);
  return memref::ViewOp::create(e.b, e.loc, rows, scratch, e.index(offset),
                                ValueRange{});
}

void ContractTiler::zero(Value sums) {
  auto type = cast<MemRefType>(sums.getType()).getElementType();
  Value zero = arith::ConstantOp::create(
      e.b, e.loc, e.b.getZeroAttr(VectorType::get({lanes}, type)));
  e.loop(e.index(0), e.sub(end, begin), 1, [&](Value row) {
    vector::StoreOp::create(e.b, e.loc, zero, sums,
                            ValueRange{row, e.index(0)});
  });
}

/// All tiles of the task in one panel: their sums, or those of group after
/// group.
void ContractTiler::emitPanel() {
  if (sumsAreResults()) {
    results = hasAdjacentRows() ? withRowsAsOne(op.getOutputs()[0])
                                : op.getOutputs()[0];
    emitSums(e.index(0));
    return;
  }
  if (op.numGroups() == 0) {
    emitSums(e.index(0));
  } else {
    zero(viewOfTotals());
    e.loop(e.index(0), e.index(g.extentOf(LoopRole::Group)), 1,
           [&](Value group) {
             emitSums(group);
             addGroup();
           });
  }
  emitEpilogue();
}

/// The sums of one group, the only one if there are none, of all tiles.
void ContractTiler::emitSums(Value group) {
  setLoops(LoopRole::Group, group);
  xBase = strideDot(LoopRole::Batch, e.index(g.xOrigin()), 1);
  xBase = strideDot(LoopRole::Group, xBase, 1);
  panelNumber = e.add(e.mul(batch, e.index(g.panels)), panel);
  panelNumber =
      e.add(e.mul(panelNumber, e.index(g.extentOf(LoopRole::Group))), group);
  wOffset = e.add(e.index(kPackedHeaderBytes),
                  e.mul(panelNumber, e.index(g.panelBytes)));
  if (!plan.writesOnce()) {
    zero(viewOfSums());
  }
  int64_t count = plan.loops[0].count;
  int64_t whole = count / plan.strip * plan.strip;
  if (whole == plan.strip) {
    emitSweep(e.index(0), plan.strip);
  } else {
    e.loop(e.index(0), e.index(whole), plan.strip,
           [&](Value trip) { emitSweep(trip, plan.strip); });
  }
  if (whole < count) {
    emitSweep(e.index(whole), count - whole);
  }
}

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
