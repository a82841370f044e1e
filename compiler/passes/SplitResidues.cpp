// lp-split-residues: contractions that read x at a quotient, transposed
// convolutions and gradients of strided ones, to contractions without
// divisions, one for each residue class of the outputs.
#include "ir/analysis/PackedForm.h"
#include "ir/dialect/Bounds.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

namespace lpgen {
#define GEN_PASS_DEF_SPLITRESIDUESPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

namespace {

/// Contractions of one operator that are worth their code.
constexpr int64_t kMostClasses = 64;

/// Loop l as period * l' + residue, for each loop of a contraction.
using Residues = SmallVector<int64_t>;

class ResidueSplitter {
public:
  explicit ResidueSplitter(lp::ContractOp op) : op(op), builder(op) {}

  /// False if the contraction has no divided subscript, or is none of a sum for
  /// each class.
  bool match();
  void rewrite();

private:
  bool findPeriods();
  bool divides(const Residues &residues);
  int64_t extentOf(unsigned loop, int64_t residue);
  /// The residues of the taps that outputs with `residues` meet.
  std::optional<Residues> tapsOf(const Residues &residues);
  AffineMap xMapOf(const Residues &residues);
  AffineMap wMapOf(const Residues &residues);
  SmallVector<mlir::Type> typesOf(const Residues &residues);
  void substitute(Block &body, const Residues &residues);
  SmallVector<Value> splitOff(const Residues &residues);
  SmallVector<Value> sumsOfNothing(const Residues &residues);

