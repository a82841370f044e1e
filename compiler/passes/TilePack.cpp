// lp-tile: packing of activations and weights as loops. The layouts are
// described at #lp.layout; where things lie comes from Geometry.
#include "compiler/passes/PackRow.h"

using namespace mlir;
using namespace lpgen;

/// Positions of dimension `p` that the loops lead to, with their actual
/// extents.
static OpFoldResult usedPositions(lp::PackOp op, const PositionDim &p,
                                  Emitter &e,
                                  llvm::function_ref<Value(Value)> resolve) {
  const Geometry g = packedGeometry(op);
  const Subscript s = subscriptOf(g.shape, p.xDim);
  const SmallVector<OpFoldResult> extents =
      mixedExtents(op.getExtents(), op.getDynamicExtents(), e.b, resolve);
  int64_t constant = s.constant - p.low + 1;
  Value count;
  for (auto [loop, factor] : llvm::enumerate(s.coefficients)) {
    if (factor <= 0 || !g.shape.isDynamic[loop]) {
      constant += std::max<int64_t>(factor, 0) * (g.shape.extents[loop] - 1);
      continue;
    }
    constant -= factor;
    Value part = e.mul(e.value(extents[loop]), e.index(factor));
    count = count ? e.add(count, part) : part;
  }
  return count
             ? OpFoldResult(e.max(e.add(count, e.index(constant)), e.index(0)))
             : OpFoldResult(e.b.getIndexAttr(p.size));
}

namespace {

/// Activations: one task packs the innermost row of positions.
class ActivationPacker {
public:
  ActivationPacker(lp::PackOp op, Emitter &e, Value scratch)
      : op(op), e(e), g(packedGeometry(op)),
        row(op, e, g, g.runExtent(), scratch, 0) {}

  void emit(Coordinates task) {
    SmallVector<Value> at(task);
    if (g.positions.empty()) {
      return emitPosition(at);
    }
    e.loop(e.index(0), positionCount(g.positions.size() - 1), 1, [&](Value i) {
      at.push_back(i);
      emitPosition(at);
      at.pop_back();
    });
  }

private:
  /// Positions of dimension `number` that are packed: all of a halo dimension,
  /// the actual size of a dynamic one.
  Value positionCount(size_t number) {
    const PositionDim &p = g.positions[number];
    if (p.hasHalo || p.low != 0) {
      return e.value(usedPositions(op, p, e, [](Value v) { return v; }));
    }
    if (op.getSource() && ShapedType::isDynamic(op.getXShape()[p.xDim])) {
      return e.min(e.index(p.size), sizeOf(p));
    }
    auto size = dynamicSize(op, p.xDim, [](Value v) { return v; });
    return size ? e.value(*size) : e.index(p.size);
  }

  /// The size of dimension `p` of x.
  Value sizeOf(const PositionDim &p) {
    int64_t extent = op.getXShape()[p.xDim];
    return ShapedType::isDynamic(extent)
               ? memref::DimOp::create(e.b, e.loc, op.getSource(), p.xDim)
                     .getResult()
               : e.index(extent);
  }

  /// Packs all runs at one position, or zeros if it is in the halo. What a
  /// contraction writes is there already.
  void emitPosition(ArrayRef<Value> at) {
    SmallVector<Value> source(op.getXShape().size());
    Value inside;
    Value offset = e.index(0);
    for (auto [p, index] : llvm::zip_equal(g.positions, at)) {
      Value position = p.low == 0 ? index : e.add(index, e.index(p.low));
      source[p.xDim] = position;
      offset = e.add(offset, e.mul(index, e.index(p.stride)));
      if (p.hasHalo) {
        // Unsigned: a negative position is a huge one.
        Value in = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult,
                                         position, sizeOf(p));
        inside = inside
                     ? arith::AndIOp::create(e.b, e.loc, inside, in).getResult()
                     : in;
      }
    }
    SmallVector<OpFoldResult> batches;
    for (auto [loop, coefficient] : g.innerBatch) {
      batches.push_back(e.b.getIndexAttr(g.shape.extents[loop]));
    }
    forEach(e, batches, [&](ArrayRef<Value> batch) {
      Value base = e.index(0);
      Value run = e.index(0);
      for (auto [i, entry] : llvm::enumerate(g.innerBatch)) {
        base = e.add(base, e.mul(batch[i], e.index(entry.second)));
        run =
            e.add(e.mul(run, e.index(g.shape.extents[entry.first])), batch[i]);
      }
      Value start = e.add(offset, e.mul(run, e.index(g.runBytes)));
      if (!inside) {
        return emitRun(source, base, start);
      }
      auto branch =
          scf::IfOp::create(e.b, e.loc, inside, /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(e.b);
      e.b.setInsertionPointToStart(&branch.getThenRegion().front());
      emitRun(source, base, start);
      e.b.setInsertionPointToStart(&branch.getElseRegion().front());
      row.packZeros(start);
    });
  }

