// The usual reasons in words, others as the C library has them.
#include "base/system/SystemError.h"
#include <cerrno>
#include <system_error>

namespace lpgen {

std::string describeSystemError(int error) {
  switch (error) {
  case ENOENT:
    return "no such file or folder";
  case EACCES:
  case EPERM:
    return "permission denied; check the rights of the file and its folder";
  case ENOSPC:
  case EDQUOT:
    return "the disk is full; make room or write elsewhere";
  case EFBIG:
    return "the file would exceed the largest allowed size";
  default:
    return std::generic_category().message(error);
  }
}

} // namespace lpgen
