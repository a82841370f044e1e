// The cells of baseline NEON. See Cells.h.
#include "targets/arm_neon/Cells.h"

using namespace mlir;
using namespace lpgen;

namespace {

/// A widening multiply-add: `lanes` elements of `bits` bits, broadcast x,
/// accumulators of twice the width in two registers. LLVM selects smlal and
/// smlal2.
class SmlalCell : public Cell {
public:
  SmlalCell(StringRef name, unsigned bits, StoredRange range)
      : Cell({.name = name,
              .templateName = "widen",
              .group = 1,
              .groupBytes = bits / 8,
              .lanes = 128 / bits,
              .x = range,
              .w = range,
              .accRegisters = 2,
              .fixedRegisters = 2,
              .stepOps = 2,
              .widenOps = bits == 8 ? 8.0 : 2.0,
              .instruction = "smlal"}),
        bits(bits) {}

  int64_t maxSteps(StoredRange x, StoredRange w) const override {
    int64_t most = x.maxAbs() * w.maxAbs();
    if (bits == 16) {
      return most <= INT32_MAX ? kUnlimitedSteps : 0;
    }
    return most == 0 ? kUnlimitedSteps : 32767 / most;
  }
  Values zero(OpBuilder &b, Location loc) const override {
    Value half = cell::zeroVector(b, loc, wideHalf(b));
    return {half, half};
  }
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::broadcastBytes(b, loc, buffer, offset, bits / 8,
                                facts().lanes);
  }
  Value loadW(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::bitcast(b, loc, cell::loadBytes(b, loc, buffer, offset, 16),
                         cell::vectorType(b, facts().lanes, bits));
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    Values result;
    int64_t half = facts().lanes / 2;
    for (int64_t i = 0; i < 2; ++i) {
      Value a = arith::ExtSIOp::create(b, loc, wideHalf(b),
                                       cell::slice(b, loc, x, i * half, half));
      Value c = arith::ExtSIOp::create(b, loc, wideHalf(b),
                                       cell::slice(b, loc, w, i * half, half));
      Value product = arith::MulIOp::create(b, loc, a, c);
      result.push_back(arith::AddIOp::create(b, loc, acc[i], product));
    }
    return result;
  }
  Values widen(OpBuilder &b, Location loc, Values acc) const override {
    if (bits == 16) {
      return acc;
    }
    Values result;
    for (Value half : acc) {
      llvm::append_range(result, cell::extendSlices(b, loc, half, 4, true));
    }
    return result;
  }

private:
  VectorType wideHalf(OpBuilder &b) const {
    return cell::vectorType(b, facts().lanes / 2, bits * 2);
  }
  unsigned bits;
};

} // namespace

const Cell &arm::smlal16Cell() {
  static const SmlalCell cell("smlal16", 8, {-128, 127});
  return cell;
}
const Cell &arm::smlal32Cell() {
  static const SmlalCell cell("smlal32", 16, {-32768, 32767});
  return cell;
}
const Cell &arm::cntCell() {
  static const BytePopcountCell cell("cnt", 16, 3, "cnt");
  return cell;
}