  /// Packs the inner elements [base, base + innerExtent) at `source`, or the
  /// row of positions there.
  void emitRun(SmallVector<Value> source, Value base, Value start) {
    if (op.getYielded()) {
      return;
    }
    if (g.merged) {
      return emitRow(source, start);
    }
    Value count = e.index(g.innerExtent());
    e.elementwiseLoop(e.index(0), count, [&](Value k) {
      source[g.innerXDim] = e.add(base, k);
      row.put(k, element(source));
    });
    row.fillGroup(count);
    row.pack(e.index(g.groups), start, e.index(0), {});
  }

  /// Packs a row of positions, side by side, its halo zeros.
  void emitRow(SmallVector<Value> source, Value start) {
    const PositionDim &p = g.merged->row;
    const int64_t channels = g.shape.extents[g.innerLoop];
    const int64_t first = std::max<int64_t>(-p.low, 0);
    const int64_t last =
        std::clamp(g.shape.xShape[p.xDim] - p.low, first, p.size);
    Value left = e.index(first * channels);
    Value count = e.index(p.size * channels);
    row.putZeros(e.index(0), left);
    e.elementwiseLoop(
        e.index(0), e.index((last - first) * channels), [&](Value k) {
          row.put(e.add(left, k),
                  elementOfRow(source,
                               e.add(e.index((p.low + first) * channels), k)));
        });
    row.putZeros(e.index(last * channels), count);
    row.fillGroup(count);
    row.pack(e.index(g.xLayout.groupsFor(g.runExtent())), start, e.index(0),
             {});
  }

  /// Element `k` of a row of x, of all its channels.
  Value elementOfRow(SmallVector<Value> source, Value k) {
    if (Value x = op.getSource()) {
      // As one dimension, along which elements are consecutive.
      SmallVector<ReassociationIndices> dims;
      const int64_t rank = cast<MemRefType>(x.getType()).getRank();
      for (int64_t d = 0; d + 1 < rank; ++d) {
        dims.push_back({d});
      }
      dims.back().push_back(rank - 1);
      Value rows = memref::CollapseShapeOp::create(e.b, e.loc, x, dims);
      source.pop_back();
      source.back() = k;
      return e.read(rows, source, op.getElement());
    }
    Value channels = e.index(g.shape.extents[g.innerLoop]);
    source[g.merged->row.xDim] =
        arith::DivUIOp::create(e.b, e.loc, k, channels);
    source[g.innerXDim] = arith::RemUIOp::create(e.b, e.loc, k, channels);
    return element(source);
  }

  /// The element at `indices`, read or computed.
  Value element(ArrayRef<Value> indices) {
    if (op.getSource()) {
      return e.read(op.getSource(), indices, op.getElement());
    }
    Value value = inlineBody(e, op.getProducer(), indices).front();
    if (op.getLogical()) {
      memref::StoreOp::create(e.b, e.loc, value, op.getLogical(), indices);
    }
    return value;
  }

  lp::PackOp op;
  Emitter &e;
  Geometry g;
  RowPacker row;
};

/// Weights: one task packs one panel of one batch and group.
class WeightPacker : public GroupWriter {
public:
  WeightPacker(lp::PackOp op, Emitter &e)
      : GroupWriter(op, e), op(op), g(packedGeometry(op)) {}

