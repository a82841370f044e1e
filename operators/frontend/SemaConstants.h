// Parameters and the constant expressions over them.
#ifndef LPGEN_OPERATORS_FRONTEND_SEMACONSTANTS_H
#define LPGEN_OPERATORS_FRONTEND_SEMACONSTANTS_H

#include "operators/frontend/Diagnostics.h"
#include "operators/frontend/Syntax.h"
#include "llvm/ADT/StringMap.h"
#include <map>

namespace lpgen {

/// The parameters that are known at a place of the text, with their values.
class ParamTable {
public:
  struct Entry {
    syntax::Name name;
    std::optional<int64_t> value; ///< Absent if its expression was wrong.
    /// False for a value that a call gave: it follows from the caller.
    bool isIdentity = true;
    /// It stands for a run-time size of the caller, and has no value.
    bool isSize = false;
  };

  /// Those of an operator, beside those of its file.
  explicit ParamTable(const ParamTable *outer = nullptr) : outer(outer) {}

  /// Adds a parameter unless there is one of that name, which is reported.
  void add(Entry entry, Diagnostics &diags);
  /// Adds the parameters of a file that is included. Those of a file that is
  /// included twice are there once.
  void include(const ParamTable &other, Diagnostics &diags);
  /// Adds what `file` declares, after -D.
  void addParams(const syntax::FileDecl &file,
                 const std::map<std::string, int64_t> &defines,
                 Diagnostics &diags);

  const Entry *find(llvm::StringRef name) const;
  /// In the order of the text, without the outer ones.
  const std::vector<Entry> &entries() const { return table; }

private:
  const ParamTable *outer;
  std::vector<Entry> table;
  llvm::StringMap<size_t> positions;
};

/// The parameters that an operator and what it calls have used.
using UsedParams = std::map<std::string, int64_t, std::less<>>;

/// Evaluates constant expressions and remembers which parameters they used.
class ConstantEvaluator {
public:
  ConstantEvaluator(const ParamTable &params, UsedParams &used,
                    Diagnostics &diags)
      : params(params), used(used), diags(diags) {}

  /// The value of `node`, or nothing after an error. Integers only: + - *,
  /// exact
  /// `/`, >>, and the integer functions.
  std::optional<int64_t> evaluate(const syntax::Node &node);
  /// The value of parameter `name` if there is one with a value.
  std::optional<int64_t> useParam(llvm::StringRef name);
  /// True if `node` is made of integer literals, parameters and operators only.
  bool isConstant(const syntax::Node &node) const;
  const ParamTable &table() const { return params; }

private:
  std::optional<int64_t> evaluateBinary(const syntax::Node &node);
  std::optional<int64_t> evaluateCall(const syntax::Node &node);
  std::optional<int64_t> evaluateOp(const syntax::Node &node, ast::BinaryOp op,
                                    int64_t a, int64_t b);

  const ParamTable &params;
  UsedParams &used;
  Diagnostics &diags;
};

/// The binary operation that a two-argument integer function stands for.
std::optional<ast::BinaryOp> binaryOpOf(syntax::Function function);
/// The number of arguments a function takes.
unsigned arityOf(syntax::Function function);

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_SEMACONSTANTS_H
