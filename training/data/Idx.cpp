// Images and labels from IDX files, gzipped or not.
//
// The format: two zero bytes, a type code (8: unsigned bytes), the number of
// dimensions, the extents as big-endian 32-bit integers, the elements.
#include "training/data/Idx.h"
#include "base/system/AtomicFile.h"
#include <algorithm>
#include <string_view>
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

constexpr size_t longestHeader = 16;

/// What a gzip file holds. An error unless it is one stream, complete and
/// unchanged, and nothing after it.
Result<std::string> unzip(const std::string &path, const std::string &zipped) {
  struct Stream : z_stream {
    Stream() : z_stream() {}
    ~Stream() { inflateEnd(this); }
  } stream;
  const auto damaged = [&](const std::string &what) {
    return Status::error(path + ": " + what +
                         "; remedy: fetch the file again, it is damaged");
  };
  constexpr int gzipOnly = 16;
  if (inflateInit2(&stream, gzipOnly + MAX_WBITS) != Z_OK) {
    return Status::error(path + ": no memory to decompress it");
  }
  std::string text;
  std::vector<char> part(size_t{1} << 18);
  // zlib does not write to its input.
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(zipped.data()));
  size_t left = zipped.size();
  int code = Z_OK;
  while (code == Z_OK) {
    if (stream.avail_in == 0) {
      stream.avail_in = uInt(std::min(left, size_t{1} << 30));
      left -= stream.avail_in;
    }
    stream.next_out = reinterpret_cast<Bytef *>(part.data());
    stream.avail_out = uInt(part.size());
    code = inflate(&stream, Z_NO_FLUSH);
    text.append(part.data(), part.size() - stream.avail_out);
    if (text.size() > size_t(maxElements) + longestHeader) {
      return damaged("it holds more than any IDX file");
    }
  }
  if (code == Z_BUF_ERROR) {
    return damaged("its compressed data ends early, after " +
                   std::to_string(text.size()) + " bytes");
  }
  if (code != Z_STREAM_END) {
    return damaged("its compressed data is wrong (" +
                   std::string(stream.msg ? stream.msg : zError(code)) + ")");
  }
  if (stream.avail_in + left != 0) {
    return damaged("there are " + std::to_string(stream.avail_in + left) +
                   " bytes after its compressed data");
  }
  return text;
}

/// The bytes of an IDX file, one after the other.
class Reader {
public:
  Reader(const std::string &path, std::string_view bytes)
      : path(path), rest(bytes) {}

  Result<std::string_view> take(size_t size) {
    if (size > rest.size()) {
      return Status::error(path + ": expected " + std::to_string(size) +
                           " more bytes, found " + std::to_string(rest.size()) +
                           "; remedy: fetch the file again or reinstall its "
                           "package, it is truncated or damaged");
    }
    const std::string_view taken = rest.substr(0, size);
    rest.remove_prefix(size);
    return taken;
  }
  size_t left() const { return rest.size(); }

private:
  const std::string &path;
  std::string_view rest;
};

Result<std::string> readContent(const std::string &path) {
  Result<std::string> content = readWholeFile(path);
  if (!content.ok()) {
    return Status::error(content.message() +
                         "; remedy: install the Debian package "
                         "dataset-fashion-mnist, or name another file");
  }
  return content->starts_with("\x1f\x8b") ? unzip(path, *content) : content;
}

/// The extents in the header. An error for another one.
Result<std::vector<int64_t>> readExtents(const std::string &path, size_t rank,
                                         Reader &reader) {
  const Result<std::string_view> magic = reader.take(4);
  LPGEN_RETURN_IF_ERROR(magic.status());
  if (*magic != std::string{0, 0, 8, char(rank)}) {
    return Status::error(
        path + ": expected an IDX file of unsigned bytes with " +
        std::to_string(rank) +
        " dimensions, found another header; remedy: check that images and "
        "labels are not exchanged, or fetch the file again");
  }
  std::vector<int64_t> extents;
  int64_t count = 1;
  for (size_t dimension = 0; dimension < rank; ++dimension) {
    const Result<std::string_view> word = reader.take(4);
    LPGEN_RETURN_IF_ERROR(word.status());
    int64_t extent = 0;
    for (const char byte : *word) {
      extent = extent << 8 | uint8_t(byte);
    }
    if (extent == 0 || extent > maxElements / count) {
      return Status::error(path + ": dimension " + std::to_string(dimension) +
                           " has the extent " + std::to_string(extent) +
                           ", expected 1 or more and at most " +
                           std::to_string(maxElements) +
                           " elements in all; the file is damaged");
    }
    extents.push_back(extent);
    count *= extent;
  }
  return extents;
}

Result<Array> readIdx(const std::string &path, size_t rank) {
  const Result<std::string> content = readContent(path);
  LPGEN_RETURN_IF_ERROR(content.status());
  Reader reader(path, *content);
  Result<std::vector<int64_t>> extents = readExtents(path, rank, reader);
  LPGEN_RETURN_IF_ERROR(extents.status());
  int64_t count = 1;
  for (const int64_t extent : *extents) {
    count *= extent;
  }
  const Result<std::string_view> elements = reader.take(size_t(count));
  LPGEN_RETURN_IF_ERROR(elements.status());
  if (reader.left() != 0) {
    return Status::error(path + ": " + std::to_string(reader.left()) +
                         " bytes after the " + std::to_string(count) +
                         " elements of its header; remedy: fetch the file "
                         "again, it is damaged");
  }
  return Array{std::move(*extents), {elements->begin(), elements->end()}};
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
