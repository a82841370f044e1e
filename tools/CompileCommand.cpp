// `lpgen compile`: operators to objects, headers and manifests, or to the IR of
// any stage.
#include "base/system/OutputFiles.h"
#include "schedules/TunedFiles.h"
#include "tools/Commands.h"
#include "tools/CommonOptions.h"
#include "tools/CompileLibrary.h"
#include "tools/CompileProgress.h"
#include "tools/OptionChecks.h"
#include "workbench/run/Linker.h"
#include "workbench/run/TemporaryFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>

namespace lpgen {

namespace {
struct CompileCommandOptions {
  OpFileOptions file;
  std::vector<std::string> emit = {"obj", "header", "manifest"};
  std::string outputFolder = ".";
  std::string stopAfter = "object";
  std::string startFrom;
  std::string dumpStages;
};
} // namespace

/// Links the object alone into a shared object.
static Result<std::string> linkShared(const CompiledOp &op) {
  Result<TemporaryFile> object = TemporaryFile::create("o", op.object);
  if (!object.ok()) {
    return Status::error(object.message());
  }
  Result<TemporaryFile> shared = TemporaryFile::create("so");
  if (!shared.ok()) {
    return Status::error(shared.message());
  }
  LPGEN_RETURN_IF_ERROR(
      linkObjects(LinkKind::SharedObject, {object->path()}, shared->path()));
  return shared->read();
}

/// Object, header and manifest go with a program.
static void completeKinds(std::vector<std::string> &emit) {
  if (!llvm::is_contained(emit, "program")) {
    return;
  }
  for (const char *kind : {"obj", "header", "manifest"}) {
    if (!llvm::is_contained(emit, kind)) {
      emit.emplace_back(kind);
    }
  }
}

static Status addOutputs(OutputFiles &files, const CompiledOp &op,
                         const CompileCommandOptions &options, Stage last) {
  const auto add = [&](const char *suffix, const std::string &contents) {
    files.addIn(options.outputFolder, op.op + suffix, contents);
  };
  if (last != Stage::Object) {
    add(".mlir", op.mlir);
    return Status::success();
  }
  for (const std::string &kind : options.emit) {
    if (kind == "obj") {
      add(".o", op.object);
    } else if (kind == "header") {
      add(".h", op.header);
    } else if (kind == "manifest") {
      add(".json", op.manifest);
    } else if (kind == "asm") {
      add(".s", op.assembly);
    } else if (kind == "llvm") {
      add(".ll", op.llvmIr);
    } else if (kind == "mlir") {
      add(".mlir", op.mlir);
    } else if (kind == "shared") {
      Result<std::string> shared = linkShared(op);
      if (!shared.ok()) {
        return Status::error(shared.message());
      }
      add(".so", *shared);
    } else if (kind == "program") {
      LPGEN_RETURN_IF_ERROR(addProgram(files, options.outputFolder, op.kernel,
                                       {op.op + ".o"}, /*choice=*/""));
    }
  }
  return Status::success();
}

static void printChoices(const CompiledOp &op) {
  for (const ScheduleChoice &choice : op.choices) {
    llvm::errs() << "lpgen: remark: " << op.op << ": " << choice.statement
                 << ": " << choice.schedule << " (" << choice.reason << ")\n";
  }
}

/// MLIR text of an earlier stage, instead of an operator file.
static std::optional<CompiledOp>
compileMlir(const CompileCommandOptions &options, Stage from,
            CompileOptions compile, int &exitCode) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(options.file.file);
  if (!buffer) {
    exitCode = reportError("cannot read '" + options.file.file +
                           "': " + buffer.getError().message());
    return std::nullopt;
  }
  compile.target = chooseTarget(options.file, exitCode);
  if (!compile.target) {
    return std::nullopt;
  }
  compile.cpu = tunedCpu(*compile.target, options.file.cpu);
  compile.tunedFiles = tunedFiles(compile.cpu);
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  auto result = compileFrom(from, sources, compile);
  if (!result) {
    exitCode = ExitFailure;
  }
  return result;
}

static CompileOptions refine(CompileOptions compile,
                             const CompileCommandOptions &options, Stage last) {
  compile.stopAfter = last;
  compile.dumpStages = options.dumpStages;
  compile.schedule = options.file.schedule;
  compile.scheduleFile = options.file.scheduleFile;
  compile.showsRemarks = !options.file.isQuiet;
  compile.wantsAssembly = llvm::is_contained(options.emit, "asm");
  compile.wantsLlvmIr = llvm::is_contained(options.emit, "llvm");
  if (!options.file.isQuiet) {
    compile.onStep = [progress = std::make_shared<CompileProgress>()](
                         const CompileStep &step) { progress->begin(step); };
  }
  return compile;
}

