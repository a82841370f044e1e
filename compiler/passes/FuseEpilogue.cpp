// lp-fuse-epilogue: elementwise consumers into the body of their contraction.
#include "compiler/passes/Emitter.h"
#include "mlir/IR/IRMapping.h"

namespace lpgen {
#define GEN_PASS_DEF_FUSEEPILOGUEPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

namespace {

/// True if `read` is `contract[i, j, ...]` at exactly the indices of `compute`.
bool readsOwnIndex(lp::ReadOp read, lp::ComputeOp compute) {
  Block &body = compute.getBody().front();
  return read.getMap().isIdentity() &&
         llvm::all_of(read.getDivisors(), [](int64_t d) { return d == 1; }) &&
         read.getIndices().size() == body.getNumArguments() &&
         llvm::equal(read.getIndices(), body.getArguments());
}

/// True if the loops of the two ops are the same.
bool sameLoops(lp::ContractOp contract, lp::ComputeOp compute) {
  ArrayRef<int64_t> loops =
      contract.getExtents().take_front(contract.getParallel());
  size_t dynamic = llvm::count(loops, ShapedType::kDynamic);
  return loops == compute.getExtents() &&
         llvm::equal(contract.getDynamicExtents().take_front(dynamic),
                     compute.getDynamicExtents());
}

/// The first op of the block around `contract` that uses a result of it; null
/// if there is none, or one elsewhere.
Operation *firstUser(lp::ContractOp contract) {
  Operation *first = nullptr;
  for (Operation *user : contract->getUsers()) {
    Operation *op = contract->getBlock()->findAncestorOpInBlock(*user);
    if (!op) {
      return nullptr; // in another block
    }
    if (!first || op->isBeforeInBlock(first)) {
      first = op;
    }
  }
  return first;
}

/// The compute that can move into `contract`: the first user of a result, if
/// all its reads of results are at its own index and everything else it reads
/// is defined before the contraction.
lp::ComputeOp findConsumer(lp::ContractOp contract) {
  auto compute = dyn_cast_or_null<lp::ComputeOp>(firstUser(contract));
  if (!compute || !sameLoops(contract, compute)) {
    return {};
  }
  bool fits = true;
  compute->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands()) {
      Operation *source = operand.getDefiningOp();
      if (source == contract) {
        auto read = dyn_cast<lp::ReadOp>(inner);
        fits = fits && read && readsOwnIndex(read, compute);
      } else if (source && source->getBlock() == contract->getBlock() &&
                 !source->isBeforeInBlock(contract)) {
        fits = false;
      }
    }
  });
  return fits ? compute : lp::ComputeOp();
}

/// Brings reads of the contraction's results out of nested sums to the top of
/// the body; their indices are the body's own.
void hoistReads(lp::ContractOp contract, lp::ComputeOp compute) {
  SmallVector<lp::ReadOp> reads;
  compute.walk([&](lp::ReadOp read) {
    if (read.getSource().getDefiningOp() == contract) {
      reads.push_back(read);
    }
  });
  for (lp::ReadOp read : reads) {
    read->moveBefore(&compute.getBody().front(),
                     compute.getBody().front().begin());
  }
}

/// What `read` finds in a tensor that `value` is stored to.
Value readBack(OpBuilder &builder, lp::ReadOp read, Value value) {
  auto stored = value.getDefiningOp<lp::QuantizeOp>();
  if (value.getType() == lp::getStorageType(value.getType())) {
    return value;
  }
  Emitter e(builder, read.getLoc());
  Value element = lp::QuantizeOp::create(
      builder, read.getLoc(), lp::getStorageType(stored.getElement()),
      stored.getValue(), stored.getElement());
  return e.decode(element, stored.getElement(), read.getType());
}

/// Returns the contraction that takes the place of both.
lp::ContractOp fuse(lp::ContractOp contract, lp::ComputeOp compute) {
  hoistReads(contract, compute);
  Block &body = contract.getBody().front();
  auto yield = cast<lp::YieldOp>(body.getTerminator());
  OpBuilder builder(yield);
  IRMapping mapping;
  for (auto [from, to] : llvm::zip(compute.getBody().front().getArguments(),
                                   body.getArguments())) {
    mapping.map(from, to);
  }
  SmallVector<Value> values(yield.getValues());
  for (Operation &op : compute.getBody().front()) {
    if (auto read = dyn_cast<lp::ReadOp>(op);
        read && read.getSource().getDefiningOp() == contract) {
      unsigned number = cast<OpResult>(read.getSource()).getResultNumber();
      mapping.map(read.getValue(),
                  readBack(builder, read, yield.getValues()[number]));
      continue;
    }
    if (auto inner = dyn_cast<lp::YieldOp>(op)) {
      values.push_back(mapping.lookupOrDefault(inner.getValues()[0]));
      continue;
    }
    builder.clone(op, mapping);
  }
  // Results that only the consumer read are gone; rebuild with the rest.
  SmallVector<mlir::Type> types;
  SmallVector<Value> kept;
  SmallVector<Value> replaced;
  for (OpResult result : contract.getResults()) {
    bool needed = llvm::any_of(result.getUsers(), [&](Operation *user) {
      return !compute->isProperAncestor(user);
    });
    if (needed) {
      types.push_back(result.getType());
      kept.push_back(values[result.getResultNumber()]);
      replaced.push_back(result);
    }
  }
  types.push_back(compute.getResult(0).getType());
  kept.push_back(values.back());
  replaced.push_back(compute.getResult(0));
  yield.getValuesMutable().assign(kept);

  builder.setInsertionPoint(contract);
  OperationState state(
      builder.getFusedLoc({contract.getLoc(), compute.getLoc()}),
      contract->getName(), contract->getOperands(), types,
      contract->getAttrs());
  state.propertiesAttr = contract->getPropertiesAsAttribute();
  Region *region = state.addRegion();
  region->takeBody(contract.getBody());
  state.addRegion()->takeBody(contract.getFactors());
  state.addRegion(); // chains come with buffers
  auto merged = cast<lp::ContractOp>(builder.create(state));
  merged.setLabelAttr(compute.getLabelAttr());
  for (auto [from, to] : llvm::zip_equal(replaced, merged->getResults())) {
    from.replaceAllUsesWith(to);
  }
  compute.erase();
  contract.erase();
  return merged;
}

/// True if the body says what is stored: where an element is narrower than the
/// value, by lp.quantize.
bool canReadBack(lp::ContractOp contract) {
  auto yield = cast<lp::YieldOp>(contract.getBody().front().getTerminator());
  return llvm::all_of(yield.getValues(), [](Value value) {
    return !isa<lp::IntType>(value.getType()) ||
           value.getDefiningOp<lp::QuantizeOp>();
  });
}

struct FuseEpiloguePass
    : public lpgen::impl::FuseEpiloguePassBase<FuseEpiloguePass> {
  void runOnOperation() override {
    SmallVector<lp::ContractOp> contracts;
    getOperation().walk([&](lp::ContractOp op) { contracts.push_back(op); });
    for (lp::ContractOp contract : contracts) {
      while (canReadBack(contract)) {
        lp::ComputeOp consumer = findConsumer(contract);
        if (!consumer) {
          break;
        }
        contract = fuse(contract, consumer);
      }
    }
  }
};

} // namespace
