// What is left of lp-raise-contract where a sum is that of a group: its term as
// the factors of the contraction. See RaiseContract.h.
#include "compiler/passes/RaiseContract.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace lpgen;

lp::ReduceOp ContractRaiser::groupsAround() {
  auto outer = dyn_cast<lp::ReduceOp>(reduce->getParentOp());
  return outer && outer.getKind() == lp::ReduceKind::Fma &&
                 reduce.getType().isInteger() &&
                 isa<lp::ComputeOp>(outer->getParentOp()) &&
                 outer.getDynamicExtents().empty()
             ? outer
             : lp::ReduceOp();
}

bool ContractRaiser::fitsGroups() {
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

ValueRange ContractRaiser::groupLoops() {
  return groups ? ValueRange(groups.getBody().getArguments()) : ValueRange();
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
void ContractRaiser::fillFactors(lp::ContractOp contract) {
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

/// True if `map`, that of a column, has a loop that x has not.
static bool hasOwnLoop(lp::ContractOp contract, AffineMap map) {
  return llvm::any_of(llvm::seq(contract.numLoops()), [&](unsigned loop) {
    return map.isFunctionOfDim(loop) &&
           !contract.getXMap().isFunctionOfDim(loop);
  });
}

/// Elements for each column and group become operands, which can be packed:
/// factors, and the zero point of w.
void ContractRaiser::takeColumns(lp::ContractOp contract) {
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
        !contract.isMapOfColumn(mapOver(read, at)) ||
        !hasOwnLoop(contract, mapOver(read, at))) {
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
