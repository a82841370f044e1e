// One node of an ONNX file as a layer.
#ifndef LPGEN_TRAINING_MODELS_ONNXLAYERS_H
#define LPGEN_TRAINING_MODELS_ONNXLAYERS_H

#include "networks/import/Names.h"
#include "training/models/Models.h"
#include "training/models/OnnxFlow.h"

namespace lpgen::nn {

class OnnxLayers {
public:
  OnnxLayers(const OnnxGraph &graph, const MakeBackend &makeBackend,
             const RandomKey &random);

  /// Adds the layer to the chain of the flow, which then holds its output. An
  /// error for a node that has none.
  Status add(const OnnxNode &node, OnnxFlow &flow);
  /// A name that no other layer has.
  std::string nameOf(const OnnxNode &node) { return names.make(node.name); }

private:
  using Add = Status (OnnxLayers::*)(const OnnxNode &, OnnxFlow &);
  static Add findRule(const std::string &operation);

  Status addConv(const OnnxNode &node, OnnxFlow &flow);
  Status addLinear(const OnnxNode &node, OnnxFlow &flow);
  Status addRelu(const OnnxNode &node, OnnxFlow &flow);
  Status addPool(const OnnxNode &node, OnnxFlow &flow);
  Status addMean(const OnnxNode &node, OnnxFlow &flow);
  Status addFlatten(const OnnxNode &node, OnnxFlow &flow);
  Status addTranspose(const OnnxNode &node, OnnxFlow &flow);
  Status addSlice(const OnnxNode &node, OnnxFlow &flow);
  Status addPad(const OnnxNode &node, OnnxFlow &flow);
  Status addNorm(const OnnxNode &node, OnnxFlow &flow);
  Status addNothing(const OnnxNode &node, OnnxFlow &flow);
  Status addMap(const OnnxNode &node, OnnxFlow &flow, const ByChannel &map);

  /// Made is Conv2d or Linear; the weights are in its order.
  template <typename Made>
  Status addProduct(const OnnxNode &node, const ConvGeometry &geometry,
                    std::span<const double> weights,
                    std::span<const double> bias, OnnxFlow &flow);
  /// Rows of an averaged image.
  Status addAverage(const OnnxNode &node, OnnxFlow &flow, bool keepsDims);

  const OnnxGraph &graph;
  const MakeBackend &makeBackend;
  const RandomKey &random;
  std::vector<const OnnxNode *> products;
  importer::Names names;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_MODELS_ONNXLAYERS_H
