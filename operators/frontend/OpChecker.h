// The state that the steps of the checker share while they work on one
// operator.
//
// Private to the Sema*.cpp files. Each step reports all it can find and the
// next one runs only if there was no error, because it builds on what the
// former resolved.
#ifndef LPGEN_OPERATORS_FRONTEND_OPCHECKER_H
#define LPGEN_OPERATORS_FRONTEND_OPCHECKER_H

#include "operators/frontend/ConstantTable.h"
#include "operators/frontend/ExtentSolver.h"
#include "operators/frontend/Interval.h"
#include "operators/frontend/SemaConstants.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/StringMap.h"

namespace lpgen {

/// Sizes that everything behind the front end may rely on.
constexpr unsigned maxIndices = 64;
constexpr unsigned maxStatements = 1 << 16;
constexpr unsigned maxDeclared = 1 << 12; ///< Inputs and outputs.

class OpChecker {
public:
  OpChecker(const syntax::OpDecl &decl, const ParamTable &params,
            const ConstantTable &constantTable, Diagnostics &diags);

  /// Runs all steps; nothing after an error.
  std::optional<ast::Op> check();

private:
  /// What a checked node no longer carries but messages need.
  struct SourceInfo {
    llvm::SMRange range;
    std::vector<llvm::SMRange> subscripts;
  };
  /// What is known of a tensor while the operator is checked.
  struct TensorInfo {
    llvm::SMRange range; ///< Its name, where it was declared or assigned.
    int definedBy = -1;  ///< The statement that assigns it.
    bool isRead = false;
    bool isBroken =
        false; ///< Its statement failed; uses of it are not reported.
    std::vector<unsigned>
        dimensions; ///< Intermediates: unknowns of the solver.
  };
  /// What is known of the statement being lowered.
  struct Scope {
    ast::Statement *statement = nullptr;
    unsigned number = 0;
    std::vector<unsigned> unknowns; ///< One per statement index.
    std::vector<unsigned> visible;  ///< Indices in scope, innermost last.
    unsigned reductions = 0;        ///< Reductions around the current node.
    bool inLookup = false;
  };

  // SemaDecls: inputs, outputs, intermediates' names.
  bool checkCounts();
  bool checkDeclarations();
  void declareTensor(const syntax::TensorDecl &decl, ast::Role role);
  bool checkName(const syntax::Name &name, const char *what);
  std::optional<ast::Extent> resolveDimension(const syntax::Dimension &dim);
  std::optional<ast::Extent> resolveSymbol(const std::string &name,
                                           std::optional<int64_t> bound,
                                           llvm::SMRange range);
  void resolveRange(const syntax::RangeSyntax &range, ast::Tensor &tensor);
  void resolvePadding(const syntax::PadSyntax &pad, unsigned id);
  void resolveScalarPadding(const syntax::PadSyntax &pad, unsigned id);
  void setPadding(const syntax::PadSyntax &pad, int64_t value,
                  ast::Tensor &tensor);
  void resolveConstantPadding(const syntax::PadSyntax &pad,
                              const ConstantTable::Entry &constant,
                              ast::Tensor &tensor);
  void resolveFloatPadding(const syntax::PadSyntax &pad, ast::Tensor &tensor);
  void declareConstants(const syntax::Node &node);
  void declareConstant(const ConstantTable::Entry &constant);
  void bindTargets();
  void bindTarget(const syntax::StatementDecl &statement, unsigned number);

