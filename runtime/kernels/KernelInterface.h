// What a kernel takes and gives: names, types, shapes and run-time sizes, as
// the manifest says that `lpgen compile --emit manifest` writes.
//
// The descriptor of a kernel (base/abi/lp_kernel.h) has only counts; who runs a
// kernel without its header reads this.
#ifndef LPGEN_RUNTIME_KERNELS_KERNELINTERFACE_H
#define LPGEN_RUNTIME_KERNELS_KERNELINTERFACE_H

#include "base/system/Status.h"
#include "base/types/ComputedSize.h"
#include "base/types/ElementType.h"
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lpgen {

struct KernelSize {
  std::string name;
  int64_t bound = 0;
};

struct KernelBuffer {
  std::string name;
  ElementType type;
  std::vector<int64_t> shape; ///< Constants, or bounds of run-time sizes.
  /// For each dimension its run-time size, computed ones behind those that are
  /// given, or -1.
  std::vector<int64_t> sizes;
  /// Of a view, elements between neighbours, in the same form; empty for a
  /// dense tensor.
  std::vector<int64_t> strides;
  std::vector<int64_t> strideSizes;
  int64_t lo = 0; ///< What values an integer input promises to have.
  int64_t hi = 0;

  /// The shape for these run-time sizes, with those that are computed.
  std::vector<int64_t> shapeFor(std::span<const int64_t> runTimeSizes) const;
  /// The strides, in elements, with which the kernel reads or writes it.
  std::vector<int64_t> stridesFor(std::span<const int64_t> runTimeSizes) const;
  /// An error that names the first element of a tensor with `strides`, none for
  /// dense ones, whose value the type or the range does not allow.
  Status checkValues(const void *values, std::vector<int64_t> shape,
                     std::span<const int64_t> strides = {}) const;
};

struct KernelInterface {
  std::string op;
  std::string symbol; ///< The long name.
  std::string target;
  std::vector<KernelSize> sizes;           ///< That a caller gives.
  std::vector<ComputedSize> computedSizes; ///< That follow from them.
  std::vector<KernelBuffer> inputs;
  std::vector<KernelBuffer> outputs;

  static Result<KernelInterface> parse(const std::string &manifest);

  /// Those that are given, for which the kernel runs, and those that follow.
  std::vector<int64_t> allSizes(std::vector<int64_t> given) const;
  /// "m" or "floordiv(h + 1, 2)"
  std::string sizeText(size_t size) const;
  /// "u8[?m <= 512, 64]"
  std::string describe(const KernelBuffer &buffer) const;
  /// The number of an input; an error that names those that there are.
  Result<size_t> findInput(const std::string &name) const;
};

/// Finds the run-time sizes of a call in the shapes of its inputs.
class KernelSizes {
public:
  explicit KernelSizes(const KernelInterface &kernel);

  /// Takes the shape of an input. An error if it is not the declared one, or if
  /// a size differs from that of another input. With `strides`, sizes that only
  /// strides mention are those of this input where that is possible.
  Status match(size_t input, std::span<const int64_t> shape,
               std::span<const int64_t> strides = {});
  /// All sizes that are given; an error if no shape says one of them, or if a
  /// shape is not the one that follows.
  Result<std::vector<int64_t>> take() const;
  /// The same, with bounds for what no shape says.
  std::vector<int64_t> takeOrBounds() const;

private:
  std::vector<int64_t> withStrides(std::vector<int64_t> sizes) const;

  const KernelInterface &kernel;
  std::vector<std::optional<int64_t>> found;
  bool hasStrides = false;
  std::vector<bool> isInShape;     ///< By size: a shape follows from it.
  std::vector<std::string> places; ///< Where each was seen first.
  /// What was found where a size follows from others.
  struct Computed {
    size_t size;
    int64_t found;
    std::string place;
  };
  std::vector<Computed> computed;
};

} // namespace lpgen

#endif // LPGEN_RUNTIME_KERNELS_KERNELINTERFACE_H
