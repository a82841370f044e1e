// The syntax tree of the operator language, after it has been checked.
//
// The parser builds what was written (Syntax.h); Sema resolves names, index
// ranges and value ranges and builds this. What the interpreter and the MLIR
// emitter see is a tree in which every name is an id, every subscript an affine
// form, every integer expression carries a proved range, and nothing can be out
// of range without a declared padding.
#ifndef LPGEN_OPERATORS_FRONTEND_AST_H
#define LPGEN_OPERATORS_FRONTEND_AST_H

#include "base/tensor/Tensor.h"
#include "base/types/ComputedSize.h"
#include "base/types/ElementType.h"
#include "base/types/FloatFunctions.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/SMLoc.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lpgen::ast {

/// A closed interval of 64-bit integers; the proof carried by integer
/// expressions.
struct IntRange {
  int64_t lo = 0;
  int64_t hi = 0;
  bool operator==(const IntRange &other) const = default;
};

/// The size of one dimension: a constant, or a run-time size with an upper
/// bound.
struct Extent {
  int64_t size = 0; ///< The constant, or the upper bound.
  std::optional<SizeId> id = std::nullopt; ///< Of a run-time size.
  bool isStatic() const { return !id; }
  bool operator==(const Extent &other) const = default;
};

/// A named run-time size, `?m <= 4096`. One name is one size in the whole op.
/// Whoever runs the operator gives its value.
struct Symbol {
  std::string name;
  int64_t bound = 0;
  llvm::SMLoc loc;
};

/// What a read outside a tensor yields.
struct Padding {
  enum class Kind {
    Value,
    Scalar,
    Channel, ///< A value for each position of the last dimension.
    Edge,    ///< The nearest element; this and the next are no paddings of
             ///< reads, whose subscripts are computed then.
    Reflect  ///< Mirrored at the first and at the last element.
  } kind = Kind::Value;
  int64_t value = 0; ///< Kind::Value on integer tensors; `lowest` is resolved
                     ///< to the type's minimum.
  float floatValue = 0; ///< Kind::Value on f32 tensors; `lowest` is -infinity.
  unsigned tensor = 0;  ///< Kind::Scalar and Channel: id of the input of rank
                        ///< 0 or 1 whose values are used, pad(zx).
  bool operator==(const Padding &other) const = default;
};

enum class Role {
  Input,
  Output,
  Intermediate,
  Constant ///< Known when the operator is compiled; read like an input.
};

struct Tensor {
  std::string name;
  ElementType type;
  llvm::SmallVector<Extent, 4> shape;
  Role role = Role::Input;
  std::optional<Padding> padding;
  /// Values it can hold: for inputs the declared `in [lo, hi]`, else the
  /// type's range; for constants from the least to the greatest value; for the
  /// others what the defining statement stores. Integers only.
  IntRange range;
  bool hasDeclaredRange = false;
  /// Of inputs and outputs that are views of larger tensors: elements between
  /// neighbours, for each dimension. Empty where elements lie row-major and
  /// dense.
  llvm::SmallVector<Extent, 4> strides;
  std::shared_ptr<const HostTensor> values; ///< Constants only.
  llvm::SMLoc loc;
};

/// A loop index of one statement.
struct Index {
  std::string name;
  Extent extent;
  bool isReduction = false;
  llvm::SMLoc loc;
  /// Of `k <= i`: the index whose value is the greatest here, with the same
  /// extent.
  std::optional<unsigned> last = std::nullopt;
};

/// (sum of coefficient * index + constant) / divisor. A value that the divisor
/// does not divide is an outside read, as is one beyond the extent.
struct AffineForm {
  struct Term {
    unsigned index; ///< Index into Statement::indices.
    int64_t coefficient;
  };
  llvm::SmallVector<Term, 3> terms; ///< Sorted by index, no zero coefficients.
  int64_t constant = 0;
  int64_t divisor = 1;
  /// True for a bare index `i`.
  bool isPlainIndex() const {
    return terms.size() == 1 && terms[0].coefficient == 1 && constant == 0 &&
           divisor == 1;
  }
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// One subscript: affine in the indices, or an integer expression.
struct Subscript {
  AffineForm affine;
  /// When set, the subscript is this value. If it reads a tensor (look-up
  /// tables), it is proved inside.
  ExprPtr computed;
};

enum class BinaryOp {
  Add,
  Sub,
  Mul,
  Div,
  FloorDiv,
  RoundDiv,
  Mod, ///< a - b * floordiv(a, b)
  ShiftRight,
  ShiftLeft,
  BitAnd, ///< This and the next two of two's complement numbers.
  BitOr,
  BitXor,
  Min,
  Max,
  Lt,
  Le,
  Gt,
  Ge,
  Eq,
  Ne
};
enum class ReduceOp { Sum, Max, Min, Product, ArgMax, ArgMin };
enum class UnaryOp {
  Neg,
  Abs,
  ToFloat, ///< int -> f32, nearest even.
  Round,   ///< f32 -> i32, ties to even; this and the next three saturate, NaN
           ///< gives 0.
  Floor,
  Ceil,
  Trunc,
  RoundHalfAway, ///< f32 -> i32 to nearest, ties away from zero; saturates.
  RoundHalfUp,   ///< Ties up.
  Wrap32,        ///< Two's complement wrap to 32 bits, `wrap(e)`.
  Random,  ///< `random(seed)`: f32 in [0, 1), from the seed and the element's
           ///< row-major position.
  Function ///< `exp(x)` and the others of f32.
};

/// An expression. Sema inserts ToFloat where an integer meets an f32, expands
/// relu and clamp into Min/Max, and folds parameters; so these kinds are all
/// there are.
struct Expr {
  enum class Kind {
    Int,
    Float,
    Index, ///< The position in a dimension, from 0.
    Size,  ///< A run-time size.
    Read,
    Unary,
    Binary,
    Reduce,
    Rescale,
    Select
  } kind = Kind::Int;
  llvm::SMLoc loc;
  bool isFloat = false;
  IntRange range; ///< Proved range of the value when !isFloat.

