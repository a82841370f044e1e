// Checked operators in, finished artifacts out. See Compile.h.
#include "compiler/pipeline/Compile.h"
#include "base/system/OutputFiles.h"
#include "compiler/codegen/Abi.h"
#include "compiler/codegen/CollectInfo.h"
#include "compiler/codegen/Constants.h"
#include "compiler/codegen/Object.h"
#include "compiler/codegen/ToLlvm.h"
#include "compiler/emit/EmitLp.h"
#include "compiler/passes/SelectSchedule.h"
#include "compiler/pipeline/Stages.h"
#include "ir/dialect/ParseText.h"
#include "mlir/IR/Verifier.h"
#include "operators/network/DeadChannels.h"
#include "schedules/Schedules.h"
#include "targets/cpus/Cpus.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace lpgen;

namespace {

/// One compilation: the IR, where it stands, and what is known of the kernel.
class Compilation {
public:
  Compilation(llvm::SourceMgr &sources, const CompileOptions &options,
              const ast::Op *source)
      : sources(sources), options(options), target(*options.target),
        source(source) {
    if (source) {
      narrowed = withoutDeadChannels(
          *source, [&](const LeftOut &part) { leftOut.push_back(part); });
      this->source = narrowed ? &*narrowed : source;
    }
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    context.printOpOnDiagnostic(false);
    handler = context.getDiagEngine().registerHandler(
        [this](Diagnostic &diagnostic) { report(diagnostic); });
  }
  ~Compilation() { context.getDiagEngine().eraseHandler(handler); }

  bool emit() {
    fallback = source->loc;
    for (const LeftOut &part : leftOut) {
      const ast::Tensor &tensor = source->tensors[part.tensor];
      if (options.showsRemarks) {
        sources.PrintMessage(tensor.loc, llvm::SourceMgr::DK_Remark,
                             Twine(part.channels - part.left) + " of " +
                                 Twine(part.channels) + " channels of '" +
                                 tensor.name +
                                 "' are left out: no product needs them");
      }
    }
    module = emitLp(context, *source, sources, target.desc().name);
    if (const Cpu &cpu = cpuFor(target, options.cpu); &cpu != &target.cpu()) {
      kernel().setTargetAttr(
          lp::TargetAttr::get(&context, target.desc().name, cpu.name));
    }
    return true;
  }
  bool parse(Stage from);
  /// Runs the stages after `from` up to the last one that is wanted.
  std::optional<CompiledOp> run(Stage from);

private:
  void report(Diagnostic &diagnostic);
  bool advance(Stage stage);
  bool schedule();
  bool finish();
  bool findValues(const KernelInfo &info,
                  SmallVectorImpl<const HostTensor *> &values);
  lp::KernelOp kernel() { return lp::kernelOf(*module); }
  bool dump(Stage stage, llvm::StringRef text);
  std::string text() {
    std::string result;
    llvm::raw_string_ostream(result) << *module;
    return result;
  }
  /// Step `number`: stages by their number, then optimization and code.
  void begin(unsigned number, llvm::StringRef step) {
    constexpr auto stages = static_cast<unsigned>(Stage::Llvm);
    if (options.onStep) {
      const unsigned count = options.stopAfter == Stage::Object
                                 ? stages + 2
                                 : static_cast<unsigned>(options.stopAfter);
      options.onStep({opName, step.str(), number, count});
    }
  }
  bool fail(const Twine &message) {
    sources.PrintMessage(fallback, llvm::SourceMgr::DK_Error, message);
    return false;
  }

  llvm::SourceMgr &sources;
  const CompileOptions &options;
  const Target &target;
  const ast::Op *source; ///< What is compiled; null if only its IR is known.
  std::optional<ast::Op> narrowed; ///< `source`, if channels are left out.
  SmallVector<LeftOut> leftOut;
  /// One operator is too little for threads.
  MLIRContext context{MLIRContext::Threading::DISABLED};
  DiagnosticEngine::HandlerID handler = 0;
  OwningOpRef<ModuleOp> module;
  llvm::SMLoc fallback;
  bool hasReported = false; ///< An error of MLIR's.
  std::string opName;
  CompiledOp result;
};

llvm::SMLoc smLocOf(llvm::SourceMgr &sources, Location loc) {
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    return smLocOf(sources, fused.getLocations().front());
  }
  auto file = dyn_cast<FileLineColLoc>(loc);
  if (!file || file.getLine() == 0) {
    return {};
  }
  for (unsigned buffer = sources.getNumBuffers(); buffer > 0; --buffer) {
    if (sources.getMemoryBuffer(buffer)->getBufferIdentifier() ==
        file.getFilename().getValue()) {
      return sources.FindLocForLineAndColumn(buffer, file.getLine(),
                                             file.getColumn());
    }
  }
  return {};
}

