// The pipeline: which passes lie between the stages, and how IR enters and
// leaves.
#ifndef LPGEN_COMPILER_PIPELINE_STAGES_H
#define LPGEN_COMPILER_PIPELINE_STAGES_H

#include "compiler/pipeline/Compile.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

namespace lpgen {

/// Every dialect that IR of any stage can hold.
void registerDialects(mlir::DialectRegistry &registry);

/// The passes that lead to `stage` from the one before it. Stage `scheduled` is
/// not a pass pipeline: it takes the user's choice (scheduleKernels).
void addStagePasses(mlir::OpPassManager &passes, Stage stage,
                    const Target &target);

} // namespace lpgen

#endif // LPGEN_COMPILER_PIPELINE_STAGES_H
