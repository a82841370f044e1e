// Writing one kernel of a job file; workbench/measure/Job.cpp reads it.
#include "workbench/bench/BenchJob.h"
#include "operators/reference/Interpreter.h"
#include "workbench/bench/BenchProblem.h"

namespace lpgen {

using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

static const char *outputName(OutputKind kind) {
  switch (kind) {
  case OutputKind::I32:
    return "i32";
  case OutputKind::U8:
    return "u8";
  case OutputKind::S8:
    return "s8";
  case OutputKind::F32:
    return "f32";
  }
  llvm_unreachable("unknown output kind");
}

static Value problemToJson(const Problem &problem) {
  return Object{{"kind", problemKind(problem)},
                {"batch", problem.batch},
                {"height", problem.height},
                {"width", problem.width},
                {"channels", problem.channels},
                {"outChannels", problem.outChannels},
                {"outHeight", problem.outHeight},
                {"outWidth", problem.outWidth},
                {"kernelH", problem.kernelH},
                {"kernelW", problem.kernelW},
                {"strideH", problem.strideH},
                {"strideW", problem.strideW},
                {"dilationH", problem.dilationH},
                {"dilationW", problem.dilationW},
                {"padTop", problem.padTop},
                {"padLeft", problem.padLeft},
                {"x", problem.x},
                {"w", problem.w},
                {"result", problem.result},
                {"output", outputName(problem.output)}};
}

/// Inputs and outputs; intermediates are no business of the caller's.
static Array tensorsToJson(const ast::Op &op, llvm::ArrayRef<int64_t> sizes) {
  Array tensors;
  for (const ast::Tensor &tensor : op.tensors) {
    if (tensor.role == ast::Role::Intermediate) {
      continue;
    }
    Array shape;
    for (const ast::Extent &extent : tensor.shape) {
      shape.push_back(extent.isStatic() ? extent.size
                                        : sizes[size_t(extent.symbol)]);
    }
    tensors.push_back(Object{{"name", tensor.name},
                             {"type", tensor.type.str()},
                             {"shape", std::move(shape)},
                             {"lo", tensor.range.lo},
                             {"hi", tensor.range.hi},
                             {"input", tensor.role == ast::Role::Input}});
  }
  return tensors;
}

/// The phases' names from the kernel's manifest.
static Result<Array> phasesOf(const CompiledOp &compiled) {
  llvm::Expected<Value> manifest = llvm::json::parse(compiled.manifest);
  if (!manifest) {
    return Status::error("manifest of operator '" + compiled.op +
                         "': " + llvm::toString(manifest.takeError()));
  }
  const Object *object = manifest->getAsObject();
  const Array *phases = object ? object->getArray("phases") : nullptr;
  if (!phases) {
    return Status::error("manifest of operator '" + compiled.op +
                         "' lists no phases");
  }
  return *phases;
}

Result<Value> benchKernelToJson(const ast::Op &op, const CompiledOp &compiled,
                                const std::string &library, Array estimates,
                                llvm::ArrayRef<int64_t> sizes) {
  Result<Array> phases = phasesOf(compiled);
  LPGEN_RETURN_IF_ERROR(phases.status());
  Array schedules;
  for (const ScheduleChoice &choice : compiled.choices) {
    schedules.push_back("of " + choice.statement + ": " + choice.schedule);
  }
  const std::optional<int64_t> realMacs = insideMultiplyAccumulates(op, sizes);
  const Result<Problem> problem = recognizeProblem(op, sizes);
  return Value(Object{
      {"op", op.name},
      {"library", library},
      {"schedules", std::move(schedules)},
      {"estimates", std::move(estimates)},
      {"phases", std::move(*phases)},
      {"sizes", Array(sizes)},
      {"tensors", tensorsToJson(op, sizes)},
      {"nominalMacs", multiplyAccumulates(op, sizes)},
      {"realMacs", realMacs ? Value(*realMacs) : Value(nullptr)},
      {"problem", problem.ok() ? problemToJson(*problem) : Value(nullptr)},
      {"whyNoPeers", problem.ok() ? "" : problem.message()}});
}

} // namespace lpgen
