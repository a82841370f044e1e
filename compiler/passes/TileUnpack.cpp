// lp-tile: unpacking as loops, the inverse of TilePack.
#include "compiler/passes/Phases.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;

namespace {

class Unpacker {
public:
  Unpacker(lp::UnpackOp op, Emitter &e)
      : op(op), e(e), g(packedGeometry(op)), layout(op.getLayout()) {}

  /// The runs of one position of x: a coordinate for each of its dimensions
  /// but the inner one.
  void emitActivations(Coordinates task) {
    SmallVector<Value> at(task);
    at.insert(at.begin() + g.innerXDim, Value());
    Value start = e.index(0);
    Value inside;
    for (const PositionDim &p : g.positions) {
      Value position = e.sub(at[p.xDim], e.index(p.low));
      start = e.add(start, e.mul(position, e.index(p.stride)));
      // Unsigned: a negative position is a huge one.
      Value in = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult,
                                       position, e.index(p.size));
      inside = inside
                   ? arith::AndIOp::create(e.b, e.loc, inside, in).getResult()
                   : in;
    }
    auto runs = [&] {
      SmallVector<OpFoldResult> batches;
      for (auto [loop, coefficient] : g.innerBatch) {
        batches.push_back(e.b.getIndexAttr(g.shape.extents[loop]));
      }
      forEach(e, batches, [&](ArrayRef<Value> batch) {
        Value base = e.index(0);
        Value run = e.index(0);
        for (auto [i, entry] : llvm::enumerate(g.innerBatch)) {
          base = e.add(base, e.mul(batch[i], e.index(entry.second)));
          run = e.add(e.mul(run, e.index(g.shape.extents[entry.first])),
                      batch[i]);
        }
        Value first = e.add(start, e.mul(run, e.index(g.runBytes)));
        forEachElement([&](Value k, Value group, int64_t element) {
          at[g.innerXDim] = e.add(base, k);
          Value offset =
              e.add(first, e.mul(group, e.index(layout.getGroupBytes())));
          store(offset, element, g.xPlaneBytes, at);
        });
      });
    };
    if (inside) {
      e.ifThen(inside, runs);
    } else {
      runs();
    }
  }

