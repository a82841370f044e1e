// Images and labels from IDX files, gzipped or not.
//
// The format: two zero bytes, a type code (8: unsigned bytes), the number of
// dimensions, the extents as big-endian 32-bit integers, the elements.
#include "training/data/Idx.h"
#include <array>
#include <memory>
#include <zlib.h>

using namespace lpgen;
using namespace lpgen::data;

namespace {

/// More than any data set of this format holds; a damaged header must not make
/// a program ask for all memory.
constexpr int64_t maxElements = int64_t{1} << 30;

struct Array {
  std::vector<int64_t> extents;
  std::vector<uint8_t> elements;
};

/// Fills `bytes` from `file`, or says how much was missing.
Status readBytes(gzFile file, const std::string &path, uint8_t *bytes,
                 int64_t size) {
  int64_t got = gzread(file, bytes, unsigned(size));
  if (got == size) {
    return Status::success();
  }
  int code = Z_OK;
  std::string detail = gzerror(file, &code);
  return Status::error(path + ": expected " + std::to_string(size) +
                       " more bytes, found " +
                       std::to_string(got < 0 ? 0 : got) +
                       (code == Z_OK ? "" : " (" + detail + ")") +
                       "; remedy: reinstall the file's package, the file is "
                       "truncated or damaged");
}

Result<Array> readIdx(const std::string &path, size_t rank) {
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };
  std::unique_ptr<gzFile_s, Close> file(gzopen(path.c_str(), "rb"));
  if (!file) {
    return Status::error(path +
                         ": cannot be opened; remedy: install the Debian "
                         "package dataset-fashion-mnist, or name another file");
  }
  std::array<uint8_t, 4> magic;
  LPGEN_RETURN_IF_ERROR(
      readBytes(file.get(), path, magic.data(), int64_t(magic.size())));
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != 8 || magic[3] != rank) {
    return Status::error(
        path + ": expected an IDX file of unsigned bytes with " +
        std::to_string(rank) +
        " dimensions, found another header; remedy: check that images and "
        "labels are not exchanged, or fetch the file again");
  }
  Array array;
  int64_t count = 1;
  for (size_t dimension = 0; dimension < rank; ++dimension) {
    std::array<uint8_t, 4> word;
    LPGEN_RETURN_IF_ERROR(
        readBytes(file.get(), path, word.data(), int64_t(word.size())));
    int64_t extent = (int64_t{word[0]} << 24) | (int64_t{word[1]} << 16) |
                     (int64_t{word[2]} << 8) | int64_t{word[3]};
    if (extent == 0 || extent > maxElements / count) {
      return Status::error(path + ": dimension " + std::to_string(dimension) +
                           " has the extent " + std::to_string(extent) +
                           ", expected 1 or more and at most " +
                           std::to_string(maxElements) +
                           " elements in all; the file is damaged");
    }
    array.extents.push_back(extent);
    count *= extent;
  }
  array.elements.resize(size_t(count));
  LPGEN_RETURN_IF_ERROR(
      readBytes(file.get(), path, array.elements.data(), count));
  return array;
}

} // namespace

Result<Images> data::readIdxImages(const std::string &path) {
  Result<Array> array = readIdx(path, 3);
  if (!array.ok()) {
    return array.status();
  }
  return Images{array->extents[0], array->extents[1], array->extents[2],
                std::move(array->elements)};
}

Result<std::vector<uint8_t>> data::readIdxLabels(const std::string &path) {
  Result<Array> array = readIdx(path, 1);
  if (!array.ok()) {
    return array.status();
  }
  return std::move(array->elements);
}