  void emit(Coordinates task) {
    Value batch = task[0];
    Value panel = task[1];
    Value group = task[2];
    Value number = e.add(e.mul(batch, e.index(g.panels)), panel);
    number = e.add(e.mul(number, e.index(g.extentOf(LoopRole::Group))), group);
    Value start = e.add(e.index(kPackedHeaderBytes),
                        e.mul(number, e.index(g.panelBytes)));
    setLoops(e, g, LoopRole::Batch, batch, loops);
    setLoops(e, g, LoopRole::Group, group, loops);
    SmallVector<OpFoldResult> extents = {
        e.b.getIndexAttr(g.extentOf(LoopRole::Tap)), e.b.getIndexAttr(g.groups),
        e.b.getIndexAttr(layout.getLanes())};
    forEach(e, extents, [&](ArrayRef<Value> at) {
      Value step = e.add(e.mul(at[0], e.index(g.groups)), at[1]);
      Value offset = e.add(start, e.mul(step, e.index(g.stepBytes)));
      offset = e.add(offset, e.mul(at[2], e.index(layout.getGroupBytes())));
      setLoops(e, g, LoopRole::Tap, at[0], loops);
      Value column = e.add(e.mul(panel, e.index(layout.getLanes())), at[2]);
      emitGroup(column, at[1], offset);
    });
    if (layout.getSums()) {
      emitSums(number, panel);
    }
  }

private:
  /// The element at the current loops.
  Value element() {
    return stored(e.read(op.getSource(), mapIndices(e, op.getWMap(), loops),
                         op.getElement()));
  }

  /// The element at column and inner index, or zero past either end.
  Value elementOrZero(Value column, Value inner) {
    Value in = arith::AndIOp::create(
        e.b, e.loc, e.less(column, e.index(g.extentOf(LoopRole::Column))),
        e.less(inner, e.index(g.innerExtent())));
    auto branch = scf::IfOp::create(e.b, e.loc, e.b.getI32Type(), in,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(&branch.getThenRegion().front());
    setLoops(e, g, LoopRole::Column, column, loops);
    loops[g.innerLoop] = inner;
    if (g.merged) {
      Value channels = e.index(g.shape.extents[g.innerLoop]);
      loops[g.merged->loop] =
          arith::DivUIOp::create(e.b, e.loc, inner, channels);
      loops[g.innerLoop] = arith::RemUIOp::create(e.b, e.loc, inner, channels);
    }
    scf::YieldOp::create(e.b, e.loc, element());
    e.b.setInsertionPointToStart(&branch.getElseRegion().front());
    scf::YieldOp::create(e.b, e.loc, e.i32(0));
    return branch.getResult(0);
  }

  void emitGroup(Value column, Value group, Value offset) {
    SmallVector<Value> elements;
    for (int64_t i = 0; i < layout.getGroup(); ++i) {
      Value inner = e.add(e.mul(group, e.index(layout.getGroup())), e.index(i));
      elements.push_back(elementOrZero(column, inner));
    }
    storeGroup(elements, offset, g.wPlaneBytes);
  }

  /// Sums of stored elements over the inside taps of each border class,
  /// [class][lane], the last class with all taps.
  void emitSums(Value number, Value panel) {
    int64_t taps = g.extentOf(LoopRole::Tap);
    int64_t classes = g.classes.count();
    SmallVector<int32_t> inside;
    for (int64_t c = 0; c <= classes; ++c) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        inside.push_back(c == classes || isInside(c, tap));
      }
    }
    Value masks = e.table(inside);
    int64_t lanes = layout.getLanes();
    int64_t perPanel = (classes + 1) * lanes;
    int64_t count = g.panelCount() * perPanel;
    Value table = e.view(op.getDestination(), g.wTableOffset, count, 32);
    SmallVector<OpFoldResult> extents = {e.b.getIndexAttr(classes + 1),
                                         e.b.getIndexAttr(lanes)};
    forEach(e, extents, [&](ArrayRef<Value> at) {
      Value column = e.add(e.mul(panel, e.index(lanes)), at[1]);
      auto overTaps = [&](Value tap, Value sum) {
        Value position = e.add(e.mul(at[0], e.index(taps)), tap);
        Value mask = memref::LoadOp::create(e.b, e.loc, masks, position);
        setLoops(e, g, LoopRole::Tap, tap, loops);
        Value tapSum = e.reduce(e.index(0), e.index(g.innerExtent()), e.i32(0),
                                [&](Value inner, Value s) {
                                  return e.add(s, elementOrZero(column, inner));
                                });
        return e.add(sum, e.mul(tapSum, mask));
      };
      Value sum = e.reduce(e.index(0), e.index(taps), e.i32(0), overTaps);
      Value position = e.add(e.mul(number, e.index(perPanel)),
                             e.add(e.mul(at[0], e.index(lanes)), at[1]));
      memref::StoreOp::create(e.b, e.loc, sum, table, position);
    });
  }