  /// One panel of one batch of w.
  void emitWeights(Coordinates task) {
    Value number = e.add(e.mul(task[0], e.index(g.panels)), task[1]);
    Value start = e.add(e.index(kPackedHeaderBytes),
                        e.mul(number, e.index(g.panelBytes)));
    setLoops(e, g, LoopRole::Batch, task[0], loops);
    SmallVector<OpFoldResult> extents = {
        e.b.getIndexAttr(g.extentOf(LoopRole::Tap)),
        e.b.getIndexAttr(layout.getLanes())};
    forEach(e, extents, [&](ArrayRef<Value> at) {
      Value column = e.add(e.mul(task[1], e.index(layout.getLanes())), at[1]);
      e.ifThen(e.less(column, e.index(g.extentOf(LoopRole::Column))), [&] {
        setLoops(e, g, LoopRole::Tap, at[0], loops);
        setLoops(e, g, LoopRole::Column, column, loops);
        forEachElement([&](Value k, Value group, int64_t element) {
          loops[g.innerLoop] = k;
          Value step = e.add(e.mul(at[0], e.index(g.groups)), group);
          Value offset = e.add(e.mul(step, e.index(g.stepBytes)),
                               e.mul(at[1], e.index(layout.getGroupBytes())));
          store(e.add(start, offset), element, g.wPlaneBytes,
                mapIndices(e, op.getWMap(), loops));
        });
      });
    });
  }

private:
  /// `body(inner index, group, element of the group)`.
  void forEachElement(llvm::function_ref<void(Value, Value, int64_t)> body) {
    int64_t size = layout.getGroup();
    auto group = [&](Value number, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        body(e.add(e.mul(number, e.index(size)), e.index(i)), number, i);
      }
    };
    int64_t whole = g.innerExtent() / size;
    e.loop(e.index(0), e.index(whole), 1,
           [&](Value number) { group(number, size); });
    if (int64_t rest = g.innerExtent() % size) {
      group(e.index(whole), rest);
    }
  }

  Value byteAt(Value offset) {
    Value byte = memref::LoadOp::create(e.b, e.loc, op.getSource(), offset);
    return arith::ExtUIOp::create(e.b, e.loc, e.b.getI32Type(), byte);
  }

  /// The bits of an element from `bit` of byte `number` on.
  Value field(Value offset, int64_t number, int64_t bit) {
    Value byte = byteAt(e.add(offset, e.index(number)));
    Value shifted = arith::ShRUIOp::create(e.b, e.loc, byte, e.i32(bit));
    return arith::AndIOp::create(e.b, e.loc, shifted,
                                 e.i32((int64_t{1} << layout.getBits()) - 1));
  }

  /// Digit `element` of the group of a plane at `offset`.
  Value digit(Value offset, int64_t element) {
    if (layout.hasTables()) { // of the element alone
      int64_t byte = element / 4 * 16 + (int64_t{1} << element % 4);
      return byteAt(e.add(offset, e.index(byte)));
    }
    int64_t perByte =
        llvm::divideCeil(layout.getGroup(), layout.getGroupBytes());
    return field(offset, element / perByte,
                 element % perByte * layout.getBits());
  }

  /// The stored element, as i32: its planes, or its bytes, put together.
  Value stored(Value offset, int64_t element, int64_t planeBytes) {
    Value all = e.i32(0);
    int64_t bits = layout.getBits();
    auto append = [&](Value part, int64_t shift) {
      all = arith::OrIOp::create(
          e.b, e.loc, all,
          arith::ShLIOp::create(e.b, e.loc, part, e.i32(shift)));
    };
    for (int64_t plane = 0; plane < layout.getPlanes(); ++plane) {
      append(digit(e.add(offset, e.index(plane * planeBytes)), element),
             plane * bits);
    }
    if (layout.getPlanes() == 0 && bits == 16) {
      append(byteAt(e.add(offset, e.index(2 * element))), 0);
      append(byteAt(e.add(offset, e.index(2 * element + 1))), 8);
    } else if (layout.getPlanes() == 0) {
      all = field(offset, element % layout.getGroupBytes(),
                  element / layout.getGroupBytes() * bits);
    }
    if (!layout.getIsSigned()) {
      return all;
    }
    Value unused = e.i32(32 - bits * std::max<int64_t>(layout.getPlanes(), 1));
    return arith::ShRSIOp::create(
        e.b, e.loc, arith::ShLIOp::create(e.b, e.loc, all, unused), unused);
  }

  void store(Value offset, int64_t element, int64_t planeBytes,
             ArrayRef<Value> at) {
    Value value = stored(offset, element, planeBytes);
    if (layout.getHalve()) {
      value = arith::ShLIOp::create(e.b, e.loc, value, e.i32(1));
    }
    value = e.sub(value, e.i32(layout.getOffset()));
    auto type = cast<MemRefType>(op.getDestination().getType());
    memref::StoreOp::create(e.b, e.loc, e.castInt(value, type.getElementType()),
                            op.getDestination(), at);
  }

  lp::UnpackOp op;
  Emitter &e;
  Geometry g;
  lp::LayoutAttr layout;
  SmallVector<Value> loops;
};

} // namespace

SmallVector<OpFoldResult>
lpgen::unpackTaskSizes(lp::UnpackOp op, Emitter &e,
                       llvm::function_ref<Value(Value)> resolve) {
  Geometry g = packedGeometry(op);
  if (op.getLayout().getKind() == lp::OperandKind::Weights) {
    return {e.b.getIndexAttr(g.extentOf(LoopRole::Batch)),
            e.b.getIndexAttr(g.panels)};
  }
  SmallVector<OpFoldResult> sizes;
  for (const PositionDim &p : g.positions) {
    sizes.push_back(dynamicSize(op, p.xDim, resolve)
                        .value_or(e.b.getIndexAttr(op.getXShape()[p.xDim])));
  }
  return sizes;
}

int64_t lpgen::emitTask(lp::UnpackOp op, Emitter &e, Coordinates task) {
  Unpacker unpacker(op, e);
  if (op.getLayout().getKind() == lp::OperandKind::Weights) {
    unpacker.emitWeights(task);
  } else {
    unpacker.emitActivations(task);
  }
  op.erase();
  return 0;
}
