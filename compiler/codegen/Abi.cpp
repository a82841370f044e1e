// The C interface around the functions of a kernel: checks, dispatch over
// phases, and the descriptor. Built with IRBuilder on the LLVM module, for all
// of it is C-level: pointers, null checks, a switch. See
// base/abi/lp_kernel.h for what each part does.
#include "compiler/codegen/Abi.h"
#include "base/abi/lp_kernel.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;
using namespace lpgen;

namespace {

class AbiEmitter {
public:
  AbiEmitter(Module &module, const KernelInfo &info, const TargetDesc &target,
             ArrayRef<GlobalVariable *> constants)
      : module(module), context(module.getContext()), b(context), info(info),
        constants(constants), target(target), prefix(info.symbol()),
        ptr(PointerType::get(context, 0)), i32(b.getInt32Ty()),
        i64(b.getInt64Ty()) {}

  /// False and a message if functions of the module are missing or others.
  bool emit(bool shortNames, std::string &message);

private:
  Function *create(const Twine &suffix, Type *result,
                   ArrayRef<Type *> arguments);
  void keepPhasesApart();
  Value *call(StringRef name, Type *result, ArrayRef<Value *> operands);
  Value *argsField(Value *args, unsigned number, Type *type);
  void returnIf(Value *condition, int64_t status);
  Value *loadSize(Value *sizes, size_t number);
  SmallVector<Value *> loadSizes(Value *sizes);
  Value *extent(const BufferInfo &buffer, size_t d, ArrayRef<Value *> sizes);
  Value *logicalBytes(const BufferInfo &buffer, ArrayRef<Value *> sizes);
  Value *bufferBytes(const BufferInfo &buffer, ArrayRef<Value *> sizes);
  void checkSizes(Value *sizes, int64_t status);
  void checkPointer(Value *pointer, int64_t alignment);
  void checkBuffers(ArrayRef<Value *> buffers, ArrayRef<Value *> sizes,
                    Value *workspace);
  Value *emitLoop(Value *low, Value *high, Value *value,
                  function_ref<Value *(Value *, Value *)> body);
  Value *emitOverlap(ArrayRef<std::pair<Value *, Value *>> spans, size_t first);
  void pushMemref(SmallVectorImpl<Value *> &operands, Value *pointer,
                  const BufferInfo *buffer, int64_t bytes,
                  ArrayRef<Value *> sizes);
  SmallVector<Value *> withConstants(ArrayRef<Value *> buffers);
  Function *emitRun();
  Function *emitTasks();
  Function *emitScratchSize();
  Function *emitWorkspaceSize();
  Function *emitPackedSize();
  Function *emitPack();
  GlobalVariable *emitDescriptor(ArrayRef<Function *> functions);
  Constant *string(StringRef text);

  Module &module;
  LLVMContext &context;
  IRBuilder<> b;
  const KernelInfo &info;
  ArrayRef<GlobalVariable *> constants;
  const TargetDesc &target;
  std::string prefix;
  std::string failure; ///< What the module lacks first; "" for nothing.
  PointerType *ptr;
  IntegerType *i32;
  IntegerType *i64;
};

Function *AbiEmitter::create(const Twine &suffix, Type *result,
                             ArrayRef<Type *> arguments) {
  auto *function =
      Function::Create(FunctionType::get(result, arguments, false),
                       GlobalValue::ExternalLinkage, prefix + suffix, module);
  b.SetInsertPoint(BasicBlock::Create(context, "entry", function));
  return function;
}

/// Calls a function of the kernel. The module may come from a file: a function
/// that is not there or takes something else is a failure.
Value *AbiEmitter::call(StringRef name, Type *result,
                        ArrayRef<Value *> operands) {
  SmallVector<Type *> types;
  for (Value *operand : operands) {
    types.push_back(operand->getType());
  }
  Function *function = module.getFunction(name);
  if (!function || function->isDeclaration() ||
      function->getFunctionType() != FunctionType::get(result, types, false)) {
    if (failure.empty()) {
      failure = ("the module has no function '" + name +
                 "' with the arguments that the kernel's signature says")
                    .str();
    }
    return result->isVoidTy() ? nullptr : PoisonValue::get(result);
  }
  return b.CreateCall(function, operands);
}

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
  return values;
}

Value *AbiEmitter::extent(const BufferInfo &buffer, size_t d,
                          ArrayRef<Value *> sizes) {
  int64_t symbol = buffer.symbols[d];
  return symbol < 0 ? b.getInt64(static_cast<uint64_t>(buffer.shape[d]))
                    : sizes[static_cast<size_t>(symbol)];
}

