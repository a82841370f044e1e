// Takes the layers of a network in order and makes its stages. What has been
// added so far is pending, as a sum with an epilogue, until the next layer
// with weights says how it wants its input: then it becomes a stage.
//
// Layers describe themselves by the public functions, which NetworkBuilder.cpp
// has; NetworkStages.cpp makes the stages.
#ifndef LPGEN_NETWORKS_NETWORKBUILDER_H
#define LPGEN_NETWORKS_NETWORKBUILDER_H

#include "networks/Epilogue.h"
#include "networks/Network.h"
#include "networks/NetworkSink.h"
#include "networks/NetworkText.h"

namespace lpgen::networks {

/// What a stage makes, with its shape; its grid if it holds codes.
struct Tensor {
  std::string stage; ///< Empty: the image.
  Shape shape;
  std::optional<QuantParams> grid;
  BatchScale batch;
};

/// Elements that are not computed yet.
struct PendingStage {
  enum class Source {
    Image,   ///< What a table makes of the pixels.
    Tensor,  ///< Floats of a stage, or some pixels and channels of them.
    Operator ///< A sum or a maximum.
  };
  /// A pool: a square of `kernel` pixels, every `stride` pixels.
  struct Window {
    std::string name;
    int64_t kernel;
    int64_t stride;
  };
  /// Channels [first, first + shape.channels) of every `stride`-th pixel of a
  /// tensor; zeros beyond its last channel.
  struct Part {
    Tensor tensor;
    int64_t first = 0;
    int64_t stride = 1;

    bool isWhole(const Shape &shape) const {
      return stride == 1 && shape.channels == tensor.shape.channels;
    }
  };
  Source source = Source::Image;
  Part part;        ///< Of a tensor.
  std::string name; ///< Of the stage that will compute it.
  std::string kind;
  std::vector<Parameter> parameters;
  std::vector<Input> inputs;
  std::vector<builder::Statement> statements; ///< "acc[n,h,v,o] = ..."
  builder::Expression element = 0; ///< The epilogue's first: "acc[n,h,v,o]".
  std::vector<builder::Extent> extents; ///< Of the result, of parameters.
  Shape shape;                          ///< Before the pools.
  Epilogue epilogue;
  std::vector<Window> pools; ///< Maxima, after the epilogue.
  bool isFlattened = false;
};

class NetworkBuilder final : public NetworkSink {
public:
  /// `imagesPerCall` is the most images of one call.
  NetworkBuilder(ImageFormat format, int64_t imagesPerCall);

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

  /// The network, whose last stage makes the scores.
  Result<Network> finish();

private:
  /// The pending elements must come from an operator, for an epilogue.
  Status needOperator(const std::string &layer);
  Status addIntegers(const std::string &layer, const ConvGeometry &geometry,
                     const ForwardOperands &operands);
  /// The codes that a term takes, of the pending elements; all of them if
  /// `isSpread`.
  Result<Tensor> inputOf(const std::string &name, const ConvGeometry &geometry,
                         const ForwardTerm &term, const std::string &part,
                         bool isSpread);
  /// A sum with its scale.
  static PendingStage startTerm(const std::string &name,
                                const ConvGeometry &geometry,
                                const ForwardTerm &term, const Tensor &x,
                                bool isSpread);
  void addFloats(const std::string &layer, const ConvGeometry &geometry,
                 const std::vector<float> &weights);

  // NetworkStages.cpp: pending elements and their stages.
  /// What a table makes of the pixels: codes of a grid, or floats.
  Tensor emitTable(const std::optional<QuantParams> &grid);

  static PendingStage startPart(const PendingStage::Part &part,
                                const Shape &shape);
  static PendingStage startTensor(const Tensor &tensor) {
    return startPart({tensor}, tensor.shape);
  }
  /// The part as an input called `name`, with `suffix` behind the names of its
  /// extents, and its element for an output's.
  struct Access {
    Input input;
    builder::Expression element;
    std::vector<Parameter> parameters;
  };
  static Access access(const std::string &name, const std::string &suffix,
                       const PendingStage::Part &part, const Shape &shape);
  /// `weights` has the elements of the layer, in its order.
  static PendingStage startProduct(const std::string &name,
                                   const ConvGeometry &g, const Tensor &x,
                                   const HostTensor &weights);
  /// `reduction` ("sum", "max") of each window of x, called `result`.
  static PendingStage startWindow(const PendingStage::Window &window,
                                  const Tensor &x, const std::string &result,
                                  const std::string &reduction);

  Tensor emit(PendingStage from, const std::optional<Quantization> &to);
  Tensor emitPool(const PendingStage::Window &pool, const Tensor &x);
  std::string emitPeak(const std::string &name, const Tensor &x);
  /// The pending elements as a value of floats, from now on the pending tensor.
  Tensor toFloats();
  /// Channels of the pending elements as codes; all of them if `isWhole`. The
  /// pending elements are used up, unless they are a tensor.
  Tensor toCodes(const std::string &layer, const ForwardTerm &term,
                 const std::string &part, bool isWhole);
  /// Computes the pools, but the last, which becomes the pending operator.
  void startLastPool();

  ImageFormat images;
  Network network;
  PendingStage pending;
};

} // namespace lpgen::networks

#endif // LPGEN_NETWORKS_NETWORKBUILDER_H
