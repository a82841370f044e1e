// The state that the steps of the checker share while they work on one
// operator.
//
// Private to the Sema*.cpp files. Each step reports all it can find and the
// next one runs only if there was no error, because it builds on what the
// former resolved.
#ifndef LPGEN_OPERATORS_FRONTEND_OPCHECKER_H
#define LPGEN_OPERATORS_FRONTEND_OPCHECKER_H

#include "base/types/SizeForm.h"
#include "operators/frontend/ExtentSolver.h"
#include "operators/frontend/Instance.h"
#include "operators/frontend/Interval.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/StringMap.h"
#include <set>

namespace lpgen {

/// Sizes that everything behind the front end may rely on.
constexpr unsigned maxIndices = 64;
constexpr unsigned maxStatements = 1 << 16;
constexpr unsigned maxDeclared = 1 << 12; ///< Inputs and outputs.
constexpr unsigned maxCalls = 1 << 14;
constexpr unsigned maxCallDepth = 64;

class OpChecker {
public:
  OpChecker(const CallableOp &root, const CallableOps &operators,
            Diagnostics &diags);

  /// The parameter of the operator itself that neither `defines` nor a default
  /// fixes, if there is one. Comes before `check`.
  std::optional<std::string>
  findOpenParam(const std::map<std::string, int64_t> &defines);
  /// The operators that were called, directly or not.
  std::set<const syntax::OpDecl *> calledOps() const;
  /// What it calls goes beyond the limits, which was reported.
  bool hasTooMuch() const { return isTooLarge; }
  /// Runs all steps; nothing after an error.
  std::optional<ast::Op> check();

private:
  /// What a checked node no longer carries but messages need.
  struct SourceInfo {
    llvm::SMRange range;
    std::vector<llvm::SMRange> subscripts;
    const Binding *binding = nullptr; ///< Of a read.
  };
  /// What is known of a tensor while the operator is checked.
  struct TensorInfo {
    llvm::SMRange range; ///< Its name, where it was declared or assigned.
    bool isBroken =
        false; ///< Its statement failed; uses of it are not reported.
    /// Its type and its extents are declared; else they follow from its
    /// statement, and `dimensions` are the extents' unknowns of the solver.
    bool hasType = true;
    bool hasShape = true;
    std::vector<unsigned> dimensions;
  };
  /// What is known of the statement being lowered.
  struct Scope {
    Instance *instance = nullptr; ///< Whose text it stands in.
    const Binding *target = nullptr;
    ast::Statement *statement = nullptr; ///< While it is lowered.
    std::vector<unsigned> unknowns;      ///< One per statement index.
    std::vector<unsigned> visible;       ///< Indices in scope, innermost last.
    unsigned reductions = 0;  ///< Reductions around the current node.
    bool inSubscript = false; ///< In one that is an expression.
  };

  /// A tensor of a caller beside the callee's declaration of it.
  struct Passed {
    const syntax::TensorDecl *formal;
    Binding *actual;
    llvm::SMRange range; ///< In the caller.
    ast::Role role;      ///< In the callee: input or output.
    Instance *callee;
  };
  /// What an argument must be: known when the statements before statement
  /// `number` have types.
  struct Promise {
    size_t number;
    Passed passed;
    ast::Tensor formal;
  };
  /// While it lives, names and messages are those of `instance`.
  class Entered {
  public:
    Entered(OpChecker &checker, Instance *instance)
        : checker(checker), former(checker.instance) {
      checker.enter(instance);
    }
    ~Entered() { checker.enter(former); }

  private:
    OpChecker &checker;
    Instance *former;
  };

  // Sema.
  void enter(Instance *next);
  Instance &addInstance(const CallableOp &callable);

