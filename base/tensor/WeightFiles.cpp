// Values of constants from files. See WeightFiles.h.
#include "base/tensor/WeightFiles.h"
#include "base/tensor/Npy.h"
#include <filesystem>

namespace lpgen {

/// A .npy file holds its elements in any type that holds the values, as a
/// safetensors file does.
static Result<HostTensor> readNpyConstant(const std::string &path,
                                          ElementType type,
                                          const std::vector<int64_t> &shape) {
  const Result<NpyArray> array = readNpy(path);
  LPGEN_RETURN_IF_ERROR(array.status());
  if (array->elements.shape() != shape) {
    return Status::error("'" + path + "' has the shape " +
                         shapeToString(array->elements.shape()) +
                         ", expected " + shapeToString(shape));
  }
  const auto *bytes = static_cast<const std::byte *>(array->elements.data());
  Result<HostTensor> values =
      convertStored({storedTypeOf(array->elements.type()),
                     shape,
                     {bytes, size_t(array->elements.byteSize())}},
                    type);
  if (!values.ok()) {
    return Status::error("'" + path + "': " + values.message());
  }
  return values;
}

Result<HostTensor> WeightFiles::readTensor(const std::string &path,
                                           const std::string &source,
                                           ElementType type,
                                           const std::vector<int64_t> &shape) {
  const std::filesystem::path place(path);
  if (source.ends_with(".npy")) {
    return readNpyConstant((place.parent_path() / source).string(), type,
                           shape);
  }
  const std::string name = weights.empty()
                               ? std::filesystem::path(place)
                                     .replace_extension("safetensors")
                                     .string()
                               : weights;
  auto found = files.find(name);
  if (found == files.end()) {
    found = files.emplace(name, SafetensorsFile::open(name)).first;
  }
  if (!found->second.ok()) {
    return Status::error(
        found->second.message() +
        (weights.empty() ? "; --weights names another file" : ""));
  }
  return found->second->read(source, type, shape);
}

Result<std::shared_ptr<const HostTensor>>
WeightFiles::read(const std::string &path, const std::string &source,
                  ElementType type, const std::vector<int64_t> &shape) {
  Result<HostTensor> values = readTensor(path, source, type, shape);
  LPGEN_RETURN_IF_ERROR(values.status());
  return std::make_shared<const HostTensor>(std::move(*values));
}

} // namespace lpgen
