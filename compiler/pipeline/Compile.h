// Checked operators in, finished artifacts out: what every tool calls.
#ifndef LPGEN_COMPILER_PIPELINE_COMPILE_H
#define LPGEN_COMPILER_PIPELINE_COMPILE_H

#include "compiler/codegen/KernelInfo.h"
#include "operators/frontend/Ast.h"
#include "targets/Target.h"
#include "llvm/Support/SourceMgr.h"
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace lpgen {

/// The stages of the pipeline, in order; the names are those of the command
/// line.
enum class Stage { Ast, Lp, Scheduled, Packed, Tiled, Vector, Llvm, Object };

/// The stage called `name`, if there is one.
std::optional<Stage> parseStage(llvm::StringRef name);
llvm::StringRef stageName(Stage stage);

/// A step of a compilation, for progress.
struct CompileStep {
  std::string op;
  std::string name;
  unsigned number = 0; ///< From 1 on.
  unsigned count = 0;
};

struct CompileOptions {
  const Target *target = nullptr; ///< Required.
  /// A CPU that runs the target; schedules are for its speed, if
  /// targets/cpus has a record of it. "" for the one that the target names.
  std::string cpu;
  std::string schedule;     ///< Text of one schedule, `bitserial<tile=[4,2]>`.
  std::string scheduleFile; ///< File of `lp.tuned` rules.
  /// Files of rules that are tried after `scheduleFile`, all together.
  std::vector<std::string> tunedFiles;
  Stage stopAfter = Stage::Object;
  /// Folder for the IR after each stage, `<op>.<number>-<stage>.mlir`; "" for
  /// none.
  std::string dumpStages;
  /// Export lp_<op>_* besides the long symbols. Off for libraries of several
  /// variants, whose dispatcher owns the short names.
  bool exportShortNames = true;
  /// Called at the start of each step, for progress.
  std::function<void(const CompileStep &)> onStep;
  /// Say of sums of products that stay loop nests why.
  bool showsRemarks = false;
  /// Also emit assembly, which takes as long as the object.
  bool wantsAssembly = false;
  /// Also write what LLVM's optimizer made.
  bool wantsLlvmIr = false;
};

/// What was decided for one contraction; a remark on the command line.
struct ScheduleChoice {
  std::string statement; ///< Target of the statement, e.g. `acc`.
  std::string schedule;  ///< As `--schedule` takes it.
  std::string reason;    ///< Who chose and why.
};

/// One compiled operator. Fields beyond `stopAfter` are empty.
struct CompiledOp {
  std::string op;
  std::string symbol;   ///< Long kernel symbol.
  KernelInfo kernel;    ///< What the manifest says.
  std::string mlir;     ///< IR at the stage where the pipeline stopped.
  std::string llvmIr;   ///< After LLVM's optimizer; if asked for.
  std::string assembly; ///< If asked for.
  std::string object;   ///< Bytes of the ELF object.
  std::string header;   ///< C header.
  std::string manifest; ///< JSON.
  std::vector<ScheduleChoice> choices;
};

/// Compiles one checked operator. Errors (schedules that cannot apply, and so
/// on) go to `sources` at the operator's place. Nothing is written but
/// `dumpStages`.
std::optional<CompiledOp> compileOp(const ast::Op &op, llvm::SourceMgr &sources,
                                    const CompileOptions &options);

/// Continues from MLIR text of stage `from` (not Ast), the main file of
/// `sources`. `op`, if it is known, is the operator that the text is of: it has
/// the values of constants, without which they are errors.
std::optional<CompiledOp> compileFrom(Stage from, llvm::SourceMgr &sources,
                                      const CompileOptions &options,
                                      const ast::Op *op = nullptr);

} // namespace lpgen

#endif // LPGEN_COMPILER_PIPELINE_COMPILE_H
