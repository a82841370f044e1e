// Groups of packed layouts from stored elements. See PackRow.h; the layouts are
// described at #lp.layout.
#include "compiler/passes/PackRow.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;

//===----------------------------------------------------------------------===//
// One group
//===----------------------------------------------------------------------===//

Value GroupWriter::stored(Value value) {
  const bool isFloat = isa<FloatType>(element);
  if (value.getType().getIntOrFloatBitWidth() < 32) {
    value = e.decode(value, element,
                     isFloat ? mlir::Type(e.b.getF32Type())
                             : mlir::Type(e.b.getI32Type()));
  }
  if (isFloat) {
    return arith::BitcastOp::create(e.b, e.loc, e.b.getI32Type(), value);
  }
  value = e.castInt(value, e.b.getI32Type());
  if (layout.getOffset() != 0) {
    value = e.add(value, e.i32(layout.getOffset()));
  }
  if (layout.getHalve()) {
    value = arith::ShRSIOp::create(e.b, e.loc, value, e.i32(1));
  }
  return value;
}

void GroupWriter::storeByte(Value value, Value offset) {
  Value byte = e.castInt(value, e.b.getI8Type());
  memref::StoreOp::create(e.b, e.loc, byte, destination, offset);
}

/// Whole elements of one, two or four bytes.
void GroupWriter::storeElements(ArrayRef<Value> elements, Value offset) {
  if (layout.getBits() > 8) {
    return storeWords(elements, offset);
  }
  for (auto [i, element] : llvm::enumerate(elements)) {
    storeByte(element, e.add(offset, e.index(static_cast<int64_t>(i))));
  }
}

/// Whole elements, several in a byte.
void GroupWriter::storeFields(ArrayRef<Value> elements, Value offset) {
  int64_t bytes = layout.getGroupBytes();
  for (int64_t byte = 0; byte < bytes; ++byte) {
    Value all = elements[byte];
    for (int64_t i = bytes; byte + i < layout.getGroup(); i += bytes) {
      Value shift = e.i32(i / bytes * layout.getBits());
      all = arith::OrIOp::create(
          e.b, e.loc, all,
          arith::ShLIOp::create(e.b, e.loc, elements[byte + i], shift));
    }
    storeByte(all, e.add(offset, e.index(byte)));
  }
}

void GroupWriter::storeWords(ArrayRef<Value> elements, Value offset) {
  int64_t bytes = cast<MemRefType>(destination.getType()).getNumElements();
  const unsigned bits = layout.getBits();
  Value words = e.view(destination, 0, bytes * 8 / bits, bits);
  Value first = arith::DivUIOp::create(e.b, e.loc, offset, e.index(bits / 8));
  for (auto [i, element] : llvm::enumerate(elements)) {
    memref::StoreOp::create(e.b, e.loc,
                            e.castInt(element, e.b.getIntegerType(bits)), words,
                            e.add(first, e.index(static_cast<int64_t>(i))));
  }
}

void GroupWriter::storeGroup(ArrayRef<Value> elements, Value offset,
                             int64_t planeBytes) {
  switch (layout.getKind()) {
  case lp::LayoutKind::Elements:
    return storeElements(elements, offset);
  case lp::LayoutKind::Fields:
    return storeFields(elements, offset);
  case lp::LayoutKind::Digits:
  case lp::LayoutKind::Tables:
    return storePlanes(elements, offset, planeBytes);
  }
}

/// A digit of each element in each plane.
void GroupWriter::storePlanes(ArrayRef<Value> elements, Value offset,
                              int64_t planeBytes) {
  int64_t bits = layout.getBits();
  Value mask = e.i32((int64_t{1} << bits) - 1);
  for (int64_t plane = 0; plane < layout.getPlanes(); ++plane) {
    SmallVector<Value> digits;
    for (Value value : elements) {
      digits.push_back(arith::AndIOp::create(
          e.b, e.loc,
          arith::ShRUIOp::create(e.b, e.loc, value, e.i32(plane * bits)),
          mask));
    }
    Value at = e.add(offset, e.index(plane * planeBytes));
    if (layout.getKind() == lp::LayoutKind::Tables) {
      for (size_t i = 0; i < digits.size(); i += 4) {
        storeTable(ArrayRef(digits).slice(i, 4),
                   e.add(at, e.index(static_cast<int64_t>(4 * i))));
      }
    } else {
      storeDigits(digits, at);
    }
  }
}

