// Whether a sum of products is a contraction. See RaiseContract.h.
#include "compiler/passes/RaiseContract.h"
#include "ir/dialect/Bounds.h"
#include "ir/dialect/Verify.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <array>

using namespace mlir;
using namespace lpgen;

Value lpgen::skipCasts(Value value) {
  while (auto cast = value.getDefiningOp<arith::ExtSIOp>()) {
    value = cast.getIn();
  }
  return value;
}

bool lpgen::isAffineInLoops(lp::ReadOp read) {
  return llvm::all_of(read.getIndices(),
                      [](Value index) { return isa<BlockArgument>(index); });
}

bool lpgen::hasPlainSubscripts(lp::ReadOp read, ValueRange groups) {
  // Each loop once, groups behind the others.
  LoopList loops;
  for (Value index : read.getIndices()) {
    if (!llvm::is_contained(groups, index) &&
        !llvm::is_contained(loops, index)) {
      loops.push_back(index);
    }
  }
  const auto others = static_cast<unsigned>(loops.size());
  llvm::append_range(loops, groups);
  return llvm::all_of(read.getDivisors(), [](int64_t d) { return d == 1; }) &&
         lp::isMapOfW(mapOver(read, loops), others, groups.size());
}

std::pair<int64_t, Value> lpgen::extentOf(Value loop) {
  auto argument = cast<BlockArgument>(loop);
  Operation *owner = argument.getOwner()->getParentOp();
  unsigned number = argument.getArgNumber();
  auto pick = [&](ArrayRef<int64_t> extents,
                  ValueRange dynamic) -> std::pair<int64_t, Value> {
    if (!ShapedType::isDynamic(extents[number])) {
      return {extents[number], {}};
    }
    unsigned position =
        llvm::count(extents.take_front(number), ShapedType::kDynamic);
    return {ShapedType::kDynamic, dynamic[position]};
  };
  if (auto compute = dyn_cast<lp::ComputeOp>(owner)) {
    return pick(compute.getExtents(), compute.getDynamicExtents());
  }
  auto reduce = cast<lp::ReduceOp>(owner);
  return pick(reduce.getExtents(), reduce.getDynamicExtents());
}

AffineMap lpgen::mapOver(lp::ReadOp read, const LoopList &loops) {
  SmallVector<AffineExpr> dims;
  for (Value index : read.getIndices()) {
    unsigned position = llvm::find(loops, index) - loops.begin();
    dims.push_back(getAffineDimExpr(position, read.getContext()));
  }
  return read.getMap().replaceDimsAndSymbols(dims, {}, loops.size(), 0);
}

bool ContractRaiser::match(std::string &whyNot) {
  const bool isProduct =
      reduce.getKind() == lp::ReduceKind::Fma ||
      (reduce.getKind() == lp::ReduceKind::Sum && reduce.getType().isInteger());
  if (!isProduct || !reduce->getParentOfType<lp::ComputeOp>()) {
    return false;
  }
  std::optional<AffineProduct> found = matchProduct(reduce, whyNot);
  if (!found) {
    return false;
  }
  product = std::move(*found);
  groups = groupsAround();
  whyNot = whyNotContraction();
  if (groups && (!whyNot.empty() || !fitsGroups())) {
    groups = nullptr;
    whyNot = whyNotContraction();
  }
  return whyNot.empty();
}

/// True if `w`, of f32, has no loop that `x` has not, as a vector beside a
/// matrix. Loops of w alone fill the lanes, so x had better be w.
static bool isVector(AffineFactor w, AffineFactor x) {
  const auto hasOwn = [](lp::ReadOp of, lp::ReadOp other) {
    return llvm::any_of(of.getIndices(), [&](Value index) {
      return !llvm::is_contained(other.getIndices(), index);
    });
  };
  return !w.read.getType().isInteger() && !hasOwn(w.read, x.read) &&
         hasOwn(x.read, w.read);
}

