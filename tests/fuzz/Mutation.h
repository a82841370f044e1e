// Damage to text: what the fuzz target of IR feeds to the compiler.
#ifndef LPGEN_TESTS_FUZZ_MUTATION_H
#define LPGEN_TESTS_FUZZ_MUTATION_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>
#include <vector>

namespace lpgen::fuzz {

/// Numbers from a seed, the same on every machine (splitmix64).
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next();
  /// In [0, bound).
  size_t below(size_t bound) { return next() % bound; }

private:
  uint64_t state;
};

/// `text` after one to four changes: numbers, tokens, lines and attributes
/// changed, dropped, doubled or taken from `other`; bytes flipped; an end cut
/// off.
std::string mutate(llvm::StringRef text, llvm::StringRef other, Random &random);

} // namespace lpgen::fuzz

#endif // LPGEN_TESTS_FUZZ_MUTATION_H
