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
    if (tensor.role == ast::Role::Input) {
      job.inputNames.push_back(tensor.name);
      job.inputs.push_back(&tensors[id]);
    } else if (tensor.role == ast::Role::Output) {
      job.outputs.push_back({tensor.name, tensor.type, shapes.shapeOf(id)});
    }
  }
  return job;
}

} // namespace lpgen
