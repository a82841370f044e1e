// The subscripts of the second step: affine forms of the indices in lowest
// terms, and integer expressions: look-ups, floordiv and %. See SemaLower.cpp
// for the rest of the step.
#include "operators/frontend/OpChecker.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/SaveAndRestore.h"
#include <numeric>

using namespace lpgen;
using namespace lpgen::syntax;
using ast::BinaryOp;
using llvm::Twine;

/// True if some name below `node` is a tensor, so that the subscript is a
/// look-up.
bool OpChecker::readsTensor(const Node &node) const {
  if (node.kind == Node::Kind::Name &&
      (node.hasSubscripts || instance->byName.contains(node.name))) {
    return true;
  }
  return llvm::any_of(
      node.children, [&](const NodePtr &child) { return readsTensor(*child); });
}

/// True if `node` has an operation that no affine form has.
bool OpChecker::isComputed(const Node &node) const {
  if (instance->constants.isConstant(node)) {
    return false;
  }
  const bool isAffineOp =
      node.kind == Node::Kind::Binary &&
      (node.binaryOp == BinaryOp::Add || node.binaryOp == BinaryOp::Sub ||
       node.binaryOp == BinaryOp::Mul || node.binaryOp == BinaryOp::Div);
  if (node.kind == Node::Kind::Call || isSize(node) ||
      (node.kind == Node::Kind::Binary && !isAffineOp)) {
    return true;
  }
  return llvm::any_of(node.children,
                      [&](const NodePtr &child) { return isComputed(*child); });
}

bool OpChecker::lowerSubscript(const Node &node, const Binding &read,
                               unsigned dim, ast::Subscript &subscript) {
  if (readsTensor(node) || isComputed(node)) {
    return lowerComputed(node, subscript);
  }
  std::optional<ast::AffineForm> affine =
      lowerAffine(node, /*isOutermost=*/true);
  if (!affine) {
    return false;
  }
  subscript.affine = std::move(*affine);
  // "Stands alone" is about what is written: `h + 0` is a way to read part of a
  // dimension without taking its extent.
  if (node.kind == Node::Kind::Name && subscript.affine.isPlainIndex()) {
    unsigned index = subscript.affine.terms[0].index;
    equateExtents(node.name, scope->unknowns[index], read, dim, node.range);
  }
  return true;
}

bool OpChecker::lowerComputed(const Node &node, ast::Subscript &subscript) {
  llvm::SaveAndRestore<bool> guard(scope->inSubscript, true);
  subscript.computed = lower(node);
  return subscript.computed != nullptr;
}

/// Adds `factor` times `other` to `form`; false on overflow.
static bool accumulate(ast::AffineForm &form, const ast::AffineForm &other,
                       int64_t factor) {
  int64_t product = 0;
  if (__builtin_mul_overflow(other.constant, factor, &product) ||
      __builtin_add_overflow(form.constant, product, &form.constant)) {
    return false;
  }
  for (const ast::AffineForm::Term &term : other.terms) {
    auto *it =
        llvm::lower_bound(form.terms, term.index,
                          [](const ast::AffineForm::Term &a, unsigned index) {
                            return a.index < index;
                          });
    if (it == form.terms.end() || it->index != term.index) {
      it = form.terms.insert(it, {term.index, 0});
    }
    if (__builtin_mul_overflow(term.coefficient, factor, &product) ||
        __builtin_add_overflow(it->coefficient, product, &it->coefficient)) {
      return false;
    }
    if (it->coefficient == 0) {
      form.terms.erase(it);
    }
  }
  return true;
}

