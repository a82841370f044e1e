// Data sets: files as they should be, files that are damaged, batches.
#include "base/system/AtomicFile.h"
#include "tests/training/TrainingTesting.h"
#include "training/data/Batches.h"
#include <algorithm>
#include <gmock/gmock.h>
#include <numeric>
#include <zlib.h>

namespace lpgen::data {
namespace {

using ::testing::HasSubstr;

std::string bigEndian(uint32_t value) {
  return {char(value >> 24), char(value >> 16), char(value >> 8), char(value)};
}

std::string idxImages(uint32_t count, uint32_t rows, uint32_t columns) {
  std::string text("\0\0\x08\x03", 4);
  text += bigEndian(count) + bigEndian(rows) + bigEndian(columns);
  for (uint32_t i = 0; i < count * rows * columns; ++i) {
    text += char(i * 7);
  }
  return text;
}

std::string idxLabels(const std::vector<int> &labels) {
  std::string text("\0\0\x08\x01", 4);
  text += bigEndian(uint32_t(labels.size()));
  for (const int label : labels) {
    text += char(label);
  }
  return text;
}

class Folder : public TemporaryFolder {
public:
  void write(const std::string &name, const std::string &content) const {
    ASSERT_TRUE(writeFileAtomically(path() + "/" + name, content).ok());
  }
  void writeIdx() const {
    write("train-images-idx3-ubyte", idxImages(3, 4, 5));
    write("train-labels-idx1-ubyte", idxLabels({0, 9, 4}));
    write("t10k-images-idx3-ubyte", idxImages(2, 4, 5));
    write("t10k-labels-idx1-ubyte", idxLabels({1, 2}));
  }
  std::string error() const {
    const Result<Dataset> data = loadDataset(path());
    return data.ok() ? "" : data.message();
  }
};

TEST(Idx, ReadsImagesLabelsAndStatistics) {
  const Folder folder;
  folder.writeIdx();
  Result<Dataset> data = loadDataset(folder.path());
  ASSERT_TRUE(data.ok()) << data.message();
  EXPECT_EQ(data->height, 4);
  EXPECT_EQ(data->width, 5);
  EXPECT_EQ(data->train.count, 3);
  EXPECT_EQ(data->train.labels, (std::vector<uint8_t>{0, 9, 4}));
  EXPECT_EQ(data->test.pixels[39], uint8_t(39 * 7));
  double sum = 0;
  for (const uint8_t pixel : data->train.pixels) {
    sum += pixel / 255.0;
  }
  EXPECT_NEAR(data->mean[0], sum / 60, 1e-6);
  EXPECT_EQ(limitTraining(*data, 4).message(),
            "cannot train on 4 images: '" +
                std::filesystem::path(folder.path()).filename().string() +
                "' has 3");
  ASSERT_TRUE(limitTraining(*data, 2).ok());
  EXPECT_EQ(data->train.pixels.size(), 40U);
}

TEST(Idx, NamesWhatIsWrong) {
  const Folder folder;
  EXPECT_THAT(folder.error(), HasSubstr("holds no data set"));
  folder.writeIdx();
  folder.write("t10k-labels-idx1-ubyte", idxLabels({0, 10}));
  EXPECT_THAT(folder.error(),
              HasSubstr("t10k-labels-idx1-ubyte: label 1 is 10, expected 0 to "
                        "9 as in training"));
  folder.writeIdx();
  folder.write("train-labels-idx1-ubyte", idxLabels({0, 1}));
  EXPECT_THAT(folder.error(), HasSubstr("has 2 labels for the 3 images"));
  folder.writeIdx();
  const std::string whole = idxImages(3, 4, 5);
  folder.write("train-images-idx3-ubyte", whole.substr(0, whole.size() - 1));
  EXPECT_THAT(folder.error(), HasSubstr("expected 60 more bytes, found 59"));
  folder.writeIdx();
  folder.write("t10k-images-idx3-ubyte", idxImages(2, 5, 5));
  EXPECT_THAT(folder.error(), HasSubstr("the training images have 4x5"));
  folder.write("t10k-images-idx3-ubyte", "hello, world");
  EXPECT_THAT(folder.error(), HasSubstr("found another header"));
}

TEST(Idx, TakesAnyNumberOfClasses) {
  const Folder folder;
  folder.writeIdx();
  folder.write("train-labels-idx1-ubyte", idxLabels({1, 26, 4}));
  folder.write("t10k-labels-idx1-ubyte", idxLabels({26, 2}));
  const Result<Dataset> data = loadDataset(folder.path());
  ASSERT_TRUE(data.ok()) << data.message();
  EXPECT_EQ(data->classes, 27);
  folder.writeIdx();
  folder.write("train-labels-idx1-ubyte", idxLabels({3, 3, 3}));
  EXPECT_EQ(loadDataset(folder.path())->classes, 10);
}

TEST(Idx, TheDigestIsThatOfAllImages) {
  const Folder folder;
  folder.writeIdx();
  const uint64_t before = loadDataset(folder.path())->digest;
  EXPECT_EQ(loadDataset(folder.path())->digest, before);
  folder.write("t10k-labels-idx1-ubyte", idxLabels({1, 3}));
  EXPECT_NE(loadDataset(folder.path())->digest, before);
  std::string pixels = idxImages(3, 4, 5);
  pixels.back() = char(pixels.back() ^ 1);
  folder.writeIdx();
  folder.write("train-images-idx3-ubyte", pixels);
  EXPECT_NE(loadDataset(folder.path())->digest, before);
}

std::string gzipped(const std::string &text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8,
                         Z_DEFAULT_STRATEGY),
            Z_OK);
  std::string zipped(deflateBound(&stream, text.size()), '\0');
  std::string input = text;
  stream.next_in = reinterpret_cast<Bytef *>(input.data());
  stream.avail_in = uInt(input.size());
  stream.next_out = reinterpret_cast<Bytef *>(zipped.data());
  stream.avail_out = uInt(zipped.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  zipped.resize(stream.total_out);
  deflateEnd(&stream);
  return zipped;
}

TEST(Idx, ChecksCompressedFilesToTheirEnd) {
  const Folder folder;
  folder.writeIdx();
  std::filesystem::remove(folder.path() + "/train-images-idx3-ubyte");
  const std::string name = "train-images-idx3-ubyte.gz";
  const std::string whole = gzipped(idxImages(3, 4, 5));
  folder.write(name, whole);
  EXPECT_EQ(folder.error(), "");
  // The header's time, flags and system say nothing of the contents, and
  // neither do the unused bits of the last byte before the checksum and length.
  for (size_t at = 10; at < whole.size(); ++at) {
    if (at == whole.size() - 9) {
      continue;
    }
    for (const int bit : {1, 16, 128}) {
      std::string flipped = whole;
      flipped[at] = char(flipped[at] ^ bit);
      folder.write(name, flipped);
      EXPECT_NE(folder.error(), "") << at << ", " << bit;
    }
  }
  for (size_t size = 0; size < whole.size(); ++size) {
    folder.write(name, whole.substr(0, size));
    EXPECT_NE(folder.error(), "") << size;
  }
  folder.write(name, whole + "x");
  EXPECT_THAT(folder.error(), HasSubstr("1 bytes after its compressed data"));
  folder.write(name, gzipped(idxImages(3, 4, 5) + "x"));
  EXPECT_THAT(folder.error(), HasSubstr("1 bytes after the 60 elements"));
}

/// Records of `labelBytes` labels, the last of which is the record's number.
std::string cifarRecords(int count, int labelBytes) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text.append(size_t(labelBytes - 1), char(77));
    text += char(i);
    for (int plane = 0; plane < 3; ++plane) {
      for (int pixel = 0; pixel < 1024; ++pixel) {
        text += char(pixel + plane * 50 + i);
      }
    }
  }
  return text;
}

