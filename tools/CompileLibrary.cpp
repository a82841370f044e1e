// Several targets in one library. See CompileLibrary.h.
#include "tools/CompileLibrary.h"
#include "compiler/codegen/Dispatch.h"
#include "compiler/codegen/Program.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"

namespace lpgen {

Status addProgram(OutputFiles &outputs, const std::string &folder,
                  const KernelInfo &kernel, llvm::ArrayRef<std::string> objects,
                  const std::string &choice) {
  if (const std::optional<std::string> reason = whyNoProgram(kernel)) {
    return Status::error(*reason);
  }
  for (ProgramFile &file : programFiles(kernel, objects, choice)) {
    outputs.addIn(folder + file.folder, file.name, std::move(file.content));
  }
  return Status::success();
}

std::vector<const Target *> parseTargetList(llvm::StringRef text,
                                            int &exitCode) {
  std::vector<const Target *> targets;
  for (const llvm::StringRef name : llvm::split(text, ',')) {
    const Target *target = findTarget(name);
    if (!target) {
      exitCode = reportError(describeUnknownTarget(name.str()), ExitUsage);
      return {};
    }
    targets.push_back(target);
  }
  if (const std::optional<std::string> reason = whyNoLibrary(targets)) {
    exitCode = reportError(*reason, ExitUsage);
    return {};
  }
  return targets;
}

/// What `kind` is of one kernel; null for what the library has as a whole.
static const std::string *kernelOutput(const CompiledOp &op,
                                       llvm::StringRef kind,
                                       llvm::StringRef &suffix) {
  if (kind == "obj") {
    suffix = ".o";
    return &op.object;
  }
  if (kind == "asm") {
    suffix = ".s";
    return &op.assembly;
  }
  if (kind == "llvm") {
    suffix = ".ll";
    return &op.llvmIr;
  }
  if (kind == "mlir") {
    suffix = ".mlir";
    return &op.mlir;
  }
  return nullptr;
}

static void addKernel(OutputFiles &outputs, const CompiledOp &op,
                      const Target &target, llvm::ArrayRef<std::string> emit,
                      const std::string &folder) {
  for (const std::string &kind : emit) {
    llvm::StringRef suffix;
    if (const std::string *text = kernelOutput(op, kind, suffix)) {
      outputs.addIn(folder, op.op + "_" + target.desc().name + suffix.str(),
                    *text);
    }
  }
}

static void addJoint(OutputFiles &outputs, const KernelLibrary &library,
                     llvm::ArrayRef<std::string> emit,
                     const std::string &folder, const std::string &op) {
  if (llvm::is_contained(emit, "obj")) {
    outputs.addIn(folder, op + "_dispatch.c", library.dispatch);
  }
  if (llvm::is_contained(emit, "header")) {
    outputs.addIn(folder, op + ".h", library.header);
  }
  if (llvm::is_contained(emit, "manifest")) {
    outputs.addIn(folder, op + ".json", library.manifest);
  }
}

int compileLibrary(OpFile &file, llvm::ArrayRef<const Target *> targets,
                   llvm::ArrayRef<std::string> emit, const std::string &folder,
                   OutputFiles &outputs, std::vector<CompiledOp> &compiled) {
  if (llvm::is_contained(emit, "shared")) {
    return reportError(
        "--emit shared takes one target; for several, emit obj and link the "
        "objects and <op>_dispatch.c with a C compiler",
        ExitUsage);
  }
  const std::string dumpStages = file.compileOptions.dumpStages;
  for (const ast::Op *op : file.ops()) {
    std::vector<Variant> variants;
    std::vector<std::string> objects;
    for (const Target *target : targets) {
      file.compileOptions.target = target;
      file.compileOptions.exportShortNames = false;
      if (!dumpStages.empty()) {
        file.compileOptions.dumpStages = dumpStages + "/" + target->desc().name;
      }
      int exitCode = ExitSuccess;
      std::optional<CompiledOp> result = file.compile(*op, exitCode);
      if (!result) {
        return exitCode;
      }
      result->op = op->name;
      if (target == targets.front() && !file.takeNames(*op, result->kernel)) {
        return ExitFailure;
      }
      addKernel(outputs, *result, *target, emit, folder);
      objects.push_back(op->name + "_" + target->desc().name + ".o");
      variants.push_back({result->kernel, target});
      compiled.push_back(std::move(*result));
    }
    if (llvm::is_contained(emit, "program")) {
      const Status status = addProgram(outputs, folder, variants.front().info,
                                       objects, op->name + "_dispatch.c");
      if (!status.ok()) {
        return reportError(status.message());
      }
    }
    addJoint(outputs, joinVariants(std::move(variants)), emit, folder,
             op->name);
  }
  return ExitSuccess;
}

} // namespace lpgen
