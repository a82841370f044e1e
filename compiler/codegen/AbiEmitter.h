// Emits the functions of the C interface of one kernel, for Abi.cpp and
// AbiChecks.cpp.
#ifndef LPGEN_COMPILER_CODEGEN_ABIEMITTER_H
#define LPGEN_COMPILER_CODEGEN_ABIEMITTER_H

#include "compiler/codegen/KernelInfo.h"
#include "targets/Target.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace lpgen {

class AbiEmitter {
public:
  AbiEmitter(llvm::Module &module, const KernelInfo &info,
             const TargetDesc &target,
             llvm::ArrayRef<llvm::GlobalVariable *> constants)
      : module(module), context(module.getContext()), b(context), info(info),
        constants(constants), target(target), prefix(info.symbol()),
        ptr(llvm::PointerType::get(context, 0)), i32(b.getInt32Ty()),
        i64(b.getInt64Ty()) {}

  /// False and a message if functions of the module are missing or others.
  bool emit(bool shortNames, std::string &message);

private:
  llvm::Function *create(const llvm::Twine &suffix, llvm::Type *result,
                         llvm::ArrayRef<llvm::Type *> arguments);
  void keepPhasesApart();
  llvm::Value *call(llvm::StringRef name, llvm::Type *result,
                    llvm::ArrayRef<llvm::Value *> operands);
  llvm::Value *argsField(llvm::Value *args, unsigned number, llvm::Type *type);
  void returnIf(llvm::Value *condition, int64_t status);
  llvm::Value *loadSize(llvm::Value *sizes, size_t number);
  llvm::SmallVector<llvm::Value *> loadSizes(llvm::Value *sizes);
  llvm::Value *numeratorOf(const ComputedSize &size,
                           llvm::ArrayRef<llvm::Value *> sizes);
  llvm::Value *extent(const BufferInfo &buffer, size_t d,
                      llvm::ArrayRef<llvm::Value *> sizes);
  llvm::SmallVector<llvm::Value *>
  stridesOf(const BufferInfo &buffer, llvm::ArrayRef<llvm::Value *> sizes);
  llvm::Value *span(const BufferInfo &buffer,
                    llvm::ArrayRef<llvm::Value *> sizes);
  llvm::Value *areNested(const BufferInfo &buffer,
                         llvm::ArrayRef<llvm::Value *> sizes);
  llvm::Value *logicalBytes(const BufferInfo &buffer,
                            llvm::ArrayRef<llvm::Value *> sizes);
  llvm::Value *bufferBytes(const BufferInfo &buffer,
                           llvm::ArrayRef<llvm::Value *> sizes);
  llvm::Value *workspaceBytes(llvm::ArrayRef<llvm::Value *> sizes);
  void checkSizes(llvm::Value *sizes, int64_t status);
  void checkPointer(llvm::Value *pointer, int64_t alignment);
  void checkAlignment(llvm::Value *pointer, int64_t alignment);
  void checkBuffers(llvm::ArrayRef<llvm::Value *> buffers,
                    llvm::ArrayRef<llvm::Value *> sizes,
                    llvm::Value *workspace);
  llvm::Value *emitLoop(
      llvm::Value *low, llvm::Value *high, llvm::Value *value,
      llvm::function_ref<llvm::Value *(llvm::Value *, llvm::Value *)> body);
  llvm::Value *
  emitOverlap(llvm::ArrayRef<std::pair<llvm::Value *, llvm::Value *>> spans,
              size_t first);
  void pushMemref(llvm::SmallVectorImpl<llvm::Value *> &operands,
                  llvm::Value *pointer, const BufferInfo *buffer, int64_t bytes,
                  llvm::ArrayRef<llvm::Value *> sizes);
  llvm::SmallVector<llvm::Value *>
  withConstants(llvm::ArrayRef<llvm::Value *> buffers);
  llvm::Function *emitRun();
  llvm::Function *emitTasks();
  llvm::Function *emitScratchSize();
  llvm::Function *emitWorkspaceSize();
  llvm::Function *emitPackedSize();
  llvm::Function *emitPack();
  llvm::GlobalVariable *
  emitDescriptor(llvm::ArrayRef<llvm::Function *> functions);
  llvm::Constant *string(llvm::StringRef text);

  llvm::Module &module;
  llvm::LLVMContext &context;
  llvm::IRBuilder<> b;
  const KernelInfo &info;
  llvm::ArrayRef<llvm::GlobalVariable *> constants;
  const TargetDesc &target;
  std::string prefix;
  std::string failure; ///< What the module lacks first; "" for nothing.
  llvm::PointerType *ptr;
  llvm::IntegerType *i32;
  llvm::IntegerType *i64;
};

} // namespace lpgen

#endif // LPGEN_COMPILER_CODEGEN_ABIEMITTER_H
