// What takes the layers of a trained network in order: it becomes operators
// (NetworkBuilder.h) or a file of QONNX (qonnx/QonnxBuilder.h).
#ifndef LPGEN_NETWORKS_NETWORKSINK_H
#define LPGEN_NETWORKS_NETWORKSINK_H

#include "base/system/Status.h"
#include "networks/ForwardOperands.h"
#include "operators/builder/ConvGeometry.h"
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace lpgen::networks {

/// The images of a network, and what it sees of their pixels:
/// ofPixel[c, p] = (p / 255 - mean[c]) / deviation[c].
struct ImageFormat {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  int64_t classes = 0;
  std::vector<float> ofPixel; ///< [channels, 256]
  std::vector<float> mean;    ///< [channels]
  std::vector<float> deviation;
};

/// Each function adds what the layer of that name does to the elements. An
/// error names the layer.
class NetworkSink {
public:
  virtual ~NetworkSink() = default;

  /// A convolution, or a linear layer.
  virtual Status addProduct(const std::string &layer,
                            const ConvGeometry &geometry,
                            const ForwardOperands &operands) = 0;
  /// One for each channel.
  virtual Status addBias(const std::string &layer,
                         std::span<const float> biases) = 0;
  /// y = gain x + offset, for each channel.
  virtual Status addAffine(const std::string &layer, std::vector<float> gains,
                           std::vector<float> offsets) = 0;
  virtual Status addRelu(const std::string &layer) = 0;
  virtual Status addMaxPool(const std::string &layer, int64_t kernel,
                            int64_t stride) = 0;
  virtual Status addAveragePool(const std::string &layer, int64_t kernel,
                                int64_t stride) = 0;
  /// Pixels and channels become channels, pixel by pixel.
  virtual void flatten() = 0;
  /// Every `stride`-th pixel, and zeros up to so many channels.
  virtual Status addPaddedPixels(const std::string &layer, int64_t stride,
                                 int64_t channels) = 0;
  /// The sum of what two branches make of the same input.
  using Branch = std::function<Status(NetworkSink &)>;
  virtual Status addBranches(const std::string &layer, const Branch &main,
                             const Branch &shortcut) = 0;
};

} // namespace lpgen::networks

#endif // LPGEN_NETWORKS_NETWORKSINK_H
