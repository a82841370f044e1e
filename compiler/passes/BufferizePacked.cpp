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
    auto contract = cast<lp::ContractOp>(op);
    findPackedInput(contract.getW());
    llvm::for_each(contract.getColumns(),
                   [&](Value column) { findPackedInput(column); });
  }
  return success();
}

/// Template `lanes` copies what it reads of x itself.
bool Bufferizer::readsPackedX(lp::ContractOp op) {
  return op.getSchedule()->getTemplateName() != kLanesTemplate;
}

/// An input that contractions read as their w or a column only arrives packed.
void Bufferizer::findPackedInput(Value w) {
  if (isa<BlockArgument>(w) && llvm::all_of(w.getUses(), [&](OpOperand &use) {
        return isOfPanels(use) && forms.contains(use.getOwner());
      })) {
    packedInputs.insert(w);
  }
}

/// What is packed of an input, in the order of the contractions.
SmallVector<PackedPart> Bufferizer::partsOf(Value input) {
  SmallVector<PackedPart> parts;
  for (auto &[op, form] : forms) {
    const Geometry &g = form.geometry;
    for (OpOperand &use : op->getOpOperands()) {
      if (use.get() == input) {
        const bool isW = &use == &cast<lp::ContractOp>(op).getWMutable();
        const int64_t offset =
            parts.empty() ? 0 : parts.back().offset + parts.back().bytes;
        parts.push_back({&use, offset, isW ? g.wBytes : g.columnBytes()});
      }
    }
  }
  return parts;
}

static Value viewOfPart(OpBuilder &b, Value packed, const PackedPart &part) {
  auto type = cast<MemRefType>(packed.getType());
  if (type.getNumElements() == part.bytes) {
    return packed;
  }
  Location loc = part.use->getOwner()->getLoc();
  return memref::ViewOp::create(
      b, loc, bytesType(b.getContext(), part.bytes), packed,
      arith::ConstantIndexOp::create(b, loc, part.offset), ValueRange{});
}

/// The operand of a contraction that arrives packed.
Value Bufferizer::packedPart(OpOperand &use) {
  const SmallVector<PackedPart> parts = partsOf(use.get());
  const auto *part =
      llvm::find_if(parts, [&](const PackedPart &p) { return p.use == &use; });
  return viewOfPart(builder, mapping.lookup(use.get()), *part);
}

lp::PackOp Bufferizer::createPack(OpBuilder &b, lp::ContractOp op, Value source,
                                  Value destination, lp::LayoutAttr layout,
                                  mlir::Type element, ArrayRef<int64_t> extents,
                                  AffineMap xMap, ArrayRef<int64_t> xShape,
                                  ValueRange dynamic) {
  const Geometry &g = forms.find(op)->second.geometry;
  return lp::PackOp::create(b, op.getLoc(), source, destination,
                            /*logical=*/{}, /*haloScalar=*/{}, dynamic, layout,
                            extents, op.getParallel(), op.getGroupsAttr(), xMap,
                            op.getWMap(), xShape, op.getWShape(), element,
                            /*yielded=*/{}, g.merged.has_value(),
                            g.shape.storesPadding, /*halo=*/{},
                            /*haloElement=*/{});
}

lp::PackOp Bufferizer::createPackX(lp::ContractOp op, Value source,
                                   Value packed) {
  lp::PackOp pack = createPack(builder, op, source, packed,
                               forms.find(op)->second.geometry.xLayout,
                               op.getXElement(), op.getExtents(), op.getXMap(),
                               op.getXShape(), mapAll(op.getDynamicExtents()));
  if (!pack.getStoresPadding()) {
    return pack;
  }
  if (Value scalar = op.getXPadScalar()) {
    pack.getHaloScalarMutable().assign(mapping.lookup(scalar));
    pack.setHaloElement(cast<ShapedType>(scalar.getType()).getElementType());
  } else {
    // Without a padding nothing reads what is there.
    pack.setHalo(static_cast<int64_t>(
        op.getXPad().value_or(static_cast<uint64_t>(op.getXRange()[0]))));
  }
  return pack;
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
    logical = destination(producer->getResult(0), producer);
  }
  lp::PackOp pack = createPackX(consumer, {}, allocateX(consumer));
  pack.getLogicalMutable().assign(logical ? ValueRange(logical) : ValueRange());
  producer.getBody().cloneInto(&pack.getProducer(), mapping);
}

