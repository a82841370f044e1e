// An operator of the operator language as data: what it declares and what it
// assigns. Its text is composed here and nowhere else.
#ifndef LPGEN_OPERATORS_BUILDER_OPERATOR_H
#define LPGEN_OPERATORS_BUILDER_OPERATOR_H

#include "base/types/ElementType.h"
#include "operators/builder/Expression.h"
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lpgen::builder {

/// An extent: a number, an expression of parameters, or a size of the run, of
/// which the first declaration says the greatest value.
struct Extent {
  Extent(int64_t size) : content(std::to_string(size)) {}
  /// "H + 2"
  static Extent of(const std::string &expression) { return Extent(expression); }
  /// "?n <= 64"
  static Extent upTo(const std::string &symbol, const Extent &most) {
    return Extent("?" + symbol + " <= " + most.text());
  }
  /// "?n", declared by an input.
  static Extent declared(const std::string &symbol) {
    return Extent("?" + symbol);
  }
  const std::string &text() const { return content; }

private:
  explicit Extent(std::string content) : content(std::move(content)) {}

  std::string content;
};

/// A tensor that an operator takes or makes.
struct Declaration {
  std::string name;
  ElementType type = {Encoding::Float, 32};
  std::vector<Extent> extents; ///< Empty: a scalar.
  /// The integers that it holds, if these are not all of its type.
  int64_t lowest = type.minValue();
  int64_t highest = type.maxValue();
  bool isPadded = false; ///< Elements outside are 0.
  /// The parameter that says the bits of the type; empty: the type says it.
  std::string width = {};

  /// "x: s8[?n <= 64, 28] in [-127, 127] pad(0)", "x: u{A}[H, W]"
  std::string text() const;
};

/// "y[n,o] = acc[n,o] * scale"
struct Statement {
  Expression target;
  Expression value;
};

struct Operator {
  std::string name;
  std::string summary; ///< A line of comment before it, or empty.
  std::vector<Declaration> inputs;
  std::vector<Declaration> outputs;
  std::vector<Statement> statements;
  std::vector<std::string> parameters = {}; ///< "H", "S = 1"

  /// The operator as a part of a file.
  std::string text() const;
  /// Its text up to the first statement.
  std::string head() const;
};

/// "const w: s4[8, 3] = \"conv.w\"\n"; `source` is the tensor's name in the
/// file of weights.
std::string constantText(const std::string &name, ElementType type,
                         std::span<const int64_t> shape,
                         const std::string &source);

} // namespace lpgen::builder

#endif // LPGEN_OPERATORS_BUILDER_OPERATOR_H
