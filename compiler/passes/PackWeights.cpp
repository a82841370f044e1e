// See PackWeights.h.
#include "compiler/passes/PackWeights.h"

using namespace mlir;
using namespace lpgen;

namespace {

class WeightPacker : public GroupWriter {
public:
  WeightPacker(lp::PackOp op, Emitter &e)
      : GroupWriter(op, e), op(op), g(packedGeometry(op)) {}

  void emit(Coordinates task) {
    batch = task[0];
    panel = task[1];
    group = task[2];
    setLoops(e, g, LoopRole::Batch, batch, loops);
    setLoops(e, g, LoopRole::Group, group, loops);
    firstColumn = e.mul(panel, e.index(layout.getLanes()));
    emitGroups();
    if (layout.getSums()) {
      emitSums();
    }
  }

private:
  /// Which panel this is of those of all batches and groups.
  Value number() {
    Value ofBatch = e.add(e.mul(batch, e.index(g.panels)), panel);
    return e.add(e.mul(ofBatch, e.index(g.extentOf(LoopRole::Group))), group);
  }

  /// The element at the current tap, at `column` and `inner`.
  Value element(Value column, Value inner) {
    setLoops(e, g, LoopRole::Column, column, loops);
    loops[g.innerLoop] = inner;
    if (g.merged) {
      Value channels = e.index(g.shape.extents[g.innerLoop]);
      loops[g.merged->loop] =
          arith::DivUIOp::create(e.b, e.loc, inner, channels);
      loops[g.innerLoop] = arith::RemUIOp::create(e.b, e.loc, inner, channels);
    }
    return stored(e.read(op.getSource(), mapIndices(e, op.getWMap(), loops),
                         op.getElement()));
  }

  /// The element at column and inner index, or zero past either end. There the
  /// last one is read instead: a load under a condition would become one of
  /// vectors under a mask, which the emulator of AVX-512 lets fault.
  Value elementOrZero(Value column, Value inner) {
    Value inside;
    const auto limit = [&](Value index, int64_t count) {
      Value in = e.less(index, e.index(count));
      inside = inside
                   ? arith::AndIOp::create(e.b, e.loc, inside, in).getResult()
                   : in;
      return e.min(index, e.index(count - 1));
    };
    const int64_t columns = g.extentOf(LoopRole::Column);
    if (columns % layout.getLanes() != 0) {
      column = limit(column, columns);
    }
    if (g.innerExtent() % layout.getGroup() != 0) {
      inner = limit(inner, g.innerExtent());
    }
    Value read = element(column, inner);
    return inside ? arith::SelectOp::create(e.b, e.loc, inside, read, e.i32(0))
                        .getResult()
                  : read;
  }

  void emitGroups() {
    Value start = e.add(e.index(kPackedHeaderBytes),
                        e.mul(number(), e.index(g.panelBytes)));
    SmallVector<OpFoldResult> extents = {
        e.b.getIndexAttr(g.extentOf(LoopRole::Tap)), e.b.getIndexAttr(g.groups),
        e.b.getIndexAttr(layout.getLanes())};
    forEach(e, extents, [&](ArrayRef<Value> at) {
      Value step = e.add(e.mul(at[0], e.index(g.groups)), at[1]);
      Value offset = e.add(start, e.mul(step, e.index(g.stepBytes)));
      offset = e.add(offset, e.mul(at[2], e.index(layout.getGroupBytes())));
      setLoops(e, g, LoopRole::Tap, at[0], loops);
      emitGroup(e.add(firstColumn, at[2]), at[1], offset);
    });
  }

  void emitGroup(Value column, Value number, Value offset) {
    SmallVector<Value> elements;
    for (int64_t i = 0; i < layout.getGroup(); ++i) {
      Value inner =
          e.add(e.mul(number, e.index(layout.getGroup())), e.index(i));
      elements.push_back(elementOrZero(column, inner));
    }
    storeGroup(elements, offset, g.wPlaneBytes);
  }

  /// Sums of stored elements over the inside taps of each border class,
  /// [class][lane], the last class with all taps: its row grows as w is read,
  /// once, and the others take from it what a tap of theirs adds.
  void emitSums() {
    const int64_t lanes = layout.getLanes();
    const int64_t rows = g.classes.count() + 1;
    sums = e.view(op.getDestination(), g.wTableOffset,
                  g.panelCount() * rows * lanes, 32);
    firstSum = e.mul(number(), e.index(rows * lanes));
    e.loop(e.index(0), e.index(rows * lanes), 1, [&](Value i) {
      memref::StoreOp::create(e.b, e.loc, e.i32(0), sums, e.add(firstSum, i));
    });
    Value inside = rows > 1 ? insideTaps() : Value();
    e.loop(e.index(0), e.index(g.extentOf(LoopRole::Tap)), 1, [&](Value tap) {
      setLoops(e, g, LoopRole::Tap, tap, loops);
      addToClasses(inside, tap, -1);
      addTap();
      addToClasses(inside, tap, 1);
    });
  }

