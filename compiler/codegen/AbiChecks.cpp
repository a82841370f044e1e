// What the functions of the C interface check of their arguments: null,
// alignment, sizes, layout, overlap.
#include "base/abi/lp_kernel.h"
#include "compiler/codegen/AbiEmitter.h"

using namespace llvm;
using namespace lpgen;

/// Field `number` of struct lp_args {buffers, sizes, workspace, cpu_features}.
Value *AbiEmitter::argsField(Value *args, unsigned number, Type *type) {
  auto *layout = StructType::get(ptr, ptr, ptr, i64);
  return b.CreateLoad(type, b.CreateStructGEP(layout, args, number));
}

/// if (condition) return status;
void AbiEmitter::returnIf(Value *condition, int64_t status) {
  Function *function = b.GetInsertBlock()->getParent();
  auto *bad = BasicBlock::Create(context, "", function);
  auto *good = BasicBlock::Create(context, "", function);
  b.CreateCondBr(condition, bad, good);
  b.SetInsertPoint(bad);
  b.CreateRet(ConstantInt::get(function->getReturnType(),
                               static_cast<uint64_t>(status), true));
  b.SetInsertPoint(good);
}

Value *AbiEmitter::loadSize(Value *sizes, size_t number) {
  return b.CreateLoad(i64, b.CreateConstInBoundsGEP1_64(i64, sizes, number));
}

SmallVector<Value *> AbiEmitter::loadSizes(Value *sizes) {
  SmallVector<Value *> values;
  for (size_t i = 0; i < info.sizes.size(); ++i) {
    values.push_back(loadSize(sizes, i));
  }
  for (const ComputedSize &size : info.computedSizes) {
    values.push_back(
        b.CreateUDiv(numeratorOf(size, values),
                     b.getInt64(static_cast<uint64_t>(size.divisor))));
  }
  return values;
}

/// Of a computed size, from those before it.
Value *AbiEmitter::numeratorOf(const ComputedSize &size,
                               ArrayRef<Value *> sizes) {
  Value *sum = ConstantInt::getSigned(i64, size.constant);
  for (const SizeTerm &term : size.terms) {
    sum = b.CreateAdd(
        sum, b.CreateMul(sizes[positionOf(term.size, info.sizes.size())],
                         ConstantInt::getSigned(i64, term.coefficient)));
  }
  return sum;
}

Value *AbiEmitter::extent(const BufferInfo &buffer, size_t d,
                          ArrayRef<Value *> sizes) {
  int64_t symbol = buffer.symbols[d];
  return symbol < 0 ? b.getInt64(static_cast<uint64_t>(buffer.shape[d]))
                    : sizes[static_cast<size_t>(symbol)];
}

/// In elements: as declared, or those of a dense row-major tensor.
SmallVector<Value *> AbiEmitter::stridesOf(const BufferInfo &buffer,
                                           ArrayRef<Value *> sizes) {
  SmallVector<Value *> strides(buffer.shape.size());
  Value *stride = b.getInt64(1);
  for (size_t d = strides.size(); d-- > 0;) {
    if (buffer.strides.empty()) {
      strides[d] = stride;
      stride = b.CreateMul(stride, extent(buffer, d, sizes));
      continue;
    }
    const int64_t symbol = buffer.strideSymbols[d];
    strides[d] = symbol < 0
                     ? b.getInt64(static_cast<uint64_t>(buffer.strides[d]))
                     : sizes[static_cast<size_t>(symbol)];
  }
  return strides;
}

/// lpgen::areNested of a view: no two of its elements share a place.
Value *AbiEmitter::areNested(const BufferInfo &buffer,
                             ArrayRef<Value *> sizes) {
  const SmallVector<Value *> strides = stridesOf(buffer, sizes);
  SmallVector<Value *> lasts; // of each dimension, 0 for less than 2 elements
  for (size_t d = 0; d < strides.size(); ++d) {
    Value *last = b.CreateSub(extent(buffer, d, sizes), b.getInt64(1));
    lasts.push_back(b.CreateSelect(b.CreateICmpSGT(last, b.getInt64(0)), last,
                                   b.getInt64(0)));
  }
  Value *all = b.getTrue();
  for (size_t d = 0; d < strides.size(); ++d) {
    Value *within = b.getInt64(0);
    for (size_t e = 0; e < strides.size(); ++e) {
      if (e != d) {
        within = b.CreateAdd(
            within,
            b.CreateSelect(b.CreateICmpULE(strides[e], strides[d]),
                           b.CreateMul(lasts[e], strides[e]), b.getInt64(0)));
      }
    }
    all = b.CreateAnd(all, b.CreateOr(b.CreateICmpEQ(lasts[d], b.getInt64(0)),
                                      b.CreateICmpUGT(strides[d], within)));
  }
  return all;
}

