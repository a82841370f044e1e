// A cell: the few instructions in the middle of a register tile.
//
// One cell multiplies one group of activations, broadcast, with one vector of
// weight groups, one group per lane, and adds to an accumulator that may be
// narrow. The loops, the register tile, the memory layout and the bound after
// which the accumulator must be widened are the same for all cells and stand
// elsewhere (Geometry, ExpandTile).
#ifndef LPGEN_TARGETS_CELL_H
#define LPGEN_TARGETS_CELL_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <vector>

namespace lpgen {

/// A closed interval of stored elements.
struct StoredRange {
  int64_t lo = 0;
  int64_t hi = 0;
  int64_t maxAbs() const { return std::max(hi, -lo); }
};

/// The largest digit of `bits` bits of a stored element. Only single bits are
/// of two's complement, so a range with negative elements has digits of 1.
inline int64_t largestDigit(StoredRange range, unsigned bits) {
  int64_t all = (int64_t{1} << bits) - 1;
  return range.lo < 0 ? all : std::min(range.hi, all);
}

/// Facts about a cell, plain constants. A row of a table names those that are
/// not as here.
struct CellFacts {
  llvm::StringRef name;
  llvm::StringRef templateName; ///< Schedule template it belongs to.
  int64_t group = 1;            ///< Reduction elements per step.
  int64_t groupBytes = 1;       ///< Bytes of one group of x, and of w unless:
  int64_t wGroupBytes = 0;      ///< Bytes of one group of w of one lane.
  bool planes = false;  ///< Groups hold one digit of each element; accumulators
                        ///< are bytes that add their products, or never widen.
  bool isFloat = false; ///< Elements and accumulators are f32: each step is
                        ///< rounded, so steps keep the order of the sum.
  bool xInLanes = false; ///< A step also takes x with a group for each lane.
  bool xTables = false; ///< Groups of x hold tables of sums of digits (planes).
  unsigned xBits = 1;   ///< Bits of a digit of x (planes).
  unsigned wBits = 1;   ///< Likewise w.
  int64_t lanes = 1;    ///< Outputs per vector of weights.
  int64_t rows = 1;     ///< Rows of x that one step multiplies.
  int64_t run = 1;      ///< Consecutive groups of x that one load fetches.
  int64_t depth = 1;    ///< Steps whose sums runStep adds to the accumulator
                        ///< together.
  StoredRange x;        ///< What a stored integer of x may be (not planes).
  StoredRange w;        ///< Likewise w.
  unsigned accRegisters = 1;   ///< Registers per accumulator.
  unsigned runRegisters = 0;   ///< Further ones per accumulator, in a run.
  unsigned wRegisters = 1;     ///< Registers per vector of weights.
  unsigned fixedRegisters = 2; ///< Broadcast, constants, temporaries.
  double stepOps = 1;          ///< Vector instructions per step and vector.
  double wOps = 0; ///< Vector instructions per vector of w to bring it into
                   ///< place, beside its load.
  double xOps = 0; ///< Vector instructions per step to bring x into place.
  double xScalarOps = 0; ///< Scalar instructions per step to find x.
  double widenOps = 1;   ///< Vector instructions to widen one accumulator.
  llvm::StringRef
      instruction; ///< The instruction that does the work, for explain.
  double instructionSteps = 1; ///< Steps that one of these stands for.
  uint64_t needs = 0; ///< LP_CPU_* bits beyond those of all of the family.

  /// Bytes of one group of w in one lane.
  int64_t wBytes() const { return wGroupBytes > 0 ? wGroupBytes : groupBytes; }
  /// The most that one step adds to a byte (planes), for stored operands in
  /// these ranges.
  int64_t mostPerStep(StoredRange xRange, StoredRange wRange) const {
    return group * largestDigit(xRange, xBits) * largestDigit(wRange, wBits);
  }

  /// Multiply-accumulates that one `instruction` stands for.
  double instructionMacs() const {
    return static_cast<double>(group * lanes * rows) * instructionSteps /
           accRegisters;
  }
};

/// Steps that never need widening.
constexpr int64_t kUnlimitedSteps = int64_t{1} << 40;

/// Emitter of one cell. Accumulators are lists of vectors, so that one vector
/// of weights can feed two accumulator registers.
class Cell {
public:
  using Values = llvm::SmallVector<mlir::Value, 4>;

