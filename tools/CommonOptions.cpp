// The shared options of the commands, and loading of operator files.
#include "tools/CommonOptions.h"
#include "base/system/NearestName.h"
#include "base/system/Text.h"
#include "base/tensor/WeightFiles.h"
#include "operators/frontend/Parser.h"
#include "schedules/TunedFiles.h"
#include "targets/Targets.h"
#include "tools/ModelFiles.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>

namespace lpgen {

int reportError(const std::string &message, int code) {
  llvm::errs() << "lpgen: error: " << message << "\n";
  return code;
}

void addOpFileOptions(CLI::App &command, OpFileOptions &options) {
  command
      .add_option("FILE", options.file,
                  "File of operators (.lp), a network (.onnx, .tflite), or "
                  "tensors (.gguf)")
      ->required();
  command.add_option("--op", options.op,
                     "Operator of the file; all if not given");
  command.add_option("--tensor", options.tensor,
                     "Tensor of a GGUF file, by its name");
  command
      .add_option("--target", options.target,
                  "Target (see 'lpgen targets'); host is the best one that "
                  "this CPU runs")
      ->capture_default_str();
  command.add_option("--triple", options.triple,
                     "LLVM triple to compile for with '--target generic', "
                     "e.g. riscv64-linux-gnu");
  command.add_option("--schedule", options.schedule,
                     "Schedule for every contraction, e.g. "
                     "'bitserial<tile=[4,2]>'");
  command.add_flag_callback(
      "--small", [&options] { options.schedule = "smallest"; },
      "Choose cells that read weights as small as they are packed; the same "
      "as --schedule smallest");
  command.add_option("--schedule-file", options.scheduleFile,
                     "File of tuned schedules (.mlir)");
  command.add_option("--cpu", options.cpu,
                     "CPU whose tuned schedules apply, in LLVM's naming; this "
                     "one if it runs the target's code. 'none': no tuned "
                     "schedules but those of --schedule-file");
  command
      .add_option("-D", options.defines,
                  "NAME=VALUE: value of a parameter of the file")
      ->allow_extra_args(false);
  command.add_option("--weights", options.weights,
                     "File of the constants' values (.safetensors); "
                     "NAME.safetensors beside NAME.lp if not given");
  command.add_flag("-q,--quiet", options.isQuiet,
                   "Results and errors only: no remarks, no progress");
}

/// Reads the -D options; says on stderr what is wrong with one.
static std::optional<ParseOptions>
parseDefines(llvm::ArrayRef<std::string> defines) {
  ParseOptions options;
  for (const std::string &define : defines) {
    const auto assignment = splitAssignment(define);
    int64_t value = 0;
    if (!assignment ||
        llvm::StringRef(assignment->second).getAsInteger(0, value)) {
      reportError("-D '" + define +
                  "': expected NAME=VALUE with an integer value, as in -D M=1");
      return std::nullopt;
    }
    if (!options.defines.insert({assignment->first, value}).second) {
      reportError("-D '" + define + "': parameter '" + assignment->first +
                  "' is given twice");
      return std::nullopt;
    }
  }
  return options;
}

std::string describeUnknownTarget(const std::string &name) {
  std::vector<std::string> known = {"host"};
  for (const Target *target : allTargets()) {
    known.push_back(target->desc().name);
  }
  return "unknown target " + quoteWithNearest(name, known);
}

const Target *chooseTarget(const OpFileOptions &options, int &exitCode) {
  if (!options.triple.empty()) {
    if (options.target != "generic") {
      exitCode =
          reportError("--triple goes with '--target generic' only, found "
                      "--target " +
                          options.target,
                      ExitUsage);
      return nullptr;
    }
    std::string message;
    const Target *target = genericTargetFor(options.triple, message);
    if (!target) {
      exitCode = reportError(message, ExitUsage);
    }
    return target;
  }
  const Target *target = findTarget(options.target);
  if (!target) {
    exitCode = reportError(describeUnknownTarget(options.target), ExitUsage);
  }
  return target;
}

OpFile::OpFile(const OpFileOptions &options) : path(options.file) {
  sourceManager.setDiagHandler(
      [](const llvm::SMDiagnostic &diagnostic, void *self) {
        const bool isError = diagnostic.getKind() == llvm::SourceMgr::DK_Error;
        if (isError && !diagnostic.getLoc().isValid()) {
          static_cast<OpFile *>(self)->sawPlacelessError = true;
          reportError(diagnostic.getMessage().str());
          return;
        }
        diagnostic.print(nullptr, llvm::errs());
      },
      this);
}

int OpFile::loadText(const OpFileOptions &options) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer) {
    return reportError("cannot read operator file '" + path +
                       "': " + buffer.getError().message());
  }
  llvm::StringRef text = (*buffer)->getBuffer();
  if (text.consume_front("\xEF\xBB\xBF")) { // no column counts the mark
    *buffer = llvm::MemoryBuffer::getMemBufferCopy(text, path);
  }
  sourceManager.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  return ExitSuccess;
}

/// ../share/lpgen/operators beside the program.
static std::string libraryFolder() {
  static int anchor; // Some address in this program.
  llvm::SmallString<128> path(
      llvm::sys::fs::getMainExecutable(nullptr, &anchor));
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "..", "share", "lpgen", "operators");
  llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  return std::string(path);
}