/// The buffer of `sources` with `path` and its text as it is now; null, and why
/// in `reason`, if the file cannot be read.
const llvm::MemoryBuffer *bufferOf(llvm::SourceMgr &sources,
                                   const std::string &path,
                                   std::string &reason) {
  auto read = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!read) {
    reason = read.getError().message();
    return nullptr;
  }
  for (unsigned i = 1; i <= sources.getNumBuffers(); ++i) {
    const llvm::MemoryBuffer *known = sources.getMemoryBuffer(i);
    if (known->getBufferIdentifier() == path &&
        known->getBuffer() == (*read)->getBuffer()) {
      return known;
    }
  }
  return sources.getMemoryBuffer(
      sources.AddNewSourceBuffer(std::move(*read), llvm::SMLoc()));
}

void Compilation::report(Diagnostic &diagnostic) {
  hasReported |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
  auto kindOf = [](DiagnosticSeverity severity) {
    switch (severity) {
    case DiagnosticSeverity::Error:
      return llvm::SourceMgr::DK_Error;
    case DiagnosticSeverity::Warning:
      return llvm::SourceMgr::DK_Warning;
    case DiagnosticSeverity::Note:
      return llvm::SourceMgr::DK_Note;
    case DiagnosticSeverity::Remark:
      return llvm::SourceMgr::DK_Remark;
    }
    return llvm::SourceMgr::DK_Error;
  };
  if (diagnostic.getSeverity() == DiagnosticSeverity::Remark &&
      !options.showsRemarks) {
    return;
  }
  auto print = [&](Diagnostic &d) {
    llvm::SMLoc loc = smLocOf(sources, d.getLocation());
    sources.PrintMessage(loc.isValid() ? loc : fallback,
                         kindOf(d.getSeverity()), d.str());
  };
  print(diagnostic);
  for (Diagnostic &note : diagnostic.getNotes()) {
    print(note);
  }
}

/// IR of a file: one kernel, for this target, as `from` leaves it.
bool Compilation::parse(Stage from) {
  const llvm::MemoryBuffer *file =
      sources.getMemoryBuffer(sources.getMainFileID());
  fallback = llvm::SMLoc::getFromPointer(file->getBufferStart());
  module =
      lp::parseModule(file->getBuffer(), &context, file->getBufferIdentifier());
  if (!module) {
    return false;
  }
  if (!llvm::hasSingleElement(module->getOps<lp::KernelOp>())) {
    return fail("expected one lp.kernel in the module, found " +
                Twine(llvm::range_size(module->getOps<lp::KernelOp>())));
  }
  lp::KernelOp op = kernel();
  if (op.getTarget().getName() != target.desc().name) {
    op.emitError("the kernel is for target '")
        << op.getTarget().getName() << "', not '" << target.desc().name << "'";
    return false;
  }
  const bool fits = from <= Stage::Scheduled ? op.hasTensors()
                    : from == Stage::Packed  ? op.hasMemrefs()
                                             : op.getBody().empty();
  if (!fits) {
    op.emitError("the kernel is not one of stage '")
        << stageName(from) << "': expected "
        << (from <= Stage::Scheduled ? "a body of tensors"
            : from == Stage::Packed  ? "a body of memrefs"
                                     : "phases and no body");
  }
  return fits;
}

bool Compilation::dump(Stage stage, llvm::StringRef text) {
  if (options.dumpStages.empty()) {
    return true;
  }
  OutputFiles files;
  files.addIn(options.dumpStages,
              kernel().getSymName().str() + "." +
                  std::to_string(static_cast<int>(stage)) + "-" +
                  stageName(stage).str() + ".mlir",
              text.str());
  const Status written = files.commit();
  return written.ok() || fail(written.message());
}

bool Compilation::schedule() {
  std::optional<ScheduleRequest> request;
  if (!options.schedule.empty()) {
    std::string message;
    request = parseScheduleRequest(options.schedule, message);
    if (!request) {
      sources.PrintMessage({}, llvm::SourceMgr::DK_Error, message);
      return false;
    }
  }
  std::vector<OwningOpRef<ModuleOp>> files;
  std::vector<TunedRules> tuned(2);
  auto load = [&](const std::string &path, TunedRules &rules) {
    std::string reason;
    const llvm::MemoryBuffer *buffer = bufferOf(sources, path, reason);
    if (!buffer) {
      sources.PrintMessage({}, llvm::SourceMgr::DK_Error,
                           "cannot read schedules from '" + path +
                               "': " + reason);
      return false;
    }
    files.push_back(lp::parseModule(buffer->getBuffer(), &context, path));
    if (!files.back()) {
      return false;
    }
    rules.push_back(*files.back());
    return true;
  };
  if (!options.scheduleFile.empty() && !load(options.scheduleFile, tuned[0])) {
    return false;
  }
  for (const std::string &path : options.tunedFiles) {
    if (!load(path, tuned[1])) {
      return false;
    }
  }
  return succeeded(scheduleKernels(*module, request, tuned));
}

