// What someone meant who wrote a name that there is not.
#ifndef LPGEN_BASE_SYSTEM_NEARESTNAME_H
#define LPGEN_BASE_SYSTEM_NEARESTNAME_H

#include <span>
#include <string>

namespace lpgen {

/// "'epoch', expected 'epochs'": the name, and that of `known` from which it
/// differs by the fewest letters; all of `known` if none is like it.
std::string quoteWithNearest(const std::string &name,
                             std::span<const std::string> known);

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_NEARESTNAME_H