/// Writes all files; then says what was chosen.
static int finish(OutputFiles &files, const std::vector<CompiledOp> &compiled,
                  const CompileCommandOptions &options) {
  if (Status status = files.commit(); !status.ok()) {
    return reportError(status.message());
  }
  if (!options.file.isQuiet) {
    llvm::for_each(compiled, printChoices);
  }
  return ExitSuccess;
}

/// `--target a,b`: one library of each operator.
static int runLibrary(const CompileCommandOptions &options, Stage from,
                      Stage last) {
  if (from != Stage::Ast || last != Stage::Object ||
      !options.file.triple.empty()) {
    return reportError(
        "--start-from, --stop-after and --triple take one target, found "
        "--target " +
            options.file.target,
        ExitUsage);
  }
  int exitCode = ExitSuccess;
  std::vector<const Target *> targets =
      parseTargetList(options.file.target, exitCode);
  if (targets.empty()) {
    return exitCode;
  }
  OpFileOptions fileOptions = options.file;
  fileOptions.target = targets.front()->desc().name;
  std::unique_ptr<OpFile> file = OpFile::load(fileOptions, exitCode);
  if (!file) {
    return exitCode;
  }
  file->compileOptions = refine(file->compileOptions, options, last);
  if (llvm::is_contained(options.emit, "program") &&
      !file->singleOp(exitCode)) {
    return exitCode;
  }
  OutputFiles files;
  std::vector<CompiledOp> compiled;
  exitCode = compileLibrary(*file, targets, options.emit, options.outputFolder,
                            files, compiled);
  return exitCode == ExitSuccess ? finish(files, compiled, options) : exitCode;
}

static int runCompile(CompileCommandOptions &options) {
  completeKinds(options.emit);
  std::optional<Stage> last = parseStage(options.stopAfter);
  std::optional<Stage> from =
      options.startFrom.empty() ? Stage::Ast : parseStage(options.startFrom);
  if (llvm::StringRef(options.file.target).contains(',')) {
    return runLibrary(options, *from, *last);
  }
  int exitCode = ExitSuccess;
  OutputFiles files;
  std::vector<CompiledOp> compiled;
  if (*from != Stage::Ast) {
    auto result =
        compileMlir(options, *from, refine({}, options, *last), exitCode);
    if (!result) {
      return exitCode;
    }
    if (result->op.empty()) {
      result->op = "out";
    }
    compiled.push_back(std::move(*result));
  } else {
    std::unique_ptr<OpFile> file = OpFile::load(options.file, exitCode);
    if (!file) {
      return exitCode;
    }
    file->compileOptions = refine(file->compileOptions, options, *last);
    if (llvm::is_contained(options.emit, "program") &&
        !file->singleOp(exitCode)) {
      return exitCode;
    }
    for (const ast::Op *op : file->ops()) {
      auto result = file->compile(*op, exitCode);
      if (!result) {
        return exitCode;
      }
      result->op = op->name;
      if (*last == Stage::Object && !file->takeNames(*op, result->kernel)) {
        return ExitFailure;
      }
      compiled.push_back(std::move(*result));
    }
  }
  for (const CompiledOp &op : compiled) {
    if (Status status = addOutputs(files, op, options, *last); !status.ok()) {
      return reportError(status.message());
    }
  }
  return finish(files, compiled, options);
}

void addCompileCommand(CLI::App &app, int &exitCode) {
  CLI::App *command = app.add_subcommand(
      "compile", "Compile operators to objects with C headers and manifests");
  auto options = std::make_shared<CompileCommandOptions>();
  addOpFileOptions(*command, options->file);
  command
      ->add_option(
          "--emit", options->emit,
          "What to write, comma-separated: obj,header,manifest,asm,llvm,"
          "mlir,shared,program")
      ->delimiter(',')
      ->check(isOneOf({"obj", "header", "manifest", "asm", "llvm", "mlir",
                       "shared", "program"}));
  std::vector<std::string> stages = {"lp",     "scheduled", "packed", "tiled",
                                     "vector", "llvm",      "object"};
  command
      ->add_option("--stop-after", options->stopAfter,
                   "Last stage; before object, the IR is written as <op>.mlir")
      ->check(isOneOf(stages));
  command
      ->add_option("--start-from", options->startFrom,
                   "FILE is MLIR of this stage instead of an operator file")
      ->check(isOneOf(stages));
  command
      ->add_option("--dump-stages", options->dumpStages,
                   "Folder for the IR after every stage")
      ->check(isPath());
  command
      ->add_option("-o,--output", options->outputFolder,
                   "Folder for the outputs")
      ->check(isPath())
      ->capture_default_str();
  command->footer(
      "Several targets of one architecture, --target x86_avx2,generic, "
      "make one library with a choice by CPU features.\n"
      "Example: lpgen compile examples/gemm_w4a4.lp --target x86_avx2 "
      "--emit obj,header,asm -o out");
  command->callback([options, &exitCode] { exitCode = runCompile(*options); });
}

} // namespace lpgen