  explicit Cell(const CellFacts &facts) : cellFacts(facts) {}
  virtual ~Cell() = default;
  const CellFacts &facts() const { return cellFacts; }

  /// Steps that can be added before the accumulator must be widened, for stored
  /// operands in these ranges; 0 if even one step could overflow.
  virtual int64_t maxSteps(StoredRange x, StoredRange w) const = 0;

  /// The same for a w whose `pairSums` (#lp.buffer) are known; 0 if they show
  /// nothing.
  virtual int64_t maxStepsOf(StoredRange x,
                             llvm::ArrayRef<int64_t> pairSums) const;

  /// A zero accumulator.
  virtual Values zero(mlir::OpBuilder &b, mlir::Location loc) const = 0;
  /// One group of x, at byte `offset` of `buffer`, in every lane.
  virtual mlir::Value loadX(mlir::OpBuilder &b, mlir::Location loc,
                            mlir::Value buffer, mlir::Value offset) const = 0;
  /// `count` consecutive groups of x, at most `run`, of as many rows as the
  /// cell multiplies, each row at its byte offset: one value per step. By
  /// default of one row: a whole run is one load, whose groups are broadcast
  /// from the register; a shorter one is a loadX for each.
  virtual Values loadRun(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value buffer, mlir::ValueRange offsets,
                         int64_t count) const;
  /// One vector of x, one group per lane, for cells with `xInLanes`.
  virtual mlir::Value loadLanes(mlir::OpBuilder &b, mlir::Location loc,
                                mlir::Value buffer, mlir::Value offset) const;
  /// One vector of w, one group per lane.
  virtual mlir::Value loadW(mlir::OpBuilder &b, mlir::Location loc,
                            mlir::Value buffer, mlir::Value offset) const = 0;
  /// acc + x * w.
  virtual Values step(mlir::OpBuilder &b, mlir::Location loc, Values acc,
                      mlir::Value x, mlir::Value w) const = 0;
  /// The same as step `index` of the `count` steps of a run. Within a run the
  /// accumulator may grow by further values; after the last step it is as long
  /// as `zero`. By default `step`.
  virtual Values runStep(mlir::OpBuilder &b, mlir::Location loc, Values acc,
                         mlir::Value x, mlir::Value w, int64_t index,
                         int64_t count) const;
  /// 16-bit sums + an accumulator of bytes: two vectors, by default of the
  /// lower and the upper half of the lanes.
  virtual Values addToHalves(mlir::OpBuilder &b, mlir::Location loc,
                             const Values &halves, mlir::Value acc) const;
  /// The 16-bit sums as two vectors in lane order.
  virtual Values orderHalves(mlir::OpBuilder &b, mlir::Location loc,
                             const Values &halves) const;
  /// The accumulator as vectors of i32 in lane order, row after row.
  virtual Values widen(mlir::OpBuilder &b, mlir::Location loc,
                       Values acc) const = 0;
  /// Consecutive steps that one call of runStep after the other takes: a run
  /// that one load fetches, or whose sums are added up first.
  int64_t stepsTogether() const { return std::max(facts().run, facts().depth); }

private:
  CellFacts cellFacts;
};

/// A row of a family's table: the facts of a cell, and what makes its emitter
/// of them.
struct CellRow {
  CellFacts facts;
  std::unique_ptr<const Cell> (*make)(const CellFacts &facts);
};

/// The `make` of a row for a class of cells that is constructed from facts.
template <typename Emitter>
std::unique_ptr<const Cell> emitter(const CellFacts &facts) {
  return std::make_unique<Emitter>(facts);
}

/// The cells of a family, each made once. A target has those of its family
/// whose features it has, in the order of the rows.
class CellTable {
public:
  CellTable(std::initializer_list<std::vector<CellRow>> parts);
  /// The cells that need no other features than these.
  std::vector<const Cell *> cellsFor(uint64_t features) const;

private:
  std::vector<std::unique_ptr<const Cell>> cells;
};

//===----------------------------------------------------------------------===//
// What several targets' cells are made of
//===----------------------------------------------------------------------===//

namespace cell {

/// Largest n with n * most <= limit; unlimited if nothing is added.
int64_t stepsWithin(int64_t limit, int64_t most);
mlir::VectorType vectorType(mlir::OpBuilder &b, int64_t lanes, unsigned bits);
mlir::Value zeroVector(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::VectorType type);
mlir::Value splat(mlir::OpBuilder &b, mlir::Location loc, mlir::VectorType type,
                  int64_t value);
/// Vectors with each element of `elements` in `lanes` lanes, in order.
Cell::Values splatElements(mlir::OpBuilder &b, mlir::Location loc,
                           mlir::Value elements, int64_t lanes);
/// `bytes` bytes at `offset` as one scalar in every lane of vector<n x
/// i(8*bytes)>.
mlir::Value broadcastBytes(mlir::OpBuilder &b, mlir::Location loc,
                           mlir::Value buffer, mlir::Value offset,
                           int64_t bytes, int64_t n);
mlir::Value loadBytes(mlir::OpBuilder &b, mlir::Location loc,
                      mlir::Value buffer, mlir::Value offset, int64_t bytes);
mlir::Value bitcast(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value,
                    mlir::VectorType type);
/// A constant of the module called `name`, made on first use.
mlir::Value constantBytes(mlir::OpBuilder &b, mlir::Location loc,
                          llvm::StringRef name, llvm::ArrayRef<int8_t> bytes);
/// Elements [begin, begin + count) of a vector.
mlir::Value slice(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value,
                  int64_t begin, int64_t count);
mlir::Value intrinsic(mlir::OpBuilder &b, mlir::Location loc,
                      llvm::StringRef name, mlir::Type result,
                      mlir::ValueRange operands);
/// Slices of `count` lanes, each zero- or sign-extended to i32.
Cell::Values extendSlices(mlir::OpBuilder &b, mlir::Location loc,
                          mlir::Value value, int64_t count, bool isSigned);

} // namespace cell

/// f32: the product with a broadcast x, and the sum, rounded once. In the
/// vector and math dialects, so every LLVM target can have it.
class FmaCell : public Cell {
public:
  using Cell::Cell;
  /// `facts` with those that all such cells share: name, template, group, sums.
  static CellFacts complete(CellFacts facts);
  int64_t maxSteps(StoredRange /*x*/, StoredRange /*w*/) const override {
    return kUnlimitedSteps;
  }
  Values zero(mlir::OpBuilder &b, mlir::Location loc) const override;
  mlir::Value loadX(mlir::OpBuilder &b, mlir::Location loc, mlir::Value buffer,
                    mlir::Value offset) const override;
  mlir::Value loadW(mlir::OpBuilder &b, mlir::Location loc, mlir::Value buffer,
                    mlir::Value offset) const override;
  Values step(mlir::OpBuilder &b, mlir::Location loc, Values acc, mlir::Value x,
              mlir::Value w) const override;
  Values widen(mlir::OpBuilder & /*b*/, mlir::Location /*loc*/,
               Values acc) const override {
    return acc;
  }

private:
  mlir::VectorType lanesType(mlir::OpBuilder &b) const {
    return mlir::VectorType::get({facts().lanes}, b.getF32Type());
  }
};

/// Bit planes, groups of 8: and, population count of bytes, byte accumulators.
/// In the vector dialect, so every LLVM target can have it.
class BytePopcountCell : public Cell {
public:
  using Cell::Cell;
  /// `facts` with those that all such cells share: template, group, widening.
  static CellFacts complete(CellFacts facts);
  int64_t maxSteps(StoredRange x, StoredRange w) const override;
  Values zero(mlir::OpBuilder &b, mlir::Location loc) const override;
  mlir::Value loadX(mlir::OpBuilder &b, mlir::Location loc, mlir::Value buffer,
                    mlir::Value offset) const override;
  mlir::Value loadW(mlir::OpBuilder &b, mlir::Location loc, mlir::Value buffer,
                    mlir::Value offset) const override;
  Values step(mlir::OpBuilder &b, mlir::Location loc, Values acc, mlir::Value x,
              mlir::Value w) const override;
  Values widen(mlir::OpBuilder &b, mlir::Location loc,
               Values acc) const override;
};

} // namespace lpgen

#endif // LPGEN_TARGETS_CELL_H
