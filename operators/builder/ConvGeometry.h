// The shape of a convolution or a linear layer, and its products as matrix
// products.
//
// Activations are [images, height, width, channels], weights
// [outputs, kernel, kernel, channels / groups], the reduction of a group being
// one row of weights. A linear layer is a convolution of 1 x 1 pixel.
#ifndef LPGEN_OPERATORS_BUILDER_CONVGEOMETRY_H
#define LPGEN_OPERATORS_BUILDER_CONVGEOMETRY_H

#include "base/system/ThreadPool.h"
#include <algorithm>
#include <cstdint>
#include <vector>

namespace lpgen {

struct ConvGeometry {
  int64_t height = 1;
  int64_t width = 1;
  int64_t channels = 1;
  int64_t outputs = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t groups = 1;

  static ConvGeometry linear(int64_t inputs, int64_t outputs) {
    ConvGeometry g;
    g.channels = inputs;
    g.outputs = outputs;
    return g;
  }
  bool operator==(const ConvGeometry &other) const = default;
  bool isLinear() const { return height * width * kernel == 1; }
  int64_t outHeight() const {
    return (height + 2 * padding - kernel) / stride + 1;
  }
  int64_t outWidth() const {
    return (width + 2 * padding - kernel) / stride + 1;
  }
  int64_t outPixels() const { return outHeight() * outWidth(); }
  int64_t groupChannels() const { return channels / groups; }
  int64_t groupOutputs() const { return outputs / groups; }
  /// Terms of one output: the length of a row of columns.
  int64_t reduction() const { return kernel * kernel * groupChannels(); }
  /// Elements of one image.
  int64_t inputSize() const { return height * width * channels; }
  int64_t outputSize() const { return outPixels() * outputs; }
  /// Multiply-accumulates of one image in one product.
  int64_t macs() const { return outputSize() * reduction(); }
  std::vector<int64_t> weightShape() const {
    return {outputs, kernel, kernel, groupChannels()};
  }

  /// The output columns [begin, end) that read inside the image where the tap
  /// is `shift` columns right of the window's first: 0 <= v stride + shift <
  /// width.
  TaskRange outColumnsInside(int64_t shift) const {
    const int64_t first =
        shift < 0 ? std::min((-shift + stride - 1) / stride, outWidth()) : 0;
    const int64_t beyond = (width - shift + stride - 1) / stride;
    return {first, std::clamp<int64_t>(beyond, first, outWidth())};
  }

  /// Images that one task of a product takes: about 512 output pixels.
  int64_t imagesPerBlock() const {
    const int64_t images = 512 / outPixels();
    return images < 1 ? 1 : images;
  }
};

} // namespace lpgen

#endif // LPGEN_OPERATORS_BUILDER_CONVGEOMETRY_H
