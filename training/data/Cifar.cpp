// The binary format of CIFAR-10 and CIFAR-100: records without a header.
//
// A record is one label byte (CIFAR-100: coarse, then fine), then the 32x32
// planes of red, green and blue, row by row. How many records a file holds
// follows from its size.
#include "training/data/Dataset.h"
#include <algorithm>
#include <filesystem>
#include <fstream>

namespace lpgen::data {

static constexpr int64_t pixelsPerPlane = int64_t{32} * 32;
static constexpr int64_t planes = 3;

namespace {
struct RecordFormat {
  int64_t labelBytes; ///< The last of them is the label.
  int64_t classes;
  int64_t bytes() const { return labelBytes + planes * pixelsPerPlane; }
};
} // namespace

/// Planes to pixels of three channels.
static void appendRecord(const RecordFormat &format, const uint8_t *record,
                         ImageSet &set) {
  set.labels.push_back(record[format.labelBytes - 1]);
  const uint8_t *colors = record + format.labelBytes;
  for (int64_t pixel = 0; pixel < pixelsPerPlane; ++pixel) {
    for (int64_t plane = 0; plane < planes; ++plane) {
      set.pixels.push_back(colors[plane * pixelsPerPlane + pixel]);
    }
  }
  ++set.count;
}

static Status appendFile(const std::string &path, const RecordFormat &format,
                         ImageSet &set) {
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  const auto size = int64_t(std::filesystem::file_size(path, error));
  if (!file || error) {
    return Status::error(path + ": cannot be opened; remedy: name a folder " +
                         "with all files of the binary version of CIFAR");
  }
  if (size == 0 || size % format.bytes() != 0) {
    return Status::error(path + ": has " + std::to_string(size) +
                         " bytes, expected a multiple of " +
                         std::to_string(format.bytes()) +
                         "; the file is truncated or of another format");
  }
  std::vector<uint8_t> record(static_cast<size_t>(format.bytes()));
  for (int64_t i = 0; i < size / format.bytes(); ++i) {
    file.read(reinterpret_cast<char *>(record.data()), format.bytes());
    if (!file) {
      return Status::error(path + ": cannot be read at record " +
                           std::to_string(i));
    }
    const int label = record[size_t(format.labelBytes - 1)];
    if (label >= format.classes) {
      return Status::error(path + ": record " + std::to_string(i) +
                           " has the label " + std::to_string(label) +
                           ", expected 0 to " +
                           std::to_string(format.classes - 1));
    }
    appendRecord(format, record.data(), set);
  }
  return Status::success();
}

static Result<Dataset> loadCifar(const std::string &folder,
                                 const RecordFormat &format,
                                 const std::vector<std::string> &trainFiles,
                                 const std::string &testFile) {
  Dataset data;
  data.name = "cifar" + std::to_string(format.classes);
  data.height = data.width = 32;
  data.channels = planes;
  data.classes = format.classes;
  const std::filesystem::path base(folder);
  for (const std::string &name : trainFiles) {
    LPGEN_RETURN_IF_ERROR(appendFile(base / name, format, data.train));
  }
  LPGEN_RETURN_IF_ERROR(appendFile(base / testFile, format, data.test));
  return data;
}

Result<Dataset> loadCifar10(const std::string &folder, Parts parts) {
  // As many batches as there are; a part of the data set has fewer.
  std::vector<std::string> files;
  std::error_code ignored;
  for (int number = 1; parts == Parts::All; ++number) {
    const std::string name = "data_batch_" + std::to_string(number) + ".bin";
    if (number > 1 && !std::filesystem::exists(
                          std::filesystem::path(folder) / name, ignored)) {
      break;
    }
    files.push_back(name);
  }
  return loadCifar(folder, {1, 10}, files, "test_batch.bin");
}

Result<Dataset> loadCifar100(const std::string &folder, Parts parts) {
  std::vector<std::string> files;
  if (parts == Parts::All) {
    files.emplace_back("train.bin");
  }
  return loadCifar(folder, {2, 100}, files, "test.bin");
}

} // namespace lpgen::data
