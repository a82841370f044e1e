// Images and labels from IDX files, the format of MNIST and Fashion-MNIST.
#ifndef LPGEN_TRAINING_DATA_IDX_H
#define LPGEN_TRAINING_DATA_IDX_H

#include "base/system/Status.h"
#include <cstdint>
#include <string>
#include <vector>

namespace lpgen::data {

/// Grayscale images of one size, row by row, one byte a pixel (255 is white).
struct Images {
  int64_t count = 0;
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<uint8_t> pixels; ///< count * rows * columns.

  const uint8_t *image(int64_t index) const {
    return pixels.data() + index * rows * columns;
  }
};

/// Reads an IDX file of unsigned bytes with three dimensions, gzipped or not.
Result<Images> readIdxImages(const std::string &path);
/// Reads an IDX file of unsigned bytes with one dimension.
Result<std::vector<uint8_t>> readIdxLabels(const std::string &path);

} // namespace lpgen::data

#endif // LPGEN_TRAINING_DATA_IDX_H
