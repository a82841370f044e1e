// lpgen-opt: any pass of lpgen, or of upstream, on MLIR text; for tests and
// study.
#include "compiler/passes/Passes.h"
#include "compiler/pipeline/Stages.h"
#include "ir/dialect/ParseText.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

/// mlir-opt of one file, whose text is checked before MLIR's parser sees it.
static LogicalResult optimize(StringRef input, StringRef output,
                              DialectRegistry &registry) {
  std::string message;
  auto text = openInputFile(input, &message);
  auto result = text ? openOutputFile(output, &message) : nullptr;
  if (!result) {
    llvm::errs() << message << "\n";
    return failure();
  }
  {
    llvm::SourceMgr sources;
    sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBuffer(text->getMemBufferRef()),
        llvm::SMLoc());
    MLIRContext context;
    const SourceMgrDiagnosticHandler handler(sources, &context);
    if (failed(lpgen::lp::checkText(text->getBuffer(), &context,
                                    text->getBufferIdentifier()))) {
      return failure();
    }
  }
  if (failed(MlirOptMain(result->os(), std::move(text), registry,
                         MlirOptMainConfig::createFromCLOptions()))) {
    return failure();
  }
  result->keep();
  return success();
}

int main(int argc, char **argv) {
  const llvm::InitLLVM init(argc, argv);
  DialectRegistry registry;
  lpgen::registerDialects(registry);
  lpgen::registerLpgenPasses();
  registerCanonicalizerPass();
  registerCSEPass();
  const auto [input, output] =
      registerAndParseCLIOptions(argc, argv, "lpgen pass driver\n", registry);
  const auto config = MlirOptMainConfig::createFromCLOptions();
  return asMainReturnCode(config.shouldShowDialects() ||
                                  config.shouldListPasses()
                              ? MlirOptMain(argc, argv, input, output, registry)
                              : optimize(input, output, registry));
}
