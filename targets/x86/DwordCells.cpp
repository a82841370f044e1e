// The cells of x86 with groups of four bytes, one for each 32-bit lane. For the
// bounds see docs/design/kernels.md.
//
// One class serves both widths of registers: the number of lanes tells it which
// one it has, and LLVM chooses the instruction of that width.
#include "mlir/Dialect/Math/IR/Math.h"
#include "targets/x86/Cells.h"

using namespace mlir;
using namespace lpgen;
using namespace lpgen::x86;

VectorType x86::sameRegister(OpBuilder &b, Value vector, unsigned bits) {
  auto type = cast<VectorType>(vector.getType());
  return cell::vectorType(
      b, type.getNumElements() * type.getElementTypeBitWidth() / bits, bits);
}

Value x86::maddubs(OpBuilder &b, Location loc, Value u, Value s) {
  return cell::intrinsic(b, loc,
                         isZmm(u) ? "llvm.x86.avx512.pmaddubs.w.512"
                                  : "llvm.x86.avx2.pmadd.ub.sw",
                         sameRegister(b, u, 16), {u, s});
}

Value x86::maddwd(OpBuilder &b, Location loc, Value x, Value w) {
  return cell::intrinsic(b, loc,
                         isZmm(x) ? "llvm.x86.avx512.pmaddw.d.512"
                                  : "llvm.x86.avx2.pmadd.wd",
                         sameRegister(b, x, 32), {x, w});
}

Value x86::sumPairs(OpBuilder &b, Location loc, Value sums) {
  return maddwd(b, loc, sums,
                cell::splat(b, loc, sameRegister(b, sums, 16), 1));
}

Value x86::addDot(OpBuilder &b, Location loc, StringRef instruction, Value acc,
                  Value x, Value w) {
  return cell::intrinsic(
      b, loc,
      ("llvm.x86.avx512." + instruction + (isZmm(acc) ? ".512" : ".256")).str(),
      acc.getType(), {acc, x, w});
}

namespace {

constexpr StoredRange kU8{0, 255};
constexpr StoredRange kS16{-32768, 32767};

/// Steps of vpmaddubsw sums that fit 16-bit lanes: each adds two products.
int64_t maddubsSteps(StoredRange x, StoredRange w) {
  return std::min(
      cell::stepsWithin(32767, 2 * x.hi * std::max<int64_t>(w.hi, 0)),
      cell::stepsWithin(32768, 2 * x.hi * std::max<int64_t>(-w.lo, 0)));
}

/// What the multiplying cells share: groups of four bytes, one in each lane of
/// 32 bits.
class DwordCell : public Cell {
public:
  using Cell::Cell;
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::bitcast(
        b, loc, cell::broadcastBytes(b, loc, buffer, offset, 4, facts().lanes),
        operandType(b));
  }
  Value loadW(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::bitcast(
        b, loc, cell::loadBytes(b, loc, buffer, offset, facts().lanes * 4),
        operandType(b));
  }

protected:
  /// Zeros in lanes of `bits` bits.
  Values zeros(OpBuilder &b, Location loc, unsigned bits) const {
    return {cell::zeroVector(
        b, loc, cell::vectorType(b, facts().lanes * 32 / bits, bits))};
  }

private:
  /// Elements of 8 or 16 bits, or planes in whole lanes.
  VectorType operandType(OpBuilder &b) const {
    const auto bits =
        facts().planes ? 32U : static_cast<unsigned>(32 / facts().group);
    return cell::vectorType(b, facts().lanes * 32 / bits, bits);
  }
};

/// Those whose sums are in 32-bit lanes from the start.
class WideSumCell : public DwordCell {
public:
  using DwordCell::DwordCell;
  Values zero(OpBuilder &b, Location loc) const override {
    return zeros(b, loc, 32);
  }
  Values widen(OpBuilder & /*b*/, Location /*loc*/, Values acc) const override {
    return acc;
  }
};

/// u8 x s8, pairs summed into 16-bit lanes (vpmaddubsw, vpaddw), widened by
/// vpmaddwd.
class Maddubs16Cell : public DwordCell {
public:
  using DwordCell::DwordCell;
  int64_t maxSteps(StoredRange x, StoredRange w) const override {
    return maddubsSteps(x, w);
  }
  Values zero(OpBuilder &b, Location loc) const override {
    return zeros(b, loc, 16);
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    return {arith::AddIOp::create(b, loc, acc[0], maddubs(b, loc, x, w))};
  }
  Values widen(OpBuilder &b, Location loc, Values acc) const override {
    return {sumPairs(b, loc, acc[0])};
  }
};

/// u8 x s8 into 32-bit lanes at once (vpmaddubsw, vpmaddwd, vpaddd).
class Maddubs32Cell : public WideSumCell {
public:
  using WideSumCell::WideSumCell;
  int64_t maxSteps(StoredRange x, StoredRange w) const override {
    return maddubsSteps(x, w) > 0 ? kUnlimitedSteps : 0;
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    Value sums = sumPairs(b, loc, maddubs(b, loc, x, w));
    return {arith::AddIOp::create(b, loc, acc[0], sums)};
  }
};

