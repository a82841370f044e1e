// Walks the layers in order. What has been read so far stands open, as a sum
// with an epilogue, until the next layer with weights says how it wants its
// input: then it becomes a stage.
//
// Private to Network.cpp, which takes the layers, and NetworkStages.cpp, which
// makes the stages.
#ifndef LPGEN_NETWORKS_NETWORKBUILDER_H
#define LPGEN_NETWORKS_NETWORKBUILDER_H

#include "networks/Epilogue.h"
#include "networks/Network.h"
#include "networks/NetworkText.h"

namespace lpgen::nn {
class Pool;
class ProductLayer;
class OrderedProducts;
class Residual;
} // namespace lpgen::nn

namespace lpgen::inference {

/// A value with its shape; its grid if it holds codes.
struct Tensor {
  int value = -1;
  Shape shape;
  std::optional<nn::IntegerGrid> grid;
  BatchScale batch;
};

/// Elements that are not computed yet.
struct Open {
  enum class Source {
    Image,   ///< What the table makes of the pixels.
    Tensor,  ///< A value of floats.
    Operator ///< A sum or a maximum.
  };
  /// A pool: a square of `kernel` pixels, every `stride` pixels.
  struct Window {
    std::string name;
    int64_t kernel;
    int64_t stride;
  };
  Source source = Source::Image;
  int value = -1;   ///< Of a tensor.
  std::string name; ///< Of the stage that will compute it.
  std::vector<Input> inputs;
  std::string statement; ///< "  acc[n,h,v,o] = ..."
  std::string element;   ///< What the epilogue begins with: "acc[n,h,v,o]".
  Shape shape;           ///< Before the pools.
  Epilogue epilogue;
  std::vector<Window> pools; ///< Maxima, after the epilogue.
  bool isFlattened = false;
};

class NetworkBuilder {
public:
  NetworkBuilder(const data::Dataset &data, int64_t batchSize);
  /// The layer after those added so far. An error names it.
  Status add(const nn::Layer &layer);
  /// The network, whose last stage makes the scores.
  Result<Network> finish();

private:
  // Network.cpp: what a layer adds.
  Status addProduct(const nn::ProductLayer &layer);
  Status addIntegers(const nn::ProductLayer &layer,
                     const nn::ForwardOperands &operands);
  void addFloats(const nn::ProductLayer &layer,
                 const nn::OrderedProducts &products);
  Status addPool(const nn::Pool &layer);
  Status addResidual(const nn::Residual &layer);

  // NetworkStages.cpp: values, open elements and their stages.
  int addValue(const Shape &shape, unsigned bytes);
  Input fromValue(const std::string &name, const Tensor &x,
                  const std::string &padding = "") const;
  Tensor fillTable(const std::optional<nn::IntegerGrid> &grid);

  Open openTensor(const Tensor &tensor, int64_t first, int64_t channels) const;
  Open openProduct(const std::string &name, const nn::ConvGeometry &g,
                   const Tensor &x, Input weights) const;
  /// `reduction` ("sum", "max") of each window of x, called `result`.
  Open openWindow(const Open::Window &window, const Tensor &x,
                  const std::string &result,
                  const std::string &reduction) const;

  Tensor emit(Open from, const std::optional<Quantization> &to);
  Tensor emitPool(const Open::Window &pool, const Tensor &x);
  int emitPeak(const std::string &name, const Tensor &x, int64_t first,
               int64_t channels);
  /// The open elements as a value of floats, from now on the open tensor.
  Tensor toFloats();
  /// Channels of the open elements as codes. The open elements are used up,
  /// unless they are a tensor.
  Tensor toCodes(const std::string &layer, const nn::ForwardTerm &term,
                 const std::string &part);
  /// Computes the pools, but the last, which becomes the open operator.
  void openLastPool();

  const data::Dataset &data;
  Network network;
  Open open;
  bool hasIntegers = false;
};

} // namespace lpgen::inference

#endif // LPGEN_NETWORKS_NETWORKBUILDER_H
