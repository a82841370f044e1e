// Damage to binary files of other tools.
#ifndef LPGEN_TESTS_FUZZ_FILEDAMAGE_H
#define LPGEN_TESTS_FUZZ_FILEDAMAGE_H

#include "tests/fuzz/Mutation.h"

namespace lpgen::fuzz {

/// `bytes` after one to three changes: bits flipped, bytes and words set to
/// extremes, lengths made long, parts dropped, doubled or taken from elsewhere,
/// an end cut off. Most of them lie near names, where the structure of a file
/// is, not in the middle of its weights.
std::string damage(const std::string &bytes, Random &random);

} // namespace lpgen::fuzz

#endif // LPGEN_TESTS_FUZZ_FILEDAMAGE_H
