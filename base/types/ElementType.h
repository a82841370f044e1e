// Element types of the operator language: encoding and width.
//
// The one table of them, with what parses and prints their spelling, for the
// front end, the dialect, job files and manifests; no LLVM here.
#ifndef LPGEN_BASE_TYPES_ELEMENTTYPE_H
#define LPGEN_BASE_TYPES_ELEMENTTYPE_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lpgen {

/// What a code, the bits of an element, stands for.
enum class Encoding {
  Unsigned, ///< Code c means c.
  Signed,   ///< Two's complement.
  Bipolar,  ///< Code c means 2c - (2^bits - 1), all odd.
  Ternary,  ///< -1, 0, +1
  Float,    ///< IEEE 754
  Brain,    ///< The upper 16 bits of an IEEE 754 binary32.
};

/// A row of the table of element types: widths of an encoding that the same
/// letters spell.
struct TypeFamily {
  std::string_view letters;
  Encoding encoding;
  const char *name; ///< Of the encoding, in words.
  unsigned narrowest;
  unsigned widest;

  bool holds(unsigned bits) const {
    return bits >= narrowest && bits <= widest;
  }
  bool isFloat() const {
    return encoding == Encoding::Float || encoding == Encoding::Brain;
  }
};
/// The element types that there are: u1, ..., f32.
constexpr TypeFamily elementTypes[] = {
    {"u", Encoding::Unsigned, "unsigned", 1, 16},
    {"s", Encoding::Signed, "signed", 1, 16},
    {"b", Encoding::Bipolar, "bipolar", 1, 8},
    {"t", Encoding::Ternary, "ternary", 2, 2},
    {"u", Encoding::Unsigned, "unsigned", 32, 32},
    {"i", Encoding::Signed, "signed", 32, 32},
    {"i", Encoding::Signed, "signed", 64, 64},
    {"f", Encoding::Float, "float", 16, 16},
    {"bf", Encoding::Brain, "brain", 16, 16},
    {"f", Encoding::Float, "float", 32, 32},
};

/// An element type. Logical (unpacked) tensors hold values, not codes, one per
/// smallest C integer that holds the range.
struct ElementType {
  Encoding encoding = Encoding::Signed;
  unsigned bits = 32;

  bool operator==(const ElementType &other) const = default;
  bool isFloat() const {
    return encoding == Encoding::Float || encoding == Encoding::Brain;
  }
  /// True for f16 and bf16, which are stored only: they are computed as f32.
  bool isNarrowFloat() const { return isFloat() && bits < 32; }

  int64_t minValue() const {
    switch (encoding) {
    case Encoding::Unsigned:
      return 0;
    case Encoding::Signed:
      return bits == 64 ? INT64_MIN : -(int64_t{1} << (bits - 1));
    case Encoding::Bipolar:
      return -((int64_t{1} << bits) - 1);
    case Encoding::Ternary:
      return -1;
    case Encoding::Float:
    case Encoding::Brain:
      break;
    }
    return 0;
  }
  int64_t maxValue() const {
    switch (encoding) {
    case Encoding::Unsigned:
    case Encoding::Bipolar:
      return (int64_t{1} << bits) - 1;
    case Encoding::Signed:
      return bits == 64 ? INT64_MAX : (int64_t{1} << (bits - 1)) - 1;
    case Encoding::Ternary:
      return 1;
    case Encoding::Float:
    case Encoding::Brain:
      break;
    }
    return 0;
  }
  /// True if the integer `value` has a code in this type (bipolar has odd
  /// values only).
  bool holds(int64_t value) const {
    return value >= minValue() && value <= maxValue() &&
           (encoding != Encoding::Bipolar || (value & 1) != 0);
  }
  /// Bits of one element in a logical tensor: 8, 16, 32 or 64.
  unsigned storageBits() const {
    if (encoding == Encoding::Bipolar) {
      return bits == 8 ? 16 : 8;
    }
    return bits <= 8 ? 8 : bits <= 16 ? 16 : bits <= 32 ? 32 : 64;
  }
  /// False also for f16 and bf16, which are words of bits in C.
  bool isStorageSigned() const {
    return encoding != Encoding::Unsigned && !isNarrowFloat();
  }
  /// Bits of the signed integers in which integers are computed: 32 or 64.
  unsigned scalarBits() const {
    return minValue() >= INT32_MIN && maxValue() <= INT32_MAX ? 32 : 64;
  }

  /// The spelling in the language: u2, s4, b1, t2, u32, i64, bf16, f32.
  std::string str() const;
  /// The type that is spelled so; nothing if there is none.
  static std::optional<ElementType> parse(std::string_view text);
};

/// "u1..u16, s1..s16, b1..b8, t2, u32, i32, i64, f16, bf16 or f32", for
/// messages.
std::string listElementTypes();

/// What sums are kept in: the narrower type if they fit its 32 bits.
constexpr ElementType accumulatorFor(bool fitsInt32) {
  return {Encoding::Signed, fitsInt32 ? 32U : 64U};
}

} // namespace lpgen

#endif // LPGEN_BASE_TYPES_ELEMENTTYPE_H
