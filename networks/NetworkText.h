// The stages of a network as operators of the operator language, and the pieces
// that they are made of.
#ifndef LPGEN_NETWORKS_NETWORKTEXT_H
#define LPGEN_NETWORKS_NETWORKTEXT_H

#include "networks/Network.h"

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

/// "s8", and with a grid " in [-127, 127]" behind the extents.
struct ElementText {
  std::string type = "f32";
  std::string range;

  ElementText() = default;
  explicit ElementText(const QuantParams &grid);
};

/// "s8[?n <= 64, 28, 28, 32] in [-127, 127]"; ", 32" and so on of the shape.
std::string inputType(const ElementText &element, const Shape &shape,
                      int64_t images);
/// "s8[?n, 28, 28, 32]"
std::string outputType(const ElementText &element, const Shape &shape);

/// "[n,h,v,o]" or, flat, "[n,o]"
std::string indices(const Shape &shape);
/// "2*h + r - 1"
std::string subscript(const std::string &pixel, const std::string &tap,
                      int64_t stride, int64_t padding);

/// The name of a stage's operator.
std::string operatorName(const Stage &stage);
/// A file with one operator for each stage, of its inputs and the output y.
std::string networkText(const Network &network);

} // namespace lpgen::networks

#endif // LPGEN_NETWORKS_NETWORKTEXT_H
