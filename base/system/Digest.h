// FNV-1a of 64 bits: names of cached files, and damage of stored ones.
#ifndef LPGEN_BASE_SYSTEM_DIGEST_H
#define LPGEN_BASE_SYSTEM_DIGEST_H

#include <cstdint>
#include <string_view>

namespace lpgen {

constexpr uint64_t emptyDigest = 0xcbf29ce484222325u;

/// The digest of what `digest` stands for, followed by `bytes`.
constexpr uint64_t extendDigest(uint64_t digest, std::string_view bytes) {
  for (const char c : bytes) {
    digest = (digest ^ uint8_t(c)) * 0x100000001b3u;
  }
  return digest;
}

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_DIGEST_H
