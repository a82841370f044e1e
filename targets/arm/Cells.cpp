// The cells of NEON and of its levels that multiply or count bits.
#include "targets/arm/Cells.h"
#include "base/abi/lp_kernel.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lpgen;

namespace {

constexpr StoredRange kU8{0, 255};
constexpr StoredRange kS8{-128, 127};

/// A widening multiply-add: `lanes` elements of `bits` bits, broadcast x,
/// accumulators of twice the width in two registers. LLVM selects smlal and
/// smlal2.
class SmlalCell : public Cell {
public:
  using Cell::Cell;
  int64_t maxSteps(StoredRange x, StoredRange w) const override {
    int64_t most = x.maxAbs() * w.maxAbs();
    if (bits() == 16) {
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
    return cell::broadcastBytes(b, loc, buffer, offset, facts().groupBytes,
                                facts().lanes);
  }
  Value loadW(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::bitcast(b, loc, cell::loadBytes(b, loc, buffer, offset, 16),
                         cell::vectorType(b, facts().lanes, bits()));
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
    if (bits() == 16) {
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
    return cell::vectorType(b, facts().lanes / 2, bits() * 2);
  }
  unsigned bits() const { return facts().groupBytes * 8; }
};

/// acc + the sums of products that the instruction called like the cell makes.
Value addProducts(OpBuilder &b, Location loc, const CellFacts &facts,
                  ValueRange operands) {
  return cell::intrinsic(
      b, loc, ("llvm.aarch64.neon." + facts.name + ".v4i32.v16i8").str(),
      operands.front().getType(), operands);
}

/// Dot products of four bytes. One load of x serves four steps, each of which
/// takes its element of the register (sdot by element), so that nothing is
/// broadcast.
class DotCell : public Cell {
public:
  using Cell::Cell;
  int64_t maxSteps(StoredRange /*x*/, StoredRange /*w*/) const override {
    // Sums in 32-bit lanes wrap modulo 2^32, which the proved range of the
    // whole sum makes exact.
    return kUnlimitedSteps;
  }
  Values zero(OpBuilder &b, Location loc) const override {
    return {cell::zeroVector(b, loc, cell::vectorType(b, 4, 32))};
  }
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::broadcastBytes(b, loc, buffer, offset, 4, 4);
  }
  Value loadW(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::loadBytes(b, loc, buffer, offset, 16);
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    Value bytes = cell::bitcast(b, loc, x, cell::vectorType(b, 16, 8));
    // LLVM finds the form by element if x is the second factor, but for usdot,
    // whose first factor is the unsigned one (sudot).
    bool isMixed = facts().x.lo != facts().w.lo;
    SmallVector<Value> operands = {acc[0], isMixed ? bytes : w,
                                   isMixed ? w : bytes};
    return {addProducts(b, loc, facts(), operands)};
  }
  Values widen(OpBuilder & /*b*/, Location /*loc*/, Values acc) const override {
    return acc;
  }
};

/// Products of 2 x 8 and 8 x 2 bytes, two of them: two rows by four columns.
class MatrixCell : public Cell {
public:
  using Cell::Cell;
  int64_t maxSteps(StoredRange /*x*/, StoredRange /*w*/) const override {
    return kUnlimitedSteps; // modulo 2^32, as DotCell
  }
  Values zero(OpBuilder &b, Location loc) const override {
    Value zero = cell::zeroVector(b, loc, cell::vectorType(b, 4, 32));
    return {zero, zero};
  }
  /// The group in both rows.
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return loadRun(b, loc, buffer, {offset, offset}, 1).front();
  }
  Values loadRun(OpBuilder &b, Location loc, Value buffer, ValueRange offsets,
                 int64_t count) const override {
    Value first = cell::loadBytes(b, loc, buffer, offsets[0], 8 * count);
    Value second = cell::loadBytes(b, loc, buffer, offsets[1], 8 * count);
    Values groups;
    for (int64_t i = 0; i < count; ++i) {
      groups.push_back(
          pick(b, loc, first, second, 8 * i, 8 * count + 8 * i, 8));
    }
    return groups;
  }
  Value loadW(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::loadBytes(b, loc, buffer, offset, 32);
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    Values result;
    for (int64_t i = 0; i < 2; ++i) {
      Value columns = cell::slice(b, loc, w, 16 * i, 16);
      result.push_back(addProducts(b, loc, facts(), {acc[i], x, columns}));
    }
    return result;
  }
  /// A register has two columns of the first row, then those of the second.
  Values widen(OpBuilder &b, Location loc, Values acc) const override {
    return {pick(b, loc, acc[0], acc[1], 0, 4, 2),
            pick(b, loc, acc[0], acc[1], 2, 6, 2)};
  }

private:
  /// `count` elements from `first` on and `count` from `second` on, of the
  /// elements of both vectors one after the other.
  static Value pick(OpBuilder &b, Location loc, Value lhs, Value rhs,
                    int64_t first, int64_t second, int64_t count) {
    SmallVector<int64_t> mask;
    for (int64_t begin : {first, second}) {
      for (int64_t i = 0; i < count; ++i) {
        mask.push_back(begin + i);
      }
    }
    return vector::ShuffleOp::create(b, loc, lhs, rhs, mask);
  }
};

/// Two products in one 16-bit multiplication. With x = x0 + 256 x1 and
/// w = w1 + 256 w0 the product modulo 2^16 is
///   x0 w1 + 256 (x0 w0 + x1 w1),
/// whose upper byte, as long as neither byte overflows, is the sum wanted. It
/// is added to a 16-bit accumulator (usra) after `inner` products at most,
/// within a run.
class PairCell : public Cell {
public:
  using Cell::Cell;
  int64_t maxSteps(StoredRange x, StoredRange w) const override {
    int64_t most = 2 * x.hi * w.hi; // that one step adds to the upper byte
    if (most * inner() > 255) {
      return 0;
    }
    return most == 0 ? kUnlimitedSteps : 65535 / most;
  }
  Values zero(OpBuilder &b, Location loc) const override {
    return {cell::zeroVector(b, loc, lanesType(b))};
  }
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    Value pair = swapped(b, loc, cell::loadBytes(b, loc, buffer, offset, 2));
    pair = cell::bitcast(b, loc, pair, cell::vectorType(b, 1, 16));
    return cell::splatElements(b, loc, pair, 8).front();
  }
  Values loadRun(OpBuilder &b, Location loc, Value buffer, ValueRange offsets,
                 int64_t count) const override {
    if (count < facts().run) {
      return Cell::loadRun(b, loc, buffer, offsets, count);
    }
    Value pairs =
        swapped(b, loc, cell::loadBytes(b, loc, buffer, offsets.front(), 16));
    return cell::splatElements(b, loc,
                               cell::bitcast(b, loc, pairs, lanesType(b)), 8);
  }
  Value loadW(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::bitcast(b, loc, cell::loadBytes(b, loc, buffer, offset, 16),
                         lanesType(b));
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    return runStep(b, loc, std::move(acc), x, w, 0, 1);
  }
  Values runStep(OpBuilder &b, Location loc, Values acc, Value x, Value w,
                 int64_t index, int64_t count) const override {
    Value sum = arith::MulIOp::create(b, loc, x, w);
    if (index % inner() != 0) {
      sum = arith::AddIOp::create(b, loc, acc[1], sum);
    }
    if ((index + 1) % inner() != 0 && index + 1 != count) {
      return {acc[0], sum};
    }
    Value eight = cell::splat(b, loc, lanesType(b), 8);
    Value upper = arith::ShRUIOp::create(b, loc, sum, eight);
    return {arith::AddIOp::create(b, loc, acc[0], upper)};
  }
  Values widen(OpBuilder &b, Location loc, Values acc) const override {
    return cell::extendSlices(b, loc, acc[0], 4, /*isSigned=*/false);
  }

private:
  static VectorType lanesType(OpBuilder &b) {
    return cell::vectorType(b, 8, 16);
  }
  /// Bytes with each pair the other way round: x1, x0 meet w0, w1.
  static Value swapped(OpBuilder &b, Location loc, Value bytes) {
    SmallVector<int64_t> mask;
    int64_t count = cast<VectorType>(bytes.getType()).getNumElements();
    for (int64_t i = 0; i < count; ++i) {
      mask.push_back(i ^ 1);
    }
    return vector::ShuffleOp::create(b, loc, bytes, bytes, mask);
  }
  int64_t inner() const {
    return static_cast<int64_t>(facts().instructionSteps);
  }
};

