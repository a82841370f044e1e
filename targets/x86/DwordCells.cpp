// The cells of x86 with groups of four bytes, one for each 32-bit lane; f32
// among them. For the bounds see docs/design/kernels.md.
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

/// The most of 1, 2, 4, 8 steps whose sums of pairs fit; 0 if not one does.
int64_t maddubsStepsOf(StoredRange x, ArrayRef<int64_t> pairSums) {
  int64_t steps = 0;
  for (size_t i = 0; i + 1 < pairSums.size(); i += 2) {
    if (x.hi * -pairSums[i] > 32768 || x.hi * pairSums[i + 1] > 32767) {
      break;
    }
    steps = int64_t{1} << (i / 2);
  }
  return steps;
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
  Value loadLanes(OpBuilder &b, Location loc, Value buffer,
                  Value offset) const override {
    return cell::bitcast(b, loc, Cell::loadLanes(b, loc, buffer, offset),
                         operandType(b));
  }
  Value loadW(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return loadLanes(b, loc, buffer, offset);
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
  int64_t maxStepsOf(StoredRange x, ArrayRef<int64_t> pairSums) const override {
    return maddubsStepsOf(x, pairSums);
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

/// u8 x s8 into 32-bit lanes: the 16-bit sums of each step, or of several, are
/// widened at once (vpmaddubsw, vpaddw, vpmaddwd, vpaddd).
class Maddubs32Cell : public WideSumCell {
public:
  using WideSumCell::WideSumCell;
  int64_t maxSteps(StoredRange x, StoredRange w) const override {
    return maddubsSteps(x, w) >= facts().depth ? kUnlimitedSteps : 0;
  }
  int64_t maxStepsOf(StoredRange x, ArrayRef<int64_t> pairSums) const override {
    return maddubsStepsOf(x, pairSums) >= facts().depth ? kUnlimitedSteps : 0;
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    return runStep(b, loc, std::move(acc), x, w, 0, 1);
  }
  Values runStep(OpBuilder &b, Location loc, Values acc, Value x, Value w,
                 int64_t index, int64_t count) const override {
    Value sums = maddubs(b, loc, x, w);
    if (index % facts().depth != 0) {
      sums = arith::AddIOp::create(b, loc, acc[1], sums);
    }
    if ((index + 1) % facts().depth != 0 && index + 1 != count) {
      return {acc[0], sums};
    }
    return {arith::AddIOp::create(b, loc, acc[0], sumPairs(b, loc, sums))};
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

/// Sums of `depth` steps are widened at once. While they grow, the ones that
/// widen them may stay in memory.
static CellFacts maddubs32(StringRef name, int64_t lanes, int64_t depth) {
  return {.name = name,
          .templateName = "widen",
          .group = 4,
          .groupBytes = 4,
          .xInLanes = depth == 1,
          .lanes = lanes,
          .depth = depth,
          .x = kU8,
          .w = kS8,
          .runRegisters = depth > 1 ? 1U : 0U,
          .fixedRegisters = depth > 1 ? 2U : 3U,
          .stepOps = 2 + 1 / static_cast<double>(depth),
          .widenOps = 1,
          .instruction = "vpmaddubsw"};
}

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
        .xInLanes = true,
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
        .xInLanes = true,
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
        .xInLanes = true,
        .lanes = lanes,
        .x = kU8,
        .w = kS8,
        .fixedRegisters = 3,
        .stepOps = 2,
        .widenOps = 3,
        .instruction = "vpmaddubsw"},
       emitter<Maddubs16Cell>},
      {maddubs32("maddubs32", lanes, 1), emitter<Maddubs32Cell>},
      {maddubs32("maddubs32x2", lanes, 2), emitter<Maddubs32Cell>},
      {maddubs32("maddubs32x4", lanes, 4), emitter<Maddubs32Cell>},
      {{.name = "maddw",
        .templateName = "widen",
        .group = 2,
        .groupBytes = 4,
        .xInLanes = true,
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
      {FmaCell::complete(
           {.lanes = lanes, .fixedRegisters = 1, .instruction = "vfmadd231ps"}),
       emitter<FmaCell>},
  };
}
