// lp-bufferize: what contractions read packed, who packs it, and where it lies.
#include "compiler/passes/Bufferizer.h"
#include "ir/analysis/Chains.h"
#include "ir/analysis/LaneForm.h"

using namespace mlir;
using namespace lpgen;

LogicalResult Bufferizer::planForms() {
  auto result = kernel.walk([&](lp::ContractOp op) {
    const Lowering *lowering = loweringOf(op);
    auto form = lowering ? lowering->formOf(op)
                         : FailureOr<std::optional<PackedForm>>(failure());
    if (failed(form)) {
      return WalkResult::interrupt();
    }
    if (*form) {
      forms.insert({op, **form});
    }
    if (*form && readsPackedX(op)) {
      const XSource source = findXSource(op, **form);
      if (source.origin == XOrigin::Chained) {
        chainsOf[op.getX()].push_back(op);
      } else if (source.origin == XOrigin::Computed) {
        computedFor.try_emplace(source.producer, op);
      }
    }
    return WalkResult::advance();
  });
  if (result.wasInterrupted()) {
    return failure();
  }
  for (auto &[op, form] : forms) {
    Value w = cast<lp::ContractOp>(op).getW();
    if (isPackedByCaller(w)) {
      packedInputs.insert(w);
    }
  }
  return success();
}

/// Template `lanes` copies what it reads of x itself.
bool Bufferizer::readsPackedX(lp::ContractOp op) {
  return op.getSchedule()->getTemplateName() != kLanesTemplate;
}

/// An input that one contraction reads, as its w only, arrives packed.
bool Bufferizer::isPackedByCaller(Value w) {
  auto argument = dyn_cast<BlockArgument>(w);
  return argument && llvm::hasSingleElement(w.getUses()) &&
         cast<lp::ContractOp>(*w.getUsers().begin()).getW() == w;
}

lp::PackOp Bufferizer::createPack(OpBuilder &b, lp::ContractOp op, Value source,
                                  Value destination, lp::LayoutAttr layout,
                                  mlir::Type element, ArrayRef<int64_t> extents,
                                  AffineMap xMap, ArrayRef<int64_t> xShape,
                                  ValueRange dynamic) {
  return lp::PackOp::create(b, op.getLoc(), source, destination,
                            /*logical=*/{}, dynamic, layout, extents,
                            op.getParallel(), op.getGroupsAttr(), xMap,
                            op.getWMap(), xShape, op.getWShape(), element,
                            /*yielded=*/{});
}

lp::PackOp Bufferizer::createPackX(lp::ContractOp op, Value source,
                                   Value packed) {
  return createPack(builder, op, source, packed,
                    forms.find(op)->second.geometry.xLayout, op.getXElement(),
                    op.getExtents(), op.getXMap(), op.getXShape(),
                    mapAll(op.getDynamicExtents()));
}

/// The packed x of `op`, if it is there, perhaps made for another contraction.
Value Bufferizer::findPackedX(lp::ContractOp op) {
  const Geometry &g = forms.find(op)->second.geometry;
  for (auto &[other, packed] : packedXs.lookup(op.getX())) {
    if (havePackedXAlike(forms.find(other)->second.geometry, g)) {
      return packed;
    }
  }
  return {};
}

/// A buffer for the packed x of `op`.
Value Bufferizer::allocateX(lp::ContractOp op) {
  Value packed = allocate(forms.find(op)->second.geometry.xBytes);
  packedXs[op.getX()].push_back({op, packed});
  return packed;
}

Value Bufferizer::packX(lp::ContractOp op) {
  if (Value packed = findPackedX(op)) {
    return packed;
  }
  Value packed = allocateX(op);
  createPackX(op, mapping.lookup(op.getX()), packed);
  return packed;
}

/// The phase that packs what `producer` computes for `consumer`; if others read
/// it too, as it is, the phase stores it for them.
void Bufferizer::packComputed(lp::ComputeOp producer, lp::ContractOp consumer) {
  Value logical;
  if (!producer->getResult(0).hasOneUse()) {
    logical = destination(producer->getResult(0));
  }
  lp::PackOp pack = createPackX(consumer, {}, allocateX(consumer));
  pack.getLogicalMutable().assign(logical ? ValueRange(logical) : ValueRange());
  producer.getBody().cloneInto(&pack.getProducer(), mapping);
}

/// A function (logical, packed) that packs the w of `op`. Run-time sizes do not
/// reach w: the function packs for their bounds.
FlatSymbolRefAttr Bufferizer::createPackFunction(lp::ContractOp op,
                                                 StringRef name) {
  const Geometry &g = forms.find(op)->second.geometry;
  OpBuilder b = OpBuilder::atBlockEnd(kernel->getBlock());
  auto pack = func::FuncOp::create(
      b, op.getLoc(), name,
      b.getFunctionType({bufferType(op.getW().getType()),
                         bytesType(b.getContext(), g.wBytes)},
                        {}));
  b.setInsertionPointToStart(pack.addEntryBlock());
  createPack(b, op, pack.getArgument(0), pack.getArgument(1), g.wLayout,
             op.getWElement(), g.shape.extents, g.shape.xMap, g.shape.xShape,
             {});
  func::ReturnOp::create(b, op.getLoc());
  return FlatSymbolRefAttr::get(pack);
}

Value Bufferizer::packW(lp::ContractOp op, const PackedForm &form) {
  if (packedInputs.contains(op.getW())) {
    return mapping.lookup(op.getW());
  }
  const Geometry &g = form.geometry;
  Value packed = allocate(g.wBytes);
  createPack(builder, op, mapping.lookup(op.getW()), packed, g.wLayout,
             op.getWElement(), g.shape.extents, g.shape.xMap, g.shape.xShape,
             {});
  return packed;
}

/// True if nothing reads `result` but contractions that find it packed.
bool Bufferizer::isOnlyPacked(OpResult result) {
  return !result.use_empty() && chainsOf.contains(result) &&
         llvm::all_of(result.getUses(), [&](OpOperand &use) {
           auto contract = dyn_cast<lp::ContractOp>(use.getOwner());
           return contract && &use == &contract.getXMutable() &&
                  llvm::is_contained(chainsOf[result], contract);
         });
}

/// The buffers of the contractions that `op` writes x of, as chains of
/// `converted`. Values that only chains take are yielded after the outputs.
void Bufferizer::createChains(lp::ContractOp op, lp::ContractOp converted,
                              ArrayRef<Chain> chains) {
  auto yield = cast<lp::YieldOp>(converted.getBody().front().getTerminator());
  SmallVector<Value> values;
  for (OpResult result : op->getResults()) {
    if (!isOnlyPacked(result)) {
      values.push_back(yield.getValues()[result.getResultNumber()]);
    }
  }
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&converted.getChains());
  for (const Chain &chain : chains) {
    Value value = yield.getValues()[chain.result];
    auto *at = llvm::find(values, value);
    lp::PackOp pack = createPackX(chain.consumer, {}, chain.packed);
    pack.setYielded(at - values.begin());
    if (at == values.end()) {
      values.push_back(value);
    }
  }
  lp::YieldOp::create(builder, op.getLoc());
  yield.getValuesMutable().assign(values);
}