/// and, cnt and an addition, of bytes.
class CntCell : public BytePopcountCell {
public:
  using BytePopcountCell::BytePopcountCell;
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    Value both = arith::AndIOp::create(b, loc, x, w);
    Value count = math::CtPopOp::create(b, loc, both);
    return {arm::addBytes(b, loc, acc[0], count)};
  }
};

} // namespace

Value arm::addBytes(OpBuilder &b, Location loc, Value lhs, Value rhs) {
  return cell::intrinsic(b, loc, "llvm.aarch64.neon.uqadd.v16i8", lhs.getType(),
                         {lhs, rhs});
}

/// Dot products of bytes in these ranges.
static CellFacts dot(llvm::StringRef name, llvm::StringRef instruction,
                     StoredRange x, StoredRange w, uint64_t needs) {
  return {.name = name,
          .templateName = "widen",
          .group = 4,
          .groupBytes = 4,
          .xInLanes = true,
          .lanes = 4,
          .run = 4,
          .x = x,
          .w = w,
          .fixedRegisters = 0,
          .stepOps = 1,
          .widenOps = 0,
          .instruction = instruction,
          .needs = needs};
}

/// Matrix products of bytes in these ranges.
static CellFacts matrix(llvm::StringRef name, StoredRange x, StoredRange w) {
  return {.name = name,
          .templateName = "widen",
          .group = 8,
          .groupBytes = 8,
          .lanes = 4,
          .rows = 2,
          .run = 2,
          .x = x,
          .w = w,
          .accRegisters = 2,
          .wRegisters = 2,
          .fixedRegisters = 2,
          .stepOps = 2,
          .xOps = 1,
          .widenOps = 2,
          .instruction = name,
          .needs = LP_CPU_I8MM};
}

