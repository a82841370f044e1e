// Sums times fixed-point factors, on x86. See targets/Rescale.h.
//
// vpmuldq multiplies the lower halves of lanes of 64 bits: even elements, and
// odd ones that were moved down. AVX2 has no arithmetic shift of 64 bits. So
// 2^62 is added, since |x * multiplier| is at most that: the sum is not
// negative and, with the 2^shift that rounds, less than 2^64. A logical shift
// then leaves 2^62 / 2^(shift + 1) too much, which is taken off modulo 2^32.
#include "targets/Rescale.h"
#include "targets/x86/Cells.h"

using namespace mlir;
using namespace lpgen;

namespace {

class Rescaler {
public:
  Rescaler(OpBuilder &b, Location loc, VectorType words)
      : b(b), loc(loc), words(words), lanes(words.getNumElements()),
        wide(cell::vectorType(b, lanes / 2, 64)) {}

  Value rescale(Value x, Value multiplier, Value shift, int64_t leastShift) {
    Value even = sum(signedLow(x), signedLow(multiplier), low(shift));
    even = shiftRight(even, add(low(shift), constant(1)));
    Value odd = sum(signedHigh(x), signedHigh(multiplier), high(shift));
    if (leastShift >= 31) { // the result in the upper half at once
      odd = shiftRight(odd, add(high(shift), constant(-31)));
    } else {
      odd = shiftRight(odd, add(high(shift), constant(1)));
      odd = arith::ShLIOp::create(b, loc, odd, constant(32));
    }
    SmallVector<int64_t> alternating(lanes);
    for (int64_t i = 0; i < lanes; ++i) {
      alternating[i] = i % 2 == 0 ? i : lanes + i;
    }
    Value both = vector::ShuffleOp::create(
        b, loc, cell::bitcast(b, loc, even, words),
        cell::bitcast(b, loc, odd, words), alternating);
    Value offset = arith::ShLIOp::create(
        b, loc, cell::splat(b, loc, words, 1),
        arith::SubIOp::create(b, loc, cell::splat(b, loc, words, 61), shift));
    return arith::SubIOp::create(b, loc, both, offset);
  }

private:
  Value constant(int64_t value) { return cell::splat(b, loc, wide, value); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value shiftRight(Value v, Value amount) {
    return arith::ShRUIOp::create(b, loc, v, amount);
  }

  /// Odd elements, not negative.
  Value high(Value v) {
    return shiftRight(cell::bitcast(b, loc, v, wide), constant(32));
  }
  /// Even elements, not negative.
  Value low(Value v) {
    return arith::AndIOp::create(b, loc, cell::bitcast(b, loc, v, wide),
                                 constant(UINT32_MAX));
  }
  /// Even elements. LLVM makes vpmuldq of products of these shifts, which go
  /// with it, also where what is shifted comes from outside of a loop.
  Value signedLow(Value v) {
    v = arith::ShLIOp::create(b, loc, cell::bitcast(b, loc, v, wide),
                              constant(32));
    return arith::ShRSIOp::create(b, loc, v, constant(32));
  }
  /// Odd elements, in the same way: each at the place of the even one, too.
  Value signedHigh(Value v) {
    SmallVector<int64_t> odd(lanes);
    for (int64_t i = 0; i < lanes; ++i) {
      odd[i] = i | 1;
    }
    return signedLow(vector::ShuffleOp::create(b, loc, v, v, odd));
  }
  Value sum(Value x, Value multiplier, Value shift) {
    Value rounding = arith::ShLIOp::create(b, loc, constant(1), shift);
    return add(arith::MulIOp::create(b, loc, x, multiplier),
               add(rounding, constant(int64_t{1} << 62)));
  }

  OpBuilder &b;
  Location loc;
  VectorType words;
  int64_t lanes;
  VectorType wide;
};

} // namespace

Value x86::rescale(OpBuilder &b, Location loc, Value x, Value multiplier,
                   Value shift, int64_t leastShift) {
  return Rescaler(b, loc, cast<VectorType>(x.getType()))
      .rescale(x, multiplier, shift, leastShift);
}
