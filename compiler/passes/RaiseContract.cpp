// lp-raise-contract: sums of products to lp.contract.
#include "compiler/passes/AffineProduct.h"
#include "compiler/passes/Emitter.h"
#include "ir/dialect/Bounds.h"
#include "mlir/IR/IRMapping.h"
#include <array>

namespace lpgen {
#define GEN_PASS_DEF_RAISECONTRACTPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

namespace {

/// The loops of a contraction as values: index arguments of enclosing ops.
using LoopList = SmallVector<Value>;

Value skipCasts(Value value) {
  while (auto cast = value.getDefiningOp<arith::ExtSIOp>()) {
    value = cast.getIn();
  }
  return value;
}

/// True if every index is an argument of a loop op: no computed subscript.
bool isAffineInLoops(lp::ReadOp read) {
  return llvm::all_of(read.getIndices(),
                      [](Value index) { return isa<BlockArgument>(index); });
}

/// True if every subscript is a constant, or one loop, beside multiples of
/// `groups`, and each loop is there once.
bool hasPlainSubscripts(lp::ReadOp read, ValueRange groups = {}) {
  llvm::SmallPtrSet<Value, 4> seen;
  for (auto [expr, divisor] :
       llvm::zip_equal(read.getMap().getResults(), read.getDivisors())) {
    auto form = lp::linearForm(expr, read.getMap().getNumDims());
    if (isa<AffineConstantExpr>(expr)) {
      continue;
    }
    if (!form || divisor != 1 || form->constant != 0) {
      return false;
    }
    unsigned others = 0;
    for (auto [dim, factor] : llvm::enumerate(form->coefficients)) {
      Value loop = read.getIndices()[dim];
      const bool isGroup = llvm::is_contained(groups, loop);
      others += factor != 0 && !isGroup;
      if (factor != 0 && (factor < 0 || (factor != 1 && !isGroup) ||
                          !seen.insert(loop).second)) {
        return false;
      }
    }
    if (others > 1) {
      return false;
    }
  }
  return true;
}

/// The extent of a loop that is an argument of lp.compute or lp.reduce.
std::pair<int64_t, Value> extentOf(Value loop) {
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

/// `map` of `read` with dims renumbered to positions in `loops`.
AffineMap mapOver(lp::ReadOp read, const LoopList &loops) {
  SmallVector<AffineExpr> dims;
  for (Value index : read.getIndices()) {
    unsigned position = llvm::find(loops, index) - loops.begin();
    dims.push_back(getAffineDimExpr(position, read.getContext()));
  }
  return read.getMap().replaceDimsAndSymbols(dims, {}, loops.size(), 0);
}

class RaiseContract {
public:
  explicit RaiseContract(lp::ReduceOp reduce) : reduce(reduce) {}

  /// False, and why in `whyNot` if one could expect a contraction, if the sum
  /// stays a loop nest.
  bool match(std::string &whyNot) {
    const bool isProduct = reduce.getKind() == lp::ReduceKind::Fma ||
                           (reduce.getKind() == lp::ReduceKind::Sum &&
                            reduce.getType().isInteger());
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

  /// Returns the sum that is no more, beside the one of the products.
  Operation *rewrite();

private:
  /// The sum of products of f32 around, whose terms the sum is a part of.
  lp::ReduceOp groupsAround() {
    auto outer = dyn_cast<lp::ReduceOp>(reduce->getParentOp());
    return outer && outer.getKind() == lp::ReduceKind::Fma &&
                   reduce.getType().isInteger() &&
                   isa<lp::ComputeOp>(outer->getParentOp()) &&
                   outer.getDynamicExtents().empty()
               ? outer
               : lp::ReduceOp();
  }

  /// Both operands have all loops of the groups, and theirs are the loops that
  /// the factors read at.
  bool fitsGroups() {
    const auto reads = [](lp::ReadOp read, Value loop) {
      return llvm::is_contained(read.getIndices(), loop);
    };
    if (!llvm::all_of(groups.getBody().getArguments(), [&](Value loop) {
          return reads(x.read, loop) && reads(w.read, loop);
        })) {
      return false;
    }
    bool fits = true;
    groups.getBody().walk([&](Operation *op) {
      for (Value operand : op->getOperands()) {
        auto argument = dyn_cast<BlockArgument>(operand);
        const bool isOutside = argument && argument.getOwner()->getParentOp() ==
                                               groups->getParentOp();
        fits &= !isOutside || llvm::is_contained(loops, operand);
      }
    });
    return fits;
  }

  /// Their loops; none if the sum stands alone.
  ValueRange groupLoops() {
    return groups ? ValueRange(groups.getBody().getArguments()) : ValueRange();
  }

  std::string whyNotContraction() {
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
    return paddingFits() ? "" : whyNotPadded();
  }

  std::string whyNotPadded() {
    return reduce.getType().isInteger() ? "the padding is computed"
                                        : "the padding of f32 is not 0";
  }

  bool isPlain(lp::ReadOp read) {
    return hasPlainSubscripts(read, groupLoops()) && !read.mayBeOutside();
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

  /// Parallel loops (those of enclosing ops, outermost first), then the
  /// reduction's.
  void collectLoops() {
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

  /// Loops end at sizes of the kernel, not at the index of another one.
  bool hasKnownExtents() {
    return llvm::all_of(loops, [](Value loop) {
      Value extent = extentOf(loop).second;
      return !extent || lp::KernelOp::boundOf(extent);
    });
  }

  /// Operands are subscripted by these loops, not by sizes of the kernel.
  bool hasKnownLoops() {
    return llvm::all_of(std::array{x.read, w.read}, [&](lp::ReadOp read) {
      return llvm::all_of(read.getIndices(), [&](Value index) {
        return llvm::is_contained(loops, index);
      });
    });
  }

  static bool isScalar(lp::ReadOp read) {
    return cast<ShapedType>(read.getSource().getType()).getRank() == 0;
  }

  /// A padding known at run time is a scalar that is read as it is; that of f32
  /// is +0.
  bool paddingFits() {
    if (auto pad = dyn_cast_or_null<FloatAttr>(x.read.getPadAttr())) {
      return pad.getValue().isPosZero();
    }
    Value scalar = x.read.getPadScalar();
    auto read =
        scalar ? skipCasts(scalar).getDefiningOp<lp::ReadOp>() : lp::ReadOp();
    return !scalar || (read && isScalar(read) && reduce.getType().isInteger());
  }

  /// Zero points are scalars, or depend on parallel loops.
  bool zeroFits(lp::ReadOp zero) {
    return !zero || (isAffineInLoops(zero) && hasPlainSubscripts(zero) &&
                     llvm::all_of(zero.getIndices(), [&](Value index) {
                       return llvm::is_contained(
                           ArrayRef(loops).take_front(outside), index);
                     }));
  }

  Value finished(OpBuilder &builder, Value sum);
  void fillFactors(lp::ContractOp contract);
  void takeColumns(lp::ContractOp contract);

  lp::ReduceOp reduce;
  lp::ReduceOp groups; ///< The sum around, whose terms scale this one; or null.
  AffineProduct product;
  AffineFactor x;
  AffineFactor w;
  LoopList loops; ///< Parallel ones, groups, those of the sum.
  unsigned parallel = 0;
  unsigned outside = 0; ///< Parallel ones and groups.
};

Operation *RaiseContract::rewrite() {
  auto statement = reduce->getParentOfType<lp::ComputeOp>();
  OpBuilder builder(statement);
  Location loc = reduce.getLoc();
  SmallVector<int64_t> extents;
  SmallVector<Value> dynamic;
  for (Value loop : loops) {
    auto [extent, value] = extentOf(loop);
    extents.push_back(extent);
    if (value) {
      dynamic.push_back(value);
    }
  }
  auto shapeOf = [](lp::ReadOp read) {
    return cast<ShapedType>(read.getSource().getType()).getShape();
  };
  auto rangeOf = [](lp::ReadOp read) {
    return read.getType().isInteger() ? read.elementRange()
                                      : SmallVector<int64_t, 2>();
  };
  auto zeroOf = [](AffineFactor factor) {
    return factor.zero ? Value(factor.zero.getSource()) : Value();
  };
  auto zeroMapOf = [&](const AffineFactor &factor) {
    return factor.zero ? AffineMapAttr::get(mapOver(factor.zero, loops))
                       : AffineMapAttr();
  };
  auto affineOf = [&](const AffineFactor &factor) {
    return factor.scale == 1 && factor.offset == 0
               ? DenseI64ArrayAttr()
               : builder.getDenseI64ArrayAttr({factor.scale, factor.offset});
  };
  Value padScalar;
  IntegerAttr xPad;
  if (auto pad = dyn_cast_or_null<IntegerAttr>(x.read.getPadAttr())) {
    xPad = builder.getI64IntegerAttr(pad.getInt());
  }
  if (isa_and_present<FloatAttr>(x.read.getPadAttr())) {
    xPad = builder.getI64IntegerAttr(0);
  }
  if (Value scalar = x.read.getPadScalar()) {
    padScalar = skipCasts(scalar).getDefiningOp<lp::ReadOp>().getSource();
  }
  mlir::Type accumulator = groups ? groups.getType() : reduce.getType();
  auto resultType = RankedTensorType::get(
      ArrayRef<int64_t>(extents).take_front(parallel), accumulator);
  auto contract = lp::ContractOp::create(
      builder, loc, mlir::TypeRange{resultType}, x.read.getSource(),
      w.read.getSource(), zeroOf(x), zeroOf(w), padScalar, ValueRange{},
      dynamic, ValueRange{}, extents, parallel,
      groups ? builder.getI64IntegerAttr(outside - parallel) : IntegerAttr(),
      mapOver(x.read, loops), mapOver(w.read, loops), x.read.getDivisors(),
      xPad, zeroMapOf(x), zeroMapOf(w), affineOf(x), affineOf(w),
      x.read.logicalElement(), w.read.logicalElement(), rangeOf(x.read),
      rangeOf(w.read), shapeOf(x.read), shapeOf(w.read), lp::LayoutAttr(),
      lp::LayoutAttr(), lp::ScheduleAttr(), statement.getLabelAttr(),
      StringAttr(), mlir::TypeAttr(), mlir::TypeAttr(), mlir::TypeAttr(),
      ArrayAttr(), ArrayAttr(), IntegerAttr());
  Block &body = contract.getBody().emplaceBlock();
  for (unsigned i = 0; i < parallel; ++i) {
    body.addArgument(builder.getIndexType(), loc);
  }
  Value acc = body.addArgument(accumulator, loc);
  OpBuilder bodyBuilder = OpBuilder::atBlockEnd(&body);
  lp::YieldOp::create(bodyBuilder, loc, acc);
  if (groups) {
    fillFactors(contract);
    takeColumns(contract);
  }

  lp::ReduceOp replaced = groups ? groups : reduce;
  builder.setInsertionPoint(replaced);
  auto identity =
      AffineMap::getMultiDimIdentityMap(parallel, builder.getContext());
  auto read = lp::ReadOp::create(
      builder, loc, accumulator, contract.getResult(0),
      ValueRange(ArrayRef<Value>(loops).take_front(parallel)), identity);
  replaced.replaceAllUsesWith(groups ? read.getValue()
                                     : finished(builder, read.getValue()));
  Operation *gone = replaced;
  replaced.erase();
  return gone;
}

/// Copies to the end of the block at `builder` what computes `value` outside
/// of it, within `statement`.
static void copyInto(OpBuilder &builder, Value value, Operation *statement,
                     IRMapping &mapping) {
  Operation *op = value.getDefiningOp();
  if (!op || mapping.contains(value) || !statement->isAncestor(op)) {
    return;
  }
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands()) {
      Operation *source = operand.getDefiningOp();
      if (!source || !op->isAncestor(source)) {
        copyInto(builder, operand, statement, mapping);
      }
    }
  });
  builder.clone(*op, mapping);
}

/// The terms of the groups as a function of the sum of one.
void RaiseContract::fillFactors(lp::ContractOp contract) {
  Location loc = reduce.getLoc();
  Block &block = contract.getFactors().emplaceBlock();
  OpBuilder builder = OpBuilder::atBlockEnd(&block);
  IRMapping mapping;
  for (Value loop : ArrayRef(loops).take_front(outside)) {
    mapping.map(loop, block.addArgument(builder.getIndexType(), loc));
  }
  // The body refers to the sum by a value that the argument replaces.
  Value sum = block.addArgument(reduce.getType(), loc);
  OpBuilder before(reduce);
  Value placeholder = arith::ConstantOp::create(
      before, loc, before.getZeroAttr(reduce.getType()));
  mapping.map(placeholder, sum);
  reduce.replaceAllUsesWith(finished(before, placeholder));
  auto statement = groups->getParentOfType<lp::ComputeOp>();
  auto terms =
      cast<lp::YieldOp>(groups.getBody().front().getTerminator()).getValues();
  for (Value term : terms) {
    copyInto(builder, term, statement, mapping);
  }
  lp::YieldOp::create(builder, loc, llvm::map_to_vector(terms, [&](Value term) {
                        return mapping.lookupOrDefault(term);
                      }));
}

/// True if `map`, over the loops of `contract`, has those that w has outside of
/// the sum, each alone and once, and one of them that x has not.
static bool isMapOfColumn(lp::ContractOp contract, AffineMap map) {
  const unsigned loops = contract.getParallel() + contract.numGroups();
  bool hasColumn = false;
  for (unsigned loop = 0; loop < loops; ++loop) {
    const bool isInW = contract.getWMap().isFunctionOfDim(loop);
    if (map.isFunctionOfDim(loop) != isInW) {
      return false;
    }
    hasColumn |= isInW && !contract.getXMap().isFunctionOfDim(loop);
  }
  return hasColumn;
}

/// Elements for each column and group become operands, which can be packed:
/// factors, and the zero point of w.
void RaiseContract::takeColumns(lp::ContractOp contract) {
  Block &factors = contract.getFactors().front();
  LoopList indices(factors.getArguments().take_front(outside));
  indices.resize(loops.size()); // Reductions, which no column has.
  Builder builder(contract.getContext());
  SmallVector<AffineMap> maps;
  const auto take = [&](lp::ReadOp read, const LoopList &at) {
    const bool isScalar =
        read.getType().isF32() || read.getType().isInteger(32);
    if (!isScalar || read.mayBeOutside() || !isAffineInLoops(read) ||
        !hasPlainSubscripts(read) ||
        !isMapOfColumn(contract, mapOver(read, at))) {
      return BlockArgument();
    }
    maps.push_back(mapOver(read, at));
    contract.getColumnsMutable().append(read.getSource());
    return factors.insertArgument(factors.getNumArguments() - 1, read.getType(),
                                  read.getLoc());
  };
  for (auto read : llvm::make_early_inc_range(factors.getOps<lp::ReadOp>())) {
    if (BlockArgument column = take(read, indices)) {
      read.replaceAllUsesWith(Value(column));
      read.erase();
    }
  }
  if (w.zero && take(w.zero, loops)) {
    contract.getWZeroMutable().clear();
    contract.removeWZeroMapAttr();
    contract.setWZeroColumn(static_cast<int64_t>(maps.size()) - 1);
  }
  if (!maps.empty()) {
    contract.setColumnMapsAttr(builder.getAffineMapArrayAttr(maps));
  }
}

/// The sum of products of both factors as that of the whole term. Each step is
/// exact modulo 2 to the bits of the sum, which the last one fits.
Value RaiseContract::finished(OpBuilder &builder, Value sum) {
  mlir::Type type = sum.getType();
  Emitter e(builder, reduce.getLoc());
  for (Value factor : product.invariants) {
    moveBefore(factor, reduce);
    sum = e.mul(sum, e.castInt(factor, type));
  }
  return product.constant == 1 ? sum
                               : e.mul(sum, e.integer(product.constant, type));
}

struct RaiseContractPass
    : public lpgen::impl::RaiseContractPassBase<RaiseContractPass> {
  void runOnOperation() override {
    // Innermost first: a nested sum is an operand of the outer one.
    SmallVector<lp::ReduceOp> reductions;
    llvm::SmallPtrSet<Operation *, 4> done;
    getOperation().walk([&](lp::ReduceOp op) { reductions.push_back(op); });
    for (lp::ReduceOp reduce : reductions) {
      if (done.contains(reduce)) {
        continue;
      }
      RaiseContract raise(reduce);
      std::string whyNot;
      if (raise.match(whyNot)) {
        done.insert(raise.rewrite());
      } else if (!whyNot.empty()) {
        reduce.emitRemark("this sum of products has no schedule, it stays a "
                          "loop nest: ")
            << whyNot;
      }
    }
  }
};

} // namespace
