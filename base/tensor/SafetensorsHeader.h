// The header of a safetensors file: JSON that lists tensors, taken apart.
//
// This is the part that sees text from outside and nothing else, so that it can
// be tested with hostile headers alone. Only what the format allows is
// accepted: one object of tensors, each with dtype, shape and data_offsets, and
// __metadata__ of strings; no key twice.
#ifndef LPGEN_BASE_TENSOR_SAFETENSORSHEADER_H
#define LPGEN_BASE_TENSOR_SAFETENSORSHEADER_H

#include "base/system/Status.h"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lpgen {

/// A tensor as the header lists it; nothing is checked against the file.
struct SafetensorsEntry {
  std::string name; ///< Any bytes.
  std::string dtype;
  std::vector<int64_t> shape; ///< No extent is negative.
  int64_t begin = 0;          ///< First byte, from the end of the header on.
  int64_t end = 0;            ///< The byte after the last one.
};

/// The tensors in the order of the text. The message of an error is a clause
/// about the header.
Result<std::vector<SafetensorsEntry>>
parseSafetensorsHeader(std::string_view text);

} // namespace lpgen

#endif // LPGEN_BASE_TENSOR_SAFETENSORSHEADER_H
