// The syntax tree as written: what the parser hands to the checker (Sema).
//
// Nothing is resolved here. Names are texts, shapes and widths are expressions,
// and every node keeps the range of text it came from, for messages. Sema turns
// it into the checked tree of Ast.h, and nothing behind Sema sees these types.
#ifndef LPGEN_OPERATORS_FRONTEND_SYNTAX_H
#define LPGEN_OPERATORS_FRONTEND_SYNTAX_H

#include "operators/frontend/Ast.h"
#include <optional>

namespace lpgen::syntax {

/// Depth at which an expression is refused, in nested nodes. Every stage walks
/// expressions recursively, so this bounds the stack of all of them.
constexpr unsigned maxDepth = 200;

struct Name {
  std::string text;
  llvm::SMRange range;
};

/// The functions that are written as calls. `max` and `min` are here with two
/// arguments; with a list of indices they are reductions.
enum class Function {
  Round,
  Floor,
  Ceil,
  Trunc,
  Abs,
  Max,
  Min,
  Clamp,
  Relu,
  FloorDiv,
  RoundDiv,
  Rescale,
  RescaleOnce,
  RoundHalfAway,
  RoundHalfUp,
  Select,
  Wrap,
  Random,
  ToFloat,
  OfFloat, ///< A function of f32; the node has its name.
};

struct Node;
using NodePtr = std::unique_ptr<Node>;

/// `r`, `r:3` or `r <= i` in the list of a reduction.
struct BoundIndex {
  Name name;
  NodePtr extent;           ///< Null when not written.
  std::optional<Name> last; ///< The index that it goes up to.
};

/// An expression; Size is `?name`. Children: Name its subscripts, Negate 1,
/// Binary 2, Call its arguments, Reduce 1.
struct Node {
  enum class Kind { Int, Float, Name, Size, Negate, Binary, Call, Reduce };
  Kind kind = Kind::Int;
  llvm::SMRange range;
  llvm::SMLoc loc;    ///< The operator of a Binary, else the start of `range`.
  unsigned depth = 1; ///< Height of the tree below and with this node.

  int64_t intValue = 0;
  float floatValue = 0;
  std::string name;
  bool hasSubscripts = false; ///< Name: brackets are written.
  ast::BinaryOp binaryOp = ast::BinaryOp::Add;
  ast::ReduceOp reduceOp = ast::ReduceOp::Sum;
  Function function = Function::Round;
  std::vector<BoundIndex> bound; ///< Reduce
  llvm::SmallVector<NodePtr, 2> children;
};

/// `u2`, or `u{EXPR}` with `width` set.
struct TypeSyntax {
  std::string text; ///< The whole word, or the letter before the braces.
  NodePtr width;
  llvm::SMRange range;
};

/// One dimension: `EXPR`, in which `?m` can stand, `?m`, or `?m <= EXPR`.
struct Dimension {
  std::optional<Name> symbol;
  NodePtr
      value; ///< The extent, or the bound of the symbol (null if not written).
  llvm::SMRange range;
};

/// `pad(lowest)` when `value` is null, else `pad(EXPR)`.
struct PadSyntax {
  NodePtr value;
  llvm::SMRange range;
};

/// `in [lo, hi]`.
struct RangeSyntax {
  NodePtr lo;
  NodePtr hi;
  llvm::SMRange range;
};

/// `strides [EXPR, ...]`.
struct StridesSyntax {
  std::vector<Dimension> strides;
  llvm::SMRange range;
};

struct TensorDecl {
  Name name;
  TypeSyntax type;
  std::vector<Dimension> shape;
  std::optional<PadSyntax> pad;
  std::optional<RangeSyntax> in;
  std::optional<StridesSyntax> strides;
};

/// What a statement assigns.
struct Target {
  Name name;
  /// `: TYPE...` behind the name: the intermediate has this type and stores as
  /// an output does. It has the target's name.
  std::optional<TensorDecl> declaration;
};

/// `NAME = VALUE`: a parameter of an operator with its default, or with its
/// value at a call. Null where none is written.
struct GenericParam {
  Name name;
  NodePtr value;
};

/// `OPERATOR<PARAMETER = VALUE, ...>(TENSOR, ...)`.
struct OpCall {
  Name callee;
  std::vector<GenericParam> params;
  std::vector<Name> arguments;
};

/// `TARGET[indices] = value`, or `TARGET = call` or `(TARGETS) = call`.
struct StatementDecl {
  std::vector<Target> targets; ///< One, unless there is a call.
  std::vector<Name> indices;
  NodePtr value; ///< Null when there is a call.
  std::optional<OpCall> call;
};

struct OpDecl {
  Name name;
  std::vector<GenericParam> params;
  std::vector<TensorDecl> inputs;
  std::vector<TensorDecl> outputs;
  std::vector<StatementDecl> statements;
};

struct ParamDecl {
  Name name;
  NodePtr value; ///< Null after a syntax error.
};

/// `const NAME: TYPE[EXTENTS] = "SOURCE"`.
struct ConstDecl {
  TensorDecl tensor; ///< Without padding and range.
  std::string source;
  llvm::SMRange sourceRange;
  bool isComplete = false; ///< False after a syntax error.
};

struct FileDecl {
  std::string path;
  /// The files that it includes itself, each once, by their positions in the
  /// program.
  std::vector<size_t> includes;
  std::vector<ParamDecl> params;
  std::vector<ConstDecl> constants;
  /// Ops without a syntax error.
  std::vector<OpDecl> ops;
  /// Names of all ops, those with syntax errors too.
  std::vector<Name> opNames;
};

/// A file with all that it includes. What is included stands before the files
/// that include it; the file itself is the last.
using Program = std::vector<FileDecl>;

} // namespace lpgen::syntax

#endif // LPGEN_OPERATORS_FRONTEND_SYNTAX_H
