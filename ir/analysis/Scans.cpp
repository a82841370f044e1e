// See Scans.h.
#include "ir/analysis/Scans.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace lpgen;

/// The loop of `op` up to whose index the reduction goes; nothing if it has
/// other extents.
static std::optional<unsigned> lastIndexOf(lp::ReduceOp reduce,
                                           lp::ComputeOp op) {
  if (reduce.getExtents().size() != 1 ||
      reduce.getDynamicExtents().size() != 1) {
    return std::nullopt;
  }
  auto count = reduce.getDynamicExtents()[0].getDefiningOp<arith::AddIOp>();
  if (!count || !isConstantIntValue(count.getRhs(), 1)) {
    return std::nullopt;
  }
  auto index = dyn_cast<BlockArgument>(count.getLhs());
  return index && index.getOwner() == &op.getBody().front()
             ? std::optional(index.getArgNumber())
             : std::nullopt;
}

/// True if a value of the statement's body can change with `index`.
static bool dependsOn(Value value, Value index, lp::ComputeOp op) {
  if (value == index) {
    return true;
  }
  Operation *source = value.getDefiningOp();
  if (!source || !op->isProperAncestor(source)) {
    return false;
  }
  bool depends = false;
  source->walk([&](Operation *inner) {
    depends |= llvm::any_of(inner->getOperands(), [&](Value operand) {
      Operation *made = operand.getDefiningOp();
      const bool isOfSource = made && source->isAncestor(made);
      return !isOfSource && dependsOn(operand, index, op);
    });
  });
  return depends;
}

/// True if the terms of the reduction are the same for every element along
/// `loop`.
static bool hasTermsOfItsOwn(lp::ReduceOp reduce, unsigned loop,
                             lp::ComputeOp op) {
  Value index = op.getBody().front().getArgument(loop);
  bool depends = false;
  reduce.getBody().walk([&](Operation *inner) {
    depends |= llvm::any_of(inner->getOperands(), [&](Value operand) {
      Operation *made = operand.getDefiningOp();
      const bool isOfReduction = made && reduce->isProperAncestor(made);
      return !isOfReduction && dependsOn(operand, index, op);
    });
  });
  return !depends;
}

std::optional<Scan> lpgen::scanOf(lp::ComputeOp op) {
  std::optional<Scan> scan;
  for (lp::ReduceOp reduce : op.getBody().front().getOps<lp::ReduceOp>()) {
    const std::optional<unsigned> loop = lastIndexOf(reduce, op);
    if (!loop || (scan && scan->loop != *loop) ||
        !hasTermsOfItsOwn(reduce, *loop, op)) {
      continue;
    }
    if (!scan) {
      scan.emplace().loop = *loop;
    }
    scan->reductions.push_back(reduce);
  }
  return scan;
}