/// A column is packed as the w of a contraction without a reduction: a word for
/// each of its elements, in the panels of `op`.
lp::PackOp Bufferizer::createPackColumn(OpBuilder &b, lp::ContractOp op,
                                        unsigned number, Value source,
                                        Value destination) {
  const Geometry &g = forms.find(op)->second.geometry;
  auto layout = lp::LayoutAttr::get(
      b.getContext(), lp::OperandKind::Weights, lp::LayoutKind::Elements,
      /*group=*/1, /*groupBytes=*/4, /*bits=*/32, /*planes=*/1,
      g.wLayout.getLanes(), /*offset=*/0, /*halve=*/false, /*isSigned=*/true,
      /*sums=*/false);
  // Loops of w, then one trip that x ends with.
  SmallVector<int64_t> extents;
  SmallVector<AffineExpr> loops(op.numLoops(), b.getAffineConstantExpr(0));
  SmallVector<AffineExpr> xSubscripts;
  SmallVector<int64_t> xShape;
  const unsigned outside = op.getParallel() + op.numGroups();
  for (unsigned loop = 0; loop < outside; ++loop) {
    if (g.roles[loop] == LoopRole::Row) {
      continue;
    }
    loops[loop] = b.getAffineDimExpr(extents.size());
    if (g.roles[loop] != LoopRole::Column) {
      xSubscripts.push_back(loops[loop]);
      xShape.push_back(g.shape.extents[loop]);
    }
    extents.push_back(g.shape.extents[loop]);
  }
  xSubscripts.push_back(b.getAffineDimExpr(extents.size()));
  xShape.push_back(1);
  extents.push_back(1);
  const auto count = static_cast<unsigned>(extents.size());
  return lp::PackOp::create(
      b, op.getLoc(), source, destination, /*logical=*/{}, /*haloScalar=*/{},
      ValueRange{}, layout, extents, count - 1 - op.numGroups(),
      op.getGroupsAttr(), AffineMap::get(count, 0, xSubscripts, b.getContext()),
      op.columnMap(number).replaceDimsAndSymbols(loops, {}, count, 0), xShape,
      cast<ShapedType>(op.getColumns()[number].getType()).getShape(),
      cast<ShapedType>(op.getColumns()[number].getType()).getElementType(),
      /*yielded=*/{}, /*mergesTaps=*/false, /*storesPadding=*/false,
      /*halo=*/{}, /*haloElement=*/{});
}

/// Packs what one contraction reads of `from`.
lp::PackOp Bufferizer::createPackPart(OpBuilder &b, const PackedPart &part,
                                      Value from, Value to) {
  auto op = cast<lp::ContractOp>(part.use->getOwner());
  const Geometry &g = forms.find(op)->second.geometry;
  return part.use == &op.getWMutable()
             ? createPack(b, op, from, to, g.wLayout, op.getWElement(),
                          g.shape.extents, g.shape.xMap, g.shape.xShape, {})
             : createPackColumn(b, op,
                                part.use->getOperandNumber() -
                                    op.getColumns().getBeginOperandIndex(),
                                from, to);
}

/// A function `name` (logical, packed) that packs what contractions read of
/// `input`, one after the other. Run-time sizes do not reach it: the function
/// packs for their bounds. The layout is that of the first part.
lp::PackedBufferAttr Bufferizer::createPackFunction(Value input,
                                                    StringRef name) {
  const SmallVector<PackedPart> parts = partsOf(input);
  const int64_t bytes = parts.back().offset + parts.back().bytes;
  Location loc = parts.front().use->getOwner()->getLoc();
  OpBuilder b = OpBuilder::atBlockEnd(kernel->getBlock());
  lp::BufferAttr buffer = kernel.bufferOf(cast<BlockArgument>(input));
  auto pack = func::FuncOp::create(
      b, loc, name,
      b.getFunctionType({buffer.memrefType(), bytesType(b.getContext(), bytes)},
                        {}));
  b.setInsertionPointToStart(pack.addEntryBlock());
  lp::LayoutAttr layout;
  for (const PackedPart &part : parts) {
    Value to = viewOfPart(b, pack.getArgument(1), part);
    lp::PackOp packed = createPackPart(b, part, pack.getArgument(0), to);
    layout = layout ? layout : packed.getLayout();
  }
  func::ReturnOp::create(b, loc);
  return lp::PackedBufferAttr::get(b.getContext(), bytes, layout,
                                   FlatSymbolRefAttr::get(pack));
}

Value Bufferizer::packColumn(lp::ContractOp op, unsigned number) {
  OpOperand &use = op.getColumnsMutable()[number];
  Value column = use.get();
  if (packedInputs.contains(column)) {
    return packedPart(use);
  }
  Value packed = allocate(forms.find(op)->second.geometry.columnBytes());
  createPackColumn(builder, op, number, mapping.lookup(column), packed);
  return packed;
}

Value Bufferizer::packW(lp::ContractOp op, const PackedForm &form) {
  if (packedInputs.contains(op.getW())) {
    return packedPart(op.getWMutable());
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