  // SemaDecls: inputs, outputs, intermediates' names.
  bool checkCounts();
  bool checkDeclarations();
  bool declareTensor(const syntax::TensorDecl &decl, ast::Role role);
  void declareStrides(const syntax::StridesSyntax &strides,
                      ast::Tensor &tensor);
  unsigned addTensor(ast::Tensor tensor, const syntax::Name &name);
  ast::Tensor resolveTensor(const syntax::TensorDecl &decl, ast::Role role);
  void declareIntermediate(const syntax::StatementDecl &statement,
                           const syntax::Target &target);
  bool checkName(const syntax::Name &name, const char *what);
  std::optional<ast::Extent> resolveDimension(const syntax::Dimension &dim,
                                              ast::Role role);
  std::optional<ast::Extent> resolveSize(const std::string &name,
                                         std::optional<int64_t> bound,
                                         llvm::SMRange range);
  void resolveRange(const syntax::RangeSyntax &range, ast::Tensor &tensor);
  void declarePadding(const syntax::PadSyntax &pad, Binding &binding);
  void reportScalarPadding(const syntax::PadSyntax &pad, llvm::StringRef name);
  void reportNoBound(const std::string &name, llvm::SMRange range);
  std::optional<ast::Padding> resolvePadding(const syntax::PadSyntax &pad,
                                             ElementType type);
  std::optional<ast::Padding::Kind> kindNamed(const syntax::Node &name) const;
  std::optional<ast::Padding> resolveNamedPadding(const syntax::PadSyntax &pad,
                                                  ElementType type);
  std::optional<ast::Padding> resolveFloatPadding(const syntax::PadSyntax &pad);
  std::optional<ast::Padding> paddingOf(const syntax::PadSyntax &pad,
                                        int64_t value, ElementType type);
  std::optional<ast::Padding>
  resolveConstantPadding(const syntax::PadSyntax &pad,
                         const ast::Tensor &constant, llvm::SMRange declaredAt,
                         ElementType type);
  void declareConstants();
  void declareConstants(const syntax::Node &node);
  void declareConstant(const std::string &name);
  void bindTargets();
  void bindTarget(const syntax::StatementDecl &statement,
                  const syntax::Target &target);

  // SemaSizes: sizes computed from run-time sizes.
  bool isSize(const syntax::Node &node) const;
  bool hasSize(const syntax::Node &node) const;
  const ast::Extent *findSize(const syntax::Node &node);
  SizeForm formOf(const ast::Extent &extent);
  std::optional<SizeForm> sizeForm(const syntax::Node &node);
  std::optional<SizeForm> divideSize(const syntax::Node &node,
                                     const SizeForm &size,
                                     const SizeForm &divisor, bool isFloor);
  bool checkSizes();
  bool checkStrides();
  std::nullopt_t reportLargeSize(const syntax::Node &node);
  std::optional<ast::Extent> resolveSizeExpr(const syntax::Node &node);
  bool isProvedInside(const ast::AffineForm &form,
                      const ast::Statement &statement,
                      const ast::Extent &extent);

  // SemaCalls: what is called, in place of the call.
  bool inlineCall(const syntax::StatementDecl &statement);
  bool inlineCallee(const syntax::StatementDecl &statement,
                    const CallableOp &callable);
  const CallableOp *findCallee(const syntax::OpCall &call);
  bool checkCallCounts(const syntax::StatementDecl &statement,
                       const syntax::OpDecl &callee);
  std::optional<std::vector<Passed>>
  passTensors(const syntax::StatementDecl &statement, Instance &callee);
  bool bindPassed(const Passed &passed);
  bool fitType(const Passed &passed, const ast::Tensor &formal);
  bool fitShape(const Passed &passed);
  std::optional<ast::Extent> fitDimension(const Passed &passed, unsigned dim);
  std::optional<ast::Extent> fitSize(const Passed &passed, unsigned dim,
                                     std::optional<int64_t> bound);
  bool completeResults(const syntax::StatementDecl &statement);
  bool padFormal(const Passed &passed);
  std::optional<ast::Extent> knownExtent(unsigned tensor, unsigned dim);
  void reportMismatch(const Passed &passed, const llvm::Twine &found,
                      const llvm::Twine &expected);
  void checkPromises(size_t number);
  void checkPromise(const Promise &promise);

  // SemaGenerics: the parameters of operators.
  bool solveParams(const syntax::OpCall &call, llvm::ArrayRef<Passed> passed,
                   Instance &callee);
  bool takeGivenParams(const syntax::OpCall &call, Instance &callee,
                       llvm::StringMap<int64_t> &values);
  bool matchTensor(const Passed &passed, llvm::StringMap<int64_t> &values);

  // SemaLower: names and expressions.
  bool lowerBody();
  bool lowerStatement(const syntax::StatementDecl &decl);
  bool lowerTarget(const syntax::StatementDecl &decl, const Binding &target);
  std::optional<unsigned> addIndex(const syntax::Name &name, bool isReduction);
  std::optional<unsigned> findIndex(llvm::StringRef name) const;
  ast::ExprPtr lower(const syntax::Node &node);
  ast::ExprPtr lowerName(const syntax::Node &node);
  ast::ExprPtr lowerSize(const syntax::Node &node);
  bool checkReadable(Binding &binding, llvm::SMRange range);
  ast::ExprPtr lowerRead(const syntax::Node &node, Binding &binding);
  ast::ExprPtr lowerCall(const syntax::Node &node);
  ast::ExprPtr expandCall(const syntax::Node &node,
                          std::vector<ast::ExprPtr> arguments);
  ast::ExprPtr lowerReduce(const syntax::Node &node);
  bool lowerBoundIndices(const syntax::Node &node, ast::Expr &reduce);
  bool limitIndex(const syntax::Node &reduce, const syntax::BoundIndex &bound,
                  unsigned index);
  void equateExtents(const std::string &index, unsigned unknown,
                     const Binding &binding, unsigned dim, llvm::SMRange range);

