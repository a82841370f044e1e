// The constants of a kernel as data of its object. See Constants.h.
#include "compiler/codegen/Constants.h"
#include "base/abi/lp_kernel.h"
#include "compiler/codegen/Object.h"
#include "targets/Targets.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;
using namespace lpgen;

namespace {

/// The most bytes of an object's constants: code addresses them with 32 bits.
constexpr int64_t kMostBytes = int64_t{1} << 30;

/// Appends the fields of a memref descriptor with constant extents: allocated,
/// aligned, offset, sizes, strides.
void pushMemref(IRBuilder<> &b, SmallVectorImpl<Value *> &operands,
                Value *pointer, ArrayRef<int64_t> shape) {
  operands.append({pointer, pointer, b.getInt64(0)});
  SmallVector<Value *> strides(shape.size());
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0;) {
    strides[d] = b.getInt64(static_cast<uint64_t>(stride));
    stride *= shape[d];
  }
  for (int64_t extent : shape) {
    operands.push_back(b.getInt64(static_cast<uint64_t>(extent)));
  }
  operands.append(strides);
}

std::string hostName(const BufferInfo &buffer) {
  return "host." + buffer.packer;
}

/// void host.<packer>(logical, packed): the packer as C can call it. False if
/// the module has no such packer.
bool addHostPacker(Module &module, const BufferInfo &buffer) {
  IRBuilder<> b(module.getContext());
  auto *type = FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getPtrTy()},
                                 /*isVarArg=*/false);
  auto *host = Function::Create(type, GlobalValue::ExternalLinkage,
                                hostName(buffer), module);
  b.SetInsertPoint(BasicBlock::Create(module.getContext(), "entry", host));
  SmallVector<Value *> operands;
  pushMemref(b, operands, host->getArg(0), buffer.shape);
  pushMemref(b, operands, host->getArg(1), buffer.packedBytes);
  SmallVector<Type *> types;
  for (Value *operand : operands) {
    types.push_back(operand->getType());
  }
  Function *packer = module.getFunction(buffer.packer);
  if (!packer || packer->isDeclaration() ||
      packer->getFunctionType() !=
          FunctionType::get(b.getVoidTy(), types, /*isVarArg=*/false)) {
    return false;
  }
  b.CreateCall(packer, operands);
  b.CreateRetVoid();
  return true;
}

/// Packers, compiled for this machine and loaded.
class HostPackers {
public:
  /// Takes the packers of `buffers` from `module`, of any target.
  static std::unique_ptr<HostPackers>
  create(const Module &module, ArrayRef<const BufferInfo *> buffers,
         std::string &message);
  /// The packed form of `values`.
  bool pack(const BufferInfo &buffer, const HostTensor &values,
            std::string &bytes, std::string &message);

private:
  std::unique_ptr<orc::LLJIT> jit;
};

/// Functions that `module` defines and that `roots` call.
DenseSet<const GlobalValue *> reachable(const Module &module,
                                        ArrayRef<const BufferInfo *> buffers) {
  SmallVector<const Function *> pending;
  for (const BufferInfo *buffer : buffers) {
    if (const Function *packer = module.getFunction(buffer->packer)) {
      pending.push_back(packer);
    }
  }
  DenseSet<const GlobalValue *> found;
  while (!pending.empty()) {
    const Function *function = pending.pop_back_val();
    if (!found.insert(function).second) {
      continue;
    }
    for (const Instruction &instruction : instructions(*function)) {
      for (const Use &use : instruction.operands()) {
        if (const auto *called = dyn_cast<Function>(use.get())) {
          pending.push_back(called);
        }
      }
    }
  }
  return found;
}

