// The stages of a network as operators of the operator language, and what their
// declarations have in common.
#ifndef LPGEN_NETWORKS_NETWORKTEXT_H
#define LPGEN_NETWORKS_NETWORKTEXT_H

#include "networks/Network.h"
#include <optional>

namespace lpgen::networks {

/// Of one image: pixels and channels, or, flat, channels only.
struct Shape {
  int64_t height = 1;
  int64_t width = 1;
  int64_t channels = 1;
  bool isFlat = false;

  int64_t size() const { return height * width * channels; }
  Shape flattened() const { return {1, 1, size(), true}; }
};

/// A tensor of codes of a grid, or of floats.
builder::Declaration declare(const std::string &name,
                             const std::optional<QuantParams> &grid,
                             std::vector<builder::Extent> extents);
/// The same of `images` images of a shape, "?n" if they are declared already.
builder::Declaration declare(const std::string &name,
                             const std::optional<QuantParams> &grid,
                             const builder::Extent &images, const Shape &shape);

/// The indices of an element: n, h, v, o or, flat, n, o.
std::vector<std::string> indices(const Shape &shape);

/// The name of a stage's operator.
std::string operatorName(const Stage &stage);
/// A file with one operator for each stage, of its inputs and the output y.
std::string networkText(const Network &network);

} // namespace lpgen::networks

#endif // LPGEN_NETWORKS_NETWORKTEXT_H