Value *AbiEmitter::logicalBytes(const BufferInfo &buffer,
                                ArrayRef<Value *> sizes) {
  Value *bytes = b.getInt64(buffer.type.storageBits() / 8);
  if (!buffer.strides.empty()) {
    return b.CreateMul(bytes, span(buffer, sizes));
  }
  for (size_t d = 0; d < buffer.shape.size(); ++d) {
    bytes = b.CreateMul(bytes, extent(buffer, d, sizes));
  }
  return bytes;
}

/// lpgen::spanOf of a view.
Value *AbiEmitter::span(const BufferInfo &buffer, ArrayRef<Value *> sizes) {
  Value *span = b.getInt64(1);
  Value *isEmpty = b.getFalse();
  for (auto [d, stride] : enumerate(stridesOf(buffer, sizes))) {
    Value *count = extent(buffer, d, sizes);
    isEmpty = b.CreateOr(isEmpty, b.CreateICmpEQ(count, b.getInt64(0)));
    span = b.CreateAdd(span,
                       b.CreateMul(b.CreateSub(count, b.getInt64(1)), stride));
  }
  return b.CreateSelect(isEmpty, b.getInt64(0), span);
}

Value *AbiEmitter::bufferBytes(const BufferInfo &buffer,
                               ArrayRef<Value *> sizes) {
  return buffer.packedBytes > 0
             ? b.getInt64(static_cast<uint64_t>(buffer.packedBytes))
             : logicalBytes(buffer, sizes);
}

/// Bytes of workspace for these sizes.
Value *AbiEmitter::workspaceBytes(ArrayRef<Value *> sizes) {
  return info.workspaceFunction.empty()
             ? b.getInt64(static_cast<uint64_t>(info.workspaceBytes))
             : call(info.workspaceFunction, i64, sizes);
}

/// Null `sizes`, sizes outside [0, bound], and those from which others follow
/// that are negative or no integers.
void AbiEmitter::checkSizes(Value *sizes, int64_t status) {
  if (info.sizes.empty()) {
    return;
  }
  returnIf(b.CreateIsNull(sizes), status == -1 ? -1 : LP_ERROR_NULL);
  for (size_t i = 0; i < info.sizes.size(); ++i) {
    returnIf(
        b.CreateICmpUGT(loadSize(sizes, i),
                        b.getInt64(static_cast<uint64_t>(info.sizes[i].bound))),
        status);
  }
  const SmallVector<Value *> values = loadSizes(sizes);
  for (const ComputedSize &size : info.computedSizes) {
    Value *sum = numeratorOf(size, values);
    returnIf(b.CreateICmpSLT(sum, b.getInt64(0)), status);
    if (!size.isFloor && size.divisor != 1) {
      Value *rest =
          b.CreateURem(sum, b.getInt64(static_cast<uint64_t>(size.divisor)));
      returnIf(b.CreateICmpNE(rest, b.getInt64(0)), status);
    }
  }
  for (const BufferInfo &buffer : info.buffers) {
    if (!buffer.strides.empty()) {
      returnIf(b.CreateNot(areNested(buffer, values)), status);
    }
  }
}

void AbiEmitter::checkPointer(Value *pointer, int64_t alignment) {
  returnIf(b.CreateIsNull(pointer), LP_ERROR_NULL);
  checkAlignment(pointer, alignment);
}

void AbiEmitter::checkAlignment(Value *pointer, int64_t alignment) {
  if (alignment > 1) {
    Value *low = b.CreateAnd(b.CreatePtrToInt(pointer, i64),
                             static_cast<uint64_t>(alignment - 1));
    returnIf(b.CreateICmpNE(low, b.getInt64(0)), LP_ERROR_ALIGNMENT);
  }
}