Value *AbiEmitter::logicalBytes(const BufferInfo &buffer,
                                ArrayRef<Value *> sizes) {
  Value *bytes = b.getInt64(buffer.type.storageBits() / 8);
  for (size_t d = 0; d < buffer.shape.size(); ++d) {
    bytes = b.CreateMul(bytes, extent(buffer, d, sizes));
  }
  return bytes;
}

Value *AbiEmitter::bufferBytes(const BufferInfo &buffer,
                               ArrayRef<Value *> sizes) {
  return buffer.packedBytes > 0
             ? b.getInt64(static_cast<uint64_t>(buffer.packedBytes))
             : logicalBytes(buffer, sizes);
}

/// Null `sizes` and sizes outside [0, bound].
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
}

void AbiEmitter::checkPointer(Value *pointer, int64_t alignment) {
  returnIf(b.CreateIsNull(pointer), LP_ERROR_NULL);
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
  if (info.workspaceBytes > 0) {
    checkPointer(workspace, LP_ALIGNMENT);
  }
  // Outputs come last and overlap nothing before them.
  SmallVector<std::pair<Value *, Value *>> spans; // begin, bytes
  if (info.workspaceBytes > 0) {
    spans.push_back(
        {workspace, b.getInt64(static_cast<uint64_t>(info.workspaceBytes))});
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

/// The fields of a memref descriptor: allocated, aligned, offset, sizes,
/// strides. With no buffer it is a row of `bytes` bytes.
void AbiEmitter::pushMemref(SmallVectorImpl<Value *> &operands, Value *pointer,
                            const BufferInfo *buffer, int64_t bytes,
                            ArrayRef<Value *> sizes) {
  operands.append({pointer, pointer, b.getInt64(0)});
  if (!buffer || bytes > 0) {
    operands.append({b.getInt64(static_cast<uint64_t>(bytes)), b.getInt64(1)});
    return;
  }
  SmallVector<Value *> extents;
  for (size_t d = 0; d < buffer->shape.size(); ++d) {
    extents.push_back(extent(*buffer, d, sizes));
  }
  SmallVector<Value *> strides(extents.size());
  Value *stride = b.getInt64(1);
  for (size_t d = extents.size(); d-- > 0;) {
    strides[d] = stride;
    stride = b.CreateMul(stride, extents[d]);
  }
  operands.append(extents);
  operands.append(strides);
}

/// What phases take, from the buffers of the caller: the constants stand
/// between inputs and outputs.
SmallVector<Value *> AbiEmitter::withConstants(ArrayRef<Value *> buffers) {
  const size_t inputs = llvm::count_if(
      info.buffers, [](const BufferInfo &x) { return !x.isOutput; });
  SmallVector<Value *> all(buffers.take_front(inputs));
  all.append(constants.begin(), constants.end());
  all.append(buffers.begin() + inputs, buffers.end());
  return all;
}

Function *AbiEmitter::emitRun() {
  Function *run = create("", i32, {ptr, i32, i64, i64, ptr});
  Value *args = run->getArg(0);
  Value *phase = run->getArg(1);
  returnIf(b.CreateIsNull(args), LP_ERROR_NULL);
  Value *missing = b.CreateAnd(b.CreateNot(argsField(args, 3, i64)),
                               b.getInt64(target.cpuFeatures));
  returnIf(b.CreateICmpNE(missing, b.getInt64(0)), LP_ERROR_CPU);
  returnIf(b.CreateICmpUGE(phase, b.getInt32(info.phases.size())),
           LP_ERROR_PHASE);
  Value *sizePointer = argsField(args, 1, ptr);
  checkSizes(sizePointer, LP_ERROR_SHAPE);
  SmallVector<Value *> sizes = loadSizes(sizePointer);
  Value *list = argsField(args, 0, ptr);
  returnIf(b.CreateIsNull(list), LP_ERROR_NULL);
  SmallVector<Value *> buffers;
  for (size_t i = 0; i < info.buffers.size(); ++i) {
    buffers.push_back(
        b.CreateLoad(ptr, b.CreateConstInBoundsGEP1_64(ptr, list, i)));
  }
  Value *workspace = argsField(args, 2, ptr);
  checkBuffers(buffers, sizes, workspace);
  if (info.scratchBytes > 0) {
    checkPointer(run->getArg(4), LP_ALIGNMENT);
  }

  const std::vector<const BufferInfo *> arguments = info.arguments();
  const SmallVector<Value *> pointers = withConstants(buffers);
  auto *bad = BasicBlock::Create(context, "", run);
  SwitchInst *dispatch = b.CreateSwitch(phase, bad, info.phases.size());
  for (size_t p = 0; p < info.phases.size(); ++p) {
    auto *block = BasicBlock::Create(context, "", run);
    dispatch->addCase(b.getInt32(p), block);
    b.SetInsertPoint(block);
    Value *tasks = call(info.phases[p].tasks, i64, sizes);
    Value *begin = run->getArg(2);
    Value *end = run->getArg(3);
    Value *outside = b.CreateOr(
        b.CreateICmpSLT(begin, b.getInt64(0)),
        b.CreateOr(b.CreateICmpSGT(begin, end), b.CreateICmpSGT(end, tasks)));
    returnIf(outside, LP_ERROR_PHASE);
    SmallVector<Value *> operands;
    for (int64_t number : info.phases[p].takes) {
      size_t i = static_cast<size_t>(number);
      if (i < sizes.size()) {
        operands.push_back(sizes[i]);
      } else if (i -= sizes.size(); i < pointers.size()) {
        pushMemref(operands, pointers[i], arguments[i],
                   arguments[i]->packedBytes, sizes);
      } else {
        pushMemref(operands, workspace, nullptr, info.workspaceBytes, sizes);
      }
    }
    pushMemref(operands, run->getArg(4), nullptr, info.scratchBytes, sizes);
    operands.append({begin, end});
    call(info.phases[p].run, b.getVoidTy(), operands);
    b.CreateRet(b.getInt32(LP_OK));
  }
  b.SetInsertPoint(bad);
  b.CreateRet(b.getInt32(LP_ERROR_PHASE));
  return run;
}

Function *AbiEmitter::emitTasks() {
  Function *tasks = create("_tasks", i64, {ptr, i32});
  returnIf(b.CreateIsNull(tasks->getArg(0)), -1);
  Value *sizePointer = argsField(tasks->getArg(0), 1, ptr);
  checkSizes(sizePointer, -1);
  SmallVector<Value *> sizes = loadSizes(sizePointer);
  auto *bad = BasicBlock::Create(context, "", tasks);
  SwitchInst *dispatch =
      b.CreateSwitch(tasks->getArg(1), bad, info.phases.size());
  for (size_t p = 0; p < info.phases.size(); ++p) {
    auto *block = BasicBlock::Create(context, "", tasks);
    dispatch->addCase(b.getInt32(p), block);
    b.SetInsertPoint(block);
    b.CreateRet(call(info.phases[p].tasks, i64, sizes));
  }
  b.SetInsertPoint(bad);
  b.CreateRet(ConstantInt::getSigned(i64, -1));
  return tasks;
}

Function *AbiEmitter::emitScratchSize() {
  Function *size = create("_scratch_size", i64, {});
  b.CreateRet(b.getInt64(static_cast<uint64_t>(info.scratchBytes)));
  return size;
}

Function *AbiEmitter::emitWorkspaceSize() {
  Function *size = create("_workspace_size", i64, {ptr});
  checkSizes(size->getArg(0), -1);
  b.CreateRet(b.getInt64(static_cast<uint64_t>(info.workspaceBytes)));
  return size;
}

Function *AbiEmitter::emitPackedSize() {
  Function *size = create("_packed_size", i64, {i32, ptr});
  auto *other = BasicBlock::Create(context, "", size);
  SwitchInst *dispatch = b.CreateSwitch(size->getArg(0), other);
  for (auto [i, buffer] : enumerate(info.buffers)) {
    if (buffer.packedBytes > 0) {
      auto *block = BasicBlock::Create(context, "", size);
      dispatch->addCase(b.getInt32(i), block);
      b.SetInsertPoint(block);
      b.CreateRet(b.getInt64(static_cast<uint64_t>(buffer.packedBytes)));
    }
  }
  b.SetInsertPoint(other);
  b.CreateRet(b.getInt64(0));
  return size;
}

Function *AbiEmitter::emitPack() {
  Function *pack = create("_pack", i32, {i32, ptr, ptr, ptr});
  Value *logical = pack->getArg(2);
  Value *packed = pack->getArg(3);
  checkSizes(pack->getArg(1), LP_ERROR_SHAPE);
  SmallVector<Value *> sizes = loadSizes(pack->getArg(1));
  auto *bad = BasicBlock::Create(context, "", pack);
  SwitchInst *dispatch = b.CreateSwitch(pack->getArg(0), bad);
  for (auto [i, buffer] : enumerate(info.buffers)) {
    if (buffer.packedBytes == 0) {
      continue;
    }
    auto *block = BasicBlock::Create(context, "", pack);
    dispatch->addCase(b.getInt32(i), block);
    b.SetInsertPoint(block);
    checkPointer(logical, buffer.type.storageBits() / 8);
    checkPointer(packed, LP_ALIGNMENT);
    SmallVector<Value *> operands;
    pushMemref(operands, logical, &buffer, 0, sizes);
    pushMemref(operands, packed, nullptr, buffer.packedBytes, sizes);
    b.CreateStore(b.getInt64(info.layoutId()), packed);
    for (uint64_t word = 1; word < 8; ++word) {
      b.CreateStore(b.getInt64(0),
                    b.CreateConstInBoundsGEP1_64(i64, packed, word));
    }
    call(buffer.packer, b.getVoidTy(), operands);
    b.CreateRet(b.getInt32(LP_OK));
  }
  b.SetInsertPoint(bad);
  b.CreateRet(b.getInt32(LP_ERROR_PHASE));
  return pack;
}

Constant *AbiEmitter::string(StringRef text) {
  auto *data = ConstantDataArray::getString(context, text);
  return new GlobalVariable(module, data->getType(), true,
                            GlobalValue::PrivateLinkage, data);
}

GlobalVariable *AbiEmitter::emitDescriptor(ArrayRef<Function *> functions) {
  size_t inputs = llvm::count_if(
      info.buffers, [](const BufferInfo &x) { return !x.isOutput; });
  SmallVector<Constant *> fields = {b.getInt32(LP_ABI_VERSION),
                                    b.getInt32(info.buffers.size()),
                                    b.getInt32(inputs),
                                    b.getInt32(info.sizes.size()),
                                    b.getInt32(info.phases.size()),
                                    b.getInt32(0),
                                    b.getInt64(target.cpuFeatures),
                                    b.getInt64(info.layoutId()),
                                    string(info.op),
                                    string(prefix)};
  fields.append(functions.begin(), functions.end());
  Constant *value = ConstantStruct::getAnon(context, fields);
  auto *descriptor = new GlobalVariable(module, value->getType(), true,
                                        GlobalValue::ExternalLinkage, value,
                                        prefix + "_kernel");
  // A table of all kernels of a program, which linkers bound by
  // __start_lp_kernels.
  auto *entry =
      new GlobalVariable(module, ptr, true, GlobalValue::InternalLinkage,
                         descriptor, prefix + "_entry");
  entry->setSection("lp_kernels");
  appendToUsed(module, {entry});
  return descriptor;
}

/// Phases of a long kernel stay functions: each is called once and would be
/// inlined, and passes over one function of all of them take more time than the
/// sum of those over each.
void AbiEmitter::keepPhasesApart() {
  constexpr size_t mostInlined = 64;
  if (info.phases.size() <= mostInlined) {
    return;
  }
  for (const PhaseInfo &phase : info.phases) {
    if (Function *function = module.getFunction(phase.run)) {
      function->addFnAttr(Attribute::NoInline);
    }
  }
}

bool AbiEmitter::emit(bool shortNames, std::string &message) {
  for (Function &function : module) {
    if (!function.isDeclaration()) {
      function.setLinkage(GlobalValue::InternalLinkage);
    }
  }
  keepPhasesApart();
  SmallVector<Function *> functions = {emitRun(),         emitTasks(),
                                       emitScratchSize(), emitWorkspaceSize(),
                                       emitPackedSize(),  emitPack()};
  GlobalVariable *descriptor = emitDescriptor(functions);
  if (!failure.empty()) {
    message = failure;
    return false;
  }
  if (!shortNames) {
    return true;
  }
  std::string shortPrefix = "lp_" + info.op;
  for (Function *function : functions) {
    std::string suffix = function->getName().drop_front(prefix.size()).str();
    GlobalAlias::create(GlobalValue::ExternalLinkage, shortPrefix + suffix,
                        function);
  }
  GlobalAlias::create(GlobalValue::ExternalLinkage, shortPrefix + "_kernel",
                      descriptor);
  return true;
}

} // namespace

bool lpgen::emitAbi(Module &module, const KernelInfo &info,
                    const TargetDesc &target, bool shortNames,
                    ArrayRef<GlobalVariable *> constants,
                    std::string &message) {
  assert(constants.size() == info.constants.size() && "one for each");
  return AbiEmitter(module, info, target, constants).emit(shortNames, message);
}
