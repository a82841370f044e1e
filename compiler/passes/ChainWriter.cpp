// lp-tile: the packed x that an epilogue writes for other contractions. See
// ChainWriter.h.
#include "compiler/passes/ChainWriter.h"

using namespace mlir;
using namespace lpgen;

ChainWriter::ChainWriter(lp::ContractOp op, Emitter &e, int64_t lanes,
                         Value scratch, int64_t offset)
    : e(e), lanes(lanes) {
  for (lp::PackOp pack : lp::chainedPacks(op)) {
    Geometry geometry = packedGeometry(pack);
    RowPacker row(pack, e, geometry, lanes, scratch, offset);
    chains.push_back({pack, std::move(geometry), row});
    offset += RowPacker::rowBytes(pack.getLayout(), lanes);
  }
}

int64_t ChainWriter::scratchBytes(lp::ContractOp op, int64_t lanes) {
  int64_t bytes = 0;
  for (lp::PackOp chain : lp::chainedPacks(op)) {
    bytes += RowPacker::rowBytes(chain.getLayout(), lanes);
  }
  return bytes;
}

void ChainWriter::put(Value lane, ArrayRef<Value> yielded) {
  for (Chain &chain : chains) {
    chain.row.put(lane, yielded[*chain.op.getYielded()]);
  }
}

void ChainWriter::pack(ArrayRef<Value> loops, Value panel, Value columns,
                       Value first) {
  for (Chain &chain : chains) {
    if (Value read = isRead(chain, loops)) {
      e.ifThen(read, [&] { packRow(chain, loops, panel, columns, first); });
    } else {
      packRow(chain, loops, panel, columns, first);
    }
  }
}

/// Does the other contraction read the position of `loops`? Null: always.
Value ChainWriter::isRead(const Chain &chain, ArrayRef<Value> loops) {
  Value read;
  for (const PositionDim &p : chain.geometry.positions) {
    const int64_t extent = chain.geometry.shape.xShape[p.xDim];
    if (p.low <= 0 && p.low + p.size >= extent) {
      continue;
    }
    // Unsigned: a negative position is a huge one.
    Value position = e.sub(loops[p.xDim], e.index(p.low));
    Value in = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult,
                                     position, e.index(p.size));
    read = read ? arith::AndIOp::create(e.b, e.loc, read, in).getResult() : in;
  }
  return read;
}

void ChainWriter::packRow(Chain &chain, ArrayRef<Value> loops, Value panel,
                          Value columns, Value first) {
  Value start = e.index(0);
  for (const PositionDim &p : chain.geometry.positions) {
    Value position = e.sub(loops[p.xDim], e.index(p.low));
    start = e.add(start, e.mul(position, e.index(p.stride)));
  }
  lp::LayoutAttr layout = chain.op.getLayout();
  chain.row.fillGroup(columns);
  Value offset =
      e.mul(panel, e.index(lanes / layout.getGroup() * layout.getGroupBytes()));
  chain.row.pack(e.ceilDiv(columns, layout.getGroup()), start, offset, first);
}
