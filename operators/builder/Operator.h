// An operator of the operator language as data: what it declares and what it
// assigns. Its text is composed here and nowhere else.
#ifndef LPGEN_OPERATORS_BUILDER_OPERATOR_H
#define LPGEN_OPERATORS_BUILDER_OPERATOR_H

#include "base/types/ElementType.h"
#include "operators/builder/Expression.h"
#include <optional>
#include <string>
#include <vector>

namespace lpgen::builder {

/// An extent: a number; or a size of the run, of which the first declaration
/// says the greatest value.
struct Extent {
  Extent(int64_t size) : size(size) {}
  /// "?n <= 64"
  static Extent upTo(const std::string &symbol, int64_t most) {
    return {symbol, most};
  }
  /// "?n", declared by an input.
  static Extent declared(const std::string &symbol) { return {symbol, 0}; }
  std::string text() const;

private:
  Extent(std::string symbol, int64_t most)
      : symbol(std::move(symbol)), size(most) {}

  std::string symbol; ///< Empty: the extent is `size`.
  int64_t size;
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

  /// "x: s8[?n <= 64, 28] in [-127, 127] pad(0)"
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

  /// The operator as a part of a file.
  std::string text() const;
};

} // namespace lpgen::builder

#endif // LPGEN_OPERATORS_BUILDER_OPERATOR_H
