// The streams that a program starts with, and the end of one that prints
// results.
#ifndef LPGEN_BASE_SYSTEM_STANDARDSTREAMS_H
#define LPGEN_BASE_SYSTEM_STANDARDSTREAMS_H

#include "base/system/Status.h"

namespace lpgen {

/// Fills the places of standard streams that are closed, so that no file that
/// is opened later gets one of them and what is printed with it: an empty
/// input, an output that fails, errors that go nowhere. Called first in main.
void openStandardStreams();

/// Brings out what stdio and iostreams have printed. An error if standard
/// output did not take all of it, now or before.
Status flushStandardOutput();

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_STANDARDSTREAMS_H