bool Compilation::advance(Stage stage) {
  if (stage == Stage::Scheduled) {
    return schedule();
  }
  PassManager passes(&context);
  passes.enableVerifier(true);
  addStagePasses(passes, stage, target);
  return succeeded(passes.run(*module));
}

/// The values of the kernel's constants, which the IR does not have.
bool Compilation::findValues(const KernelInfo &info,
                             SmallVectorImpl<const HostTensor *> &values) {
  for (const ConstantInfo &constant : info.constants) {
    if (!source) {
      return fail("the kernel has constant '" + constant.buffer.name +
                  "', whose values are not in its IR; compile the file of the "
                  "operator");
    }
    auto tensor = llvm::find_if(source->tensors, [&](const ast::Tensor &t) {
      return t.role == ast::Role::Constant && t.name == constant.buffer.name;
    });
    assert(tensor != source->tensors.end() && "the IR is of this operator");
    values.push_back(tensor->values.get());
  }
  return true;
}

/// Stage `object`: LLVM IR, the C interface, code.
bool Compilation::finish() {
  FailureOr<KernelInfo> info = collectInfo(kernel());
  if (failed(info)) {
    return false;
  }
  result.kernel = *info;
  result.op = info->op;
  result.symbol = info->symbol();
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> llvmModule = translate(*module, llvmContext);
  if (!llvmModule) {
    // LLVM's verifier prints what is wrong itself, and tells no diagnostic.
    return !hasReported && fail("the IR makes a module that LLVM refuses");
  }
  std::string message;
  std::unique_ptr<llvm::TargetMachine> machine =
      createMachine(target.desc(), message);
  if (!machine) {
    return fail("target '" + target.desc().name + "': " + message);
  }
  llvmModule->setDataLayout(machine->createDataLayout());
  llvmModule->setTargetTriple(machine->getTargetTriple());
  SmallVector<const HostTensor *> values;
  if (!findValues(*info, values)) {
    return false;
  }
  auto constants = embedConstants(*llvmModule, *info, values, message);
  if (!constants || !emitAbi(*llvmModule, *info, target.desc(),
                             options.exportShortNames, *constants, message)) {
    return fail(message);
  }
  constexpr auto stages = static_cast<unsigned>(Stage::Llvm);
  begin(stages + 1, "optimizing");
  optimize(*llvmModule, *machine, target.desc().vectorBits);
  begin(stages + 2, "emitting code");
  if (options.wantsLlvmIr) {
    llvm::raw_string_ostream(result.llvmIr) << *llvmModule;
  }
  if (options.wantsAssembly) {
    result.assembly =
        emitCode(*llvmModule, *machine, OutputKind::Assembly, message);
  }
  result.object = emitCode(*llvmModule, *machine, OutputKind::Object, message);
  if (result.object.empty()) {
    return fail(message);
  }
  result.header =
      emitHeader(*info, target.desc().triple, options.exportShortNames);
  result.manifest = emitManifest(*info, target.desc());
  return true;
}

std::optional<CompiledOp> Compilation::run(Stage from) {
  opName = kernel().getSymName().str();
  Stage last = std::min(options.stopAfter, Stage::Llvm);
  for (int i = static_cast<int>(from) + 1; i <= static_cast<int>(last); ++i) {
    auto stage = static_cast<Stage>(i);
    begin(static_cast<unsigned>(i), "stage " + stageName(stage).str());
    if (!advance(stage)) {
      return std::nullopt;
    }
    if (!options.dumpStages.empty() && !dump(stage, text())) {
      return std::nullopt;
    }
  }
  result.mlir = text();
  for (const ContractInfo &c : collectContracts(kernel())) {
    result.choices.push_back({c.label, c.schedule, c.reason});
  }
  if (options.stopAfter == Stage::Object && !finish()) {
    return std::nullopt;
  }
  return std::move(result);
}

} // namespace

std::optional<CompiledOp> lpgen::compileOp(const ast::Op &op,
                                           llvm::SourceMgr &sources,
                                           const CompileOptions &options) {
  Compilation compilation(sources, options, &op);
  if (!compilation.emit()) {
    return std::nullopt;
  }
  return compilation.run(Stage::Ast);
}

std::optional<CompiledOp> lpgen::compileFrom(Stage from,
                                             llvm::SourceMgr &sources,
                                             const CompileOptions &options,
                                             const ast::Op *op) {
  Compilation compilation(sources, options, op);
  if (!compilation.parse(from)) {
    return std::nullopt;
  }
  return compilation.run(from);
}