std::unique_ptr<HostPackers>
HostPackers::create(const Module &module, ArrayRef<const BufferInfo *> buffers,
                    std::string &message) {
  const TargetDesc &host = findTarget("generic")->desc();
  std::unique_ptr<TargetMachine> machine = createMachine(host, message);
  if (!machine) {
    return nullptr;
  }
  const DenseSet<const GlobalValue *> used = reachable(module, buffers);
  ValueToValueMapTy map;
  std::unique_ptr<Module> copy =
      CloneModule(module, map, [&](const GlobalValue *value) {
        return isa<GlobalVariable>(value) || used.contains(value);
      });
  copy->setDataLayout(machine->createDataLayout());
  copy->setTargetTriple(machine->getTargetTriple());
  for (const BufferInfo *buffer : buffers) {
    const bool isKnown = copy->getFunction(hostName(*buffer));
    if (!isKnown && !addHostPacker(*copy, *buffer)) {
      message = "the module has no packer '" + buffer->packer +
                "' with the arguments that the kernel's signature says";
      return nullptr;
    }
  }
  optimize(*copy, *machine, host.vectorBits);
  const std::string object =
      emitCode(*copy, *machine, OutputKind::Object, message);
  if (object.empty()) {
    return nullptr;
  }
  auto result = std::make_unique<HostPackers>();
  Expected<std::unique_ptr<orc::LLJIT>> jit = orc::LLJITBuilder().create();
  Error error = jit ? (*jit)->addObjectFile(
                          MemoryBuffer::getMemBufferCopy(object, "packers"))
                    : jit.takeError();
  if (error) {
    message =
        "cannot load the packers of constants: " + toString(std::move(error));
    return nullptr;
  }
  result->jit = std::move(*jit);
  return result;
}

bool HostPackers::pack(const BufferInfo &buffer, const HostTensor &values,
                       std::string &bytes, std::string &message) {
  auto address = jit->lookup(hostName(buffer));
  if (!address) {
    message = "cannot load the packer of constant '" + buffer.name +
              "': " + toString(address.takeError());
    return false;
  }
  // Packers may rely on the alignment that lp_kernel.h promises.
  HostTensor packed(ElementType{Encoding::Unsigned, 8}, {buffer.packedBytes});
  static_assert(AlignedBytes::alignment >= LP_ALIGNMENT);
  address->toPtr<void (*)(const void *, void *)>()(values.data(),
                                                   packed.data());
  bytes.assign(static_cast<const char *>(packed.data()),
               static_cast<size_t>(packed.byteSize()));
  return true;
}

/// Stores constants of equal bytes once.
class ConstantPool {
public:
  explicit ConstantPool(Module &module) : module(module) {}

  GlobalVariable *place(StringRef bytes, const Twine &name) {
    GlobalVariable *&known = places[bytes];
    if (!known) {
      auto *data = ConstantDataArray::getString(module.getContext(), bytes,
                                                /*AddNull=*/false);
      known = new GlobalVariable(module, data->getType(), /*isConstant=*/true,
                                 GlobalValue::PrivateLinkage, data, name);
      known->setAlignment(Align(LP_ALIGNMENT));
      total += static_cast<int64_t>(bytes.size());
    }
    return known;
  }
  int64_t bytes() const { return total; }

private:
  Module &module;
  StringMap<GlobalVariable *> places;
  int64_t total = 0;
};

} // namespace

std::optional<SmallVector<GlobalVariable *>>
lpgen::embedConstants(Module &module, const KernelInfo &info,
                      ArrayRef<const HostTensor *> values,
                      std::string &message) {
  SmallVector<const BufferInfo *> packed;
  for (const ConstantInfo &constant : info.constants) {
    if (constant.buffer.packedBytes > 0) {
      packed.push_back(&constant.buffer);
    }
  }
  assert(module.getDataLayout().isLittleEndian() && "as every target is");
  std::unique_ptr<HostPackers> packers;
  if (!packed.empty()) {
    packers = HostPackers::create(module, packed, message);
    if (!packers) {
      return std::nullopt;
    }
  }
  ConstantPool pool(module);
  SmallVector<GlobalVariable *> result;
  for (auto [constant, tensor] : zip_equal(info.constants, values)) {
    const BufferInfo &buffer = constant.buffer;
    std::string bytes(static_cast<const char *>(tensor->data()),
                      static_cast<size_t>(tensor->byteSize()));
    if (buffer.packedBytes > 0 &&
        !packers->pack(buffer, *tensor, bytes, message)) {
      return std::nullopt;
    }
    result.push_back(pool.place(bytes, "lp.constant." + buffer.name));
    if (pool.bytes() > kMostBytes) {
      message = "the constants have more than 2^30 bytes, which an object "
                "cannot address; declare some of them as inputs";
      return std::nullopt;
    }
  }
  // Inputs may share packers with constants.
  StringSet<> others;
  for (const BufferInfo &buffer : info.buffers) {
    others.insert(buffer.packer);
  }
  for (const BufferInfo *buffer : packed) {
    Function *packer = module.getFunction(buffer->packer);
    if (packer && !others.contains(buffer->packer)) {
      packer->eraseFromParent();
    }
  }
  return result;
}
