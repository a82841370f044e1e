// The layout of images, and a table of what their pixels become.
#include "training/loop/ImageInput.h"
#include <algorithm>
#include <cmath>
#include <sstream>

namespace lpgen::train {

/// "a number, or one for each of 3 channels"
static Status spread(std::vector<float> &values, const char *option,
                     int64_t channels, float missing) {
  if (values.empty()) {
    values = {missing};
  }
  if (values.size() == 1) {
    values.resize(size_t(channels), values[0]);
  }
  if (int64_t(values.size()) != channels) {
    return Status::error(std::string(option) + " has " +
                         std::to_string(values.size()) +
                         " numbers, expected 1, or one for each of the " +
                         std::to_string(channels) + " channels");
  }
  return Status::success();
}

/// "0.5", "0.5, 0.25"
static std::string listOf(const std::vector<float> &values) {
  std::ostringstream text;
  const bool areEqual =
      std::ranges::adjacent_find(values, std::not_equal_to<>()) == values.end();
  for (size_t i = 0; i < (areEqual ? 1 : values.size()); ++i) {
    text << (i == 0 ? "" : ", ") << values[i];
  }
  return areEqual ? text.str() : "[" + text.str() + "]";
}

Result<ImageInput> ImageInput::create(const KernelInterface &kernel,
                                      const data::Dataset &data,
                                      std::vector<float> mean,
                                      std::vector<float> deviation) {
  if (kernel.inputs.size() != 1) {
    return Status::error("operator '" + kernel.op + "' has " +
                         std::to_string(kernel.inputs.size()) +
                         " inputs, expected one, of images; weights are "
                         "constants of the file");
  }
  const KernelBuffer &buffer = kernel.inputs[0];
  ImageInput input(buffer, data);
  input.text = buffer.name + ": " + kernel.describe(buffer);
  const bool isByte = buffer.type == ElementType{Encoding::Signed, 8};
  LPGEN_RETURN_IF_ERROR(
      spread(mean, "--mean", data.channels, isByte ? 128.0F : 0.0F));
  LPGEN_RETURN_IF_ERROR(spread(deviation, "--deviation", data.channels,
                               buffer.type.isFloat() ? 255.0F : 1.0F));
  input.mean = std::move(mean);
  input.deviation = std::move(deviation);
  LPGEN_RETURN_IF_ERROR(input.takeShape());
  LPGEN_RETURN_IF_ERROR(input.makeTable());
  return input;
}

/// Without extents of 1.
static std::vector<int64_t> squeezed(std::vector<int64_t> shape) {
  std::erase(shape, 1);
  return shape;
}

Status ImageInput::takeShape() {
  // An input of one image may have no dimension for their number.
  std::vector<int64_t> image = buffer->shape;
  if (countElements(image) != data->imageSize() && !image.empty()) {
    most = image.front();
    isFixed = buffer->sizes.front() < 0;
    image.erase(image.begin());
  } else if (!image.empty() && buffer->sizes.front() >= 0) {
    isFixed = false; // A bound of one image.
  }
  const std::vector<int64_t> pixels =
      squeezed({data->height, data->width, data->channels});
  const std::vector<int64_t> planes =
      squeezed({data->channels, data->height, data->width});
  const std::vector<int64_t> extents = squeezed(image);
  const bool isFlat =
      extents == squeezed({data->height * data->width * data->channels});
  hasPlanes = extents == planes && planes != pixels;
  if (most < 1 || (extents != pixels && extents != planes && !isFlat)) {
    return Status::error("input '" + text + "' takes no images of " +
                         std::to_string(data->height) + " rows, " +
                         std::to_string(data->width) + " columns and " +
                         std::to_string(data->channels) + " channels, as '" +
                         data->name + "' has them");
  }
  return Status::success();
}

Status ImageInput::makeTable() {
  table.resize(size_t(data->channels));
  for (size_t channel = 0; channel < table.size(); ++channel) {
    for (size_t pixel = 0; pixel < 256; ++pixel) {
      float value = (float(pixel) - mean[channel]) / deviation[channel];
      if (!buffer->type.isFloat()) {
        value = std::nearbyint(value);
        if (std::isnan(value) || value < float(buffer->lo) ||
            value > float(buffer->hi) || !buffer->type.holds(int64_t(value))) {
          std::ostringstream number;
          number << value;
          return Status::error("pixel " + std::to_string(pixel) + " becomes " +
                               number.str() + ", which '" + text +
                               "' cannot hold; give --mean and --deviation");
        }
      }
      table[channel][pixel] = value;
    }
  }
  return Status::success();
}

HostTensor ImageInput::tensor(int64_t first, int64_t count) const {
  std::vector<int64_t> shape = buffer->shape;
  const int64_t images = isFixed ? most : count;
  if (!isFixed) {
    shape[0] = images;
  }
  HostTensor result(buffer->type, shape);
  const int64_t area = data->height * data->width;
  for (int64_t i = 0; i < images; ++i) {
    const int64_t image = first + std::min(i, count - 1);
    for (int64_t pixel = 0; pixel < area; ++pixel) {
      for (int64_t c = 0; c < data->channels; ++c) {
        const uint8_t code =
            data->test
                .pixels[size_t((image * area + pixel) * data->channels + c)];
        const float value = table[size_t(c)][code];
        const int64_t at =
            i * area * data->channels +
            (hasPlanes ? c * area + pixel : pixel * data->channels + c);
        if (buffer->type.isFloat()) {
          result.setFloat(at, value);
        } else {
          result.setInt(at, int64_t(value));
        }
      }
    }
  }
  return result;
}

std::string ImageInput::describe() const {
  return text + (hasPlanes ? ", a plane for each channel" : "") +
         ", (pixel - " + listOf(mean) + ") / " + listOf(deviation);
}

} // namespace lpgen::train
