// One kernel of a job from its operator; workbench/measure/Job.h has the file.
#include "workbench/bench/BenchJob.h"
#include "operators/reference/Interpreter.h"
#include "workbench/bench/BenchProblem.h"
#include "llvm/Support/JSON.h"

namespace lpgen {

/// Inputs and outputs; the others are no business of the caller's.
static std::vector<BenchTensor> tensorsOf(const ast::Op &op,
                                          llvm::ArrayRef<int64_t> sizes) {
  std::vector<BenchTensor> tensors;
  for (const ast::Tensor &tensor : op.tensors) {
    if (tensor.role == ast::Role::Intermediate ||
        tensor.role == ast::Role::Constant) {
      continue;
    }
    std::vector<int64_t> shape;
    for (const ast::Extent &extent : tensor.shape) {
      shape.push_back(extent.isStatic() ? extent.size
                                        : sizes[size_t(extent.symbol)]);
    }
    tensors.push_back({tensor.name, tensor.type, std::move(shape),
                       tensor.range.lo, tensor.range.hi,
                       tensor.role == ast::Role::Input});
  }
  return tensors;
}

/// The phases' names from the kernel's manifest.
static Result<std::vector<std::string>> phasesOf(const CompiledOp &compiled) {
  llvm::Expected<llvm::json::Value> manifest =
      llvm::json::parse(compiled.manifest);
  if (!manifest) {
    return Status::error("manifest of operator '" + compiled.op +
                         "': " + llvm::toString(manifest.takeError()));
  }
  const llvm::json::Object *object = manifest->getAsObject();
  const llvm::json::Array *phases =
      object ? object->getArray("phases") : nullptr;
  if (!phases) {
    return Status::error("manifest of operator '" + compiled.op +
                         "' lists no phases");
  }
  std::vector<std::string> names;
  for (const llvm::json::Value &phase : *phases) {
    names.push_back(phase.getAsString().value_or("").str());
  }
  return names;
}

Result<BenchKernel> describeKernel(const ast::Op &op,
                                   const CompiledOp &compiled,
                                   const std::string &library,
                                   std::vector<Estimate> estimates,
                                   llvm::ArrayRef<int64_t> sizes) {
  Result<std::vector<std::string>> phases = phasesOf(compiled);
  LPGEN_RETURN_IF_ERROR(phases.status());
  BenchKernel kernel;
  kernel.op = op.name;
  kernel.library = library;
  kernel.estimates = std::move(estimates);
  for (const ScheduleChoice &choice : compiled.choices) {
    kernel.schedules.push_back("of " + choice.statement + ": " +
                               choice.schedule);
  }
  kernel.phases = std::move(*phases);
  kernel.sizes = sizes.vec();
  kernel.tensors = tensorsOf(op, sizes);
  kernel.nominalMacs = multiplyAccumulates(op, sizes);
  kernel.realMacs = insideMultiplyAccumulates(op, sizes);
  if (const Result<Problem> problem = recognizeProblem(op, sizes);
      problem.ok()) {
    kernel.problem = *problem;
  } else {
    kernel.whyNoBaselines = problem.message();
  }
  return kernel;
}

} // namespace lpgen
