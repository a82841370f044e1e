// Weights of a product, and what is known of its sums.
#ifndef LPGEN_NETWORKS_IMPORT_ONNX_WEIGHTS_H
#define LPGEN_NETWORKS_IMPORT_ONNX_WEIGHTS_H

#include "networks/import/onnx/Lowering.h"

namespace lpgen::importer::onnx {

/// Weights as integers with one scale for each output, or as floats.
struct Weights {
  Constant numbers;
  bool isInteger = false;
  std::optional<Constant> scale; ///< Of one element or one for each output.
};

/// Known weights as they are multiplied; `dim` is that of the outputs.
Weights prepareWeights(Lowering &lowering, const Value &weights, size_t dim,
                       bool isInputInteger);
/// A constant of the network with the weights; returns its name.
std::string addWeights(Lowering &lowering, const Constant &numbers,
                       bool isInteger);

/// x can be multiplied as integers: it has one scale and one zero point.
bool isUniformGrid(const Value &x);
int64_t zeroOf(const Value &x);
/// x - zero, as integers.
builder::Expression centred(const builder::Expression &element, const Value &x);

/// The least and the greatest sum of any output; `perOutput` weights of each
/// stand together. Sums must fit 64 bits.
Outcome boundSums(const Constant &weights, int64_t perOutput, const Value &x,
                  Value &sums);
/// The scale of the sums, along dimension `dim`.
std::optional<Quantization> scaleOfSums(const Value &x, const Weights &weights,
                                        size_t dim, size_t rank);
/// "[n, 64, 28, 28]"
std::string shapeText(const Extents &shape);
/// The row of the report for the product whose sums are stored as `result`.
void addLayer(Lowering &lowering, const Node &node, const Value &x,
              const Weights &weights, const Value &result, int64_t perOutput,
              const Constant &declared);

} // namespace lpgen::importer::onnx

#endif // LPGEN_NETWORKS_IMPORT_ONNX_WEIGHTS_H
