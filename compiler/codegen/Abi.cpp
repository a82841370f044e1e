// The C interface around the functions of a kernel: checks, dispatch over
// phases, and the descriptor. Built with IRBuilder on the LLVM module, for all
// of it is C-level: pointers, null checks, a switch. See
// base/abi/lp_kernel.h for what each part does.
#include "compiler/codegen/Abi.h"
#include "base/abi/lp_kernel.h"
#include "compiler/codegen/AbiEmitter.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;
using namespace lpgen;

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
  operands.append(extents);
  operands.append(stridesOf(*buffer, sizes));
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
  b.CreateRet(workspaceBytes(loadSizes(size->getArg(0))));
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
  for (Function &function : module) {
    // What equal phases share is not copied into each.
    if (function.hasNUsesOrMore(2) && !function.isDeclaration()) {
      function.addFnAttr(Attribute::NoInline);
    }
  }
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

bool lpgen::emitAbi(Module &module, const KernelInfo &info,
                    const TargetDesc &target, bool shortNames,
                    ArrayRef<GlobalVariable *> constants,
                    std::string &message) {
  assert(constants.size() == info.constants.size() && "one for each");
  return AbiEmitter(module, info, target, constants).emit(shortNames, message);
}
