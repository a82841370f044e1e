// The cells of x86 that multiply whole elements of w of less than eight bits:
// packed in memory, taken apart in registers. For products that stream w, as
// those with one row do. For the bounds see docs/design/kernels.md.
//
// A lane of w has four bytes, and the bits of byte i from q * wBits on are
// element 4 q + i of its group. Masks take the fields of a nibble apart without
// shifting them: those of field f are 2^(f wBits) times as large as they should
// be, and so are their sums, which get accumulators of their own and are
// shifted back when they are widened. The upper nibbles follow after one shift.
// What is certain to have no sign is w, so it is the first operand of the
// multiplications, x the second.
#include "targets/x86/Cells.h"

using namespace mlir;
using namespace lpgen;
using namespace lpgen::x86;

namespace {

/// What the cells with packed w share; `SumBits` are those of an accumulator's
/// lanes.
template <unsigned SumBits>
class PackedCell : public Cell {
public:
  using Cell::Cell;
  int64_t maxSteps(StoredRange x, StoredRange w) const override {
    // Four bytes of two nibbles go to a lane of 32 bits in one step, scaled
    // like the largest field.
    const int64_t most =
        (int64_t{2} * SumBits / 8) * (int64_t{16} >> bits()) * w.hi;
    const int64_t limit = (int64_t{1} << (SumBits - 1)) - 1;
    return std::min(
        cell::stepsWithin(limit, most * std::max<int64_t>(x.hi, 0)),
        cell::stepsWithin(limit + 1, most * std::max<int64_t>(-x.lo, 0)));
  }
  Values zero(OpBuilder &b, Location loc) const override {
    return Values(fields(), cell::zeroVector(b, loc, ofSums(b)));
  }
  Value loadX(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    // The rows of a vector of two dimensions are values of their own to LLVM.
    const int64_t quads = facts().group / 4;
    Value all = arith::ConstantOp::create(
        b, loc,
        b.getZeroAttr(
            VectorType::get({quads, facts().lanes * 4}, b.getI8Type())));
    for (int64_t i = 0; i < quads; ++i) {
      Value at = arith::AddIOp::create(
          b, loc, offset, arith::ConstantIndexOp::create(b, loc, 4 * i));
      Value quad = cell::bitcast(
          b, loc, cell::broadcastBytes(b, loc, buffer, at, 4, facts().lanes),
          ofBytes(b));
      all = vector::InsertOp::create(b, loc, quad, all, ArrayRef<int64_t>{i});
    }
    return all;
  }
  Value loadW(OpBuilder &b, Location loc, Value buffer,
              Value offset) const override {
    return cell::loadBytes(b, loc, buffer, offset, facts().lanes * 4);
  }
  Values step(OpBuilder &b, Location loc, Values acc, Value x,
              Value w) const override {
    Value upper = cell::bitcast(
        b, loc,
        arith::ShRUIOp::create(b, loc,
                               cell::bitcast(b, loc, w, sameRegister(b, w, 16)),
                               cell::splat(b, loc, sameRegister(b, w, 16), 4)),
        ofBytes(b));
    for (int64_t quad = 0; quad < facts().group / 4; ++quad) {
      const int64_t field = quad % fields();
      const int64_t mask = ((1 << bits()) - 1) << (field * bits());
      Value digits =
          arith::AndIOp::create(b, loc, quad < fields() ? w : upper,
                                cell::splat(b, loc, ofBytes(b), mask));
      Value quadX =
          vector::ExtractOp::create(b, loc, x, ArrayRef<int64_t>{quad});
      acc[field] = multiplyAdd(b, loc, acc[field], digits, quadX);
    }
    return acc;
  }

protected:
  /// acc + the sums of products of unsigned and signed bytes in its lanes.
  virtual Value multiplyAdd(OpBuilder &b, Location loc, Value acc, Value u,
                            Value s) const = 0;
  /// The sum of all fields, from the last one on scaled like the next.
  Value sumFields(OpBuilder &b, Location loc, const Values &acc) const {
    Value sum = acc.back();
    for (Value next : llvm::drop_begin(llvm::reverse(acc))) {
      sum = arith::ShRSIOp::create(b, loc, sum,
                                   cell::splat(b, loc, ofSums(b), bits()));
      sum = arith::AddIOp::create(b, loc, sum, next);
    }
    return sum;
  }

private:
  unsigned bits() const { return 32 / facts().group; }     ///< Of an element.
  unsigned fields() const { return facts().accRegisters; } ///< Of a nibble.
  VectorType ofBytes(OpBuilder &b) const {
    return cell::vectorType(b, facts().lanes * 4, 8);
  }
  VectorType ofSums(OpBuilder &b) const {
    return cell::vectorType(b, facts().lanes * 32 / SumBits, SumBits);
  }
};

/// Into 16-bit lanes (vpmaddubsw, vpaddw).
class PackedMaddubsCell : public PackedCell<16> {
public:
  using PackedCell::PackedCell;
  Values widen(OpBuilder &b, Location loc, Values acc) const override {
    return {sumPairs(b, loc, sumFields(b, loc, acc))};
  }

protected:
  Value multiplyAdd(OpBuilder &b, Location loc, Value acc, Value u,
                    Value s) const override {
    return arith::AddIOp::create(b, loc, acc, maddubs(b, loc, u, s));
  }
};

/// Into 32-bit lanes (vpdpbusd).
class PackedDpbusdCell : public PackedCell<32> {
public:
  using PackedCell::PackedCell;
  Values widen(OpBuilder &b, Location loc, Values acc) const override {
    return {sumFields(b, loc, acc)};
  }

protected:
  Value multiplyAdd(OpBuilder &b, Location loc, Value acc, Value u,
                    Value s) const override {
    return addDot(b, loc, facts().instruction, acc, u, s);
  }
};

/// `facts` with those that all such cells share, for elements of w of `bits`
/// bits: costs of one multiplication become those of a step.
CellFacts packed(Width width, unsigned bits, CellFacts facts) {
  const unsigned quads = 8 / bits;
  facts.templateName = "widen";
  facts.group = int64_t{4} * quads;
  facts.groupBytes = facts.group;
  facts.wGroupBytes = 4;
  facts.lanes = lanesOf(width, 32);
  facts.x = kS8;
  facts.w = {0, (1 << bits) - 1};
  facts.accRegisters = quads / 2;
  facts.fixedRegisters = bits == 4 ? 6 : 7; // masks, x, fields of w
  facts.stepOps *= quads;
  facts.wOps = 1 + quads;
  facts.xOps = quads - 1; // further loads
  facts.widenOps += 2 * (facts.accRegisters - 1);
  facts.instructionSteps = 0.5;
  return facts;
}

} // namespace

std::vector<CellRow> x86::packedRows(Width width) {
  const CellFacts dot{.stepOps = dotOps(width),
                      .widenOps = 0,
                      .instruction = "vpdpbusd",
                      .needs = vnni(width)};
  const CellFacts madd{
      .stepOps = 2, .widenOps = 3, .instruction = "vpmaddubsw"};
  const auto named = [](llvm::StringRef name, CellFacts facts) {
    facts.name = name;
    return facts;
  };
  return {
      {packed(width, 4, named("dpbusdw4", dot)), emitter<PackedDpbusdCell>},
      {packed(width, 2, named("dpbusdw2", dot)), emitter<PackedDpbusdCell>},
      {packed(width, 1, named("dpbusdw1", dot)), emitter<PackedDpbusdCell>},
      {packed(width, 4, named("maddubs16w4", madd)),
       emitter<PackedMaddubsCell>},
      {packed(width, 2, named("maddubs16w2", madd)),
       emitter<PackedMaddubsCell>},
      {packed(width, 1, named("maddubs16w1", madd)),
       emitter<PackedMaddubsCell>},
  };
}