  lp::ContractOp op;
  OpBuilder builder;
  SmallVector<lp::LinearForm> subscripts; ///< Of x, before the divisions.
  SmallVector<int64_t> periods;           ///< By loop.
};

/// All values of the loops [first, last) modulo their periods, others 0.
void forEachResidue(ArrayRef<int64_t> counts, unsigned first, unsigned last,
                    Residues at,
                    llvm::function_ref<void(const Residues &)> visit) {
  if (first == last) {
    return visit(at);
  }
  for (at[first] = 0; at[first] < counts[first]; ++at[first]) {
    forEachResidue(counts, first + 1, last, at, visit);
  }
}

/// A loop whose multiples the divisors do not all divide is divided itself.
bool ResidueSplitter::findPeriods() {
  periods.assign(op.numLoops(), 1);
  for (auto [form, divisor] : llvm::zip_equal(subscripts, op.getXDivisors())) {
    for (auto [loop, coefficient] : llvm::enumerate(form.coefficients)) {
      const int64_t own = divisor / std::gcd(coefficient, divisor);
      if (llvm::MulOverflow(periods[loop] / std::gcd(periods[loop], own), own,
                            periods[loop])) {
        return false;
      }
    }
  }
  const auto zeros = op.getWZeroMap();
  int64_t classes[2] = {1, 1}; // of outputs, of taps
  for (auto [loop, period] : llvm::enumerate(periods)) {
    if (period == 1) {
      continue;
    }
    const bool isTap = loop >= op.getParallel();
    if (ShapedType::isDynamic(op.getExtents()[loop]) ||
        (!isTap && op.getWMap().isFunctionOfDim(loop)) ||
        (zeros && zeros->isFunctionOfDim(loop)) ||
        period > kMostClasses / classes[isTap]) {
      return false;
    }
    classes[isTap] *= period;
  }
  return true;
}

bool ResidueSplitter::match() {
  if (!hasDivisions(op) || op.numGroups() > 0 || countsOutside(op)) {
    return false;
  }
  for (AffineExpr expr : op.getXMap().getResults()) {
    subscripts.push_back(*lp::linearForm(expr, op.numLoops()));
  }
  // A loop that ends at an index of another one needs that as it is.
  bool hasRunningLoops = false;
  op.getBody().walk([&](lp::ReduceOp reduce) {
    hasRunningLoops |= !reduce.getDynamicExtents().empty();
  });
  if (hasRunningLoops || !findPeriods()) {
    return false;
  }
  // One sum for each class: the taps that it meets have one residue.
  bool isOne = true;
  forEachResidue(periods, 0, op.getParallel(), Residues(op.numLoops()),
                 [&](const Residues &outer) {
                   int64_t met = 0;
                   forEachResidue(periods, op.getParallel(), op.numLoops(),
                                  outer, [&](const Residues &residues) {
                                    met += divides(residues);
                                  });
                   isOne &= met <= 1;
                 });
  return isOne;
}

/// True if the divisors divide the subscripts at loops with `residues`.
bool ResidueSplitter::divides(const Residues &residues) {
  return llvm::all_of(llvm::zip_equal(subscripts, op.getXDivisors()),
                      [&](auto of) {
                        auto &[form, divisor] = of;
                        int64_t at = form.constant;
                        for (auto [coefficient, residue] :
                             llvm::zip_equal(form.coefficients, residues)) {
                          at += coefficient % divisor * residue;
                        }
                        return at % divisor == 0;
                      });
}

/// Values of `loop` in the class.
int64_t ResidueSplitter::extentOf(unsigned loop, int64_t residue) {
  const int64_t extent = op.getExtents()[loop];
  return periods[loop] == 1
             ? extent
             : llvm::divideCeil(std::max<int64_t>(extent - residue, 0),
                                periods[loop]);
}

std::optional<Residues> ResidueSplitter::tapsOf(const Residues &residues) {
  std::optional<Residues> found;
  forEachResidue(periods, op.getParallel(), op.numLoops(), residues,
                 [&](const Residues &all) {
                   const auto isThere = [&](unsigned loop) {
                     return periods[loop] == 1 || extentOf(loop, all[loop]) > 0;
                   };
                   if (divides(all) &&
                       llvm::all_of(llvm::seq(op.numLoops()), isThere)) {
                     found = all;
                   }
                 });
  return found;
}

/// Exact quotients: each coefficient of l' is a multiple of the divisor, and so
/// is what is left at l' = 0.
AffineMap ResidueSplitter::xMapOf(const Residues &residues) {
  SmallVector<AffineExpr> results;
  MLIRContext *context = op.getContext();
  for (auto [form, divisor] : llvm::zip_equal(subscripts, op.getXDivisors())) {
    int64_t constant = form.constant;
    AffineExpr expr = getAffineConstantExpr(0, context);
    for (unsigned loop = 0; loop < op.numLoops(); ++loop) {
      const int64_t coefficient = form.coefficients[loop];
      constant += coefficient * residues[loop];
      expr = expr + getAffineDimExpr(loop, context) *
                        (coefficient * periods[loop] / divisor);
    }
    results.push_back(expr + constant / divisor);
  }
  return AffineMap::get(op.numLoops(), 0, results, context);
}

AffineMap ResidueSplitter::wMapOf(const Residues &residues) {
  SmallVector<AffineExpr> loops;
  for (unsigned loop = 0; loop < op.numLoops(); ++loop) {
    loops.push_back(getAffineDimExpr(loop, op.getContext()) * periods[loop] +
                    residues[loop]);
  }
  return op.getWMap().replaceDimsAndSymbols(loops, {}, op.numLoops(), 0);
}

/// The types of the class's part of each result.
SmallVector<mlir::Type> ResidueSplitter::typesOf(const Residues &residues) {
  SmallVector<int64_t> shape;
  for (unsigned loop = 0; loop < op.getParallel(); ++loop) {
    shape.push_back(extentOf(loop, residues[loop]));
  }
  return llvm::map_to_vector(op.getResultTypes(),
                             [&](mlir::Type type) -> mlir::Type {
                               return cast<RankedTensorType>(type).clone(shape);
                             });
}

/// Loops of the class in the place of those of the whole.
void ResidueSplitter::substitute(Block &body, const Residues &residues) {
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  const auto at = [&](Value index) -> std::optional<unsigned> {
    auto argument = dyn_cast<BlockArgument>(index);
    const bool isLoop = argument && argument.getOwner() == &body &&
                        argument.getArgNumber() < op.getParallel() &&
                        periods[argument.getArgNumber()] > 1;
    return isLoop ? std::optional(argument.getArgNumber()) : std::nullopt;
  };
  // Subscripts stay linear forms of loops, of which verifiers know the bounds.
  llvm::SmallPtrSet<Operation *, 8> done;
  const auto replace = [&](auto access) {
    SmallVector<AffineExpr> dims;
    for (unsigned d = 0; d < access.getMap().getNumDims(); ++d) {
      dims.push_back(b.getAffineDimExpr(d));
      if (d < access.getIndices().size()) {
        if (auto loop = at(access.getIndices()[d])) {
          dims.back() = dims.back() * periods[*loop] + residues[*loop];
        }
      }
    }
    AffineMap map = access.getMap();
    access.setMap(map.replaceDimsAndSymbols(dims, {}, map.getNumDims(), 0));
    done.insert(access);
  };
  body.walk([&](lp::ReadOp read) { replace(read); });
  body.walk([&](lp::ThresholdOp threshold) { replace(threshold); });
  for (BlockArgument argument : body.getArguments()) {
    const auto loop = at(argument);
    const auto isElsewhere = [&](Operation *user) {
      return !done.contains(user);
    };
    if (!loop || llvm::none_of(argument.getUsers(), isElsewhere)) {
      continue;
    }
    Location loc = op.getLoc();
    Value period = arith::ConstantIndexOp::create(b, loc, periods[*loop]);
    Value residue = arith::ConstantIndexOp::create(b, loc, residues[*loop]);
    auto scaled = arith::MulIOp::create(b, loc, argument, period);
    Value index = arith::AddIOp::create(b, loc, scaled, residue);
    done.insert(scaled);
    argument.replaceAllUsesExcept(index, done);
  }
}

/// The contraction of one class.
SmallVector<Value> ResidueSplitter::splitOff(const Residues &residues) {
  IRMapping mapping;
  auto part = cast<lp::ContractOp>(builder.clone(*op, mapping));
  SmallVector<int64_t> extents;
  for (unsigned loop = 0; loop < op.numLoops(); ++loop) {
    extents.push_back(extentOf(loop, residues[loop]));
  }
  part.setExtents(extents);
  part.setXMap(xMapOf(residues));
  part.setWMap(wMapOf(residues));
  part.setXDivisors(SmallVector<int64_t>(op.getXDivisors().size(), 1));
  for (auto [result, type] :
       llvm::zip_equal(part.getResults(), typesOf(residues))) {
    result.setType(type);
  }
  substitute(part.getBody().front(), residues);
  return llvm::to_vector_of<Value>(part.getResults());
}

/// A class that no tap meets: the body with a sum of 0, once for each result.
SmallVector<Value> ResidueSplitter::sumsOfNothing(const Residues &residues) {
  SmallVector<Value> results;
  const unsigned parallel = op.getParallel();
  ArrayRef<int64_t> extents = op.getExtents().take_front(parallel);
  ValueRange dynamic = op.getDynamicExtents().take_front(
      llvm::count(extents, ShapedType::kDynamic));
  for (auto [number, type] : llvm::enumerate(typesOf(residues))) {
    auto shape = cast<RankedTensorType>(type).getShape();
    auto compute =
        lp::ComputeOp::create(builder, op.getLoc(), type, dynamic, ValueRange{},
                              shape, op.getLabelAttr(), DenseI64ArrayAttr());
    IRMapping mapping;
    op.getBody().cloneInto(&compute.getBody(), mapping);
    Block &body = compute.getBody().front();
    auto yield = cast<lp::YieldOp>(body.getTerminator());
    yield.getValuesMutable().assign(Value(yield.getValues()[number]));
    substitute(body, residues);
    OpBuilder b = OpBuilder::atBlockBegin(&body);
    Value none = arith::ConstantOp::create(
        b, op.getLoc(), b.getIntegerAttr(op.accumulatorType(), 0));
    body.getArgument(parallel).replaceAllUsesWith(none);
    body.eraseArgument(parallel);
    results.push_back(compute.getResult(0));
  }
  return results;
}

void ResidueSplitter::rewrite() {
  const unsigned parallel = op.getParallel();
  SmallVector<int64_t> counts(op.numLoops(), 1);
  for (unsigned loop = 0; loop < parallel; ++loop) {
    if (periods[loop] > 1) {
      counts[loop] = std::min(periods[loop], op.getExtents()[loop]);
    }
  }
  SmallVector<SmallVector<Value>> parts(op.getNumResults());
  forEachResidue(counts, 0, parallel, Residues(op.numLoops()),
                 [&](const Residues &residues) {
                   const std::optional<Residues> met = tapsOf(residues);
                   SmallVector<Value> made =
                       met ? splitOff(*met) : sumsOfNothing(residues);
                   for (auto [list, part] : llvm::zip_equal(parts, made)) {
                     list.push_back(part);
                   }
                 });
  for (auto [result, list] : llvm::zip_equal(op.getResults(), parts)) {
    auto whole = lp::InterleaveOp::create(
        builder, op.getLoc(), result.getType(), list,
        ArrayRef<int64_t>(counts).take_front(parallel));
    result.replaceAllUsesWith(whole);
  }
  op.erase();
}

struct SplitResiduesPass
    : public lpgen::impl::SplitResiduesPassBase<SplitResiduesPass> {
  void runOnOperation() override {
    SmallVector<lp::ContractOp> contracts;
    getOperation().walk([&](lp::ContractOp op) { contracts.push_back(op); });
    for (lp::ContractOp op : contracts) {
      ResidueSplitter split(op);
      if (split.match()) {
        split.rewrite();
      }
    }
  }
};

} // namespace
