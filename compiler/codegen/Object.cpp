// LLVM IR -> optimized IR, assembly and object. See Object.h.
#include "compiler/codegen/Object.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/CodeGen/MachineModuleInfo.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/CodeGen/TargetPassConfig.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;
using namespace lpgen;

void lpgen::initializeLlvmTargets() {
  static const bool done = [] {
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmPrinters();
    InitializeAllAsmParsers();
    InitializeAllDisassemblers();
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

/// A packer moves elements one by one, as fast as memory takes them: of its
/// loops only innermost ones that store nothing, which are sums, are unrolled.
/// LLVM would unroll short ones around these too, which is up to half of the
/// time of a compilation, and those that store, which it then vectorizes worse.
static void keepLoops(Function &packer) {
  DominatorTree tree(packer);
  const LoopInfo loops(tree);
  for (Loop *loop : loops.getLoopsInPreorder()) {
    const bool stores = llvm::any_of(loop->blocks(), [](BasicBlock *block) {
      return llvm::any_of(*block, [](Instruction &instruction) {
        return instruction.mayWriteToMemory();
      });
    });
    if (stores || !loop->isInnermost()) {
      loop->setLoopAlreadyUnrolled();
    }
  }
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
    if (function.getName().contains(".pack.")) { // as Bufferize names them
      keepLoops(function);
    }
  }
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = true; // epilogues and packing
  tuning.LoopInterleaving = true;
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = true;
  // Sums that tiling puts into memory stay there; registers are for the tile.
  tuning.LicmMssaNoAccForPromotionCap = 0;
  // It finds nothing in kernels, whose loops do not read what the iteration
  // before wrote, and compares every two accesses to find that out.
  PassInstrumentationCallbacks callbacks;
  callbacks.registerShouldRunOptionalPassCallback(
      [](StringRef pass, const Any &) {
        return pass != "LoopLoadEliminationPass";
      });
  PassBuilder builder(&machine, tuning, std::nullopt, &callbacks);
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

/// Hides how the pointers that a loop starts from were found. Loop strength
/// reduction tries to share parts of them, which in a tile, whose rows begin at
/// quotients and remainders, is half of the time of code generation. Where an
/// address is the sum of two registers at no cost it finds what it does
/// without: one register a row, and one for the step.
static void hideStarts(Loop &loop, const DataLayout &layout) {
  BasicBlock *preheader = loop.getLoopPreheader();
  if (!loop.isInnermost() || !preheader) {
    return;
  }
  IRBuilder<> builder(preheader->getTerminator());
  DenseMap<Value *, Value *> hidden;
  for (BasicBlock *block : loop.blocks()) {
    for (Instruction &instruction : *block) {
      auto *address = dyn_cast<GetElementPtrInst>(&instruction);
      if (!address || !loop.isLoopInvariant(address->getPointerOperand())) {
        continue;
      }
      APInt offset(layout.getIndexTypeSizeInBits(address->getType()), 0);
      Value *start = address->getPointerOperand();
      Value *root = start->stripAndAccumulateConstantOffsets(
          layout, offset, /*AllowNonInbounds=*/true);
      if (!isa<Instruction>(root)) {
        continue;
      }
      Value *&opaque = hidden[root];
      if (!opaque) {
        opaque = builder.CreateLaunderInvariantGroup(root);
      }
      address->setOperand(0,
                          builder.CreatePtrAdd(opaque, builder.getInt(offset)));
    }
  }
}

static void hideStarts(Module &module) {
  for (Function &function : module) {
    if (function.isDeclaration()) {
      continue;
    }
    DominatorTree tree(function);
    const LoopInfo loops(tree);
    for (Loop *loop : loops.getLoopsInPreorder()) {
      hideStarts(*loop, module.getDataLayout());
    }
  }
}

/// Adds the passes of code generation as TargetMachine::addPassesToEmitFile
/// does, less one: a register tile adds in chains, one per accumulator, as many
/// as registers hold, and X86's machine combiner would make trees of them,
/// whose partial sums find no registers. False if the machine emits no code.
static bool addCodePasses(legacy::PassManager &passes, TargetMachine &machine,
                          raw_pwrite_stream &os, CodeGenFileType type) {
  TargetPassConfig *config = machine.createPassConfig(passes);
  if (!config) {
    return false;
  }
  if (machine.getTargetTriple().isX86()) {
    config->disablePass(&MachineCombinerID);
  }
  config->setDisableVerify(true);
  auto *info = new MachineModuleInfoWrapperPass(&machine);
  passes.add(config);
  passes.add(info);
  if (config->addISelPasses()) {
    return false;
  }
  config->addMachinePasses();
  config->setInitialized();
  if (machine.addAsmPrinter(passes, os, nullptr, type,
                            info->getMMI().getContext())) {
    return false;
  }
  passes.add(createFreeMachineFunctionPass());
  return true;
}

std::string lpgen::emitCode(Module &module, TargetMachine &machine,
                            OutputKind kind, std::string &message) {
  SmallVector<char, 0> bytes;
  raw_svector_ostream os(bytes);
  // Code generation changes the module; leave the caller's alone.
  std::unique_ptr<Module> copy = CloneModule(module);
  if (machine.getTargetTriple().isX86()) {
    hideStarts(*copy);
  }
  legacy::PassManager passes;
  if (!addCodePasses(passes, machine, os,
                     kind == OutputKind::Assembly
                         ? CodeGenFileType::AssemblyFile
                         : CodeGenFileType::ObjectFile)) {
    message = "LLVM cannot emit code for " + machine.getTargetTriple().str();
    return "";
  }
  passes.run(*copy);
  return std::string(bytes.begin(), bytes.end());
}