int OpFile::parse(const OpFileOptions &options) {
  std::optional<ParseOptions> parseOptions = parseDefines(options.defines);
  if (!parseOptions) {
    return ExitUsage;
  }
  parseOptions->readConstant =
      [files = std::make_shared<WeightFiles>(options.weights)](
          const std::string &file, const std::string &source, ElementType type,
          const std::vector<int64_t> &shape) {
        return files->read(file, source, type, shape);
      };
  parseOptions->includeFolders = {libraryFolder()};
  std::optional<ast::File> parsed = parseFile(sourceManager, *parseOptions);
  if (!parsed) {
    return failureCode();
  }
  file = std::move(*parsed);
  return ExitSuccess;
}

/// What the file itself declares, for messages.
static std::vector<std::string> opNames(const ast::File &file) {
  std::vector<std::string> names;
  for (const ast::Op &op : file.ops) {
    if (!op.isIncluded) {
      names.push_back(op.name);
    }
  }
  for (const ast::GenericOp &op : file.generic) {
    if (!op.isIncluded) {
      names.push_back(op.name);
    }
  }
  return names;
}

static std::string describeOpen(const ast::GenericOp &op) {
  return "operator '" + op.name + "' has the parameter '" + op.openParameter +
         "', which has no value; give -D " + op.openParameter +
         "=VALUE, or call it in another operator";
}

/// All operators of the file, but those that it includes. Says on stderr which
/// ones are left out, as nothing says what they are.
int OpFile::chooseAll(bool isQuiet) {
  const ast::GenericOp *open = nullptr;
  for (const ast::Op &op : file.ops) {
    if (!op.isIncluded) {
      chosen.push_back(&op);
    }
  }
  for (const ast::GenericOp &op : file.generic) {
    if (!op.isIncluded && !op.isCalled) {
      open = &op;
      if (!chosen.empty() && !isQuiet) {
        llvm::errs() << "lpgen: note: skipped: " << describeOpen(op) << "\n";
      }
    }
  }
  if (!chosen.empty()) {
    return ExitSuccess;
  }
  return open ? reportError(describeOpen(*open), ExitUsage)
              : reportError("'" + path + "' declares no operator");
}

int OpFile::chooseOps(const OpFileOptions &options) {
  const std::string &name = options.op;
  if (name.empty()) {
    return chooseAll(options.isQuiet);
  }
  for (const ast::Op &op : file.ops) {
    if (op.name == name) {
      chosen.push_back(&op);
      return ExitSuccess;
    }
  }
  for (const ast::GenericOp &op : file.generic) {
    if (op.name == name) {
      return reportError(describeOpen(op), ExitUsage);
    }
  }
  return reportError("'" + path + "' has no operator " +
                         quoteWithNearest(name, opNames(file)),
                     ExitUsage);
}

std::unique_ptr<OpFile> OpFile::load(const OpFileOptions &options,
                                     int &exitCode) {
  if (!isModelFile(options.file)) {
    if (!options.tensor.empty()) {
      exitCode = reportError("--tensor chooses from a GGUF file, which '" +
                                 options.file + "' is not",
                             ExitUsage);
      return nullptr;
    }
    return loadOperators(options, exitCode);
  }
  const Result<ImportedModel> model =
      ImportedModel::import(options.file, options.tensor, exitCode);
  if (!model.ok()) {
    exitCode = reportError(model.message());
    return nullptr;
  }
  if (exitCode != ExitSuccess) {
    return nullptr;
  }
  OpFileOptions imported = options;
  imported.file = model->operators();
  return loadOperators(imported, exitCode);
}

std::unique_ptr<OpFile> OpFile::loadOperators(const OpFileOptions &options,
                                              int &exitCode) {
  std::unique_ptr<OpFile> result(new OpFile(options));
  result->chosenTarget = chooseTarget(options, exitCode);
  if (!result->chosenTarget) {
    return nullptr;
  }
  exitCode = result->loadText(options);
  if (exitCode == ExitSuccess) {
    exitCode = result->parse(options);
  }
  if (exitCode == ExitSuccess) {
    exitCode = result->chooseOps(options);
  }
  if (exitCode != ExitSuccess) {
    return nullptr;
  }
  result->compileOptions.target = result->chosenTarget;
  result->compileOptions.schedule = options.schedule;
  result->compileOptions.scheduleFile = options.scheduleFile;
  result->compileOptions.cpu = tunedCpu(*result->chosenTarget, options.cpu);
  result->compileOptions.tunedFiles = tunedFiles(result->compileOptions.cpu);
  return result;
}

const ast::Op *OpFile::singleOp(int &exitCode) const {
  if (chosen.size() == 1) {
    return chosen.front();
  }
  exitCode = reportError("'" + path + "' declares several operators (" +
                             llvm::join(opNames(file), ", ") +
                             "); choose one with --op",
                         ExitUsage);
  return nullptr;
}

std::optional<CompiledOp> OpFile::compile(const ast::Op &op, int &exitCode) {
  std::optional<CompiledOp> compiled =
      compileOp(op, sourceManager, compileOptions);
  if (!compiled) {
    exitCode = failureCode();
  }
  return compiled;
}

bool OpFile::takeNames(const ast::Op &op, const KernelInfo &kernel) {
  const std::string clash = names.add(kernel);
  if (!clash.empty()) {
    sourceManager.PrintMessage(op.loc, llvm::SourceMgr::DK_Error, clash);
  }
  return clash.empty();
}

} // namespace lpgen
