// NumPy's .npy files: the header's parser, and reading and writing of whole
// arrays.
//
// A file is "\x93NUMPY", major and minor version, the length of the header (16
// bits in version 1, else 32), the header (a Python dictionary literal) and the
// elements.
#include "base/tensor/Npy.h"
#include "base/system/AtomicFile.h"
#include "base/system/SystemError.h"
#include "base/tensor/NpyHeader.h"
#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>

static_assert(std::endian::native == std::endian::little,
              ".npy elements are copied as they are");

namespace lpgen {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
/// Bytes; NumPy's own headers are far below this.
constexpr uint32_t maxHeaderBytes = 1U << 20;

struct DtypeRow {
  NpyType type;
  const char *name;
  const char *descr;
  ElementType element;
};
constexpr DtypeRow dtypes[] = {
    {NpyType::Int8, "int8", "|i1", {Encoding::Signed, 8}},
    {NpyType::UInt8, "uint8", "|u1", {Encoding::Unsigned, 8}},
    {NpyType::Int16, "int16", "<i2", {Encoding::Signed, 16}},
    {NpyType::UInt16, "uint16", "<u2", {Encoding::Unsigned, 16}},
    {NpyType::Int32, "int32", "<i4", {Encoding::Signed, 32}},
    {NpyType::UInt32, "uint32", "<u4", {Encoding::Unsigned, 32}},
    {NpyType::Int64, "int64", "<i8", {Encoding::Signed, 64}},
    {NpyType::Float16, "float16", "<f2", {Encoding::Float, 16}},
    {NpyType::Float32, "float32", "<f4", {Encoding::Float, 32}},
};

const DtypeRow &rowOf(NpyType type) {
  for (const DtypeRow &row : dtypes) {
    if (row.type == type) {
      return row;
    }
  }
  assert(false && "a row for every type");
  return dtypes[0];
}

struct CloseFile {
  void operator()(std::FILE *file) const { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, CloseFile>;

std::string quoted(const std::string &path) { return "'" + path + "'"; }

/// Reads the header up to the first element; `bytesRead` is that element's
/// offset.
Result<NpyHeader> readHeader(const std::string &path, std::FILE *file,
                             uint64_t &bytesRead) {
  const auto broken = [&](const std::string &what) {
    return Status::error(quoted(path) +
                         " is not a .npy file that can be read: " + what +
                         "; write it with numpy.save");
  };
  unsigned char start[8];
  if (std::fread(start, 1, sizeof start, file) != sizeof start ||
      std::memcmp(start, magic.data(), magic.size()) != 0) {
    return broken("it does not begin with the bytes \\x93NUMPY and a version");
  }
  const unsigned major = start[6];
  if (major < 1 || major > 3) {
    return broken("its format version is " + std::to_string(major) +
                  ", expected 1, 2 or 3");
  }
  unsigned char length[4] = {0, 0, 0, 0};
  const size_t lengthBytes = major == 1 ? 2 : 4;
  if (std::fread(length, 1, lengthBytes, file) != lengthBytes) {
    return broken("it ends inside the header");
  }
  const uint32_t headerBytes = length[0] | uint32_t(length[1]) << 8 |
                               uint32_t(length[2]) << 16 |
                               uint32_t(length[3]) << 24;
  if (headerBytes > maxHeaderBytes) {
    return broken("its header claims " + std::to_string(headerBytes) +
                  " bytes");
  }
  std::string text(headerBytes, '\0');
  if (std::fread(text.data(), 1, headerBytes, file) != headerBytes) {
    return broken("it ends inside the header");
  }
  bytesRead = sizeof start + lengthBytes + headerBytes;
  Result<NpyHeader> header = parseNpyHeader(text);
  if (!header.ok()) {
    return broken("its header is wrong: " + header.message());
  }
  return header;
}

Result<NpyType> typeOf(const std::string &path, const std::string &descr) {
  // One-byte types have no byte order; '=' is the machine's, which is little.
  std::string canonical = descr;
  if (canonical.size() == 3 && canonical[2] == '1') {
    canonical[0] = '|';
  } else if (canonical.starts_with("=")) {
    canonical[0] = '<';
  }
  for (const DtypeRow &row : dtypes) {
    if (canonical == row.descr) {
      return row.type;
    }
    if (canonical.starts_with(">") && canonical.substr(1) == row.descr + 1) {
      return Status::error(quoted(path) + " holds big-endian elements (" +
                           canonical +
                           "), expected little endian; save "
                           "array.astype('" +
                           row.descr + "')");
    }
  }
  return Status::error(quoted(path) + " holds elements of dtype '" +
                       descr.substr(0, 40) +
                       "', expected int8, uint8, int16, uint16, int32, uint32, "
                       "int64, float16 or float32; convert with array.astype "
                       "before saving");
}

Status checkSize(const std::string &path, uint64_t found, int64_t expected) {
  if (found == uint64_t(expected)) {
    return Status::success();
  }
  return Status::error(quoted(path) + " holds " + std::to_string(found) +
                       " bytes of elements, but its shape and dtype need " +
                       std::to_string(expected) +
                       "; it is cut short or damaged, write it again");
}

std::string headerText(const HostTensor &tensor) {
  std::string shape = "(";
  for (int64_t extent : tensor.shape()) {
    shape += std::to_string(extent) + ",";
  }
  shape += ")";
  std::string text = std::string("{'descr': '") +
                     rowOf(npyTypeFor(tensor.type())).descr +
                     "', 'fortran_order': False, 'shape': " + shape + ", }";
  // Magic, version and length take 10 bytes; elements start at a multiple
  // of 64.
  const size_t unpadded = 10 + text.size() + 1;
  text.append((64 - unpadded % 64) % 64, ' ');
  return text + "\n";
}

} // namespace

const char *npyTypeName(NpyType type) { return rowOf(type).name; }

NpyType npyTypeFor(ElementType type) {
  for (const DtypeRow &row : dtypes) {
    if (row.element == type) {
      return row.type;
    }
  }
  for (const DtypeRow &row : dtypes) {
    if (!row.element.isFloat() && row.element.bits == type.storageBits() &&
        row.element.isStorageSigned() == type.isStorageSigned()) {
      return row.type;
    }
  }
  assert(false && "a dtype for every storage integer");
  return NpyType::Int64;
}

Result<HostTensor> NpyArray::convertTo(
    ElementType target,
    const std::optional<std::vector<int64_t>> &expectedShape) const {
  const NpyType expected = npyTypeFor(target);
  if (expectedShape && *expectedShape != elements.shape()) {
    return Status::error(quoted(path) + " has the shape " +
                         shapeToString(elements.shape()) + ", expected " +
                         shapeToString(*expectedShape));
  }
  if (type != expected) {
    const std::string name = npyTypeName(expected);
    return Status::error(quoted(path) + " holds " + npyTypeName(type) +
                         ", expected " + name + " for elements of " +
                         target.str() + "; save array.astype(numpy." + name +
                         ")");
  }
  Result<HostTensor> tensor = HostTensor::create(target, elements.shape());
  if (!tensor.ok()) {
    return tensor;
  }
  if (elements.byteSize() != 0) {
    std::memcpy(tensor->data(), elements.data(), size_t(elements.byteSize()));
  }
  if (const std::optional<std::string> illegal = tensor->firstIllegalValue()) {
    return Status::error(quoted(path) + ": " + *illegal);
  }
  return tensor;
}

Result<NpyArray> readNpy(const std::string &path) {
  // The status of the opened file would be safer against a rename in between,
  // but every read below is checked, so a changed file is an error message too.
  std::error_code code;
  const std::filesystem::file_status fileStatus =
      std::filesystem::status(path, code);
  if (std::filesystem::exists(fileStatus) &&
      !std::filesystem::is_regular_file(fileStatus)) {
    return Status::error("cannot read " + quoted(path) +
                         ": it is not a regular file");
  }
  const FilePtr file(std::fopen(path.c_str(), "rb"));
  if (!file) {
    return Status::error("cannot read " + quoted(path) + ": " +
                         describeSystemError(errno));
  }
  const uintmax_t fileBytes = std::filesystem::file_size(path, code);
  if (code) {
    return Status::error("cannot read " + quoted(path) + ": " + code.message());
  }
  uint64_t offset = 0;
  Result<NpyHeader> header = readHeader(path, file.get(), offset);
  if (!header.ok()) {
    return header.status();
  }
  if (header->fortranOrder && header->shape.size() > 1) {
    return Status::error(quoted(path) +
                         " is in Fortran order, expected C order; save "
                         "numpy.ascontiguousarray(array)");
  }
  const Result<NpyType> type = typeOf(path, header->descr);
  if (!type.ok()) {
    return type.status();
  }
  const ElementType element = rowOf(*type).element;
  int64_t bytes = 0;
  const std::optional<int64_t> count = countElements(header->shape);
  if (!count || __builtin_mul_overflow(
                    *count, int64_t(element.storageBits() / 8), &bytes)) {
    return Status::error(quoted(path) + " claims the shape " +
                         shapeToString(header->shape) +
                         ", more elements than any file can hold");
  }
  // Before memory is taken: a few hostile bytes must not ask for terabytes.
  LPGEN_RETURN_IF_ERROR(
      checkSize(path, fileBytes < offset ? 0 : fileBytes - offset, bytes));
  Result<HostTensor> elements = HostTensor::create(element, header->shape);
  if (!elements.ok()) {
    return Status::error(quoted(path) + ": " + elements.message());
  }
  const size_t found =
      bytes == 0 ? 0
                 : std::fread(elements->data(), 1, size_t(bytes), file.get());
  if (std::ferror(file.get()) != 0) {
    return Status::error("cannot read " + quoted(path) + ": " +
                         describeSystemError(errno));
  }
  LPGEN_RETURN_IF_ERROR(checkSize(path, found, bytes));
  return NpyArray{path, *type, *std::move(elements)};
}

Result<HostTensor>
readNpyTensor(const std::string &path, ElementType type,
              const std::optional<std::vector<int64_t>> &expectedShape) {
  const Result<NpyArray> array = readNpy(path);
  if (!array.ok()) {
    return array.status();
  }
  return array->convertTo(type, expectedShape);
}

std::string npyHeader(const HostTensor &tensor) {
  const std::string text = headerText(tensor);
  std::string header(magic);
  header += {1, 0, char(text.size() & 0xff), char(text.size() >> 8)};
  return header + text;
}

std::string_view npyElements(const HostTensor &tensor) {
  return {static_cast<const char *>(tensor.data()), size_t(tensor.byteSize())};
}

Status writeNpy(const std::string &path, const HostTensor &tensor) {
  const std::string header = npyHeader(tensor);
  return writeFileAtomically(
      path, std::array{std::string_view(header), npyElements(tensor)});
}

} // namespace lpgen
