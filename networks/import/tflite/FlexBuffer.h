// Options of custom operators: a flexbuffer that is a map of integers.
#ifndef LPGEN_NETWORKS_IMPORT_TFLITE_FLEXBUFFER_H
#define LPGEN_NETWORKS_IMPORT_TFLITE_FLEXBUFFER_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

namespace lpgen::importer::tflite {

/// The integers and truth values of a map, by their keys; values of other types
/// are left out. Nothing if the bytes are no such map.
std::optional<std::map<std::string, int64_t>>
readFlexIntegers(std::span<const std::byte> bytes);

} // namespace lpgen::importer::tflite

#endif // LPGEN_NETWORKS_IMPORT_TFLITE_FLEXBUFFER_H