  // SemaLower: names and expressions.
  bool lowerStatements();
  void lowerStatement(const syntax::StatementDecl &decl, unsigned number);
  bool lowerTarget(const syntax::StatementDecl &decl);
  std::optional<unsigned> addIndex(const syntax::Name &name, bool isReduction);
  std::optional<unsigned> findIndex(llvm::StringRef name) const;
  ast::ExprPtr lower(const syntax::Node &node);
  ast::ExprPtr lowerName(const syntax::Node &node);
  ast::ExprPtr lowerRead(const syntax::Node &node, unsigned tensor);
  ast::ExprPtr lowerCall(const syntax::Node &node);
  ast::ExprPtr expandCall(const syntax::Node &node,
                          std::vector<ast::ExprPtr> arguments);
  ast::ExprPtr lowerReduce(const syntax::Node &node);
  bool lowerBoundIndices(const syntax::Node &node, ast::Expr &reduce);
  void equateExtents(const std::string &index, unsigned unknown,
                     unsigned tensor, unsigned dim, llvm::SMRange range);

  // SemaSubscripts: affine forms and look-ups.
  bool lowerSubscript(const syntax::Node &node, unsigned tensor, unsigned dim,
                      ast::Subscript &subscript);
  bool lowerLookup(const syntax::Node &node, ast::Subscript &subscript);
  std::optional<ast::AffineForm> lowerAffine(const syntax::Node &node,
                                             bool isOutermost);
  std::optional<ast::AffineForm> lowerAffineOp(const syntax::Node &node,
                                               bool isOutermost);
  std::optional<ast::AffineForm> divideAffine(const syntax::Node &node);
  bool readsTensor(const syntax::Node &node) const;

  // SemaExtents: extents of indices, bounds of subscripts.
  bool resolveExtents();
  void resolveStatementExtents(unsigned number);
  void reportNoExtent(const ast::Index &index, const ast::Statement &statement,
                      unsigned unknown);
  bool checkBounds();
  void checkReads(ast::Expr &expr, const ast::Statement &statement);
  void checkSubscript(ast::Expr &read, unsigned dim,
                      const ast::Statement &statement);

  // SemaTypes: types, value ranges, stores.
  bool checkTypes();
  bool checkStore(ast::Statement &statement);
  bool storeToTarget(ast::ExprPtr &value, ast::Tensor &tensor,
                     llvm::SMRange range);
  bool type(ast::ExprPtr &expr, const ast::Statement &statement);
  bool typeRead(ast::Expr &expr);
  bool typeLookup(ast::Expr &read, unsigned dim);
  bool typeUnary(ast::ExprPtr &expr);
  bool typeBinary(ast::ExprPtr &expr);
  bool typeIntegerBinary(ast::ExprPtr &expr);
  bool typeReduce(ast::Expr &expr, const ast::Statement &statement);
  bool typeRescale(ast::Expr &expr);
  bool setRange(ast::Expr &expr, Interval range);
  bool requireInteger(const ast::Expr &expr, const char *what);
  void makeFloat(ast::ExprPtr &expr);
  void warnUnused();

  // Shared by the steps.
  ast::ExprPtr makeExpr(ast::Expr::Kind kind, llvm::SMLoc loc,
                        llvm::SMRange range);
  llvm::SMRange rangeOf(const ast::Expr &expr) const;
  std::string quoted(unsigned tensor) const {
    return "'" + op.tensors[tensor].name + "'";
  }
  std::string format(const ast::Extent &extent) const {
    return formatExtent(extent, op.symbols);
  }
  bool failedSince(unsigned errors) const {
    return diags.numErrors() != errors;
  }

  const syntax::OpDecl &decl;
  const ConstantTable &constantTable;
  Diagnostics &diags;
  ConstantEvaluator constants;
  ast::Op op;
  ExtentSolver extents;
  llvm::StringMap<unsigned> tensorIds;
  llvm::StringMap<unsigned> symbolIds;
  std::vector<TensorInfo> tensorInfos;
  std::vector<Scope> scopes;
  Scope *scope = nullptr;
  /// A declaration could not be resolved. Set beside the error, or without one
  /// when the fault is that of a parameter, which was reported at its own
  /// place.
  bool isDeclarationBroken = false;
  /// Unknown extents that were reported, by their representative.
  llvm::SmallSet<unsigned, 4> reportedExtents;
  llvm::DenseMap<const ast::Expr *, SourceInfo> sourceInfos;
};

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_OPCHECKER_H