/// As many digits a byte as there must be, from its lowest bit on.
void GroupWriter::storeDigits(ArrayRef<Value> digits, Value offset) {
  const int64_t perByte = layout.digitsPerByte();
  for (int64_t byte = 0; byte < layout.getGroupBytes(); ++byte) {
    Value all = e.i32(0);
    for (auto [i, digit] : llvm::enumerate(
             digits.drop_front(byte * perByte).take_front(perByte))) {
      all = arith::OrIOp::create(
          e.b, e.loc, all,
          arith::ShLIOp::create(
              e.b, e.loc, digit,
              e.i32(static_cast<int64_t>(i) * layout.getBits())));
    }
    storeByte(all, e.add(offset, e.index(byte)));
  }
}

/// Byte m: the sum of the digits i with bit i in m.
void GroupWriter::storeTable(ArrayRef<Value> digits, Value offset) {
  VectorType type = cell::vectorType(e.b, 16, 8);
  Value sums;
  for (auto [position, digit] : llvm::enumerate(digits)) {
    SmallVector<int8_t> chosen;
    for (int64_t m = 0; m < type.getNumElements(); ++m) {
      chosen.push_back((m >> position & 1) != 0 ? -1 : 0);
    }
    Value mask = arith::ConstantOp::create(
        e.b, e.loc, DenseElementsAttr::get(type, ArrayRef(chosen)));
    Value one = arith::AndIOp::create(
        e.b, e.loc, mask,
        vector::BroadcastOp::create(e.b, e.loc, type,
                                    e.castInt(digit, e.b.getI8Type())));
    sums =
        sums ? arith::AddIOp::create(e.b, e.loc, sums, one).getResult() : one;
  }
  vector::StoreOp::create(e.b, e.loc, sums, destination, offset);
}

//===----------------------------------------------------------------------===//
// A row of one position
//===----------------------------------------------------------------------===//

/// Elements packed together, if there are as many: 32 bytes, two vectors of
/// most targets.
constexpr int64_t kVectorElements = 32;

/// Bits of an element in a row: those of the stored element, whole bytes.
static unsigned rowBits(lp::LayoutAttr layout) {
  const int64_t bits = layout.getBits() * layout.getPlanes();
  return bits <= 8 ? 8 : bits <= 16 ? 16 : 32;
}

/// True if vectors of `width` elements have whole groups, and bytes of digits
/// whole pairs of pairs.
static bool hasVectors(lp::LayoutAttr layout, int64_t width) {
  const int64_t perByte = layout.digitsPerByte();
  return llvm::isPowerOf2_64(width) && width >= 8 &&
         width % layout.getGroup() == 0 &&
         (layout.getKind() == lp::LayoutKind::Elements ||
          (layout.getKind() == lp::LayoutKind::Digits &&
           llvm::isPowerOf2_64(perByte) &&
           perByte * layout.getGroupBytes() == layout.getGroup()));
}

static int64_t wholeGroups(lp::LayoutAttr layout, int64_t elements) {
  return layout.groupsFor(elements) * layout.getGroup();
}

int64_t RowPacker::rowBytes(lp::LayoutAttr layout, int64_t elements) {
  return llvm::alignTo(wholeGroups(layout, elements) * rowBits(layout) / 8, 64);
}

RowPacker::RowPacker(lp::PackOp op, Emitter &e, const Geometry &g,
                     int64_t elements, Value scratch, int64_t offset)
    : GroupWriter(op, e), planeBytes(g.xPlaneBytes), runBytes(g.runBytes),
      elements(elements), size(wholeGroups(layout, elements)),
      width(std::min(size, kVectorElements)), bits(rowBits(layout)),
      row(e.view(scratch, offset, size, bits)) {}

void RowPacker::put(Value k, Value value) {
  Value narrow = e.castInt(stored(value), e.b.getIntegerType(bits));
  memref::StoreOp::create(e.b, e.loc, narrow, row, k);
}

