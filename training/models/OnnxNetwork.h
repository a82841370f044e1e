// A float network in an ONNX file as layers of training: chains of
// convolutions, matrix products, relus and pools, and sums of two branches.
//
// What adds or multiplies by channels goes into the weights before it, or, in
// front of the first product, into what the network sees of a pixel.
#ifndef LPGEN_TRAINING_MODELS_ONNXNETWORK_H
#define LPGEN_TRAINING_MODELS_ONNXNETWORK_H

#include "training/models/Models.h"
#include "training/models/OnnxGraph.h"

namespace lpgen::nn {

/// The images that a network is given, and what it makes of them at once.
struct OnnxImages {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  /// Its first product sees gain[c] p + offset[c] of a pixel p of 0 to 255.
  std::vector<double> gain;
  std::vector<double> offset;
};

class OnnxNetwork {
public:
  /// `mean` and `deviation` are of pixels, by channel: the file's input is
  /// (p - mean) / deviation. Where they are empty they are 0, and 255 if the
  /// input is of floats, else 1. An error if the file's input has not this
  /// shape.
  static Result<OnnxNetwork> open(const std::string &path, int64_t height,
                                  int64_t width, int64_t channels,
                                  std::vector<float> mean,
                                  std::vector<float> deviation);

  const OnnxImages &images() const { return seen; }
  /// The layers with the weights of the file. An error names the node that is
  /// not one of those above, and why.
  Result<std::unique_ptr<Layer>> build(const ModelSpec &spec,
                                       const MakeBackend &makeBackend,
                                       const RandomKey &random) const;

private:
  explicit OnnxNetwork(OnnxGraph graph) : graph(std::move(graph)) {}
  Status takeInput(int64_t height, int64_t width, int64_t channels);
  Status takeHead();

  OnnxGraph graph;
  OnnxImages seen;
  std::string first;      ///< The tensor that the first layer reads.
  bool isFlat = false;    ///< That one is [images, elements].
  bool isByPixel = false; ///< Its channels are last.
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_MODELS_ONNXNETWORK_H
