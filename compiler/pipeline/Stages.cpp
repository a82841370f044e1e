// The pipeline, stage by stage. See Stages.h; read addStagePasses from top to
// bottom.
#include "compiler/pipeline/Stages.h"
#include "compiler/codegen/ToLlvm.h"
#include "compiler/passes/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace lpgen;

static constexpr llvm::StringLiteral kStageNames[] = {
    "ast", "lp", "scheduled", "packed", "tiled", "vector", "llvm", "object"};

std::optional<Stage> lpgen::parseStage(llvm::StringRef name) {
  for (auto [i, known] : llvm::enumerate(kStageNames)) {
    if (known == name) {
      return static_cast<Stage>(i);
    }
  }
  return std::nullopt;
}

llvm::StringRef lpgen::stageName(Stage stage) {
  return kStageNames[static_cast<int>(stage)];
}

void lpgen::registerDialects(DialectRegistry &registry) {
  registry.insert<lp::LpDialect, func::FuncDialect, arith::ArithDialect,
                  math::MathDialect, scf::SCFDialect, cf::ControlFlowDialect,
                  memref::MemRefDialect, vector::VectorDialect,
                  affine::AffineDialect, LLVM::LLVMDialect>();
  registerTranslations(registry);
}

void lpgen::addStagePasses(OpPassManager &passes, Stage stage,
                           const Target &target) {
  switch (stage) {
  case Stage::Ast:
  case Stage::Object:
    return;
  case Stage::Lp:
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
    passes.addNestedPass<lp::KernelOp>(createRaiseThresholdPass());
    passes.addNestedPass<lp::KernelOp>(createRaiseContractPass());
    passes.addNestedPass<lp::KernelOp>(createFuseEpiloguePass());
    passes.addNestedPass<lp::KernelOp>(createDropZerosPass());
    passes.addNestedPass<lp::KernelOp>(createSplitResiduesPass());
    return;
  case Stage::Scheduled:
    return;
  case Stage::Packed:
    passes.addPass(createBufferizePass());
    passes.addPass(createPlanWorkspacePass());
    return;
  case Stage::Tiled:
    passes.addPass(createTilePass());
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
    return;
  case Stage::Vector:
    passes.addPass(createExpandTilePass());
    passes.addNestedPass<func::FuncOp>(createNarrowReductionsPass());
    passes.addNestedPass<func::FuncOp>(createRaiseRescalePass());
    passes.addNestedPass<func::FuncOp>(createLowerScalarsPass());
    // Subscripts that cannot be outside lose their checks.
    passes.addPass(arith::createIntRangeOptimizationsPass());
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
    passes.addNestedPass<func::FuncOp>(
        createVectorizeElementwisePass({target.desc().vectorBits}));
    return;
  case Stage::Llvm:
    addLlvmPasses(passes, target.desc());
    return;
  }
}
