// What an error code of the system means to a user.
#ifndef LPGEN_BASE_SYSTEM_SYSTEMERROR_H
#define LPGEN_BASE_SYSTEM_SYSTEMERROR_H

#include <string>

namespace lpgen {

/// Of a value of errno: the reason, and the remedy where there is a usual one.
std::string describeSystemError(int error);

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_SYSTEMERROR_H