/// s16 x s16, pairs of products into 32-bit lanes (vpmaddwd, vpaddd); w in
/// memory as 16 bits, or as 8 (vpmovsxbw) to halve its traffic.
class MaddwCell : public WideSumCell {
public:
  using WideSumCell::WideSumCell;
  int64_t maxSteps(StoredRange x, StoredRange w) const override {
    // One pair of products must fit 32 bits; sums of pairs wrap modulo 2^32,
    // which the proved range of the whole sum makes exact.
    return 2 * x.maxAbs() * w.maxAbs() <= INT32_MAX ? kUnlimitedSteps : 0;
  }
  Value loadW(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    if (facts().wBytes() == facts().groupBytes) {
      return DwordCell::loadW(b, loc, buffer, offset);
    }
    const int64_t count = facts().lanes * 2;
    return arith::ExtSIOp::create(
        b, loc, cell::vectorType(b, count, 16),
        cell::loadBytes(b, loc, buffer, offset, count));
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    return {arith::AddIOp::create(b, loc, acc[0], maddwd(b, loc, x, w))};
  }
};

/// Four products of bytes, or two of 16 bits, added to a 32-bit lane (vpdpbusd,
/// vpdpwssd). The sums wrap modulo 2^32, which the proved range of the whole
/// sum makes exact.
class DotCell : public WideSumCell {
public:
  using WideSumCell::WideSumCell;
  int64_t maxSteps(StoredRange /*x*/, StoredRange /*w*/) const override {
    return kUnlimitedSteps;
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    return {addDot(b, loc, facts().instruction, acc[0], x, w)};
  }
};

/// Bit planes in groups of 32: and, population count, add (vpandd, vpopcntd,
/// vpaddd), all in 32-bit lanes, which need no widening.
class PopcountCell : public WideSumCell {
public:
  using WideSumCell::WideSumCell;
  int64_t maxSteps(StoredRange /*x*/, StoredRange /*w*/) const override {
    return kUnlimitedSteps; // the range of the whole sum is proved
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    Value both = arith::AndIOp::create(b, loc, x, w);
    Value count = math::CtPopOp::create(b, loc, both);
    return {arith::AddIOp::create(b, loc, acc[0], count)};
  }
};

} // namespace

std::vector<CellRow> x86::dwordRows(Width width) {
  const int64_t lanes = lanesOf(width, 32);
  return {
      {{.name = "popcntd",
        .templateName = "bitserial",
        .group = 32,
        .groupBytes = 4,
        .planes = true,
        .lanes = lanes,
        .fixedRegisters = 3,
        .stepOps = 3,
        .widenOps = 0,
        .instruction = "vpopcntd",
        .needs = LP_CPU_AVX512VPOPCNTDQ},
       emitter<PopcountCell>},
      {{.name = "dpbusd",
        .templateName = "widen",
        .group = 4,
        .groupBytes = 4,
        .lanes = lanes,
        .x = kU8,
        .w = kS8,
        .stepOps = dotOps(width),
        .widenOps = 0,
        .instruction = "vpdpbusd",
        .needs = vnni(width)},
       emitter<DotCell>},
      {{.name = "dpwssd",
        .templateName = "widen",
        .group = 2,
        .groupBytes = 4,
        .lanes = lanes,
        .x = kS16,
        .w = kS16,
        .stepOps = dotOps(width),
        .widenOps = 0,
        .instruction = "vpdpwssd",
        .needs = vnni(width)},
       emitter<DotCell>},
      {{.name = "maddubs16",
        .templateName = "widen",
        .group = 4,
        .groupBytes = 4,
        .lanes = lanes,
        .x = kU8,
        .w = kS8,
        .fixedRegisters = 3,
        .stepOps = 2,
        .widenOps = 3,
        .instruction = "vpmaddubsw"},
       emitter<Maddubs16Cell>},
      {{.name = "maddubs32",
        .templateName = "widen",
        .group = 4,
        .groupBytes = 4,
        .lanes = lanes,
        .x = kU8,
        .w = kS8,
        .fixedRegisters = 3,
        .stepOps = 3,
        .widenOps = 1,
        .instruction = "vpmaddubsw"},
       emitter<Maddubs32Cell>},
      {{.name = "maddw",
        .templateName = "widen",
        .group = 2,
        .groupBytes = 4,
        .lanes = lanes,
        .x = kS16,
        .w = kS16,
        .fixedRegisters = 3,
        .stepOps = 2,
        .widenOps = 1,
        .instruction = "vpmaddwd"},
       emitter<MaddwCell>},
      {{.name = "maddw8",
        .templateName = "widen",
        .group = 2,
        .groupBytes = 4,
        .wGroupBytes = 2,
        .lanes = lanes,
        .x = kS16,
        .w = kS8,
        .fixedRegisters = 3,
        .stepOps = 2,
        .wOps = 1,
        .widenOps = 1,
        .instruction = "vpmaddwd"},
       emitter<MaddwCell>},
  };
}
