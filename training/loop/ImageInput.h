// Images as the input of a kernel: where each pixel lies and what it becomes.
#ifndef LPGEN_TRAINING_LOOP_IMAGEINPUT_H
#define LPGEN_TRAINING_LOOP_IMAGEINPUT_H

#include "base/tensor/Tensor.h"
#include "runtime/kernels/KernelInterface.h"
#include "training/data/Dataset.h"
#include <array>
#include <string>
#include <vector>

namespace lpgen::train {

class ImageInput {
public:
  /// Of a kernel with one input, of images like those of `data`. `mean` and
  /// `deviation` are of each channel, of all, or empty: then they are 0 and 255
  /// for f32, 128 and 1 for s8, 0 and 1 for other integers.
  static Result<ImageInput> create(const KernelInterface &kernel,
                                   const data::Dataset &data,
                                   std::vector<float> mean,
                                   std::vector<float> deviation);

  /// Images of a call at most.
  int64_t mostImages() const { return most; }
  /// The images from `first` on, `count` of them; of a kernel that takes a
  /// number of images, as many as that, the last one repeated.
  HostTensor tensor(int64_t first, int64_t count) const;
  /// "x: f32[?n <= 64, 784], (pixel - 0) / 255"
  std::string describe() const;

private:
  ImageInput(const KernelBuffer &buffer, const data::Dataset &data)
      : buffer(&buffer), data(&data) {}
  Status takeShape();
  Status makeTable();

  const KernelBuffer *buffer;
  const data::Dataset *data;
  std::string text; ///< The declaration.
  std::vector<float> mean;
  std::vector<float> deviation;
  int64_t most = 1;
  bool isFixed = true;    ///< A call takes `most` images.
  bool hasPlanes = false; ///< Channels before rows and columns.
  /// What a pixel becomes: [channel][pixel].
  std::vector<std::array<float, 256>> table;
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_IMAGEINPUT_H
