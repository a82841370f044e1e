// Strides, dilation and padding of convolutions and pools.
#ifndef LPGEN_NETWORKS_IMPORT_TFLITE_WINDOW_H
#define LPGEN_NETWORKS_IMPORT_TFLITE_WINDOW_H

#include "networks/import/tflite/Importer.h"

namespace lpgen::importer::tflite {

/// Along one dimension.
struct Window {
  int64_t size = 1; ///< Taps.
  int64_t stride = 1;
  int64_t dilation = 1;
  bool isSame = false; ///< Padding SAME, else VALID.

  /// Elements from the first tap to the last one.
  int64_t reach() const { return dilation * (size - 1) + 1; }
  /// Results for `extent` elements; less than 1 if there are none.
  int64_t results(int64_t extent) const {
    const int64_t covered = isSame ? extent - 1 : extent - reach();
    return covered < 0 ? 0 : covered / stride + 1;
  }
  /// Elements before the first one, and all that are padded.
  int64_t before(int64_t extent) const { return padding(extent) / 2; }
  int64_t padding(int64_t extent) const {
    return isSame ? std::max<int64_t>(
                        (results(extent) - 1) * stride + reach() - extent, 0)
                  : 0;
  }
};

struct Windows {
  Window rows;
  Window columns;
};

/// Numbers of fields in an operator's options.
struct WindowFields {
  unsigned padding;
  unsigned columnStride;
  unsigned rowStride;
  unsigned activation;
  std::optional<unsigned> columnDilation = std::nullopt; ///< Rows follow.
};

/// Windows of `rows` x `columns` taps; the refusal names what is out of range.
Outcome readWindows(const TfliteOperator &op, const WindowFields &fields,
                    int64_t rows, int64_t columns, Windows &windows);
/// Refuses windows that do not fit an image.
Outcome checkWindows(const Windows &windows, const ImportedTensor &image);
/// Whether a window reaches beyond the image.
bool isPadded(const Windows &windows, const ImportedTensor &image);
/// The parameters S, T, D, E and SAME of a call.
void addWindows(Parameters &parameters, const Windows &windows);

/// The groups of a convolution by filters [outputs, rows, columns, channels];
/// 0 if the filters do not fit an image of so many channels.
int64_t groupsOf(const std::vector<int64_t> &filters, int64_t channels);
/// [groups, outputs of each, rows, columns, channels of each]
std::vector<int64_t> groupedShape(const std::vector<int64_t> &filters,
                                  int64_t groups);

/// A fused activation, of those that only clamp.
Outcome readActivation(const TfliteOperator &op, unsigned field,
                       Activation &activation);
/// The parameters LO and HI that it stands for.
void addBounds(Parameters &parameters, Activation activation,
               const Affine &result, ElementType type);

} // namespace lpgen::importer::tflite

#endif // LPGEN_NETWORKS_IMPORT_TFLITE_WINDOW_H
