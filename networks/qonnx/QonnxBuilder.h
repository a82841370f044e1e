// Takes the layers of a network in order and writes them as nodes of QONNX: a
// quantizer before each product and one for its weights, all else as float
// operators. Elements are [N, C, H, W]. Where float operations are rounded, the
// nodes have the order of the trainer.
#ifndef LPGEN_NETWORKS_QONNX_QONNXBUILDER_H
#define LPGEN_NETWORKS_QONNX_QONNXBUILDER_H

#include "networks/NetworkSink.h"
#include "networks/NetworkText.h"
#include "networks/qonnx/OnnxModel.h"

namespace lpgen::networks {

class QonnxBuilder final : public NetworkSink {
public:
  explicit QonnxBuilder(const ImageFormat &images);

  Status addProduct(const std::string &layer, const ConvGeometry &geometry,
                    const ForwardOperands &operands) override;
  Status addBias(const std::string &layer,
                 std::span<const float> biases) override;
  Status addAffine(const std::string &layer, std::vector<float> gains,
                   std::vector<float> offsets) override;
  Status addRelu(const std::string &layer) override;
  Status addMaxPool(const std::string &layer, int64_t kernel,
                    int64_t stride) override;
  Status addAveragePool(const std::string &layer, int64_t kernel,
                        int64_t stride) override;
  void flatten() override;
  Status addPaddedPixels(const std::string &layer, int64_t stride,
                         int64_t channels) override;
  Status addBranches(const std::string &layer, const Branch &main,
                     const Branch &shortcut) override;

  /// The bytes of the file, in which the last tensor is called "scores".
  Result<std::string> finish();

private:
  using Attributes = OnnxModel::Attributes;
  /// Adds a node with one result, whose name it returns; nodes of one layer
  /// are told apart by `part`.
  std::string apply(const std::string &operation,
                    const std::vector<std::string> &inputs,
                    const std::string &layer, const std::string &part,
                    const Attributes &attributes = {});
  /// The same with the pending tensor as first input and as result.
  void applyToPending(const std::string &operation,
                      const std::vector<std::string> &others,
                      const std::string &layer, const std::string &part,
                      const Attributes &attributes = {});
  std::string scalar(const std::string &name, float value);
  std::string whole(const std::string &name,
                    const std::vector<int64_t> &values);
  /// A number for each channel of the pending tensor.
  std::string ofChannels(const std::string &name, std::span<const float> values,
                         bool isFlat);
  void addPool(const std::string &operation, const std::string &layer,
               int64_t kernel, int64_t stride);
  /// `x` rounded to a grid and scaled back, to the bit what the grid's form
  /// says.
  Result<std::string> quantized(const std::string &x, const QuantParams &grid,
                                const std::string &layer,
                                const std::string &part);
  /// The quantizer of the integers that the grid's codes are among.
  std::string quant(const std::string &x, const std::string &scale,
                    const QuantParams &grid, const std::string &layer,
                    const std::string &part);
  std::string weightsOf(const ConvGeometry &geometry, const ForwardTerm &term,
                        const std::string &layer, const std::string &part);
  std::string product(const ConvGeometry &geometry, const std::string &x,
                      const std::string &weights, const std::string &layer,
                      const std::string &part);
  Result<std::string> addTerm(const std::string &layer,
                              const ConvGeometry &geometry,
                              const ForwardTerm &term, const std::string &part);

  OnnxModel model;
  std::string pending; ///< The name of a tensor.
  Shape shape;         ///< Of the pending tensor.
  int64_t classes;
};

} // namespace lpgen::networks

#endif // LPGEN_NETWORKS_QONNX_QONNXBUILDER_H
