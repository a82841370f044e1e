// The checker's frame: files, operators and the order of the steps. See Sema.h.
#include "operators/frontend/Sema.h"
#include "operators/frontend/OpChecker.h"

using namespace lpgen;

OpChecker::OpChecker(const syntax::OpDecl &decl, const ParamTable &params,
                     const ConstantTable &constantTable, Diagnostics &diags)
    : decl(decl), constantTable(constantTable), diags(diags),
      constants(params, diags), extents(op.symbols, diags) {
  op.name = decl.name.text;
  op.loc = decl.name.range.Start;
}

std::optional<ast::Op> OpChecker::check() {
  if (!checkCounts() || !checkDeclarations() || !lowerStatements() ||
      !resolveExtents() || !checkBounds() || !checkTypes()) {
    return std::nullopt;
  }
  warnUnused();
  op.parameters = constants.usedParams();
  return std::move(op);
}

ast::ExprPtr OpChecker::makeExpr(ast::Expr::Kind kind, llvm::SMLoc loc,
                                 llvm::SMRange range) {
  auto expr = std::make_unique<ast::Expr>();
  expr->kind = kind;
  expr->loc = loc;
  // Assigned as a whole: the address may be that of a node already thrown away.
  sourceInfos[expr.get()] = {range, {}};
  return expr;
}

llvm::SMRange OpChecker::rangeOf(const ast::Expr &expr) const {
  auto it = sourceInfos.find(&expr);
  return it == sourceInfos.end() ? llvm::SMRange(expr.loc, expr.loc)
                                 : it->second.range;
}

void OpChecker::warnUnused() {
  for (auto [id, tensor] : llvm::enumerate(op.tensors)) {
    const TensorInfo &info = tensorInfos[id];
    if (tensor.role != ast::Role::Output && !info.isRead) {
      const char *what =
          tensor.role == ast::Role::Input ? "input" : "intermediate";
      diags.warning(info.range.Start, info.range,
                    llvm::Twine(what) + " " + quoted(id) + " is never read");
    }
  }
}

ast::File lpgen::checkFile(const syntax::FileDecl &file,
                           const ParseOptions &options,
                           llvm::StringRef fileName, Diagnostics &diags) {
  ParamTable params(file, options.defines, fileName, diags);
  ConstantTable constants(file, params, options.readConstant, fileName, diags);
  llvm::StringMap<llvm::SMRange> opNames;
  for (const syntax::Name &name : file.opNames) {
    auto [it, isNew] = opNames.try_emplace(name.text, name.range);
    if (!isNew) {
      diags.error(name.range, "operator '" + name.text + "' is declared twice");
      diags.note(it->second, "first declared here");
    }
  }
  ast::File result;
  for (const syntax::OpDecl &decl : file.ops) {
    if (diags.tooManyErrors()) {
      break;
    }
    if (std::optional<ast::Op> op =
            OpChecker(decl, params, constants, diags).check()) {
      result.ops.push_back(std::move(*op));
    }
  }
  return result;
}
