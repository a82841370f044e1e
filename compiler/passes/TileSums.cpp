// The sums of a tile in memory: i32, i64 or f32, and 16 bits for cells whose
// accumulators are bytes. See ExpandTile.cpp.
#include "compiler/passes/TileExpander.h"

using namespace mlir;
using namespace lpgen;

/// Zeroes rows x vectors of the tile or of its 16-bit sums.
void TileExpander::zero(Value memory, int64_t memoryRows,
                        int64_t memoryVectors) {
  int64_t lanes = cell.facts().lanes;
  VectorType type = VectorType::get(
      {lanes}, cast<MemRefType>(memory.getType()).getElementType());
  Value zero = arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(type));
  for (int64_t i = 0; i < memoryRows; ++i) {
    for (int64_t j = 0; j < memoryVectors * lanes; j += lanes) {
      vector::StoreOp::create(e.b, e.loc, zero, memory,
                              ValueRange{e.index(i), e.index(j)});
    }
  }
}

/// The 16-bit sums of accumulator `i`.
Cell::Values TileExpander::loadHalves(int64_t i) {
  int64_t count = cell.facts().lanes / 2;
  VectorType type = cell::vectorType(e.b, count, 16);
  Value row = e.index(i / vectors);
  Value lane = e.index(i % vectors * cell.facts().lanes);
  Value next = e.index(i % vectors * cell.facts().lanes + count);
  return {vector::LoadOp::create(e.b, e.loc, type, op.getHalves(),
                                 ValueRange{row, lane}),
          vector::LoadOp::create(e.b, e.loc, type, op.getHalves(),
                                 ValueRange{row, next})};
}

/// 16-bit sums += byte accumulators.
void TileExpander::addToHalves(ArrayRef<Value> acc) {
  for (int64_t i = 0; i < rows * vectors; ++i) {
    Cell::Values sums = cell.addToHalves(e.b, e.loc, loadHalves(i), acc[i]);
    int64_t lane = i % vectors * cell.facts().lanes;
    for (Value sum : sums) {
      vector::StoreOp::create(e.b, e.loc, sum, op.getHalves(),
                              ValueRange{e.index(i / vectors), e.index(lane)});
      lane += cell.facts().lanes / 2;
    }
  }
}

/// tile += coefficient * 16-bit sums.
void TileExpander::addHalvesToTile(Value coefficient) {
  int64_t count = cell.facts().lanes / 4;
  for (int64_t i = 0; i < rows * vectors; ++i) {
    int64_t at = i % vectors * cell.facts().lanes;
    for (Value half : cell.orderHalves(e.b, e.loc, loadHalves(i))) {
      for (Value wide : cell::extendSlices(e.b, e.loc, half, count,
                                           /*isSigned=*/false)) {
        addVector(i / vectors, at, wide, coefficient);
        at += count;
      }
    }
  }
}

/// tile += coefficient * widen(acc).
void TileExpander::addToTile(ArrayRef<Value> acc, Value coefficient) {
  int64_t lanes = cell.facts().lanes;
  for (int64_t i = 0; i < blocks * vectors; ++i) {
    ArrayRef<Value> one = acc.slice(i * perAcc(), perAcc());
    int64_t firstRow = i / vectors * cell.facts().rows;
    int64_t element = 0; // of the accumulator: lanes of one row, then the next
    for (Value wide : cell.widen(e.b, e.loc, Cell::Values(one))) {
      int64_t row = firstRow + element / lanes;
      if (row < rows) { // the last accumulators may have a row too many
        addVector(row, i % vectors * lanes + element % lanes, wide,
                  coefficient);
      }
      element += cast<VectorType>(wide.getType()).getNumElements();
    }
  }
}

/// Adds to a vector of the tile; writes it if nothing is there yet, or if it
/// goes on from there.
void TileExpander::addVector(int64_t row, int64_t lane, Value wide,
                             Value coefficient) {
  if (cell.facts().isFloat) {
    vector::StoreOp::create(e.b, e.loc, wide, op.getAcc(),
                            ValueRange{e.index(row), e.index(lane)});
    return;
  }
  auto type = cast<VectorType>(wide.getType());
  mlir::Type sumType = cast<MemRefType>(op.getAcc().getType()).getElementType();
  if (type.getElementType() != sumType) {
    type = VectorType::get(type.getShape(), sumType);
    wide = arith::ExtSIOp::create(e.b, e.loc, type, wide);
  }
  // Rows or vectors of planes that are together are those of one plane.
  int64_t own = together.x > 1 ? op.getXPlanes()[row % together.x] : 1;
  row /= together.x;
  if (together.w > 1) {
    const int64_t panelLanes = panelVectors * cell.facts().lanes;
    own *= op.getWPlanes()[lane / panelLanes];
    lane %= panelLanes;
  }
  if (own != 1) {
    coefficient = coefficient ? e.mul(coefficient, e.i32(own)) : e.i32(own);
  }
  SmallVector<Value> at = {e.index(row), e.index(lane)};
  if (coefficient) {
    Value factor = vector::BroadcastOp::create(e.b, e.loc, type, coefficient);
    wide = arith::MulIOp::create(e.b, e.loc, wide, factor);
  }
  if (coefficient || op.getAccumulate() || (carried > 0 && !hasHalves)) {
    Value before = vector::LoadOp::create(e.b, e.loc, type, op.getAcc(), at);
    wide = arith::AddIOp::create(e.b, e.loc, before, wide);
  }
  vector::StoreOp::create(e.b, e.loc, wide, op.getAcc(), at);
}
