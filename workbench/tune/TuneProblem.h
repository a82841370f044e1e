// One operator as the tuner sees it: its contractions, their possible
// schedules, and kernels with a schedule for each of them.
#ifndef LPGEN_WORKBENCH_TUNE_TUNEPROBLEM_H
#define LPGEN_WORKBENCH_TUNE_TUNEPROBLEM_H

#include "base/system/Status.h"
#include "compiler/pipeline/Compile.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "operators/frontend/Ast.h"
#include "schedules/Tuned.h"
#include "targets/cpus/Costs.h"
#include <memory>
#include <string>
#include <vector>

namespace lpgen {

/// Schedules are texts here, as --schedule takes them with all their fields.
class TuneProblem {
public:
  /// Raises `op` for the target of `given`. Errors go to `sources`; then null.
  static std::unique_ptr<TuneProblem> create(const ast::Op &op,
                                             llvm::SourceMgr &sources,
                                             const CompileOptions &given);

  const ast::Op &op() const { return source; }
  const Target &target() const { return *options.target; }
  size_t numContractions() const { return contractions.size(); }
  /// The statement's target, e.g. `acc`.
  std::string label(size_t contraction) const;
  TunedKey key(size_t contraction) const;
  /// Hash of the operator with its parameters, of the target's name and of the
  /// compiler's version.
  const std::string &identity() const { return hash; }

  /// All schedules that the templates propose, the cost model's first choice
  /// first.
  std::vector<std::string> ranked(size_t contraction) const;
  /// Schedules one step away.
  std::vector<std::string> neighbours(size_t contraction,
                                      const std::string &schedule) const;

  /// Compiles the kernel with one schedule for each contraction, without short
  /// names. Nothing if that fails; the reasons are at `sources`.
  std::optional<CompiledOp> compile(llvm::ArrayRef<std::string> schedules,
                                    bool wantsAssembly = false) const;

  /// What the cost model counts of a schedule, and its estimate, in cycles of
  /// one execution. Nothing for schedules without cell and those that cannot be
  /// applied.
  struct Counted {
    std::string cell;
    CostTerms terms;
    double cycles = 0;
  };
  std::optional<Counted> count(size_t contraction,
                               const std::string &schedule) const;

  /// Cycles per multiply-accumulate of the contraction's hot loop, dependencies
  /// included, by LLVM's model of `cpu`; work on the padding of tiles costs,
  /// but does not count. All other contractions are left out.
  Result<double> modelCycles(size_t contraction, const std::string &schedule,
                             const std::string &cpu) const;

private:
  TuneProblem(const ast::Op &source, llvm::SourceMgr &sources,
              const CompileOptions &options)
      : source(source), sources(sources), options(options) {}
  Machine machine() const { return machineOf(*module); }
  lp::ScheduleAttr parse(size_t contraction, const std::string &schedule) const;

  const ast::Op &source;
  llvm::SourceMgr &sources;
  CompileOptions options;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module; ///< At stage `lp`.
  mutable std::vector<lp::ContractOp> contractions;
  std::string hash;
};

} // namespace lpgen

#endif // LPGEN_WORKBENCH_TUNE_TUNEPROBLEM_H