  bool isInside(int64_t borderClass, int64_t tap) const {
    for (const BorderClasses::Dim &dim : llvm::reverse(g.classes.dims)) {
      int64_t n = static_cast<int64_t>(dim.inside.size());
      if (!dim.inside[borderClass % n][tap]) {
        return false;
      }
      borderClass /= n;
    }
    return true;
  }

  lp::PackOp op;
  Geometry g;
  SmallVector<Value> loops;
};

} // namespace

std::optional<OpFoldResult>
lpgen::dynamicSize(lp::PackOp op, unsigned dim,
                   llvm::function_ref<Value(Value)> resolve) {
  auto loop = dyn_cast<AffineDimExpr>(op.getXMap().getResult(dim));
  if (!ShapedType::isDynamic(op.getXShape()[dim]) || !loop ||
      !ShapedType::isDynamic(op.getExtents()[loop.getPosition()])) {
    return std::nullopt;
  }
  ArrayRef<int64_t> before = op.getExtents().take_front(loop.getPosition());
  return OpFoldResult(resolve(
      op.getDynamicExtents()[llvm::count(before, ShapedType::kDynamic)]));
}

SmallVector<OpFoldResult>
lpgen::packTaskSizes(lp::PackOp op, Emitter &e,
                     llvm::function_ref<Value(Value)> resolve) {
  Geometry g = packedGeometry(op);
  if (op.getLayout().isOfWeights()) {
    return {e.b.getIndexAttr(g.extentOf(LoopRole::Batch)),
            e.b.getIndexAttr(g.panels),
            e.b.getIndexAttr(g.extentOf(LoopRole::Group))};
  }
  SmallVector<OpFoldResult> sizes;
  for (const PositionDim &p :
       ArrayRef(g.positions).drop_back(g.positions.empty() ? 0 : 1)) {
    // A dynamic dimension without halo is as long as the loop that subscripts
    // it.
    OpFoldResult size = usedPositions(op, p, e, resolve);
    if (!p.hasHalo && p.low == 0) {
      size = dynamicSize(op, p.xDim, resolve).value_or(size);
    }
    sizes.push_back(size);
  }
  return sizes;
}

int64_t lpgen::emitTask(lp::PackOp op, Emitter &e, Coordinates task,
                        Value scratch) {
  int64_t bytes = 0;
  if (op.getLayout().isOfWeights()) {
    WeightPacker(op, e).emit(task);
  } else {
    ActivationPacker(op, e, scratch).emit(task);
    bytes = RowPacker::rowBytes(op.getLayout(), packedGeometry(op).runExtent());
  }
  op.erase();
  return bytes;
}

bool lpgen::hasHalo(lp::PackOp op) {
  Geometry g = packedGeometry(op);
  return llvm::any_of(g.positions,
                      [](const PositionDim &p) { return p.hasHalo; });
}

void lpgen::emitHaloTask(lp::PackOp op, Emitter &e, Coordinates task,
                         Value scratch) {
  ActivationPacker(op, e, scratch).emit(task);
}
