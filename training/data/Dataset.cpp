// Which format a folder holds, IDX data sets, and the statistics of the pixels.
#include "training/data/Dataset.h"
#include "base/system/Digest.h"
#include "training/data/Idx.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

namespace lpgen::data {

namespace fs = std::filesystem;

/// Of the data sets in this format; a part of one may lack labels.
static constexpr int64_t fewestClasses = 10;

/// FOLDER/NAME or FOLDER/NAME.gz, whichever exists.
static std::string idxPath(const std::string &folder, const std::string &name) {
  const std::string plain = folder + "/" + name;
  std::error_code ignored;
  return fs::exists(plain, ignored) ? plain : plain + ".gz";
}

static Result<ImageSet> loadIdxSet(const std::string &folder,
                                   const std::string &prefix, Dataset &data) {
  const std::string imagesPath = idxPath(folder, prefix + "-images-idx3-ubyte");
  const std::string labelsPath = idxPath(folder, prefix + "-labels-idx1-ubyte");
  Result<Images> images = readIdxImages(imagesPath);
  LPGEN_RETURN_IF_ERROR(images.status());
  Result<std::vector<uint8_t>> labels = readIdxLabels(labelsPath);
  LPGEN_RETURN_IF_ERROR(labels.status());
  if (int64_t(labels->size()) != images->count) {
    return Status::error(labelsPath + ": has " +
                         std::to_string(labels->size()) + " labels for the " +
                         std::to_string(images->count) + " images of " +
                         imagesPath);
  }
  const auto greatest = std::ranges::max_element(*labels);
  if (data.height == 0) { // The first labels say how many classes there are.
    data.classes = std::max<int64_t>(fewestClasses, int64_t{*greatest} + 1);
  }
  if (*greatest >= data.classes) {
    return Status::error(labelsPath + ": label " +
                         std::to_string(greatest - labels->begin()) + " is " +
                         std::to_string(*greatest) + ", expected 0 to " +
                         std::to_string(data.classes - 1) +
                         " as in training; the file is damaged or of another "
                         "data set");
  }
  if (data.height != 0 &&
      (data.height != images->rows || data.width != images->columns)) {
    return Status::error(
        imagesPath + ": images of " + std::to_string(images->rows) + "x" +
        std::to_string(images->columns) +
        " pixels, but the training images have " + std::to_string(data.height) +
        "x" + std::to_string(data.width));
  }
  data.height = images->rows;
  data.width = images->columns;
  return ImageSet{images->count, std::move(images->pixels), std::move(*labels)};
}

Result<Dataset> loadIdxDataset(const std::string &folder, Parts parts) {
  Dataset data;
  data.name = fs::path(folder).filename().string();
  data.channels = 1;
  if (parts == Parts::All) {
    Result<ImageSet> train = loadIdxSet(folder, "train", data);
    LPGEN_RETURN_IF_ERROR(train.status());
    data.train = std::move(*train);
  }
  Result<ImageSet> test = loadIdxSet(folder, "t10k", data);
  LPGEN_RETURN_IF_ERROR(test.status());
  data.test = std::move(*test);
  return data;
}

static void computeStatistics(Dataset &data) {
  const auto channels = size_t(data.channels);
  std::vector<double> sums(channels, 0.0);
  std::vector<double> squares(channels, 0.0);
  for (size_t i = 0; i < data.train.pixels.size(); ++i) {
    const double value = data.train.pixels[i] / 255.0;
    sums[i % channels] += value;
    squares[i % channels] += value * value;
  }
  const double count = double(data.train.pixels.size()) / double(channels);
  for (size_t c = 0; c < channels; ++c) {
    const double mean = sums[c] / count;
    const double variance = std::max(squares[c] / count - mean * mean, 0.0);
    data.mean.push_back(float(mean));
    // A data set of one colour has no deviation to divide by.
    data.deviation.push_back(variance > 0.0 ? float(std::sqrt(variance))
                                            : 1.0F);
  }
}

static void computeDigest(Dataset &data) {
  uint64_t digest = emptyDigest;
  const auto extend = [&](const void *bytes, size_t size) {
    digest = extendDigest(digest, {static_cast<const char *>(bytes), size});
  };
  const std::array<int64_t, 4> extents = {data.height, data.width,
                                          data.channels, data.classes};
  extend(extents.data(), sizeof extents);
  for (const ImageSet *set : {&data.train, &data.test}) {
    extend(&set->count, sizeof set->count);
    extend(set->pixels.data(), set->pixels.size());
    extend(set->labels.data(), set->labels.size());
  }
  data.digest = digest;
}

Result<Dataset> loadDataset(const std::string &source, Parts parts) {
  const std::string folder =
      source == "fashion-mnist" ? "/usr/share/datasets/fashion-mnist" : source;
  std::error_code ignored;
  const auto has = [&](const std::string &name) {
    return fs::exists(fs::path(folder) / name, ignored);
  };
  // A file of each format.
  const bool isAll = parts == Parts::All;
  const std::string idx =
      isAll ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte";
  const std::string cifar10 = isAll ? "data_batch_1.bin" : "test_batch.bin";
  const std::string cifar100 = isAll ? "train.bin" : "test.bin";
  const auto load = [&]() -> Result<Dataset> {
    if (has(idx) || has(idx + ".gz")) {
      return loadIdxDataset(folder, parts);
    }
    if (has(cifar10)) {
      return loadCifar10(folder, parts);
    }
    if (has(cifar100)) {
      return loadCifar100(folder, parts);
    }
    return Status::error("'" + folder + "' holds no data set: expected " + idx +
                         "[.gz] (MNIST, Fashion-MNIST), " + cifar10 +
                         " (CIFAR-10) or " + cifar100 + " (CIFAR-100)" +
                         (source == folder
                              ? ""
                              : "; remedy: install the Debian package "
                                "dataset-fashion-mnist"));
  };
  Result<Dataset> data = load();
  if (data.ok() && isAll) {
    computeStatistics(*data);
    computeDigest(*data);
  }
  return data;
}

Status limitTraining(Dataset &data, int64_t count) {
  if (count == 0) {
    return Status::success();
  }
  if (count < 0 || count > data.train.count) {
    return Status::error("cannot train on " + std::to_string(count) +
                         " images: '" + data.name + "' has " +
                         std::to_string(data.train.count));
  }
  data.train.count = count;
  data.train.pixels.resize(size_t(count * data.imageSize()));
  data.train.labels.resize(size_t(count));
  return Status::success();
}

} // namespace lpgen::data