  // SemaSubscripts: affine forms and expressions.
  bool lowerSubscript(const syntax::Node &node, const Binding &read,
                      unsigned dim, ast::Subscript &subscript);
  bool lowerComputed(const syntax::Node &node, ast::Subscript &subscript);
  bool isComputed(const syntax::Node &node) const;
  std::optional<ast::AffineForm> lowerAffine(const syntax::Node &node,
                                             bool isOutermost);
  std::optional<ast::AffineForm> lowerAffineOp(const syntax::Node &node,
                                               bool isOutermost);
  std::optional<ast::AffineForm> divideAffine(const syntax::Node &node);
  bool readsTensor(const syntax::Node &node) const;

  // SemaExtents: extents of indices, bounds of subscripts.
  bool resolveExtents();
  void resolveStatementExtents(unsigned number);
  void reportNoExtent(const ast::Index &index, const Binding &target,
                      unsigned unknown);
  bool checkBounds();
  void checkReads(ast::Expr &expr, const ast::Statement &statement);
  void checkSubscript(ast::Expr &read, unsigned dim,
                      const ast::Statement &statement);
  bool allowOutside(ast::Expr &read, unsigned dim, Interval values,
                    const llvm::Twine &fault);
  bool fitChannelPadding(const ast::Expr &read, unsigned dim);
  bool foldSubscript(ast::Expr &read, unsigned dim, Interval values,
                     ast::Padding::Kind kind);
  void reportNoPadding(const ast::Expr &read, const Binding &binding);
  ast::ExprPtr exprOf(const ast::AffineForm &form, llvm::SMRange place);
  ast::ExprPtr makeInt(int64_t value, llvm::SMRange place);
  ast::ExprPtr combine(ast::BinaryOp op, ast::ExprPtr a, ast::ExprPtr b);

  // SemaTypes: types, value ranges, stores.
  bool checkTypes();
  bool checkStore(ast::Statement &statement, const Binding &target);
  bool type(ast::ExprPtr &expr, const ast::Statement &statement);
  bool typeRead(ast::Expr &expr, const ast::Statement &statement);
  bool typeComputed(ast::Expr &read, unsigned dim,
                    const ast::Statement &statement);
  bool typeLookup(const ast::Expr &read, unsigned dim);
  bool typeUnary(ast::ExprPtr &expr);
  bool typeBinary(ast::ExprPtr &expr);
  bool typeIntegerBinary(ast::ExprPtr &expr);
  bool typeReduce(ast::Expr &expr, const ast::Statement &statement);
  bool typeRescale(ast::Expr &expr);
  bool typeSelect(ast::Expr &expr);
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
  static std::string quoted(const Binding &binding) {
    return "'" + binding.name + "'";
  }
  std::string format(const ast::Extent &extent) const {
    return op.textOf(extent);
  }
  bool failedSince(unsigned errors) const {
    return diags.numErrors() != errors;
  }

  const CallableOps &operators;
  Diagnostics &diags;
  UsedParams usedParams;
  ast::Op op;
  ExtentSolver extents;
  std::vector<std::unique_ptr<Instance>> instances; ///< The root is the first.
  Instance *instance = nullptr; ///< Whose text is being checked.
  std::vector<TensorInfo> tensorInfos;
  /// The tensors of the constants, by the place of their declaration.
  llvm::DenseMap<const char *, unsigned> constantIds;
  std::vector<Promise> promises; ///< In the order of their numbers.
  size_t numPromisesChecked = 0;
  std::vector<Scope> scopes;
  Scope *scope = nullptr;
  /// What stands in place of the calls has grown beyond the limits.
  bool isTooLarge = false;
  /// A declaration could not be resolved. Set beside the error, or without one
  /// when the fault is that of a parameter, which was reported at its own
  /// place.
  bool isDeclarationBroken = false;
  /// Unknown extents that were reported, by their representative.
  llvm::SmallSet<unsigned, 4> reportedExtents;
  llvm::DenseMap<const ast::Expr *, SourceInfo> sourceInfos;
  std::vector<llvm::SMRange> stridesRanges; ///< Of all views.
};

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_OPCHECKER_H