void RowPacker::putZeros(Value begin, Value end) {
  Value zero = e.castInt(e.i32(0), e.b.getIntegerType(bits));
  e.loop(begin, end, 1,
         [&](Value k) { memref::StoreOp::create(e.b, e.loc, zero, row, k); });
}

/// In vectors, zeros behind all elements are not loaded; see loadVector.
void RowPacker::fillGroup(Value count) {
  if (isPartOfVector() && hasVectors(layout, width)) {
    return putZeros(count, e.index(elements));
  }
  putZeros(count, e.mul(e.ceilDiv(count, layout.getGroup()),
                        e.index(layout.getGroup())));
}

/// Element `k` of the row as i32.
Value RowPacker::load(Value k) {
  Value value = memref::LoadOp::create(e.b, e.loc, row, k);
  return bits == 32 ? value
         : layout.getIsSigned()
             ? arith::ExtSIOp::create(e.b, e.loc, e.b.getI32Type(), value)
                   .getResult()
             : arith::ExtUIOp::create(e.b, e.loc, e.b.getI32Type(), value)
                   .getResult();
}

bool RowPacker::isPartOfVector() const { return elements < width; }

/// `width` elements of the row from `k` on. Of a row that has fewer, what there
/// is, and zeros in registers: a load of what several stores wrote waits until
/// all of them are in the cache.
Value RowPacker::loadVector(Value k) {
  VectorType type = cell::vectorType(e.b, width, bits);
  if (!isPartOfVector()) {
    return vector::LoadOp::create(e.b, e.loc, type, row, k);
  }
  VectorType part = cell::vectorType(e.b, elements, bits);
  SmallVector<int64_t> places;
  for (int64_t i = 0; i < width; ++i) {
    places.push_back(std::min(i, elements));
  }
  Value zeros = arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(part));
  return vector::ShuffleOp::create(
      e.b, e.loc, vector::LoadOp::create(e.b, e.loc, part, row, k), zeros,
      places);
}

/// Of the first `count` elements of the row. As vectors, since LLVM unrolls a
/// short loop and leaves it scalar.
Value RowPacker::sumOf(Value count) {
  Value sum = e.i32(0);
  Value whole = e.index(0);
  if (width == kVectorElements || hasVectors(layout, width)) {
    VectorType wide = cell::vectorType(e.b, width, 32);
    Value vectors = arith::DivUIOp::create(e.b, e.loc, count, e.index(width));
    whole = e.mul(vectors, e.index(width));
    sum = e.reduce(e.index(0), vectors, sum, [&](Value i, Value before) {
      Value k = e.mul(i, e.index(width));
      Value elements = loadVector(k);
      Value values =
          layout.getIsSigned()
              ? arith::ExtSIOp::create(e.b, e.loc, wide, elements).getResult()
              : arith::ExtUIOp::create(e.b, e.loc, wide, elements).getResult();
      return vector::ReductionOp::create(e.b, e.loc, vector::CombiningKind::ADD,
                                         values, before)
          .getResult();
    });
  }
  return e.reduce(whole, count, sum, [&](Value k, Value before) {
    return e.add(before, load(k));
  });
}

void RowPacker::pack(Value groups, Value start, Value offset, Value first) {
  if (layout.getSums()) {
    Value sum = sumOf(e.mul(groups, e.index(layout.getGroup())));
    storeSum(sum, start, first);
  }
  start = e.add(start, offset);
  if (!hasVectors(layout, width)) {
    return packGroups(e.index(0), groups, start);
  }
  int64_t groupsAtOnce = width / layout.getGroup();
  Value whole =
      e.mul(arith::DivUIOp::create(e.b, e.loc, groups, e.index(groupsAtOnce)),
            e.index(groupsAtOnce));
  packVectors(e.index(0), whole, start);
  packGroups(whole, groups, start);
}

void RowPacker::packGroups(Value begin, Value end, Value start) {
  e.loop(begin, end, 1, [&](Value group) {
    Value k = e.mul(group, e.index(layout.getGroup()));
    SmallVector<Value> elements;
    for (int64_t i = 0; i < layout.getGroup(); ++i) {
      elements.push_back(load(e.add(k, e.index(i))));
    }
    storeGroup(elements,
               e.add(start, e.mul(group, e.index(layout.getGroupBytes()))),
               planeBytes);
  });
}