/// Null, alignment, layout and overlap.
void AbiEmitter::checkBuffers(ArrayRef<Value *> buffers,
                              ArrayRef<Value *> sizes, Value *workspace) {
  for (auto [buffer, pointer] : zip_equal(info.buffers, buffers)) {
    bool packed = buffer.packedBytes > 0;
    checkPointer(pointer,
                 packed ? LP_ALIGNMENT : buffer.type.storageBits() / 8);
    if (packed) {
      Value *id = b.CreateLoad(i64, pointer);
      returnIf(b.CreateICmpNE(id, b.getInt64(info.layoutId())),
               LP_ERROR_LAYOUT);
    }
  }
  // Outputs come last and overlap nothing before them.
  SmallVector<std::pair<Value *, Value *>> spans; // begin, bytes
  if (info.workspaceBytes > 0) {
    Value *bytes = workspaceBytes(sizes);
    returnIf(b.CreateAnd(b.CreateIsNull(workspace),
                         b.CreateICmpNE(bytes, b.getInt64(0))),
             LP_ERROR_NULL);
    checkAlignment(workspace, LP_ALIGNMENT);
    spans.push_back({workspace, bytes});
  }
  const size_t outputs = static_cast<size_t>(llvm::count_if(
      info.buffers, [](const BufferInfo &buffer) { return buffer.isOutput; }));
  for (auto [buffer, pointer] : zip_equal(info.buffers, buffers)) {
    spans.push_back({pointer, bufferBytes(buffer, sizes)});
  }
  returnIf(emitOverlap(spans, spans.size() - outputs), LP_ERROR_ALIAS);
}

/// for (i = low; i < high; ++i) value = body(i, value); returns the last value.
Value *AbiEmitter::emitLoop(Value *low, Value *high, Value *value,
                            function_ref<Value *(Value *, Value *)> body) {
  Function *function = b.GetInsertBlock()->getParent();
  auto *header = BasicBlock::Create(context, "", function);
  auto *inside = BasicBlock::Create(context, "", function);
  auto *after = BasicBlock::Create(context, "", function);
  BasicBlock *before = b.GetInsertBlock();
  b.CreateBr(header);
  b.SetInsertPoint(header);
  PHINode *i = b.CreatePHI(i64, 2);
  PHINode *carried = b.CreatePHI(value->getType(), 2);
  b.CreateCondBr(b.CreateICmpULT(i, high), inside, after);
  b.SetInsertPoint(inside);
  Value *next = body(i, carried);
  i->addIncoming(low, before);
  i->addIncoming(b.CreateAdd(i, b.getInt64(1)), b.GetInsertBlock());
  carried->addIncoming(value, before);
  carried->addIncoming(next, b.GetInsertBlock());
  b.CreateBr(header);
  b.SetInsertPoint(after);
  return carried;
}

/// True if one of the spans from `first` on overlaps one before it. A loop, for
/// code for each pair would be much where there are many buffers.
Value *AbiEmitter::emitOverlap(ArrayRef<std::pair<Value *, Value *>> spans,
                               size_t first) {
  auto *type = ArrayType::get(i64, spans.size());
  BasicBlock &entry = b.GetInsertBlock()->getParent()->getEntryBlock();
  IRBuilder<> atEntry(&entry, entry.begin());
  Value *begins = atEntry.CreateAlloca(type);
  Value *ends = atEntry.CreateAlloca(type);
  const auto at = [&](Value *array, Value *i) {
    return b.CreateInBoundsGEP(type, array, {b.getInt64(0), i});
  };
  for (auto [i, span] : enumerate(spans)) {
    Value *begin = b.CreatePtrToInt(span.first, i64);
    b.CreateStore(begin, at(begins, b.getInt64(i)));
    b.CreateStore(b.CreateAdd(begin, span.second), at(ends, b.getInt64(i)));
  }
  const auto load = [&](Value *array, Value *i) {
    return b.CreateLoad(i64, at(array, i));
  };
  return emitLoop(
      b.getInt64(first), b.getInt64(spans.size()), b.getFalse(),
      [&](Value *i, Value *known) {
        Value *begin = load(begins, i);
        Value *end = load(ends, i);
        return emitLoop(b.getInt64(0), i, known, [&](Value *j, Value *overlap) {
          return b.CreateOr(overlap,
                            b.CreateAnd(b.CreateICmpULT(begin, load(ends, j)),
                                        b.CreateICmpULT(load(begins, j), end)));
        });
      });
}
