// One kernel of a job from its operator; workbench/measure/Job.h has the file.
#include "workbench/bench/BenchJob.h"
#include "operators/network/InsideMacs.h"
#include "operators/reference/Interpreter.h"
#include "workbench/bench/BenchProblem.h"
#include "workbench/layers/LayerTable.h"

namespace lpgen {

/// Floats of a product are whole numbers up to this: sums of up to a million
/// products are exact.
static constexpr int64_t kMostFloat = 4;

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
      shape.push_back(op.sizeOf(extent, sizes));
    }
    tensors.push_back({tensor.name, tensor.type, std::move(shape),
                       tensor.range.lo, tensor.range.hi,
                       tensor.role == ast::Role::Input,
                       tensor.strides.empty() ? std::vector<int64_t>()
                                              : op.stridesOf(tensor, sizes)});
  }
  return tensors;
}

/// The layers and which one each phase computes.
static void describeLayers(const ast::Op &op, const CompiledNetwork &network,
                           llvm::ArrayRef<int64_t> sizes, BenchKernel &kernel) {
  const std::vector<LayerLine> lines = layerLines(op, network, sizes);
  for (const LayerLine &line : lines) {
    kernel.layers.push_back(
        {line.layer.name, line.result(), line.macs, int64_t(line.computedIn)});
  }
  for (const size_t line : linesOfPhases(op, network, lines)) {
    kernel.phaseLayers.push_back(int64_t(line));
  }
}

/// The extent of the first dimension, if the first input and all outputs have
/// the same there; else 0.
static int64_t batchOf(const std::vector<BenchTensor> &tensors) {
  std::optional<int64_t> batch;
  for (const BenchTensor &tensor : tensors) {
    if (tensor.isInput && batch) {
      continue;
    }
    const int64_t first = tensor.shape.empty() ? 0 : tensor.shape.front();
    if (first != batch.value_or(first)) {
      return 0;
    }
    batch = first;
  }
  return batch.value_or(0);
}

BenchKernel describeKernel(const ast::Op &op, const CompiledNetwork &network,
                           const std::string &library,
                           std::vector<Estimate> estimates,
                           llvm::ArrayRef<int64_t> sizes) {
  const CompiledOp &compiled = network.compiled;
  BenchKernel kernel;
  kernel.op = op.name;
  kernel.library = library;
  kernel.estimates = std::move(estimates);
  for (const ScheduleChoice &choice : compiled.choices) {
    kernel.schedules.push_back("of " + choice.statement + ": " +
                               choice.schedule);
  }
  for (const PhaseInfo &phase : compiled.kernel.phases) {
    kernel.phases.push_back(phase.op);
  }
  if (hasLayers(op)) {
    describeLayers(op, network, sizes, kernel);
  }
  kernel.sizes = sizes.vec();
  kernel.tensors = tensorsOf(op, sizes);
  kernel.batch = batchOf(kernel.tensors);
  kernel.nominalMacs = multiplyAccumulates(op, sizes);
  kernel.realMacs = insideMultiplyAccumulates(op, sizes);
  if (const Result<Problem> problem = recognizeProblem(op, sizes);
      problem.ok()) {
    kernel.problem = *problem;
    for (const int operand : {problem->x, problem->w}) {
      BenchTensor &tensor = kernel.tensors[size_t(operand)];
      if (tensor.type.isFloat()) {
        tensor.lo = -kMostFloat;
        tensor.hi = kMostFloat;
      }
    }
  } else {
    kernel.whyNoBaselines = problem.message();
  }
  return kernel;
}

} // namespace lpgen
