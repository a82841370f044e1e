// The results of all layers of a network, each compared with the interpreter's
// for the values that the kernel itself gave the layers before it. So a fault
// shows in the layer where it is, and the work does not grow with the depth.
#ifndef LPGEN_WORKBENCH_VERIFY_LAYERCHECKS_H
#define LPGEN_WORKBENCH_VERIFY_LAYERCHECKS_H

#include "operators/network/Layers.h"
#include "operators/network/SubOperator.h"
#include "workbench/verify/Verify.h"

namespace lpgen {

class LayerChecks {
public:
  /// For a checked operator, which must outlive the result.
  explicit LayerChecks(const ast::Op &op);

  /// The operator with the results of all layers as outputs, in order. Its
  /// inputs are those of the operator that something reads.
  const ast::Op &observed() const { return whole.op; }
  /// The inputs of `observed` among those of the operator.
  std::vector<HostTensor> inputsOf(llvm::ArrayRef<HostTensor> inputs) const;
  /// For each output of the operator its place among those of `observed`.
  std::vector<size_t> outputPlaces() const;

  /// Compares what a kernel of `observed` gave for `inputs`. Layers of more
  /// steps of the interpreter than `maxSteps` are compared at `layerSamples`
  /// elements: corners, borders, random ones. Adds to the layers of `report`
  /// and its messages.
  Status compare(llvm::ArrayRef<int64_t> sizes,
                 const std::vector<HostTensor> &inputs,
                 const std::vector<HostTensor> &found, uint64_t seed,
                 const VerifyOptions &options, const std::string &description,
                 VerifyReport &report) const;

  static constexpr int64_t layerSamples = 10'000;

private:
  const ast::Op &op;
  std::vector<Layer> layers;
  SubOperator whole;
  std::vector<SubOperator> alone; ///< Each layer as an operator.

  Status compareLayer(size_t number, llvm::ArrayRef<int64_t> sizes,
                      std::vector<const HostTensor *> &known,
                      const std::vector<HostTensor> &found, size_t firstOutput,
                      uint64_t seed, const VerifyOptions &options,
                      const std::string &description,
                      VerifyReport &report) const;
};

} // namespace lpgen

#endif // LPGEN_WORKBENCH_VERIFY_LAYERCHECKS_H
