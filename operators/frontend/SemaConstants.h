// Parameters and the constant expressions over them.
#ifndef LPGEN_OPERATORS_FRONTEND_SEMACONSTANTS_H
#define LPGEN_OPERATORS_FRONTEND_SEMACONSTANTS_H

#include "operators/frontend/Diagnostics.h"
#include "operators/frontend/Syntax.h"
#include "llvm/ADT/StringMap.h"
#include <map>

namespace lpgen {

/// The parameters of a file with their values after -D.
class ParamTable {
public:
  struct Entry {
    syntax::Name name;
    std::optional<int64_t> value; ///< Absent if its expression was wrong.
  };

  ParamTable(const syntax::FileDecl &file,
             const std::map<std::string, int64_t> &defines,
             llvm::StringRef fileName, Diagnostics &diags);

  const Entry *find(llvm::StringRef name) const;
  /// In the order of the file.
  const std::vector<Entry> &entries() const { return table; }

private:
  void addParams(const syntax::FileDecl &file,
                 const std::map<std::string, int64_t> &defines,
                 Diagnostics &diags);

  std::vector<Entry> table;
  llvm::StringMap<size_t> positions;
};

/// Evaluates constant expressions and remembers which parameters they used.
class ConstantEvaluator {
public:
  ConstantEvaluator(const ParamTable &params, Diagnostics &diags)
      : params(params), diags(diags) {}

  /// The value of `node`, or nothing after an error. Integers only: + - *,
  /// exact
  /// `/`, >>, and the integer functions.
  std::optional<int64_t> evaluate(const syntax::Node &node);
  /// The value of parameter `name` if there is one with a value.
  std::optional<int64_t> useParam(llvm::StringRef name);
  /// True if `node` is made of integer literals, parameters and operators only.
  bool isConstant(const syntax::Node &node) const;
  /// The parameters used so far, in the order of the file.
  std::vector<std::pair<std::string, int64_t>> usedParams() const;
  const ParamTable &table() const { return params; }

private:
  std::optional<int64_t> evaluateBinary(const syntax::Node &node);
  std::optional<int64_t> evaluateCall(const syntax::Node &node);
  std::optional<int64_t> evaluateOp(const syntax::Node &node, ast::BinaryOp op,
                                    int64_t a, int64_t b);

  const ParamTable &params;
  Diagnostics &diags;
  std::map<std::string, int64_t, std::less<>> used;
};

/// The binary operation that a two-argument integer function stands for.
std::optional<ast::BinaryOp> binaryOpOf(syntax::Function function);
/// The number of arguments a function takes.
unsigned arityOf(syntax::Function function);

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_SEMACONSTANTS_H
