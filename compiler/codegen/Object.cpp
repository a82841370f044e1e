// LLVM IR -> optimized IR, assembly and object. See Object.h.
#include "compiler/codegen/Object.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;
using namespace lpgen;

/// A register tile adds in chains, one per accumulator, as many as registers
/// hold. X86's machine combiner would make trees of them, whose partial sums
/// find no registers.
static void keepChains() {
  auto &options = cl::getRegisteredOptions();
  if (auto found = options.find("x86-machine-combiner");
      found != options.end()) {
    found->second->addOccurrence(0, "", "false");
  }
}

void lpgen::initializeLlvmTargets() {
  static const bool done = [] {
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmPrinters();
    InitializeAllAsmParsers();
    InitializeAllDisassemblers();
    keepChains();
    return true;
  }();
  (void)done;
}

std::unique_ptr<TargetMachine> lpgen::createMachine(const TargetDesc &target,
                                                    std::string &message) {
  initializeLlvmTargets();
  Triple triple(target.triple);
  const llvm::Target *found = TargetRegistry::lookupTarget(triple, message);
  if (!found) {
    return nullptr;
  }
  TargetOptions options;
  // Each operation rounds once: no contraction into fma.
  options.AllowFPOpFusion = FPOpFusion::Strict;
  return std::unique_ptr<TargetMachine>(found->createTargetMachine(
      triple, target.cpu, target.features, options, Reloc::PIC_, std::nullopt,
      CodeGenOptLevel::Aggressive));
}

void lpgen::optimize(Module &module, TargetMachine &machine,
                     unsigned vectorBits) {
  const std::string width = std::to_string(std::max(vectorBits, 256U));
  for (Function &function : module) {
    if (function.isDeclaration()) {
      continue;
    }
    // Freestanding: no call to memset and friends may appear.
    function.addFnAttr("no-builtins");
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    function.addFnAttr("target-features", machine.getTargetFeatureString());
    if (machine.getTargetTriple().isX86()) {
      // Whole vectors, which LLVM halves for some CPUs with 512 bits.
      function.addFnAttr("prefer-vector-width", width);
      function.addFnAttr("min-legal-vector-width", width);
    }
    function.addFnAttr(Attribute::NoUnwind);
  }
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = true; // epilogues and packing
  tuning.LoopInterleaving = true;
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = true;
  // Sums that tiling puts into memory stay there; registers are for the tile.
  tuning.LicmMssaNoAccForPromotionCap = 0;
  PassBuilder builder(&machine, tuning);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager graphs;
  ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3)
      .run(module, modules);
}

std::string lpgen::emitCode(Module &module, TargetMachine &machine,
                            OutputKind kind, std::string &message) {
  SmallVector<char, 0> bytes;
  raw_svector_ostream os(bytes);
  // Code generation changes the module; leave the caller's alone.
  std::unique_ptr<Module> copy = CloneModule(module);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr,
                                  kind == OutputKind::Assembly
                                      ? CodeGenFileType::AssemblyFile
                                      : CodeGenFileType::ObjectFile)) {
    message = "LLVM cannot emit code for " + machine.getTargetTriple().str();
    return "";
  }
  passes.run(*copy);
  return std::string(bytes.begin(), bytes.end());
}
