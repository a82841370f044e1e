// lp-tile: packing of activations and weights as loops. The layouts are
// described at #lp.layout; where things lie comes from Geometry.
#include "compiler/passes/Phases.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;

namespace {

/// What both operands share: how one element is stored.
class Packer {
public:
  Packer(lp::PackOp op, Emitter &e, Geometry geometry)
      : op(op), e(e), g(std::move(geometry)), layout(op.getLayout()) {}

protected:
  /// The element at `indices`, read or computed.
  Value logical(ArrayRef<Value> indices) {
    if (op.getSource()) {
      return e.read(op.getSource(), indices, op.getElement());
    }
    return inlineBody(e, op.getProducer(), indices).front();
  }

  /// The stored form of the element at `indices`, as i32.
  Value stored(ArrayRef<Value> indices) {
    Value value = e.castInt(logical(indices), e.b.getI32Type());
    if (layout.getOffset() != 0) {
      value = e.add(value, e.i32(layout.getOffset()));
    }
    if (layout.getHalve()) {
      value = arith::ShRSIOp::create(e.b, e.loc, value, e.i32(1));
    }
    return value;
  }

  void storeByte(Value value, Value offset) {
    Value byte = e.castInt(value, e.b.getI8Type());
    memref::StoreOp::create(e.b, e.loc, byte, op.getDestination(), offset);
  }

  /// Stores one group of whole elements, of several in a byte or of one or two
  /// bytes each.
  void storeElements(ArrayRef<Value> elements, Value offset) {
    if (layout.getBits() == 16) {
      return storeWords(elements, offset);
    }
    int64_t bytes = layout.getGroupBytes();
    for (int64_t byte = 0; byte < bytes; ++byte) {
      Value all = elements[byte];
      for (int64_t i = bytes; byte + i < layout.getGroup(); i += bytes) {
        Value shift = e.i32(i / bytes * layout.getBits());
        all = arith::OrIOp::create(
            e.b, e.loc, all,
            arith::ShLIOp::create(e.b, e.loc, elements[byte + i], shift));
      }
      storeByte(all, e.add(offset, e.index(byte)));
    }
  }

  void storeWords(ArrayRef<Value> elements, Value offset) {
    int64_t bytes =
        cast<MemRefType>(op.getDestination().getType()).getNumElements();
    Value words = e.view(op.getDestination(), 0, bytes / 2, 16);
    Value first = arith::ShRUIOp::create(e.b, e.loc, offset, e.index(1));
    for (auto [i, element] : llvm::enumerate(elements)) {
      memref::StoreOp::create(e.b, e.loc, e.castInt(element, e.b.getI16Type()),
                              words,
                              e.add(first, e.index(static_cast<int64_t>(i))));
    }
  }

  /// Stores the planes of one group, `planeBytes` apart.
  void storePlanes(ArrayRef<Value> elements, Value offset, int64_t planeBytes) {
    int64_t bits = layout.getBits();
    Value mask = e.i32((int64_t{1} << bits) - 1);
    for (int64_t plane = 0; plane < layout.getPlanes(); ++plane) {
      SmallVector<Value> digits;
      for (Value value : elements) {
        digits.push_back(arith::AndIOp::create(
            e.b, e.loc,
            arith::ShRUIOp::create(e.b, e.loc, value, e.i32(plane * bits)),
            mask));
      }
      Value at = e.add(offset, e.index(plane * planeBytes));
      if (layout.hasTables()) {
        for (size_t i = 0; i < digits.size(); i += 4) {
          storeTable(ArrayRef(digits).slice(i, 4),
                     e.add(at, e.index(static_cast<int64_t>(4 * i))));
        }
      } else {
        storeDigits(digits, at);
      }
    }
  }

  /// As many digits a byte as there must be, from its lowest bit on.
  void storeDigits(ArrayRef<Value> digits, Value offset) {
    const int64_t perByte =
        llvm::divideCeil(layout.getGroup(), layout.getGroupBytes());
    for (int64_t byte = 0; byte < layout.getGroupBytes(); ++byte) {
      Value all = e.i32(0);
      for (auto [i, digit] : llvm::enumerate(
               digits.drop_front(byte * perByte).take_front(perByte))) {
        all = arith::OrIOp::create(
            e.b, e.loc, all,
            arith::ShLIOp::create(
                e.b, e.loc, digit,
                e.i32(static_cast<int64_t>(i) * layout.getBits())));
      }
      storeByte(all, e.add(offset, e.index(byte)));
    }
  }

  /// Byte m: the sum of the digits i with bit i in m.
  void storeTable(ArrayRef<Value> digits, Value offset) {
    VectorType type = cell::vectorType(e.b, 16, 8);
    Value sums;
    for (auto [position, digit] : llvm::enumerate(digits)) {
      SmallVector<int8_t> chosen;
      for (int64_t m = 0; m < type.getNumElements(); ++m) {
        chosen.push_back((m >> position & 1) != 0 ? -1 : 0);
      }
      Value mask = arith::ConstantOp::create(
          e.b, e.loc, DenseElementsAttr::get(type, ArrayRef(chosen)));
      Value one = arith::AndIOp::create(
          e.b, e.loc, mask,
          vector::BroadcastOp::create(e.b, e.loc, type,
                                      e.castInt(digit, e.b.getI8Type())));
      sums =
          sums ? arith::AddIOp::create(e.b, e.loc, sums, one).getResult() : one;
    }
    vector::StoreOp::create(e.b, e.loc, sums, op.getDestination(), offset);
  }

