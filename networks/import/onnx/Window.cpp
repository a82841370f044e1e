// Windows of convolutions and pools.
#include "networks/import/onnx/Products.h"
#include <algorithm>
#include <array>

namespace lpgen::importer::onnx {

std::string tapName(size_t i) {
  static const std::array<std::string, 3> names = {"r", "s", "t"};
  return names[i % names.size()];
}

Subscript windowSubscript(const Window &window, size_t i,
                          const std::string &place, const std::string &tap) {
  return Subscript::index(place) * window.strides[i] +
         Subscript::index(tap) * window.dilations[i] +
         Subscript(-window.begins[i]);
}

static bool isBad(const std::vector<int64_t> &numbers, size_t count,
                  int64_t least) {
  constexpr int64_t most = 1 << 20;
  return numbers.size() != count ||
         std::ranges::any_of(numbers,
                             [&](int64_t n) { return n < least || n > most; });
}

/// What both kinds of windows have in common; pads before and after each
/// dimension.
static Outcome readTaps(const Node &node, size_t rank,
                        std::vector<int64_t> kernel, Window &window,
                        std::vector<int64_t> &pads) {
  window.kernel = std::move(kernel);
  window.strides = node.integers("strides", std::vector<int64_t>(rank, 1));
  window.dilations = node.integers("dilations", std::vector<int64_t>(rank, 1));
  pads = node.integers("pads", std::vector<int64_t>(2 * rank, 0));
  if (isBad(window.kernel, rank, 1) || isBad(window.strides, rank, 1) ||
      isBad(window.dilations, rank, 1) || isBad(pads, 2 * rank, 0)) {
    return Refusal{"kernel_shape, strides, dilations or pads",
                   "there is not one for each dimension of the image, or one "
                   "is out of range",
                   ""};
  }
  return std::nullopt;
}

Outcome readTransposedWindow(const Node &node, const Value &value,
                             std::vector<int64_t> kernel, Window &window) {
  const size_t rank = value.rank() - 2;
  std::vector<int64_t> pads;
  if (Outcome refusal = readTaps(node, rank, std::move(kernel), window, pads)) {
    return refusal;
  }
  const std::string automatic = node.text("auto_pad", "NOTSET");
  const bool isSame = automatic.starts_with("SAME_");
  const std::vector<int64_t> more =
      node.integers("output_padding", std::vector<int64_t>(rank, 0));
  const std::vector<int64_t> wanted = node.integers("output_shape");
  const bool isSized = !wanted.empty();
  if (isBad(more, rank, 0) || (isSized && isBad(wanted, rank, 1))) {
    return Refusal{"output_padding or output_shape",
                   "there is not one for each dimension of the image, or one "
                   "is out of range",
                   ""};
  }
  for (size_t i = 0; i < rank; ++i) {
    const int64_t extent = value.extent(i + 2);
    const int64_t all = window.strides[i] * (extent - 1) + more[i] +
                        window.dilations[i] * (window.kernel[i] - 1) + 1;
    int64_t outputs =
        all - (automatic == "VALID" ? 0 : pads[i] + pads[rank + i]);
    int64_t begin = automatic == "VALID" ? 0 : pads[i];
    if (isSized || isSame) {
      outputs = isSized ? wanted[i] : extent * window.strides[i];
      const int64_t cut = std::max<int64_t>(all - outputs, 0);
      begin = automatic == "SAME_UPPER" ? cut / 2 : cut - cut / 2;
    }
    if (outputs < 1) {
      return Refusal{"pads", "nothing of the image is left", ""};
    }
    window.begins.push_back(begin);
    window.outputs.push_back(outputs);
  }
  window.readsOutside = true;
  return std::nullopt;
}

Outcome readWindow(const Node &node, const Value &value,
                   std::vector<int64_t> kernel, Window &window) {
  const size_t rank = value.rank() - 2;
  std::vector<int64_t> pads;
  if (Outcome refusal = readTaps(node, rank, std::move(kernel), window, pads)) {
    return refusal;
  }
  const std::string automatic = node.text("auto_pad", "NOTSET");
  const bool isCeil = node.integer("ceil_mode", 0) != 0;
  for (size_t i = 0; i < rank; ++i) {
    const int64_t extent = value.extent(i + 2);
    const int64_t reach = window.dilations[i] * (window.kernel[i] - 1) + 1;
    const int64_t stride = window.strides[i];
    if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      const int64_t outputs = (extent + stride - 1) / stride;
      const int64_t all =
          std::max<int64_t>((outputs - 1) * stride + reach - extent, 0);
      pads[i] = automatic == "SAME_UPPER" ? all / 2 : all - all / 2;
      pads[rank + i] = all - pads[i];
    } else if (automatic == "VALID") {
      pads[i] = pads[rank + i] = 0;
    } else if (automatic != "NOTSET") {
      return Refusal{"auto_pad", "'" + automatic + "' is not known", ""};
    }
    const int64_t span = extent + pads[i] + pads[rank + i] - reach;
    if (span < 0) {
      return Refusal{"kernel_shape", "the window is larger than the image", ""};
    }
    int64_t outputs = span / stride + 1;
    if (isCeil && span % stride != 0 && outputs * stride < extent + pads[i]) {
      ++outputs;
    }
    window.begins.push_back(pads[i]);
    window.ends.push_back(pads[rank + i]);
    window.outputs.push_back(outputs);
    window.readsOutside = window.readsOutside || pads[i] > 0 ||
                          (outputs - 1) * stride + reach - pads[i] > extent;
  }
  return std::nullopt;
}

} // namespace lpgen::importer::onnx
