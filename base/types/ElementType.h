// Element types of the operator language: encoding and width.
//
// Shared by the front end, the interpreter and the runtime; no LLVM here.
#ifndef LPGEN_BASE_TYPES_ELEMENTTYPE_H
#define LPGEN_BASE_TYPES_ELEMENTTYPE_H

#include <cstdint>
#include <string>

namespace lpgen {

enum class Encoding {
  Unsigned, ///< u1..u16: code c means c
  Signed,   ///< s1..s16, i32, i64: two's complement
  Bipolar,  ///< b1..b8: code c means 2c - (2^bits - 1), all odd
  Ternary,  ///< t2: -1, 0, +1
  Float,    ///< f32
};

/// An element type. Logical (unpacked) tensors hold values, not codes, one per
/// smallest C integer that holds the range.
struct ElementType {
  Encoding encoding = Encoding::Signed;
  unsigned bits = 32;

  bool operator==(const ElementType &other) const = default;
  bool isFloat() const { return encoding == Encoding::Float; }

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
  bool isStorageSigned() const { return encoding != Encoding::Unsigned; }

  /// The spelling in the language: u2, s4, b1, t2, i32, i64, f32.
  std::string str() const {
    switch (encoding) {
    case Encoding::Unsigned:
      return "u" + std::to_string(bits);
    case Encoding::Signed:
      return (bits > 16 ? "i" : "s") + std::to_string(bits);
    case Encoding::Bipolar:
      return "b" + std::to_string(bits);
    case Encoding::Ternary:
      return "t2";
    case Encoding::Float:
      break;
    }
    return "f32";
  }
};

} // namespace lpgen

#endif // LPGEN_BASE_TYPES_ELEMENTTYPE_H
