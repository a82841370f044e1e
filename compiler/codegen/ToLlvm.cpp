// Dialects to the LLVM dialect to an LLVM module. See ToLlvm.h.
#include "compiler/codegen/ToLlvm.h"
#include "compiler/passes/Passes.h"
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/Module.h"

using namespace mlir;
using namespace lpgen;

void lpgen::addLlvmPasses(OpPassManager &passes, const TargetDesc &target) {
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  passes.addPass(memref::createExpandStridedMetadataPass());
  passes.addPass(createLowerAffinePass());
  passes.addPass(createLoopInvariantCodeMotionPass());
  passes.addPass(createSCFToControlFlowPass());
  passes.addNestedPass<func::FuncOp>(createExpandRescalePass());
  if (!target.hasRounding) {
    passes.addNestedPass<func::FuncOp>(createExpandRoundingPass());
  }
  if (!target.hasFma) {
    passes.addNestedPass<func::FuncOp>(createExpandFmaPass());
  }
  if (!target.hasHalf) {
    passes.addNestedPass<func::FuncOp>(createExpandHalfPass());
  }
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createConvertMathToLLVMPass());
  // Expands divisions too. Not arith's own expansion pass: its maximumf and
  // minimumf do not tell -0 from +0, LLVM's intrinsics do.
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createFinalizeMemRefToLLVMConversionPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
}

void lpgen::registerTranslations(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

/// LLVM's verifier takes any number for the rounding of an instruction of 512
/// bits, and code generation ends the process for what is no rounding.
static LogicalResult checkRounding(LLVM::CallIntrinsicOp call) {
  constexpr unsigned operand = 3;
  if (call.getIntrin() != "llvm.x86.avx512.mask.cvtps2dq.512" ||
      call.getArgs().size() <= operand) {
    return success();
  }
  IntegerAttr rounding;
  const bool isConstant =
      matchPattern(call.getArgs()[operand], m_Constant(&rounding));
  constexpr int64_t ofThread = 4;
  constexpr int64_t toNearest = 8;
  constexpr int64_t toZero = 11;
  const int64_t mode =
      isConstant ? rounding.getValue().getSExtValue() : int64_t{-1};
  return mode == ofThread || (mode >= toNearest && mode <= toZero)
             ? success()
             : call.emitError("operand 3 is no rounding, expected a constant: "
                              "4, or 8 to 11");
}

std::unique_ptr<llvm::Module> lpgen::translate(ModuleOp module,
                                               llvm::LLVMContext &context) {
  const WalkResult checked = module.walk([](LLVM::CallIntrinsicOp call) {
    return succeeded(checkRounding(call)) ? WalkResult::advance()
                                          : WalkResult::interrupt();
  });
  if (checked.wasInterrupted()) {
    return nullptr;
  }
  // The kernel op has no code.
  for (auto kernel :
       llvm::make_early_inc_range(module.getOps<lp::KernelOp>())) {
    kernel.erase();
  }
  std::unique_ptr<llvm::Module> result =
      translateModuleToLLVMIR(module, context);
  if (!result) {
    return nullptr;
  }
  for (llvm::Function &function : *result) {
    if (function.isDeclaration() || function.isIntrinsic()) {
      continue;
    }
    // A memref arrives as allocated pointer, aligned pointer, ...; code uses
    // the second.
    bool second = false;
    for (llvm::Argument &argument : function.args()) {
      if (!argument.getType()->isPointerTy()) {
        second = false;
        continue;
      }
      if (second) {
        argument.addAttr(llvm::Attribute::NoAlias);
      }
      second = !second;
    }
  }
  return result;
}
