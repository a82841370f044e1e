// A network as a file of the operator language and the values of its constants,
// and what the declarations of its operators have in common.
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
};

/// A formal of any extents: "x: u{A}[?n <= N, H, W, C]" of a type of the same
/// letter; `suffix` behind the names of the extents.
builder::Declaration declareImages(const std::string &name, ElementType type,
                                   const Shape &shape,
                                   const std::string &suffix = "");
/// A formal for constants, "w: s{B}[O, C]".
builder::Declaration declareConstant(const std::string &name, ElementType type,
                                     const std::vector<std::string> &extents);

/// The indices of an element: n, h, v, o or, flat, n, o.
std::vector<std::string> indices(const Shape &shape);

/// A constant of a stage as it is stored.
struct StoredConstant {
  std::string name; ///< "conv1.w"
  const HostTensor *values;
};
std::vector<StoredConstant> constantsOf(const Network &network);

/// The file: constants by these names, each operator once, and operator net,
/// which calls them. `title` is its first line of comment.
std::string networkText(const Network &network, const std::string &title);

} // namespace lpgen::networks

#endif // LPGEN_NETWORKS_NETWORKTEXT_H
