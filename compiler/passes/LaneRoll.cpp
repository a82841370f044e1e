// lp-tile: a piece of a task with channels in the lanes whose rows of x roll
// through a strip. See LaneTiler.h.
//
// The strip has a place for each tap of the second row loop. Row i after the
// first of the piece is at place i modulo taps. In trip t of the loop, whose
// window begins at row t * step, place p meets tap (p - t * step) modulo taps.
// So w is copied twice, one after the other, and its rows are read from
// -t * step modulo taps on.
#include "compiler/passes/LaneTiler.h"

using namespace mlir;
using namespace lpgen;

/// w of one tap of the second row loop, for a panel.
int64_t LaneTiler::tapRowBytes() const {
  return g.steps / form.roll->taps * panelLanes() * g.wLayout.getGroupBytes();
}

/// The copies of w, of which the last row is never the first that is read.
int64_t LaneTiler::rolledBytes() const {
  return form.roll ? (2 * form.roll->taps - 1) * tapRowBytes() : 0;
}

void LaneTiler::copyWeights() {
  const int64_t taps = form.roll->taps;
  const int64_t bytes = form.vectorLanes * g.wLayout.getGroupBytes();
  const auto type = VectorType::get({bytes}, e.b.getI8Type());
  weights = e.view(scratch, stripsEnd(), rolledBytes(), 8);
  e.loop(e.index(0), e.index(tapRowBytes()), bytes, [&](Value at) {
    for (int64_t row = 0; row < 2 * taps - 1; ++row) {
      Value from = e.add(at, e.index(row % taps * tapRowBytes()));
      Value copied = vector::LoadOp::create(e.b, e.loc, type, op.getW(),
                                            e.add(weightStart, from));
      vector::StoreOp::create(e.b, e.loc, copied, weights,
                              e.add(at, e.index(row * tapRowBytes())));
    }
  });
}

/// Row `number` of x after the first one of the piece, of all vectors.
void LaneTiler::fillRow(int64_t lanes, Value number) {
  Value slot =
      arith::RemUIOp::create(e.b, e.loc, number, e.index(form.roll->taps));
  auto fill = [&](Value vector, int64_t count, bool allVectors) {
    StripFiller(op, e, form, /*block=*/1, length, stripBuffer)
        .fillRow(firstChannel(vector), count, allVectors, firstRows(), number,
                 slot, e.mul(vector, e.index(strip.bytes)));
  };
  if (form.fillsPanels && lanes == panelLanes()) {
    return fill(e.index(0), lanes, true);
  }
  const int64_t whole = lanes / form.vectorLanes;
  e.loop(e.index(0), e.index(whole), 1,
         [&](Value vector) { fill(vector, form.vectorLanes, false); });
  if (const int64_t rest = lanes % form.vectorLanes) {
    fill(e.index(whole), rest, false);
  }
}

void LaneTiler::emitRolling(int64_t lanes) {
  const auto [dim, taps, step] = *form.roll;
  const unsigned across = *form.across();
  Value first = loops[across];
  Value begin = weightStart;
  e.loop(e.index(0), e.index(taps - step), 1,
         [&](Value number) { fillRow(lanes, number); });
  e.loop(e.index(0), blockTrips, 1, [&](Value trip) {
    Value window = e.mul(trip, e.index(step));
    for (int64_t fresh = taps - step; fresh < taps; ++fresh) {
      fillRow(lanes, e.add(window, e.index(fresh)));
    }
    Value turn = arith::RemUIOp::create(e.b, e.loc, window, e.index(taps));
    turn = arith::RemUIOp::create(e.b, e.loc, e.sub(e.index(taps), turn),
                                  e.index(taps));
    weightStart = e.mul(turn, e.index(tapRowBytes()));
    const auto vectors =
        static_cast<int64_t>(llvm::divideCeil(lanes, form.vectorLanes));
    e.loop(e.index(0), e.index(vectors), 1, [&](Value vector) {
      emitTiles(vector, e.index(0), e.mul(vector, e.index(strip.bytes)));
    });
    loops[across] = e.add(first, trip);
    emitEpilogue(lanes, e.index(1));
    loops[across] = first;
  });
  weightStart = begin;
}
