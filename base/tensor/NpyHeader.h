// The header of a .npy file: the text of a Python dictionary, taken apart.
//
// Only Npy.cpp reads files; this is the part that sees text from outside and
// nothing else, so that it can be tested with hostile headers alone.
#ifndef LPGEN_BASE_TENSOR_NPYHEADER_H
#define LPGEN_BASE_TENSOR_NPYHEADER_H

#include "base/system/Status.h"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lpgen {

struct NpyHeader {
  std::string descr; ///< NumPy's spelling of the dtype, "<i4"; unchecked.
  bool fortranOrder = false;
  std::vector<int64_t>
      shape; ///< No extent is negative; the product is unchecked.
};

/// Parses {'descr': '<i4', 'fortran_order': False, 'shape': (3, 4), }: the
/// three keys in any order, each once, nothing else.
Result<NpyHeader> parseNpyHeader(std::string_view text);

} // namespace lpgen

#endif // LPGEN_BASE_TENSOR_NPYHEADER_H
