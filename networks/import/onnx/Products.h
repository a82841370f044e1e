// Products of an input with weights, in the form that all operators with
// weights share.
#ifndef LPGEN_NETWORKS_IMPORT_ONNX_PRODUCTS_H
#define LPGEN_NETWORKS_IMPORT_ONNX_PRODUCTS_H

#include "networks/import/onnx/Lowering.h"

namespace lpgen::importer::onnx {

/// A window that goes over the dimensions behind the channels.
struct Window {
  std::vector<int64_t> kernel;
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> begins;  ///< Padding before each dimension.
  std::vector<int64_t> ends;    ///< And behind it.
  std::vector<int64_t> outputs; ///< Places of the window.
  bool readsOutside = false;
};
/// The window of a convolution or a pool with the node's attributes over a
/// value of so many extents; a refusal if they make no sense.
Outcome readWindow(const Node &node, const Value &value,
                   std::vector<int64_t> kernel, Window &window);
/// "2*h + r - 1": what the window reads in dimension `i`, behind the channels.
Subscript windowSubscript(const Window &window, size_t i,
                          const std::string &place, const std::string &tap);
/// The names of the window's taps and of its places.
std::string tapName(size_t i);

/// The window of a transposed convolution; it reads x at (place + begin - tap)
/// / stride.
Outcome readTransposedWindow(const Node &node, const Value &value,
                             std::vector<int64_t> kernel, Window &window);

/// The convolution of x with known weights [outputs, channels / groups, ...]:
/// sums of integers with the scale of the product, or of floats.
Outcome convolve(Lowering &lowering, const Node &node, const Value &x,
                 const Value &weights, Value &result);
/// The transposed one, with weights [channels, outputs / groups, ...].
Outcome convolveTransposed(Lowering &lowering, const Node &node, const Value &x,
                           const Value &weights, Value &result);
/// The product of the input with a known matrix [inputs, outputs].
Outcome multiply(Lowering &lowering, const Node &node, const Value &input,
                 const Value &matrix, Value &result);
/// The product of two inputs, known or not, of two dimensions or more.
Outcome multiplyAny(Lowering &lowering, const Node &node, const Value &a,
                    const Value &b, Value &result);
/// Adds a bias [outputs] along dimension `dim`: to the integers if it is on the
/// grid of the sums.
Outcome addBias(Lowering &lowering, const Value &bias, size_t dim,
                Value &result);

} // namespace lpgen::importer::onnx

#endif // LPGEN_NETWORKS_IMPORT_ONNX_PRODUCTS_H
