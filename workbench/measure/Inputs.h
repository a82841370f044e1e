// Legal random values for the inputs of a kernel. Speed does not depend on
// them; results are compared on them.
#ifndef LPGEN_WORKBENCH_MEASURE_INPUTS_H
#define LPGEN_WORKBENCH_MEASURE_INPUTS_H

#include "base/tensor/Tensor.h"
#include "workbench/measure/Job.h"
#include <vector>

namespace lpgen {

/// One tensor for each of the kernel's: inputs filled with legal values, the
/// same in every run, outputs with zero bytes.
Result<std::vector<HostTensor>> makeTensors(const BenchKernel &kernel);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_MEASURE_INPUTS_H