  /// 1 where a tap is inside for a border class, else 0: [tap][class].
  Value insideTaps() {
    SmallVector<int32_t> inside;
    for (int64_t tap = 0; tap < g.extentOf(LoopRole::Tap); ++tap) {
      for (int64_t c = 0; c < g.classes.count(); ++c) {
        inside.push_back(isTapInside(c, tap));
      }
    }
    return e.table(inside);
  }

  bool isTapInside(int64_t borderClass, int64_t tap) const {
    for (const BorderClasses::Dim &dim : llvm::reverse(g.classes.dims)) {
      int64_t n = static_cast<int64_t>(dim.inside.size());
      if (!dim.inside[borderClass % n][tap]) {
        return false;
      }
      borderClass /= n;
    }
    return true;
  }

  /// Adds `value` to the sum at `position` of those of this panel.
  void addToSum(Value position, Value value) {
    Value at = e.add(firstSum, position);
    Value sum = memref::LoadOp::create(e.b, e.loc, sums, at);
    memref::StoreOp::create(e.b, e.loc, e.add(sum, value), sums, at);
  }

  /// Where the sums over all taps begin among those of this panel.
  int64_t allTaps() const { return g.classes.count() * layout.getLanes(); }

  /// Adds the sums of all taps so far, times `factor`, to those of the classes
  /// that have `tap` inside.
  void addToClasses(Value inside, Value tap, int64_t factor) {
    if (!inside) {
      return;
    }
    const int64_t lanes = layout.getLanes();
    const int64_t count = g.classes.count();
    e.loop(e.index(0), e.index(count), 1, [&](Value c) {
      Value at = e.add(e.mul(tap, e.index(count)), c);
      Value times =
          e.mul(memref::LoadOp::create(e.b, e.loc, inside, at), e.i32(factor));
      e.loop(e.index(0), e.index(lanes), 1, [&](Value lane) {
        Value all = memref::LoadOp::create(
            e.b, e.loc, sums, e.add(firstSum, e.add(e.index(allTaps()), lane)));
        addToSum(e.add(e.mul(c, e.index(lanes)), lane), e.mul(times, all));
      });
    });
  }

  /// Adds the elements of the current tap to the sums of all taps, in the order
  /// of memory.
  void addTap() {
    const int64_t columns = g.extentOf(LoopRole::Column);
    Value used = e.index(layout.getLanes());
    if (columns % layout.getLanes() != 0) {
      used = e.min(used, e.sub(e.index(columns), firstColumn));
    }
    if (areColumnsTogether()) {
      e.loop(e.index(0), e.index(g.innerExtent()), 1, [&](Value inner) {
        e.loop(e.index(0), used, 1, [&](Value lane) {
          addToSum(e.add(e.index(allTaps()), lane),
                   element(e.add(firstColumn, lane), inner));
        });
      });
      return;
    }
    e.loop(e.index(0), used, 1, [&](Value lane) {
      Value column = e.add(firstColumn, lane);
      Value sum = e.reduce(e.index(0), e.index(g.innerExtent()), e.i32(0),
                           [&](Value inner, Value before) {
                             return e.add(before, element(column, inner));
                           });
      addToSum(e.add(e.index(allTaps()), lane), sum);
    });
  }

  /// True if neighbours in memory are those of a row of columns.
  bool areColumnsTogether() {
    const SmallVector<unsigned> columns = g.loopsOf(LoopRole::Column);
    const AffineMap map = op.getWMap();
    return !columns.empty() && map.getNumResults() != 0 &&
           map.getResults().back() ==
               getAffineDimExpr(columns.back(), map.getContext());
  }

  lp::PackOp op;
  Geometry g;
  SmallVector<Value> loops;
  Value batch;
  Value panel;
  Value group;
  Value firstColumn;
  Value sums;     ///< Of all panels.
  Value firstSum; ///< Where those of this panel begin.
};

} // namespace

void lpgen::packWeights(lp::PackOp op, Emitter &e, Coordinates task) {
  WeightPacker(op, e).emit(task);
}
