// The demo's own part: real images and filters before the kernel runs, a
// picture of what it made of them after.
//
//   demo-images prepare DATA COUNT OUT
//       Fashion-MNIST in DATA -> x, w, scale as .npy in OUT, at 2 bits
//   demo-images picture DATA OUT
//       x.npy, acc.npy -> features.png in OUT
//
// `lpgen run` stands between the two. `picture` computes the same convolution
// with a plain loop and refuses to draw anything that differs from it.
#include "base/tensor/Npy.h"
#include "examples/demo/Filters.h"
#include "examples/demo/Picture.h"
#include "training/data/Idx.h"
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace lpgen;
using namespace lpgen::demo;
using namespace lpgen::data;

namespace {

constexpr ElementType u2{Encoding::Unsigned, 2};
constexpr ElementType s2{Encoding::Signed, 2};
constexpr ElementType i32{Encoding::Signed, 32};
constexpr ElementType f32{Encoding::Float, 32};

constexpr std::array<const char *, 10> classNames = {
    "T-SHIRT", "TROUSER", "PULLOVER", "DRESS", "COAT",
    "SANDAL",  "SHIRT",   "SNEAKER",  "BAG",   "ANKLE BOOT"};

/// Images and their labels in the order of x.npy.
struct Selection {
  Images images; ///< Only the selected ones.
  std::vector<uint8_t> labels;
};

/// The first image of each class in turn, so that few images show many shapes.
Result<Selection> selectImages(const std::string &folder, int64_t count) {
  Result<Images> all = readIdxImages(folder + "/t10k-images-idx3-ubyte.gz");
  if (!all.ok()) {
    return all.status();
  }
  Result<std::vector<uint8_t>> labels =
      readIdxLabels(folder + "/t10k-labels-idx1-ubyte.gz");
  if (!labels.ok()) {
    return labels.status();
  }
  if (int64_t(labels->size()) != all->count) {
    return Status::error(folder + ": expected a label for each of " +
                         std::to_string(all->count) + " images, found " +
                         std::to_string(labels->size()));
  }
  std::array<int64_t, classNames.size()> next = {};
  Selection selection{{count, all->rows, all->columns, {}}, {}};
  for (int64_t index = 0; index < count; ++index) {
    const size_t label = size_t(index) % classNames.size();
    int64_t &position = next[label];
    while (position < all->count && (*labels)[size_t(position)] != label) {
      ++position;
    }
    if (position == all->count) {
      return Status::error(folder + ": has fewer than " +
                           std::to_string(count) +
                           " images of evenly spread classes; remedy: ask for "
                           "fewer images");
    }
    const uint8_t *image = all->image(position++);
    selection.images.pixels.insert(selection.images.pixels.end(), image,
                                   image + all->rows * all->columns);
    selection.labels.push_back(uint8_t(label));
  }
  return selection;
}

std::vector<QuantizedFilter> quantizedBank() {
  std::vector<QuantizedFilter> bank;
  for (const Filter &filter : filterBank()) {
    bank.push_back(quantize(filter));
  }
  return bank;
}

Status prepare(const std::string &folder, int64_t count,
               const std::string &out) {
  Result<Selection> selection = selectImages(folder, count);
  if (!selection.ok()) {
    return selection.status();
  }
  const Images &images = selection->images;
  HostTensor x(u2, {count, images.rows, images.columns, 1});
  for (int64_t position = 0; position < x.numElements(); ++position) {
    x.setInt(position, (images.pixels[size_t(position)] * 3 + 127) / 255);
  }

  const std::vector<QuantizedFilter> bank = quantizedBank();
  const int64_t filters = int64_t(bank.size());
  HostTensor w(s2, {filters, 3, 3, 1});
  HostTensor scale(f32, {filters});
  double worst = 1;
  for (int64_t filter = 0; filter < filters; ++filter) {
    const QuantizedFilter &quantized = bank[size_t(filter)];
    double reach = 0; // The largest response that the filter can give.
    for (int64_t tap = 0; tap < 9; ++tap) {
      const int8_t code = quantized.codes[size_t(tap)];
      w.setInt(filter * 9 + tap, code);
      reach += std::max(0.0, code * std::copysign(3.0, quantized.factor));
    }
    // Half the reach already gives the largest output code: real images stay
    // far from the extreme. The sign undoes that of the factor.
    scale.setFloat(filter,
                   float(std::copysign(3 / (reach / 2), quantized.factor)));
    worst = std::min(worst, quantized.cosine);
  }
  LPGEN_RETURN_IF_ERROR(writeNpy(out + "/x.npy", x));
  LPGEN_RETURN_IF_ERROR(writeNpy(out + "/w.npy", w));
  LPGEN_RETURN_IF_ERROR(writeNpy(out + "/scale.npy", scale));
  std::printf("%lld images and %lld filters at 2 bits; cosine between a filter "
              "and its 2-bit form at least %.3f\n",
              static_cast<long long>(count), static_cast<long long>(filters),
              worst);
  return Status::success();
}

/// The convolution as one writes it down: stride 1, a border of zeros.
int64_t plainConvolution(const HostTensor &x, const QuantizedFilter &filter,
                         int64_t image, int64_t row, int64_t column) {
  const int64_t rows = x.shape()[1];
  const int64_t columns = x.shape()[2];
  int64_t sum = 0;
  for (int64_t r = 0; r < 3; ++r) {
    for (int64_t s = 0; s < 3; ++s) {
      const int64_t y = row + r - 1;
      const int64_t z = column + s - 1;
      if (y >= 0 && y < rows && z >= 0 && z < columns) {
        sum += x.getInt((image * rows + y) * columns + z) *
               filter.codes[size_t(3 * r + s)];
      }
    }
  }
  return sum;
}

Status compareWithPlainLoop(const HostTensor &x, const HostTensor &acc,
                            const std::vector<QuantizedFilter> &bank) {
  for (int64_t position = 0; position < acc.numElements(); ++position) {
    const std::vector<int64_t> at = acc.indicesAt(position);
    const int64_t expected =
        plainConvolution(x, bank[size_t(at[3])], at[0], at[1], at[2]);
    if (acc.getInt(position) != expected) {
      return Status::error("acc.npy: element " + shapeToString(at) + " is " +
                           std::to_string(acc.getInt(position)) +
                           ", expected " + std::to_string(expected) +
                           " as a plain loop computes it");
    }
  }
  return Status::success();
}

// Geometry of the picture, in pixels.
constexpr int64_t zoom = 4;
constexpr int64_t gap = 8;
constexpr int64_t margin = 24;
constexpr int64_t tapSize = 14;
constexpr int64_t headHeight = 132; // Title, names, the filters themselves.
constexpr int64_t footHeight = 56;
constexpr Colour background{14, 15, 19};
constexpr Colour bright{226, 229, 235};
constexpr Colour dim{136, 142, 154};

void centredCaption(Picture &picture, int64_t centre, int64_t y,
                    std::string_view text, Colour colour) {
  const int64_t dot = 2;
  picture.caption(centre - Picture::captionWidth(text, dot) / 2, y, dot, text,
                  colour);
}

void drawFilter(Picture &picture, int64_t centre, int64_t y,
                const QuantizedFilter &filter) {
  const int64_t pitch = tapSize + 2;
  for (int64_t tap = 0; tap < 9; ++tap) {
    const double value =
        filter.codes[size_t(tap)] * std::copysign(1.0, filter.factor) / 2;
    picture.fill(centre - 3 * pitch / 2 + tap % 3 * pitch, y + tap / 3 * pitch,
                 tapSize, tapSize, divergingColour(value));
  }
}

/// Bar of the colours, and what they stand for.
void drawLegend(Picture &picture, int64_t y) {
  const int64_t width = 320;
  const int64_t height = 14;
  int64_t x = picture.width() - margin - width;
  for (int64_t column = 0; column < width; ++column) {
    picture.fill(x + column, y, 1, height,
                 divergingColour(2.0 * double(column) / double(width - 1) - 1));
  }
  const std::string_view text = "RESPONSE, EACH MAP BY ITS LARGEST: -1 TO +1";
  picture.caption(x - gap * 2 - Picture::captionWidth(text, 2), y, 2, text,
                  dim);
}

/// The largest magnitude in each feature map, so that faint filters show too.
std::vector<int64_t> magnitudes(const HostTensor &acc) {
  const int64_t filters = acc.shape()[3];
  std::vector<int64_t> largest(size_t(filters), 1);
  for (int64_t position = 0; position < acc.numElements(); ++position) {
    int64_t &entry = largest[size_t(position % filters)];
    entry = std::max(entry, std::abs(acc.getInt(position)));
  }
  return largest;
}

Picture draw(const HostTensor &x, const HostTensor &acc,
             const std::vector<QuantizedFilter> &bank,
             const std::vector<uint8_t> &labels) {
  const int64_t count = x.shape()[0];
  const int64_t rows = x.shape()[1];
  const int64_t columns = x.shape()[2];
  const int64_t filters = int64_t(bank.size());
  const int64_t pitchX = columns * zoom + gap;
  const int64_t pitchY = rows * zoom + gap + 20; // 20: the name of the class.
  // The input stands apart from the maps by one more margin.
  const int64_t mapsX = margin + pitchX + margin;
  Picture picture(mapsX + filters * pitchX - gap + margin,
                  headHeight + margin + count * pitchY + footHeight,
                  background);
  picture.caption(margin, margin, 3,
                  "LPGEN: 3X3 CONVOLUTION, 2-BIT IMAGES X 2-BIT FILTERS, "
                  "EXACT INTEGER FEATURE MAPS",
                  bright);
  const int64_t half = columns * zoom / 2;
  centredCaption(picture, margin + half, 76, "INPUT U2", bright);
  for (int64_t filter = 0; filter < filters; ++filter) {
    const int64_t centre = mapsX + filter * pitchX + half;
    centredCaption(picture, centre, 76, bank[size_t(filter)].name, bright);
    drawFilter(picture, centre, 98, bank[size_t(filter)]);
  }

  const std::vector<int64_t> largest = magnitudes(acc);
  for (int64_t image = 0; image < count; ++image) {
    const int64_t top = headHeight + margin + image * pitchY;
    centredCaption(picture, margin + half, top + rows * zoom + 6,
                   classNames[labels[size_t(image)]], dim);
    for (int64_t pixel = 0; pixel < rows * columns; ++pixel) {
      const int64_t position = image * rows * columns + pixel;
      const int64_t dx = pixel % columns * zoom;
      const int64_t dy = top + pixel / columns * zoom;
      const auto level = uint8_t(x.getInt(position) * 85);
      picture.fill(margin + dx, dy, zoom, zoom, {level, level, level});
      for (int64_t filter = 0; filter < filters; ++filter) {
        const double value = double(acc.getInt(position * filters + filter)) *
                             std::copysign(1.0, bank[size_t(filter)].factor) /
                             double(largest[size_t(filter)]);
        picture.fill(mapsX + filter * pitchX + dx, dy, zoom, zoom,
                     divergingColour(value));
      }
    }
  }
  drawLegend(picture, picture.height() - margin - 14);
  return picture;
}

Status makePicture(const std::string &folder, const std::string &out) {
  Result<NpyArray> file = readNpy(out + "/x.npy");
  if (!file.ok()) {
    return file.status();
  }
  Result<HostTensor> x = file->convertTo(u2);
  if (!x.ok()) {
    return x.status();
  }
  if (x->rank() != 4 || x->shape()[3] != 1) {
    return Status::error(out +
                         "/x.npy: expected the shape [images, rows, "
                         "columns, 1], found " +
                         shapeToString(x->shape()) +
                         "; remedy: run 'demo-images prepare' again");
  }
  const std::vector<QuantizedFilter> bank = quantizedBank();
  std::vector<int64_t> shape = x->shape();
  shape[3] = int64_t(bank.size());
  Result<HostTensor> acc = readNpyTensor(out + "/acc.npy", i32, shape);
  if (!acc.ok()) {
    return acc.status();
  }
  Result<Selection> selection = selectImages(folder, shape[0]);
  if (!selection.ok()) {
    return selection.status();
  }
  LPGEN_RETURN_IF_ERROR(compareWithPlainLoop(*x, *acc, bank));
  LPGEN_RETURN_IF_ERROR(
      draw(*x, *acc, bank, selection->labels).writePng(out + "/features.png"));
  std::printf("%lld values of the feature maps equal those of a plain loop\n",
              static_cast<long long>(acc->numElements()));
  return Status::success();
}

int usage(const char *found) {
  std::fprintf(stderr,
               "error: %s\n"
               "usage: demo-images prepare DATA COUNT OUT\n"
               "       demo-images picture DATA OUT\n"
               "example: demo-images prepare /usr/share/datasets/fashion-mnist "
               "8 demo-out\n",
               found);
  return 2;
}

int report(const Status &status) {
  if (status.ok()) {
    return 0;
  }
  std::fprintf(stderr, "error: %s\n", status.message().c_str());
  return 1;
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 5 && std::strcmp(argv[1], "prepare") == 0) {
    const std::string_view text = argv[3];
    int64_t count = 0;
    auto [end, code] =
        std::from_chars(text.data(), text.data() + text.size(), count);
    if (code != std::errc() || end != text.data() + text.size() || count < 1 ||
        count > 1000) {
      return usage("COUNT is not a number from 1 to 1000");
    }
    return report(prepare(argv[2], count, argv[4]));
  }
  if (argc == 4 && std::strcmp(argv[1], "picture") == 0) {
    return report(makePicture(argv[2], argv[3]));
  }
  return usage("expected 'prepare' with three arguments or 'picture' with two");
}