  int64_t intValue = 0; ///< Int
  float floatValue = 0; ///< Float
  Extent size;          ///< Size
  unsigned tensor = 0;  ///< Read: id into Op::tensors
  /// Read: what a read outside yields; set exactly if some subscript can fall
  /// outside. That of the tensor, unless it is read by another name in an
  /// operator that is called.
  std::optional<Padding> padding;
  std::vector<Subscript> subscripts; ///< Read
  UnaryOp unaryOp = UnaryOp::Neg;
  FloatFunction function = FloatFunction::Exp; ///< UnaryOp::Function
  BinaryOp binaryOp = BinaryOp::Add;
  ReduceOp reduceOp = ReduceOp::Sum;
  llvm::SmallVector<unsigned, 4>
      indices; ///< Reduce: the indices it binds, in written order. Index: it.
  /// Operands: Unary 1, Binary 2, Reduce 1, Rescale 3 (value, multiplier,
  /// shift), Select 3 (condition, value if it is not 0, value if it is).
  llvm::SmallVector<ExprPtr, 3> operands;

  /// A sum of f32 products: each is rounded once, together with its addition.
  bool isFusedSum() const {
    return kind == Kind::Reduce && reduceOp == ReduceOp::Sum && isFloat &&
           operands[0]->kind == Kind::Binary &&
           operands[0]->binaryOp == BinaryOp::Mul;
  }
};

/// `target[indices...] = value`. The first `rank` indices are the left-hand
/// side's.
struct Statement {
  unsigned tensor = 0;
  llvm::SmallVector<Index, 8> indices;
  ExprPtr value;
  llvm::SMLoc loc;
};

/// One operator; what it calls stands in its place, so that all statements are
/// its own. Inputs come first in `tensors`, then outputs (both in declared
/// order), then intermediates and the constants that are mentioned. An
/// intermediate of a call has the path to it in its name: `b.acc` is `acc` of
/// the operator whose result is `b`.
struct Op {
  std::string name;
  std::vector<Symbol> symbols;
  std::vector<ComputedSize> computedSizes; ///< That follow from symbols.
  std::vector<Tensor> tensors;
  std::vector<Statement> statements;
  /// Values of the file's parameters that this op uses, after -D; part of its
  /// identity.
  std::vector<std::pair<std::string, int64_t>> parameters;
  bool isIncluded = false; ///< Declared in a file that is included.
  llvm::SMLoc loc;

  unsigned numInputs() const {
    unsigned n = 0;
    for (const Tensor &t : tensors) {
      n += t.role == Role::Input;
    }
    return n;
  }
  /// An extent, with a value for each symbol for which `whyNotSizes` finds
  /// nothing.
  int64_t sizeOf(const Extent &extent, llvm::ArrayRef<int64_t> sizes) const;
  /// Position of a run-time size in a list of the symbols and the computed
  /// sizes behind them.
  size_t sizeNumber(const Extent &extent) const {
    return positionOf(*extent.id, symbols.size());
  }
  /// Why the operator cannot run with these values of its symbols; empty if it
  /// can.
  std::string whyNotSizes(llvm::ArrayRef<int64_t> sizes) const;
  /// Likewise of the strides of views: which elements share places.
  std::string whyNotStrides(llvm::ArrayRef<int64_t> sizes) const;
  /// Strides of an input or an output for these values of the symbols.
  std::vector<int64_t> stridesOf(const Tensor &tensor,
                                 llvm::ArrayRef<int64_t> sizes) const;
  /// Values for the symbols that are in no shape, only in strides, and that
  /// are negative in `sizes`: `slack` beyond the least for which no two
  /// elements share a place, at most the bounds.
  std::vector<int64_t> withStrides(std::vector<int64_t> sizes,
                                   int64_t slack = 0) const;
  /// The bounds of the symbols; strides' are such that the operator can run.
  std::vector<int64_t> largestSizes() const;
  /// The symbols that only strides mention.
  std::vector<bool> strideSymbols() const;
  /// "28", "?m" or "?m - 2".
  std::string textOf(const Extent &extent) const;
};

/// An operator that is only checked where it is called: a parameter of its own
/// has no value.
struct GenericOp {
  std::string name;
  std::string openParameter;
  bool isCalled = false; ///< By an operator that was checked.
  bool isIncluded = false;
};

/// A file with what it includes; its own operators stand first.
struct File {
  std::vector<Op> ops;
  std::vector<GenericOp> generic;
};

} // namespace lpgen::ast

#endif // LPGEN_OPERATORS_FRONTEND_AST_H