TEST(Cifar, ReadsBothFormatsAndAsManyBatchesAsThereAre) {
  const Folder ten;
  ten.write("data_batch_1.bin", cifarRecords(2, 1));
  ten.write("data_batch_2.bin", cifarRecords(3, 1));
  ten.write("test_batch.bin", cifarRecords(1, 1));
  const Result<Dataset> data = loadDataset(ten.path());
  ASSERT_TRUE(data.ok()) << data.message();
  EXPECT_EQ(data->train.count, 5);
  EXPECT_EQ(data->train.labels, (std::vector<uint8_t>{0, 1, 0, 1, 2}));
  EXPECT_EQ(data->train.pixels[3 * 100 + 2], uint8_t(100 + 2 * 50));
  const Folder hundred;
  hundred.write("train.bin", cifarRecords(4, 2));
  hundred.write("test.bin", cifarRecords(1, 2));
  const Result<Dataset> fine = loadDataset(hundred.path());
  ASSERT_TRUE(fine.ok()) << fine.message();
  EXPECT_EQ(fine->classes, 100);
  EXPECT_EQ(fine->train.labels, (std::vector<uint8_t>{0, 1, 2, 3}));
}

TEST(Dataset, TestImagesDoWithoutTrainingImages) {
  const Folder idx;
  idx.write("t10k-images-idx3-ubyte", idxImages(2, 4, 5));
  idx.write("t10k-labels-idx1-ubyte", idxLabels({1, 2}));
  const Folder ten;
  ten.write("test_batch.bin", cifarRecords(1, 1));
  const Folder hundred;
  hundred.write("test.bin", cifarRecords(3, 2));
  const std::array<std::pair<const Folder *, int64_t>, 3> folders = {
      {{&idx, 2}, {&ten, 1}, {&hundred, 3}}};
  for (const auto &[folder, count] : folders) {
    const Result<Dataset> data = loadDataset(folder->path(), Parts::Test);
    ASSERT_TRUE(data.ok()) << data.message();
    EXPECT_EQ(data->test.count, count);
    EXPECT_EQ(data->train.count, 0);
    EXPECT_FALSE(loadDataset(folder->path()).ok());
  }
}

