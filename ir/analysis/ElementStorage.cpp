// See ElementStorage.h.
#include "ir/analysis/ElementStorage.h"

using namespace lpgen;

/// Planes of digits of codes: one coefficient per digit. Single bits of two's
/// complement have a negative one for the top; signed elements in wider digits
/// are shifted to start at 0. Only as many as the range needs.
static std::optional<ElementStorage>
planesOf(ElementType type, StoredRange range, unsigned digitBits) {
  ElementStorage storage;
  unsigned bits = 0;
  bool isSigned = false;
  if (type.encoding != Encoding::Bipolar && range.lo < 0 && digitBits > 1) {
    storage.offset = -range.lo;
    range = {0, range.hi - range.lo};
  }
  storage.range = range;
  if (type.encoding == Encoding::Bipolar) {
    storage.offset = (int64_t{1} << type.bits) - 1;
    storage.halve = true;
    storage.range = {0, storage.offset};
    bits = type.bits;
  } else {
    isSigned = range.lo < 0;
    while (isSigned ? (range.lo < -(int64_t{1} << bits) >> 1 ||
                       range.hi > ((int64_t{1} << bits) >> 1) - 1 || bits == 0)
                    : range.hi > (int64_t{1} << bits) - 1) {
      ++bits;
    }
    bits = std::max(bits, 1U);
  }
  if (bits > 16) {
    return std::nullopt;
  }
  for (unsigned i = 0; i < bits; i += digitBits) {
    storage.planes.push_back(int64_t{1} << i);
  }
  if (isSigned) {
    storage.planes.back() = -storage.planes.back();
  }
  return storage;
}

/// Whole elements in [limit.lo, limit.hi]: as they are if they fit, else
/// shifted, else (bipolar) halved.
static std::optional<ElementStorage>
elementsOf(ElementType type, StoredRange range, StoredRange limit) {
  if (range.lo >= limit.lo && range.hi <= limit.hi) {
    return ElementStorage{0, false, range, {}};
  }
  if (type.encoding == Encoding::Bipolar) {
    int64_t codes = int64_t{1} << type.bits;
    if (limit.lo == 0 && codes - 1 <= limit.hi) {
      return ElementStorage{codes - 1, true, {0, codes - 1}, {}};
    }
    if (limit.lo < 0 && codes / 2 - 1 <= limit.hi && -codes / 2 >= limit.lo) {
      return ElementStorage{-1, true, {-codes / 2, codes / 2 - 1}, {}};
    }
    return std::nullopt;
  }
  // The offset that brings the range nearest to zero within the limit.
  if (range.hi - range.lo <= limit.hi - limit.lo) {
    int64_t offset =
        limit.lo < 0 ? -((range.lo + range.hi + 1) / 2) : -range.lo;
    StoredRange stored{range.lo + offset, range.hi + offset};
    if (stored.lo >= limit.lo && stored.hi <= limit.hi) {
      return ElementStorage{offset, false, stored, {}};
    }
  }
  return std::nullopt;
}

std::optional<ElementStorage> lpgen::storageOf(ElementType type,
                                               StoredRange range,
                                               const CellFacts &cell,
                                               lp::OperandKind kind) {
  const bool isX = kind == lp::OperandKind::Activations;
  if (type.isFloat() || cell.isFloat) {
    return type.isFloat() && cell.isFloat ? std::optional(ElementStorage())
                                          : std::nullopt;
  }
  return cell.planes ? planesOf(type, range, isX ? cell.xBits : cell.wBits)
                     : elementsOf(type, range, isX ? cell.x : cell.w);
}
