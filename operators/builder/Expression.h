// Expressions of the operator language as text, with parentheses where
// precedence asks for them.
#ifndef LPGEN_OPERATORS_BUILDER_EXPRESSION_H
#define LPGEN_OPERATORS_BUILDER_EXPRESSION_H

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace lpgen::builder {

class Expression {
public:
  Expression(int64_t number)
      : content(std::to_string(number)),
        level(number < 0 ? Level::Sum : Level::Primary) {}

  /// A number of binary32, which is finite: "1.5", with the digits that its
  /// value needs.
  static Expression real(float number);
  /// "unit": a tensor without dimensions.
  static Expression scalar(const std::string &tensor) {
    return {tensor, Level::Primary};
  }
  /// "x[n,2*h + r,c]": an element of a tensor.
  static Expression element(const std::string &tensor,
                            const std::vector<std::string> &subscripts);
  /// "clamp(x, 0, 3)"
  static Expression call(const std::string &function,
                         std::initializer_list<Expression> arguments);
  /// "sum(r, s:3) x[...]": of all that follows, so it stands alone in a
  /// statement.
  static Expression reduction(const std::string &function,
                              const std::vector<std::string> &indices,
                              const Expression &terms);

  friend Expression operator+(const Expression &a, const Expression &b) {
    return joined(a, " + ", b, Level::Sum);
  }
  friend Expression operator-(const Expression &a, const Expression &b) {
    return joined(a, " - ", b, Level::Sum);
  }
  friend Expression operator*(const Expression &a, const Expression &b) {
    return joined(a, " * ", b, Level::Product);
  }
  friend Expression operator/(const Expression &a, const Expression &b) {
    return joined(a, " / ", b, Level::Product);
  }
  /// 1 where a >= b, else 0.
  friend Expression operator>=(const Expression &a, const Expression &b) {
    return joined(a, " >= ", b, Level::Comparison);
  }
  /// 1 where they differ, else 0.
  friend Expression operator!=(const Expression &a, const Expression &b) {
    return joined(a, " != ", b, Level::Comparison);
  }
  /// floor(a / 2^b)
  friend Expression operator>>(const Expression &a, const Expression &b) {
    return joined(a, " >> ", b, Level::Shift);
  }
  /// 1 where a > b, else 0.
  friend Expression operator>(const Expression &a, const Expression &b) {
    return joined(a, " > ", b, Level::Comparison);
  }

  const std::string &text() const { return content; }

private:
  /// From what binds least to what needs no parentheses.
  enum class Level { Reduction, Comparison, Shift, Sum, Product, Primary };

  Expression(std::string content, Level level)
      : content(std::move(content)), level(level) {}
  /// Operators associate to the left: a right operand of the same level gets
  /// parentheses.
  static Expression joined(const Expression &a, const char *sign,
                           const Expression &b, Level level);

  std::string content;
  Level level;
};

/// "2*h + r - 1": the pixel that tap r of a filter reads for the output pixel
/// h; without `tap` "2*h".
std::string subscript(const std::string &pixel, int64_t stride,
                      const std::string &tap = "", int64_t padding = 0);

} // namespace lpgen::builder

#endif // LPGEN_OPERATORS_BUILDER_EXPRESSION_H
