// Jobs from operators.
#include "workbench/verify/OpJob.h"
#include "operators/reference/Interpreter.h"

namespace lpgen {

Job makeJob(const ast::Op &op, const std::string &kernel,
            llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<HostTensor> tensors) {
  Job job;
  job.kernel = kernel;
  job.sizes = sizes.vec();
  const Interpreter shapes(op, sizes);
  for (unsigned id = 0; id < op.tensors.size(); ++id) {
    const ast::Tensor &tensor = op.tensors[id];
    std::vector<int64_t> strides;
    if (!tensor.strides.empty()) {
      strides = op.stridesOf(tensor, sizes);
    }
    if (tensor.role == ast::Role::Input) {
      job.inputNames.push_back(tensor.name);
      job.inputs.push_back(&tensors[id]);
      job.inputStrides.push_back(std::move(strides));
    } else if (tensor.role == ast::Role::Output) {
      job.outputs.push_back(
          {tensor.name, tensor.type, shapes.shapeOf(id), std::move(strides)});
    }
  }
  return job;
}

} // namespace lpgen