/// Pairs whose sums of `inner` steps fit a byte.
static CellFacts pair(llvm::StringRef name, int64_t inner) {
  return {.name = name,
          .templateName = "widen",
          .group = 2,
          .groupBytes = 2,
          .lanes = 8,
          .run = 8,
          .x = kU8,
          .w = kU8,
          .runRegisters = 1,
          .fixedRegisters = 2,
          .stepOps = 1 + 1 / static_cast<double>(inner),
          .xOps = 0.125,
          .widenOps = 2,
          .instruction = "usra",
          .instructionSteps = static_cast<double>(inner)};
}

std::vector<CellRow> arm::productRows() {
  return {
      {matrix("usmmla", kU8, kS8), emitter<MatrixCell>},
      {matrix("smmla", kS8, kS8), emitter<MatrixCell>},
      {matrix("ummla", kU8, kU8), emitter<MatrixCell>},
      {dot("usdot", "sudot", kU8, kS8, LP_CPU_I8MM), emitter<DotCell>},
      {dot("sdot", "sdot", kS8, kS8, LP_CPU_DOTPROD), emitter<DotCell>},
      {dot("udot", "udot", kU8, kU8, LP_CPU_DOTPROD), emitter<DotCell>},
      {pair("pair8", 8), emitter<PairCell>},
      {pair("pair4", 4), emitter<PairCell>},
      {pair("pair2", 2), emitter<PairCell>},
      {{.name = "smlal16",
        .templateName = "widen",
        .group = 1,
        .groupBytes = 1,
        .xInLanes = true,
        .lanes = 16,
        .run = 8,
        .x = kS8,
        .w = kS8,
        .accRegisters = 2,
        .fixedRegisters = 2,
        .stepOps = 2,
        .xOps = 1, // smlal by element of 16 bits only
        .widenOps = 8,
        .instruction = "smlal"},
       emitter<SmlalCell>},
      {{.name = "smlal32",
        .templateName = "widen",
        .group = 1,
        .groupBytes = 2,
        .xInLanes = true,
        .lanes = 8,
        .run = 8,
        .x = {-32768, 32767},
        .w = {-32768, 32767},
        .accRegisters = 2,
        .fixedRegisters = 2,
        .stepOps = 2,
        .widenOps = 2,
        .instruction = "smlal"},
       emitter<SmlalCell>},
      // One load of x serves four steps by element, as in DotCell.
      {FmaCell::complete(
           {.lanes = 4, .run = 4, .fixedRegisters = 0, .instruction = "fmla"}),
       emitter<FmaCell>},
      {BytePopcountCell::complete({.name = "cnt",
                                   .lanes = 16,
                                   .fixedRegisters = 9,
                                   .stepOps = 3,
                                   .instruction = "cnt"}),
       emitter<CntCell>},
  };
}
