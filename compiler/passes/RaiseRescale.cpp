// lp-raise-rescale: sums times fixed-point factors, (x * m >> s) + 1 >> 1, to
// lp.rescale, and what follows in 32 bits.
//
// The product has 64 bits, so that the front end computes all that follows in
// 64 bits, too: offsets, clamps. Vectors hold half as many of these, and few
// targets have all instructions for them.
#include "compiler/passes/Emitter.h"
#include "compiler/passes/Ranges.h"

namespace lpgen {
#define GEN_PASS_DEF_RAISERESCALEPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

namespace {

struct Rescaled {
  arith::ShRSIOp result;
  arith::ShRSIOp shifted;
  arith::MulIOp product;
  int64_t leastShift;
};

class Raiser {
public:
  explicit Raiser(const DataFlowSolver &solver) : solver(solver) {}

  /// (x * m >> s) + 1 >> 1 of 64 bits, if operands and result fit 32.
  std::optional<Rescaled> match(arith::ShRSIOp half) const {
    auto sum = half.getLhs().getDefiningOp<arith::AddIOp>();
    auto shifted =
        sum ? sum.getLhs().getDefiningOp<arith::ShRSIOp>() : arith::ShRSIOp();
    auto product = shifted ? shifted.getLhs().getDefiningOp<arith::MulIOp>()
                           : arith::MulIOp();
    if (!product || !half.getType().isInteger(64) ||
        !matchPattern(half.getRhs(), m_One()) ||
        !matchPattern(sum.getRhs(), m_One()) || !fits(half) ||
        !fits(product.getLhs()) || !fits(product.getRhs())) {
      return std::nullopt;
    }
    const auto shift = rangeOf(shifted.getRhs());
    if (!shift || shift->smin().slt(lp::RescaleOp::smallestShift) ||
        shift->smax().sgt(lp::RescaleOp::greatestShift)) {
      return std::nullopt;
    }
    return Rescaled{half, shifted, product, shift->smin().getSExtValue()};
  }

  /// What `value` of 64 bits leads to in 32 bits, if it fits these.
  void narrowUsers(Value value, Value narrow) const {
    for (Operation *user : llvm::make_early_inc_range(value.getUsers())) {
      if (auto quantize = dyn_cast<lp::QuantizeOp>(user)) {
        if (lp::toElementType(quantize.getElement()).bits < 32) {
          quantize.getValueMutable().assign(narrow);
        }
      } else if (isa<arith::AddIOp, arith::SubIOp, arith::MulIOp,
                     arith::MaxSIOp, arith::MinSIOp>(user)) {
        narrowUser(user, value, narrow);
      }
    }
  }

private:
  std::optional<ConstantIntRanges> rangeOf(Value v) const {
    const auto *state =
        solver.lookupState<dataflow::IntegerValueRangeLattice>(v);
    if (!state || state->getValue().isUninitialized()) {
      return std::nullopt;
    }
    return state->getValue().getValue();
  }

  bool fits(Value v) const {
    const auto range = rangeOf(v);
    return range && range->smin().isSignedIntN(32) &&
           range->smax().isSignedIntN(32);
  }

  void narrowUser(Operation *user, Value value, Value narrow) const {
    const unsigned at = user->getOperand(0) == value ? 0 : 1;
    Value other = user->getOperand(1 - at);
    if (other == value || !fits(other) || !fits(user->getResult(0))) {
      return;
    }
    OpBuilder b(user);
    SmallVector<Value> operands{narrow, narrow};
    operands[1 - at] =
        Emitter(b, user->getLoc()).castInt(other, b.getI32Type());
    Operation *made = b.create(user->getLoc(), user->getName().getIdentifier(),
                               operands, {b.getI32Type()});
    narrowUsers(user->getResult(0), made->getResult(0));
    user->getResult(0).replaceAllUsesWith(arith::ExtSIOp::create(
        b, user->getLoc(), b.getI64Type(), made->getResult(0)));
  }

  const DataFlowSolver &solver;
};

void raise(Rescaled found, const Raiser &raiser) {
  arith::ShRSIOp half = found.result;
  OpBuilder b(half);
  Emitter e(b, half.getLoc());
  const auto narrow = [&](Value v) { return e.castInt(v, b.getI32Type()); };
  Value rescaled = lp::RescaleOp::create(
      b, e.loc, narrow(found.product.getLhs()), narrow(found.product.getRhs()),
      narrow(found.shifted.getRhs()), b.getI64IntegerAttr(found.leastShift));
  raiser.narrowUsers(half, rescaled);
  half.replaceAllUsesWith(e.castInt(rescaled, half.getType()));
}

struct RaiseRescalePass
    : public lpgen::impl::RaiseRescalePassBase<RaiseRescalePass> {
  void runOnOperation() override {
    DataFlowSolver solver;
    if (failed(findRanges(getOperation(), solver))) {
      return signalPassFailure();
    }
    // What is replaced stays until it is found unused: the solver knows values
    // by their addresses.
    const Raiser raiser(solver);
    SmallVector<Rescaled> all;
    getOperation().walk([&](arith::ShRSIOp half) {
      if (auto found = raiser.match(half)) {
        all.push_back(*found);
      }
    });
    for (const Rescaled &found : all) {
      raise(found, raiser);
    }
  }
};

} // namespace