  lp::PackOp op;
  Emitter &e;
  Geometry g;
  lp::LayoutAttr layout;
};

/// Activations: one task packs the innermost row of positions.
class ActivationPacker : public Packer {
public:
  using Packer::Packer;

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

  /// Positions of dimension `number` that are packed: all of a halo dimension,
  /// the actual size of a dynamic one.
  Value positionCount(size_t number) {
    const PositionDim &p = g.positions[number];
    int64_t extent = op.getXShape()[p.xDim];
    if (ShapedType::isDynamic(extent) && !p.hasHalo && p.low == 0) {
      return e.min(e.index(p.size),
                   memref::DimOp::create(e.b, e.loc, op.getSource(), p.xDim));
    }
    return e.index(p.size);
  }

private:
  /// Packs all runs at one position, or zeros if it is in the halo.
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
        Value size = memref::DimOp::create(e.b, e.loc, op.getSource(), p.xDim);
        Value in = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult,
                                         position, size);
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
      emitZeros(start);
    });
  }

  void emitZeros(Value start) {
    for (int64_t plane = 0; plane < std::max<int64_t>(layout.getPlanes(), 1);
         ++plane) {
      Value from = e.add(start, e.index(plane * g.xPlaneBytes));
      e.loop(from, e.add(from, e.index(g.runBytes)), 1,
             [&](Value offset) { storeByte(e.i32(0), offset); });
    }
    storeSum(e.i32(0), start);
  }

  void storeSum(Value sum, Value start) {
    if (!layout.getSums()) {
      return;
    }
    int64_t planes = std::max<int64_t>(layout.getPlanes(), 1);
    int64_t count = g.xPlaneBytes / g.runBytes;
    Value sums = e.view(op.getDestination(), g.xPlaneBytes * planes, count, 32);
    Value position =
        arith::DivUIOp::create(e.b, e.loc, start, e.index(g.runBytes));
    memref::StoreOp::create(e.b, e.loc, sum, sums, position);
  }

  /// Packs the inner elements [base, base + innerExtent) at `source`.
  void emitRun(SmallVector<Value> source, Value base, Value start) {
    auto element = [&](Value k) {
      source[g.innerXDim] = e.add(base, k);
      return stored(source);
    };
    int64_t full = g.innerExtent() / layout.getGroup();
    Value sum = e.reduce(
        e.index(0), e.index(full), e.i32(0), [&](Value group, Value sum) {
          return emitGroup(group, layout.getGroup(), start, sum, element);
        });
    if (int64_t rest = g.innerExtent() % layout.getGroup()) {
      sum = emitGroup(e.index(full), rest, start, sum, element);
    }
    storeSum(sum, start);
  }

  /// Packs `count` elements of one group and zeros after them; returns sum +
  /// theirs.
  Value emitGroup(Value group, int64_t count, Value start, Value sum,
                  llvm::function_ref<Value(Value)> element) {
    Value first = e.mul(group, e.index(layout.getGroup()));
    Value offset = e.add(start, e.mul(group, e.index(layout.getGroupBytes())));
    SmallVector<Value> elements;
    for (int64_t i = 0; i < count; ++i) {
      elements.push_back(element(e.add(first, e.index(i))));
      sum = e.add(sum, elements.back());
    }
    elements.resize(layout.getGroup(), e.i32(0));
    if (layout.getPlanes() > 0) {
      storePlanes(elements, offset, g.xPlaneBytes);
      return sum;
    }
    storeElements(elements, offset);
    return sum;
  }
};

/// Weights: one task packs one panel of one batch.
class WeightPacker : public Packer {
public:
  using Packer::Packer;

  void emit(Coordinates task) {
    Value batch = task[0];
    Value panel = task[1];
    Value number = e.add(e.mul(batch, e.index(g.panels)), panel);
    Value start = e.add(e.index(kPackedHeaderBytes),
                        e.mul(number, e.index(g.panelBytes)));
    setLoops(e, g, LoopRole::Batch, batch, loops);
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
  Value element() { return stored(mapIndices(e, op.getWMap(), loops)); }

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
    if (layout.getPlanes() > 0) {
      return storePlanes(elements, offset, g.wPlaneBytes);
    }
    storeElements(elements, offset);
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
    int64_t count = g.extentOf(LoopRole::Batch) * g.panels * perPanel;
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

  SmallVector<Value> loops;
};

} // namespace

SmallVector<OpFoldResult>
lpgen::packTaskSizes(lp::PackOp op, Emitter &e,
                     llvm::function_ref<Value(Value)> resolve) {
  Geometry g = packedGeometry(op);
  if (op.getLayout().getKind() == lp::OperandKind::Weights) {
    return {e.b.getIndexAttr(g.extentOf(LoopRole::Batch)),
            e.b.getIndexAttr(g.panels)};
  }
  SmallVector<OpFoldResult> sizes;
  for (const PositionDim &p :
       ArrayRef(g.positions).drop_back(g.positions.empty() ? 0 : 1)) {
    // A dynamic dimension without halo is as long as the loop that subscripts
    // it.
    OpFoldResult size = e.b.getIndexAttr(p.size);
    if (!p.hasHalo && p.low == 0) {
      size = dynamicSize(op, p.xDim, resolve).value_or(size);
    }
    sizes.push_back(size);
  }
  return sizes;
}

int64_t lpgen::emitTask(lp::PackOp op, Emitter &e, Coordinates task) {
  Geometry g = packedGeometry(op);
  if (op.getLayout().getKind() == lp::OperandKind::Weights) {
    WeightPacker(op, e, std::move(g)).emit(task);
  } else {
    ActivationPacker(op, e, std::move(g)).emit(task);
  }
  op.erase();
  return 0;
}
