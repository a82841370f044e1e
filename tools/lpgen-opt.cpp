// lpgen-opt: any pass of lpgen, or of upstream, on MLIR text; for tests and
// study.
#include "compiler/passes/Passes.h"
#include "compiler/pipeline/Stages.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  lpgen::registerDialects(registry);
  lpgen::registerLpgenPasses();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "lpgen pass driver\n", registry));
}
