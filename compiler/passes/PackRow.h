// How stored elements go into the groups of a packed layout: group by group
// for weights, row by row for activations. Shared by packing phases and by
// contractions whose epilogue writes the x of another one.
#ifndef LPGEN_COMPILER_PASSES_PACKROW_H
#define LPGEN_COMPILER_PASSES_PACKROW_H

#include "compiler/passes/Phases.h"

namespace lpgen {

/// Writes groups of one packed operand; emitters only.
class GroupWriter {
public:
  GroupWriter(lp::PackOp op, Emitter &e)
      : e(e), layout(op.getLayout()), element(op.getElement()),
        destination(op.getDestination()) {}

protected:
  /// The stored form, as i32, of an element as its storage integer or as its
  /// value of at least 32 bits; of an f32 its bits.
  mlir::Value stored(mlir::Value value);
  void storeByte(mlir::Value value, mlir::Value offset);
  /// Stores one group of elements, i32, at byte `offset`, its planes
  /// `planeBytes` apart.
  void storeGroup(llvm::ArrayRef<mlir::Value> elements, mlir::Value offset,
                  int64_t planeBytes);

  Emitter &e;
  lp::LayoutAttr layout;
  mlir::Type element;
  mlir::Value destination;

private:
  void storeElements(llvm::ArrayRef<mlir::Value> elements, mlir::Value offset);
  void storeFields(llvm::ArrayRef<mlir::Value> elements, mlir::Value offset);
  void storePlanes(llvm::ArrayRef<mlir::Value> elements, mlir::Value offset,
                   int64_t planeBytes);
  void storeWords(llvm::ArrayRef<mlir::Value> elements, mlir::Value offset);
  void storeDigits(llvm::ArrayRef<mlir::Value> digits, mlir::Value offset);
  void storeTable(llvm::ArrayRef<mlir::Value> digits, mlir::Value offset);
};

/// Activations: the elements of one position, or consecutive ones of it, are
/// first stored side by side in scratch, then packed many at a time.
class RowPacker : public GroupWriter {
public:
  /// A row of up to `elements` elements at byte `offset` of `scratch`.
  RowPacker(lp::PackOp op, Emitter &e, const Geometry &g, int64_t elements,
            mlir::Value scratch, int64_t offset);

  /// Bytes of scratch for a row of `elements` elements in `layout`.
  static int64_t rowBytes(lp::LayoutAttr layout, int64_t elements);

  /// Element `k` of the row, see `stored`.
  void put(mlir::Value k, mlir::Value value);
  /// Zeros in place of elements [begin, end).
  void putZeros(mlir::Value begin, mlir::Value end);
  /// Zeros from element `count` to the end of its group.
  void fillGroup(mlir::Value count);
  /// Packs the first `groups` groups of the row, from byte `offset` of the
  /// position at byte `start` on. If the layout has sums, theirs becomes that
  /// of the position, or is added to it if `first`, an i1, is there and false.
  void pack(mlir::Value groups, mlir::Value start, mlir::Value offset,
            mlir::Value first);
  /// Zeros in place of all groups of the position at `start`.
  void packZeros(mlir::Value start);

private:
  /// Are all elements fewer than those of the only vector?
  bool isPartOfVector() const;
  mlir::Value load(mlir::Value k);
  mlir::Value loadVector(mlir::Value k);
  mlir::Value sumOf(mlir::Value count);
  void packVectors(mlir::Value begin, mlir::Value end, mlir::Value start);
  void packGroups(mlir::Value begin, mlir::Value end, mlir::Value start);
  void storeSum(mlir::Value sum, mlir::Value start, mlir::Value first);

  int64_t planeBytes;
  int64_t runBytes;
  int64_t elements; ///< At most; behind them are zeros.
  int64_t size;     ///< Elements, whole groups.
  int64_t width;    ///< Elements that are packed at once.
  unsigned bits;
  mlir::Value row;
};

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_PACKROW_H