std::optional<ast::AffineForm> OpChecker::lowerAffine(const Node &node,
                                                      bool isOutermost) {
  ast::AffineForm form;
  bool isDivision =
      node.kind == Node::Kind::Binary && node.binaryOp == BinaryOp::Div;
  if (instance->constants.isConstant(node)) {
    std::optional<int64_t> value = instance->constants.evaluate(node);
    if (!value) {
      return std::nullopt;
    }
    form.constant = *value;
    return form;
  }
  if (node.kind == Node::Kind::Name) {
    std::optional<unsigned> index = findIndex(node.name);
    if (!index) {
      diags.error(node.range, "unknown name '" + node.name + "'");
      return std::nullopt;
    }
    form.terms.push_back({*index, 1});
    return form;
  }
  if (isDivision && isOutermost) {
    return divideAffine(node);
  }
  return lowerAffineOp(node, isOutermost);
}

std::optional<ast::AffineForm> OpChecker::lowerAffineOp(const Node &node,
                                                        bool isOutermost) {
  bool isNegation = node.kind == Node::Kind::Negate;
  bool isSum =
      node.kind == Node::Kind::Binary &&
      (node.binaryOp == BinaryOp::Add || node.binaryOp == BinaryOp::Sub);
  bool isProduct =
      node.kind == Node::Kind::Binary && node.binaryOp == BinaryOp::Mul;
  bool hasConstant =
      isProduct && llvm::any_of(node.children, [&](const NodePtr &child) {
        return instance->constants.isConstant(*child);
      });
  if (!isNegation && !isSum && !hasConstant) {
    bool isDivision =
        node.kind == Node::Kind::Binary && node.binaryOp == BinaryOp::Div;
    diags.error(node.loc, node.range,
                isDivision ? "'/' is allowed only around a whole subscript; "
                             "floordiv(a, b) can stand anywhere"
                           : "a subscript is a sum of indices times constants, "
                             "at most divided by a constant as a whole, or "
                             "has floordiv(a, b) and a % b");
    return std::nullopt;
  }
  std::optional<ast::AffineForm> a = lowerAffine(*node.children[0], false);
  std::optional<ast::AffineForm> b =
      isNegation ? ast::AffineForm() : lowerAffine(*node.children[1], false);
  if (!a || !b) {
    return std::nullopt;
  }
  ast::AffineForm form;
  bool ok = true;
  if (isProduct) {
    bool isFirst = instance->constants.isConstant(*node.children[0]);
    ok = accumulate(form, isFirst ? *b : *a,
                    isFirst ? a->constant : b->constant);
  } else {
    bool isDifference = isSum && node.binaryOp == BinaryOp::Sub;
    ok = accumulate(form, *a, isNegation ? -1 : 1) &&
         accumulate(form, *b, isDifference ? -1 : 1);
  }
  if (!ok) {
    diags.error(node.loc, node.range,
                "subscript does not fit 64-bit arithmetic");
    return std::nullopt;
  }
  return form;
}

std::optional<ast::AffineForm> OpChecker::divideAffine(const Node &node) {
  std::optional<ast::AffineForm> form = lowerAffine(*node.children[0], false);
  if (!form) {
    return std::nullopt;
  }
  const Node &divisor = *node.children[1];
  if (!instance->constants.isConstant(divisor)) {
    diags.error(divisor.range,
                "a subscript is divided by a constant: a literal or a "
                "parameter");
    return std::nullopt;
  }
  std::optional<int64_t> value = instance->constants.evaluate(divisor);
  if (!value) {
    return std::nullopt;
  }
  if (*value <= 0) {
    diags.error(divisor.range, "a subscript is divided by a positive "
                               "constant, found " +
                                   Twine(*value));
    return std::nullopt;
  }
  // In lowest terms; then divisor 1 says that the division always comes out
  // even.
  uint64_t common = *value;
  auto include = [&](int64_t number) {
    uint64_t magnitude = number < 0 ? -static_cast<uint64_t>(number) : number;
    common = std::gcd(common, magnitude);
  };
  include(form->constant);
  for (const ast::AffineForm::Term &term : form->terms) {
    include(term.coefficient);
  }
  auto factor = static_cast<int64_t>(common);
  form->constant /= factor;
  for (ast::AffineForm::Term &term : form->terms) {
    term.coefficient /= factor;
  }
  form->divisor = *value / factor;
  return form;
}
