// lp-tile: packing of activations as loops. The layouts are described at
// #lp.layout; where things lie comes from Geometry.
#include "compiler/passes/PackWeights.h"

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
      emitHalo(start);
    });
  }

  /// What x is outside, as an element.
  Value padding() {
    if (Value scalar = op.getHaloScalar()) {
      return e.read(scalar, {}, *op.getHaloElement());
    }
    return e.i32(op.getHalo().value_or(0));
  }

  /// Elements [begin, end) of the row: what x is outside, or zeros.
  void putHalo(Value begin, Value end) {
    if (!op.getStoresPadding()) {
      return row.putZeros(begin, end);
    }
    Value outside = padding();
    e.elementwiseLoop(begin, end, [&](Value k) { row.put(k, outside); });
  }

  /// Packs what is outside at one position, or a row of positions.
  void emitHalo(Value start) {
    if (!op.getStoresPadding()) {
      return row.packZeros(start);
    }
    Value count = e.index(g.runExtent());
    putHalo(e.index(0), count);
    row.fillGroup(count);
    row.pack(e.index(g.xLayout.groupsFor(g.runExtent())), start, e.index(0),
             {});
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
    putHalo(e.index(0), left);
    if (isRowDense()) {
      e.elementwiseLoop(
          e.index(0), e.index((last - first) * channels), [&](Value k) {
            row.put(e.add(left, k),
                    elementOfRow(
                        source, e.add(e.index((p.low + first) * channels), k)));
          });
    } else {
      e.loop(e.index(0), e.index(channels), 1, [&](Value channel) {
        source[g.innerXDim] = channel;
        e.loop(e.index(first), e.index(last), 1, [&](Value position) {
          source[p.xDim] = e.add(position, e.index(p.low));
          row.put(e.add(e.mul(position, e.index(channels)), channel),
                  element(source));
        });
      });
    }
    putHalo(e.index(last * channels), count);
    row.fillGroup(count);
    row.pack(e.index(g.xLayout.groupsFor(g.runExtent())), start, e.index(0),
             {});
  }

  /// True if the channels of all positions of a row of x lie one after the
  /// other in memory.
  bool isRowDense() {
    Value x = op.getSource();
    return x && cast<MemRefType>(x.getType()).areTrailingDimsContiguous(2);
  }

  /// Element `k` of a dense row of x, of all its channels: as one dimension,
  /// along which elements are consecutive.
  Value elementOfRow(SmallVector<Value> source, Value k) {
    Value x = op.getSource();
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
    packWeights(op, e, task);
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
