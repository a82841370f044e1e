// See FileDamage.h.
#include "tests/fuzz/FileDamage.h"
#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

namespace lpgen::fuzz {

/// A place in the file; mostly one near a name: a few letters in a row.
static size_t placeIn(const std::string &bytes, Random &random) {
  constexpr size_t tries = 200;
  constexpr size_t letters = 4;
  constexpr size_t around = 48;
  const bool isAnywhere = random.below(4) == 0;
  size_t place = random.below(bytes.size());
  for (size_t i = 0; i < tries && !isAnywhere; ++i) {
    const size_t end = std::min(place + letters, bytes.size());
    if (std::all_of(bytes.begin() + ptrdiff_t(place),
                    bytes.begin() + ptrdiff_t(end),
                    [](unsigned char c) { return std::isalpha(c) != 0; })) {
      const size_t from = place < around ? 0 : place - around;
      return std::min(from + random.below(2 * around), bytes.size() - 1);
    }
    place = random.below(bytes.size());
  }
  return place;
}

/// Writes `word` over what is there.
static void overwrite(std::string &bytes, size_t place, const void *word,
                      size_t size) {
  std::memcpy(bytes.data() + place, word, std::min(size, bytes.size() - place));
}

static void setWord(std::string &bytes, size_t place, Random &random) {
  const std::array<uint64_t, 10> extremes = {
      0,          1,          0x7F,      0xFF,       0x7FFFFFFF,
      0x80000000, UINT32_MAX, INT64_MAX, UINT64_MAX, bytes.size()};
  const uint64_t word = extremes[random.below(extremes.size())];
  const size_t size = size_t{1} << random.below(4);
  // Numbers of files that are read in place lie at multiples of their size.
  overwrite(bytes, random.below(2) == 0 ? place : place / size * size, &word,
            size);
}

/// A number of a protocol buffer that goes on for several bytes.
static void setLength(std::string &bytes, size_t place, Random &random) {
  const std::array<std::string, 5> lengths = {
      std::string("\xFF\xFF\xFF\xFF\x0F"), std::string("\xFF\xFF\xFF\xFF\x07"),
      std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
      std::string("\x80\x80\x80\x80\x10"), std::string("\xFF\x7F")};
  const std::string &length = lengths[random.below(lengths.size())];
  overwrite(bytes, place, length.data(), length.size());
}

static void change(std::string &bytes, Random &random) {
  if (bytes.empty()) {
    return;
  }
  const size_t place = placeIn(bytes, random);
  const size_t most = std::min<size_t>(bytes.size() - place, 64);
  const size_t size = 1 + random.below(most);
  // Mostly what leaves the rest where it is.
  switch (random.below(16)) {
  case 0:
    setLength(bytes, place, random);
    break;
  case 1:
    bytes.erase(place, size);
    break;
  case 2:
    bytes.insert(place, bytes.substr(place, size));
    break;
  case 3:
    bytes.resize(random.below(4) == 0 ? random.below(bytes.size()) : place);
    break;
  case 4:
  case 5: {
    const std::string part = bytes.substr(placeIn(bytes, random), size);
    overwrite(bytes, place, part.data(), part.size());
    break;
  }
  case 6:
  case 7:
    setWord(bytes, place, random);
    break;
  case 8:
  case 9:
    bytes[place] = char(random.below(256));
    break;
  case 10:
  case 11:
    bytes[place] = char(bytes[place] + 1 - 2 * int(random.below(2)));
    break;
  default:
    bytes[place] = char(bytes[place] ^ (1 << random.below(8)));
  }
}

std::string damage(const std::string &bytes, Random &random) {
  std::string damaged = bytes;
  for (size_t changes = 1 + random.below(3); changes > 0; --changes) {
    change(damaged, random);
  }
  return damaged;
}

} // namespace lpgen::fuzz
