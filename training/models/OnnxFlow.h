// What flows from node to node while a network of an ONNX file becomes layers.
#ifndef LPGEN_TRAINING_MODELS_ONNXFLOW_H
#define LPGEN_TRAINING_MODELS_ONNXFLOW_H

#include "training/layers/Containers.h"
#include "training/models/OnnxGraph.h"

namespace lpgen::nn {

/// Shape and order of a tensor of the file. Layers have channels last.
struct OnnxPlace {
  int64_t height = 1;
  int64_t width = 1;
  int64_t channels = 1;
  bool isFlat = false;    ///< [images, elements]
  bool isByPixel = false; ///< Channels are last in the file as well.

  bool operator==(const OnnxPlace &other) const = default;
  int64_t size() const { return height * width * channels; }
  /// "[n, 16, 32, 32]", as the file has it.
  std::string text() const;
};

/// Affine[c] of known numbers that an operator combines with a tensor: one, or
/// one for each channel; nothing if they are others.
std::optional<std::vector<double>> numbersByChannel(const Constant &numbers,
                                                    const OnnxPlace &place);

/// y = gain[c] x + offset[c]
struct ByChannel {
  std::vector<double> gain;
  std::vector<double> offset;
};
/// What Add, Sub, Mul or Div makes of a tensor and known numbers; nothing if
/// the node is none of them, an error if it is no such map.
Result<std::optional<ByChannel>> mapByChannel(const OnnxGraph &graph,
                                              const OnnxNode &node,
                                              const OnnxPlace &place);

/// The weights and the bias of the product before, into which maps go.
struct OnnxProduct {
  FloatTensor *weight = nullptr;
  FloatTensor *bias = nullptr;

  void apply(const ByChannel &map);
};

struct OnnxFlow {
  std::string tensor;
  OnnxPlace place;
  Sequential *chain = nullptr;
  OnnxProduct product;      ///< Null where something stands between.
  int64_t rowStride = 1;    ///< Of pixels that were left out, until both
  int64_t columnStride = 1; ///< are known.
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_MODELS_ONNXFLOW_H
