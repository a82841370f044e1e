// What the commands that work on operators have in common: the options that
// name a file, an operator, a target and a schedule, and the loading of such a
// file.
#ifndef LPGEN_TOOLS_COMMONOPTIONS_H
#define LPGEN_TOOLS_COMMONOPTIONS_H

#include "base/system/Interruption.h"
#include "compiler/codegen/CNames.h"
#include "compiler/pipeline/Compile.h"
#include "operators/frontend/Ast.h"
#include "targets/Target.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/SourceMgr.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
} // namespace CLI

namespace lpgen {

/// Exit statuses of the tools. Most leave interruptions to endOnSignals.
enum ExitCode {
  ExitSuccess = 0,
  ExitFailure = 1,
  ExitUsage = 2,
  ExitInterrupted = interruptedStatus
};

/// Prints "lpgen: error: MESSAGE" to stderr and returns `code`.
int reportError(const std::string &message, int code = ExitFailure);

/// FILE, --op, --target, --triple, --schedule, --schedule-file, --cpu, -D,
/// --weights and --quiet as given.
struct OpFileOptions {
  std::string file;
  std::string op;
  std::string tensor; ///< Of a GGUF file.
  std::string target = "host";
  std::string triple; ///< Of target generic; "" for this machine's.
  std::string schedule;
  std::string scheduleFile;
  std::string cpu; ///< See TunedFiles.h; "" for the target's.
  std::vector<std::string> defines;
  std::string weights;  ///< "" for NAME.safetensors beside NAME.lp.
  bool isQuiet = false; ///< No remarks, notes and progress.
};

/// Adds these options to a command; `options` must live as long as it.
void addOpFileOptions(CLI::App &command, OpFileOptions &options);

/// The message for a target that there is not.
std::string describeUnknownTarget(const std::string &name);

/// The target of --target and --triple. On failure says why on stderr, sets
/// `exitCode` and returns null.
const Target *chooseTarget(const OpFileOptions &options, int &exitCode);

/// A checked file, the operators chosen from it and the target.
class OpFile {
public:
  /// Loads what `options` name; a network of another tool is imported first. On
  /// failure says why on stderr, sets `exitCode` and returns null. Diagnostics
  /// go to stderr from now on as they arise.
  static std::unique_ptr<OpFile> load(const OpFileOptions &options,
                                      int &exitCode);

  /// The operator of --op, or all.
  const std::vector<const ast::Op *> &ops() const { return chosen; }
  /// The only chosen operator; says on stderr what to do and sets `exitCode` if
  /// there are several.
  const ast::Op *singleOp(int &exitCode) const;
  const Target &target() const { return *chosenTarget; }
  llvm::SourceMgr &sources() { return sourceManager; }

  /// Compiles one of the operators. On failure its diagnostics are on stderr
  /// and `exitCode` is set: a problem without a place in the file is one of the
  /// command line.
  std::optional<CompiledOp> compile(const ast::Op &op, int &exitCode);
  /// Takes the C names of a kernel of `op`; false, and why on stderr, if one is
  /// taken already.
  bool takeNames(const ast::Op &op, const KernelInfo &kernel);
  /// The options with which `compile` works, to be refined by the caller.
  CompileOptions compileOptions;

private:
  explicit OpFile(const OpFileOptions &options);
  static std::unique_ptr<OpFile> loadOperators(const OpFileOptions &options,
                                               int &exitCode);
  int loadText(const OpFileOptions &options);
  int parse(const OpFileOptions &options);
  int chooseOps(const OpFileOptions &options);
  int chooseAll(bool isQuiet);
  int failureCode() const {
    return sawPlacelessError ? ExitUsage : ExitFailure;
  }

  std::string path;
  llvm::SourceMgr sourceManager;
  ast::File file;
  std::vector<const ast::Op *> chosen;
  const Target *chosenTarget = nullptr;
  CNames names;
  bool sawPlacelessError = false;
};

} // namespace lpgen

#endif // LPGEN_TOOLS_COMMONOPTIONS_H