TEST(Cifar, NamesWhatIsWrong) {
  const Folder folder;
  folder.write("data_batch_1.bin", cifarRecords(1, 1) + "x");
  folder.write("test_batch.bin", cifarRecords(1, 1));
  EXPECT_THAT(folder.error(),
              HasSubstr("has 3074 bytes, expected a multiple of 3073"));
  folder.write("data_batch_1.bin", cifarRecords(11, 1));
  EXPECT_THAT(folder.error(),
              HasSubstr("record 10 has the label 10, expected 0 to 9"));
  folder.write("data_batch_1.bin", cifarRecords(1, 1));
  std::filesystem::remove(folder.path() + "/test_batch.bin");
  EXPECT_THAT(folder.error(), HasSubstr("test_batch.bin: cannot be opened"));
}

/// 20 images of one pixel each, whose value is their number.
Dataset numbered() {
  Dataset data;
  data.name = "numbered";
  data.height = data.width = data.channels = 1;
  data.classes = 20;
  data.mean = {0};
  data.deviation = {1};
  data.train.count = data.test.count = 20;
  for (int i = 0; i < 20; ++i) {
    data.train.pixels.push_back(uint8_t(i));
    data.train.labels.push_back(uint8_t(i));
  }
  data.test = data.train;
  return data;
}

TEST(Batches, EveryImageOnceInAnOrderOfItsEpoch) {
  const Dataset data = numbered();
  TrainBatches batches(data, 6, Augmentation::None, nn::RandomKey(3));
  EXPECT_EQ(batches.perEpoch(), 3);
  Batch batch;
  std::vector<std::vector<uint8_t>> epochs;
  for (const int64_t epoch : {0, 1, 0}) {
    std::vector<uint8_t> seen;
    for (int64_t i = 0; i < 3; ++i) {
      batches.read(epoch, i, nullptr, batch);
      for (int64_t image = 0; image < 6; ++image) {
        EXPECT_EQ(batch.images[image],
                  float(batch.labels[size_t(image)]) / 255.0F);
      }
      seen.insert(seen.end(), batch.labels.begin(), batch.labels.end());
    }
    epochs.push_back(seen);
    std::ranges::sort(seen);
    EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
  }
  EXPECT_EQ(epochs[0], epochs[2]);
  EXPECT_NE(epochs[0], epochs[1]);
}

TEST(Batches, AugmentationShiftsAndMirrors) {
  Dataset data = numbered();
  data.height = 1;
  data.width = 20;
  data.train.count = 1;
  data.train.labels = {0};
  TrainBatches batches(data, 1, Augmentation::CropAndFlip, nn::RandomKey(3));
  int mirrored = 0;
  std::vector<int> shifts(9, 0);
  Batch batch;
  for (int64_t epoch = 0; epoch < 3000; ++epoch) {
    batches.read(epoch, 0, nullptr, batch);
    // The row was shifted out, or it runs up or down by one with each pixel.
    const auto at = [&](int64_t i) {
      return int(std::lround(double(batch.images[i]) * 255));
    };
    if (at(9) == 0) {
      continue;
    }
    const int direction = at(10) - at(9);
    ASSERT_EQ(std::abs(direction), 1);
    mirrored += direction < 0;
    ++shifts[size_t(direction > 0 ? at(9) - 9 + 4 : at(9) - 10 + 4)];
  }
  EXPECT_GT(mirrored, 0);
  EXPECT_TRUE(std::ranges::all_of(shifts, [](int n) { return n > 0; }));
}

} // namespace
} // namespace lpgen::data