std::string ContractRaiser::whyNotContraction() {
  loops.clear();
  x = product.factors[0];
  w = product.factors[1];
  if (!isAffineInLoops(x.read) || !isAffineInLoops(w.read)) {
    return "a subscript is computed";
  }
  if (!isPlain(w.read) || (isPlain(x.read) && isVector(w, x))) {
    std::swap(x, w);
  }
  if (!isPlain(w.read)) {
    return "neither tensor is subscripted by loops alone, each once, and "
           "read inside only";
  }
  collectLoops();
  if (!hasKnownExtents()) {
    return "it or a reduction around it goes up to an index";
  }
  if (!hasKnownLoops()) {
    return "a tensor is subscripted by no loop around it";
  }
  if (!zeroFits(x.zero) || !zeroFits(w.zero)) {
    return "a zero point is not subscripted by loops alone, each once";
  }
  if (!paddingFits()) {
    return whyNotPadded();
  }
  return readsWholeSizes()
             ? ""
             : "a dimension of run-time size is subscripted by a loop of "
               "another size";
}

/// A lone loop over a dimension of run-time size has the extent of that, which
/// packed layouts rely on.
bool ContractRaiser::readsWholeSizes() {
  return llvm::all_of(
      llvm::enumerate(x.read.getMap().getResults()), [&](auto result) {
        const lp::Size size =
            lp::sizeOf(x.read.getSource(), unsigned(result.index()));
        auto lone = dyn_cast<AffineDimExpr>(result.value());
        return size.isConstant() || !lone ||
               extentOf(x.read.getIndices()[lone.getPosition()]).second ==
                   size.value;
      });
}

std::string ContractRaiser::whyNotPadded() {
  return reduce.getType().isInteger() ? "the padding is computed"
                                      : "the padding of f32 is not 0";
}

bool ContractRaiser::isPlain(lp::ReadOp read) {
  return hasPlainSubscripts(read, groupLoops()) && !read.mayBeOutside();
}

void ContractRaiser::collectLoops() {
  llvm::SmallPtrSet<Value, 8> used;
  for (lp::ReadOp read : {x.read, w.read, x.zero, w.zero}) {
    if (read) {
      used.insert(read.getIndices().begin(), read.getIndices().end());
    }
  }
  SmallVector<Block *> scopes;
  for (Operation *op = reduce->getParentOp();
       isa<lp::ComputeOp, lp::ReduceOp>(op); op = op->getParentOp()) {
    scopes.push_back(&op->getRegion(0).front());
  }
  for (Block *scope : llvm::reverse(scopes)) {
    for (Value argument : scope->getArguments()) {
      if (used.contains(argument) ||
          llvm::is_contained(groupLoops(), argument)) {
        loops.push_back(argument);
      }
    }
  }
  outside = loops.size();
  parallel = outside - groupLoops().size();
  llvm::append_range(loops, reduce.getBody().front().getArguments());
}

bool ContractRaiser::hasKnownExtents() {
  return llvm::all_of(loops, [](Value loop) {
    Value extent = extentOf(loop).second;
    return !extent || lp::KernelOp::boundOf(extent);
  });
}

bool ContractRaiser::hasKnownLoops() {
  return llvm::all_of(std::array{x.read, w.read}, [&](lp::ReadOp read) {
    return llvm::all_of(read.getIndices(), [&](Value index) {
      return llvm::is_contained(loops, index);
    });
  });
}

static bool isScalar(lp::ReadOp read) {
  return cast<ShapedType>(read.getSource().getType()).getRank() == 0;
}

bool ContractRaiser::paddingFits() {
  if (auto pad = dyn_cast_or_null<FloatAttr>(x.read.getPadAttr())) {
    return pad.getValue().isPosZero();
  }
  Value scalar = x.read.getPadScalar();
  auto read =
      scalar ? skipCasts(scalar).getDefiningOp<lp::ReadOp>() : lp::ReadOp();
  return !scalar || (read && isScalar(read) && reduce.getType().isInteger());
}

bool ContractRaiser::zeroFits(lp::ReadOp zero) {
  return !zero || (isAffineInLoops(zero) && hasPlainSubscripts(zero) &&
                   llvm::all_of(zero.getIndices(), [&](Value index) {
                     return llvm::is_contained(
                         ArrayRef(loops).take_front(outside), index);
                   }));
}
