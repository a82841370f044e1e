// Files that appear complete or not at all.
#ifndef LPGEN_BASE_SYSTEM_ATOMICFILE_H
#define LPGEN_BASE_SYSTEM_ATOMICFILE_H

#include "base/system/Status.h"
#include <span>
#include <string>
#include <string_view>

namespace lpgen {

/// Writes the parts one after the other, as OutputFiles does: a failure leaves
/// an earlier file of that name as it was.
Status writeFileAtomically(const std::string &path,
                           std::span<const std::string_view> parts);
Status writeFileAtomically(const std::string &path, std::string_view content);

/// The whole file, or an error with the reason.
Result<std::string> readWholeFile(const std::string &path);

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_ATOMICFILE_H
