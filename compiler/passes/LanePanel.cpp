// lp-tile: the k-groups of all vectors of a panel at one position of a strip.
// See LaneTiler.h.
//
// Where lanes are bytes side by side in x, a register of them has the channels
// of four vectors of 32-bit groups. Registers of neighbouring positions are
// interleaved, first by bytes and then by pairs of bytes, with zeros where
// elements have 16 bits. Vector units interleave within 128 bits; words of 32
// bits are put in an order before that makes the result natural.
#include "compiler/passes/LaneTiler.h"
#include "targets/Cell.h"

using namespace mlir;
using namespace lpgen;

/// Bits within which registers are interleaved.
static constexpr int64_t kUnitBits = 128;
/// Vectors of groups that a register of bytes has.
static constexpr int64_t kVectors = 4;

PanelGroups::PanelGroups(Emitter &e, const LaneForm &form)
    : e(e), form(form), bytes(form.vectorLanes * kVectors),
      hasPairs(form.unfolded.geometry.xLayout.getGroup() == 2) {}

VectorType PanelGroups::typeOf(unsigned bits) {
  return cell::vectorType(e.b, bytes * 8 / bits, bits);
}

Value PanelGroups::splat(int64_t value) {
  return cell::splat(e.b, e.loc, typeOf(8), value);
}

Value PanelGroups::padding(int64_t stored) { return splat(stored & 0xff); }

/// Of each unit of 128 bits the lower or the upper halves of `a` and `b`, their
/// elements of `bits` bits in turn.
Value PanelGroups::interleave(Value a, Value b, unsigned bits, bool upper) {
  const VectorType type = typeOf(bits);
  const int64_t count = type.getNumElements();
  const int64_t unit = kUnitBits / bits;
  SmallVector<int64_t> mask;
  for (int64_t first = upper ? unit / 2 : 0; first < count; first += unit) {
    for (int64_t i = first; i < first + unit / 2; ++i) {
      mask.append({i, count + i});
    }
  }
  Value mixed =
      vector::ShuffleOp::create(e.b, e.loc, cell::bitcast(e.b, e.loc, a, type),
                                cell::bitcast(e.b, e.loc, b, type), mask);
  return cell::bitcast(e.b, e.loc, mixed, typeOf(8));
}

/// Two interleavings put word w of unit u into vector w, unit u. Vector v has
/// the v-th of four parts of the channels.
Value PanelGroups::stored(Value loaded) {
  if (const int64_t offset = form.unfolded.x.offset) {
    loaded = arith::AddIOp::create(e.b, e.loc, loaded, padding(offset));
  }
  const int64_t units = bytes * 8 / kUnitBits;
  if (units == 1) {
    return loaded;
  }
  SmallVector<int64_t> mask;
  for (int64_t unit = 0; unit < units; ++unit) {
    for (int64_t word = 0; word < kVectors; ++word) {
      mask.push_back(word * units + unit);
    }
  }
  Value words = cell::bitcast(e.b, e.loc, loaded, typeOf(32));
  words = vector::ShuffleOp::create(e.b, e.loc, words, words, mask);
  // LLVM would merge it into what follows, in shuffles of two registers by any
  // bytes, which take three times as long.
  words = cell::bitcast(e.b, e.loc, words,
                        VectorType::get({bytes / 4}, e.b.getF32Type()));
  words = cell::intrinsic(e.b, e.loc, "llvm.arithmetic.fence", words.getType(),
                          words);
  return cell::bitcast(e.b, e.loc, words, typeOf(8));
}

SmallVector<Value> PanelGroups::none() {
  return SmallVector<Value>(size_t(stateSize()), splat(0));
}

SmallVector<Value> PanelGroups::step(Value here,
                                     SmallVectorImpl<Value> &state) {
  const auto halves = [&](Value a, Value b, unsigned bits) {
    return SmallVector<Value>{interleave(a, b, bits, false),
                              interleave(a, b, bits, true)};
  };
  SmallVector<Value> pairs = halves(here, state[0], 8);
  SmallVector<Value> groups;
  for (auto [i, pair] : llvm::enumerate(pairs)) {
    groups.append(hasPairs ? halves(pair, splat(0), 8)
                           : halves(pair, state[3 + i], 16));
  }
  state = hasPairs ? SmallVector<Value>{here}
                   : SmallVector<Value>{here, pairs[0], pairs[1], state[1],
                                        state[2]};
  return groups;
}