/// Digits of neighbours move together, two bytes to one, until a byte holds
/// all that it has of a group.
static Value gatherDigits(Emitter &e, Value digits, int64_t digitBits,
                          int64_t perByte) {
  if (digitBits == 1 && perByte == 8) { // An instruction of most targets.
    auto type = cast<VectorType>(digits.getType());
    Value set = arith::CmpIOp::create(
        e.b, e.loc, arith::CmpIPredicate::ne, digits,
        arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(type)));
    return cell::bitcast(e.b, e.loc, set,
                         cell::vectorType(e.b, type.getNumElements() / 8, 8));
  }
  for (int64_t bits = digitBits; perByte > 1; bits *= 2, perByte /= 2) {
    int64_t pairs = cast<VectorType>(digits.getType()).getNumElements() / 2;
    VectorType words = cell::vectorType(e.b, pairs, 16);
    Value both = cell::bitcast(e.b, e.loc, digits, words);
    Value upper = arith::ShRUIOp::create(
        e.b, e.loc, both, cell::splat(e.b, e.loc, words, 8 - bits));
    digits =
        arith::TruncIOp::create(e.b, e.loc, cell::vectorType(e.b, pairs, 8),
                                arith::OrIOp::create(e.b, e.loc, both, upper));
  }
  return digits;
}

/// As packGroups, for whole vectors of elements.
void RowPacker::packVectors(Value begin, Value end, Value start) {
  int64_t step = width / layout.getGroup();
  VectorType type = cell::vectorType(e.b, width, bits);
  VectorType bytes = cell::vectorType(e.b, width, 8);
  e.loop(begin, end, step, [&](Value group) {
    Value at = e.add(start, e.mul(group, e.index(layout.getGroupBytes())));
    Value k = e.mul(group, e.index(layout.getGroup()));
    Value elements = loadVector(k);
    if (layout.getKind() == lp::LayoutKind::Elements) {
      Value all = cell::bitcast(e.b, e.loc, elements,
                                cell::vectorType(e.b, width * bits / 8, 8));
      vector::StoreOp::create(e.b, e.loc, all, destination, at);
      return;
    }
    int64_t digitBits = layout.getBits();
    int64_t perByte = layout.digitsPerByte();
    for (int64_t plane = 0; plane < layout.getPlanes(); ++plane) {
      Value digits = arith::ShRUIOp::create(
          e.b, e.loc, elements,
          cell::splat(e.b, e.loc, type, plane * digitBits));
      if (bits > 8) {
        digits = arith::TruncIOp::create(e.b, e.loc, bytes, digits);
      }
      digits = arith::AndIOp::create(
          e.b, e.loc, digits,
          cell::splat(e.b, e.loc, bytes, (int64_t{1} << digitBits) - 1));
      vector::StoreOp::create(
          e.b, e.loc, gatherDigits(e, digits, digitBits, perByte), destination,
          e.add(at, e.index(plane * planeBytes)));
    }
  });
}

void RowPacker::packZeros(Value start) {
  for (int64_t plane = 0; plane < layout.getPlanes(); ++plane) {
    Value from = e.add(start, e.index(plane * planeBytes));
    e.loop(from, e.add(from, e.index(runBytes)), 1,
           [&](Value offset) { storeByte(e.i32(0), offset); });
  }
  if (layout.getSums()) {
    storeSum(e.i32(0), start, {});
  }
}

/// `first` is null where it is always true.
void RowPacker::storeSum(Value sum, Value start, Value first) {
  int64_t count = planeBytes / runBytes;
  Value sums = e.view(destination, planeBytes * layout.getPlanes(), count, 32);
  Value position = arith::DivUIOp::create(e.b, e.loc, start, e.index(runBytes));
  if (first) {
    Value before = memref::LoadOp::create(e.b, e.loc, sums, position);
    sum = e.add(sum,
                arith::SelectOp::create(e.b, e.loc, first, e.i32(0), before));
  }
  memref::StoreOp::create(e.b, e.loc, sum, sums, position);
}
