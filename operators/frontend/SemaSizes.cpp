// Sizes that are computed from run-time sizes: extents as `?h - 2`, and the
// proof that a subscript stays in a dimension of such an extent.
#include "operators/frontend/OpChecker.h"
#include "llvm/ADT/STLExtras.h"

using namespace lpgen;
using namespace lpgen::syntax;
using ast::BinaryOp;
using llvm::Twine;

/// Sizes that are computed, parts of others included; all are arguments of each
/// phase.
static constexpr size_t maxComputedSizes = 256;

/// `?name`, or a parameter that stands for a run-time size.
bool OpChecker::isSize(const Node &node) const {
  return node.kind == Node::Kind::Size ||
         (node.kind == Node::Kind::Name && !node.hasSubscripts &&
          instance->sizeParams.contains(node.name));
}

bool OpChecker::hasSize(const Node &node) const {
  return isSize(node) || llvm::any_of(node.children, [&](const NodePtr &child) {
           return hasSize(*child);
         });
}

SizeForm OpChecker::formOf(const ast::Extent &extent) {
  return extent.isStatic() ? SizeForms::constant(extent.size)
                           : SizeForms(op.computedSizes).of(*extent.id);
}

/// What `node` is, which inputs and outputs declare.
const ast::Extent *OpChecker::findSize(const Node &node) {
  if (node.kind == Node::Kind::Name) {
    return &instance->sizeParams.find(node.name)->second;
  }
  auto it = instance->sizes.find(node.name);
  if (it == instance->sizes.end()) {
    reportNoBound(node.name, node.range);
    return nullptr;
  }
  return &it->second.extent;
}

static bool isFloorDivision(const Node &node) {
  return node.kind == Node::Kind::Call && node.function == Function::FloorDiv &&
         node.children.size() == 2;
}

static bool isBinary(const Node &node, BinaryOp op) {
  return node.kind == Node::Kind::Binary && node.binaryOp == op;
}

static bool isDivision(const Node &node) {
  return isFloorDivision(node) || isBinary(node, BinaryOp::Div);
}

static bool isSizeOp(const Node &node) {
  return isDivision(node) || isBinary(node, BinaryOp::Add) ||
         isBinary(node, BinaryOp::Sub) || isBinary(node, BinaryOp::Mul) ||
         node.kind == Node::Kind::Negate;
}

/// A negation, a sum, or a product with a constant, of sizes.
static SizeForms::Maybe combineSizes(const Node &node,
                                     llvm::ArrayRef<SizeForm> parts) {
  const SizeForm zero = SizeForms::constant(0);
  if (node.kind == Node::Kind::Negate) {
    return SizeForms::add(zero, parts[0], -1);
  }
  if (!isBinary(node, BinaryOp::Mul)) {
    return SizeForms::add(parts[0], parts[1],
                          isBinary(node, BinaryOp::Add) ? 1 : -1);
  }
  const bool isFirst = parts[0].isConstant();
  const SizeForm &factor = parts[isFirst ? 0 : 1];
  const auto product =
      SizeForms::add(zero, parts[isFirst ? 1 : 0], factor.constant);
  return product ? SizeForms::divide(*product, factor.divisor) : product;
}

std::optional<SizeForm> OpChecker::sizeForm(const Node &node) {
  if (isSize(node)) {
    const ast::Extent *extent = findSize(node);
    return extent ? std::optional(formOf(*extent)) : std::nullopt;
  }
  if (!hasSize(node)) {
    std::optional<int64_t> value = instance->constants.evaluate(node);
    return value ? std::optional(SizeForms::constant(*value)) : std::nullopt;
  }
  if (!isSizeOp(node)) {
    diags.error(node.loc, node.range,
                "a size is made of run-time sizes and constants by +, -, *, "
                "exact / and floordiv");
    return std::nullopt;
  }
  llvm::SmallVector<SizeForm, 2> parts;
  for (const NodePtr &child : node.children) {
    std::optional<SizeForm> part = sizeForm(*child);
    if (!part) {
      return std::nullopt;
    }
    parts.push_back(std::move(*part));
  }
  if (isDivision(node)) {
    return divideSize(node, parts[0], parts[1], isFloorDivision(node));
  }
  if (isBinary(node, BinaryOp::Mul) && !parts[0].isConstant() &&
      !parts[1].isConstant()) {
    diags.error(node.loc, node.range,
                "a run-time size is multiplied by a constant, not by another "
                "one; give the product a name of its own");
    return std::nullopt;
  }
  const SizeForms::Maybe form = combineSizes(node, parts);
  return form ? form : reportLargeSize(node);
}

std::optional<SizeForm> OpChecker::divideSize(const Node &node,
                                              const SizeForm &size,
                                              const SizeForm &divisor,
                                              bool isFloor) {
  if (!divisor.isConstant() || divisor.divisor != 1 || divisor.constant < 1) {
    diags.error(node.children[1]->range,
                "a run-time size is divided by a constant of 1 or more");
    return std::nullopt;
  }
  const SizeForms::Maybe form =
      isFloor ? SizeForms(op.computedSizes).floorDivide(size, divisor.constant)
              : SizeForms::divide(size, divisor.constant);
  return form ? form : reportLargeSize(node);
}

std::nullopt_t OpChecker::reportLargeSize(const Node &node) {
  diags.error(node.loc, node.range, "a size does not fit 60 bits");
  return std::nullopt;
}

/// An extent that mentions run-time sizes.
std::optional<ast::Extent> OpChecker::resolveSizeExpr(const Node &node) {
  const std::optional<SizeForm> form = sizeForm(node);
  if (!form) {
    return std::nullopt;
  }
  if (form->isConstant() && form->divisor != 1) {
    diags.error(node.range, "an extent is an integer, found " +
                                Twine(form->constant) + " / " +
                                Twine(form->divisor));
    return std::nullopt;
  }
  if (op.computedSizes.size() > maxComputedSizes) {
    diags.error(node.range, "an operator computes at most " +
                                Twine(maxComputedSizes) + " sizes");
    return std::nullopt;
  }
  SizeForms forms(op.computedSizes);
  const int64_t most = forms.mostOf(
      *form, [&](size_t symbol) { return op.symbols[symbol].bound; });
  if (most < 1 || most > maxElements) {
    diags.error(node.range, "an extent is at least 1 and at most 2^40, but "
                            "this one is at most " +
                                Twine(most));
    return std::nullopt;
  }
  return form->isConstant() ? ast::Extent{most}
                            : ast::Extent{most, forms.sizeOf(*form)};
}

/// True if `form` is proved to lie in a dimension of `extent`, for all values
/// that the run-time sizes can have.
bool OpChecker::isProvedInside(const ast::AffineForm &form,
                               const ast::Statement &statement,
                               const ast::Extent &extent) {
  SizeForms forms(op.computedSizes);
  SizeForms::Maybe least = SizeForms::constant(form.constant);
  SizeForms::Maybe above =
      SizeForms::add(formOf(extent), SizeForms::constant(form.constant), -1);
  const auto addLast = [&](SizeForms::Maybe &to, const ast::Extent &loop,
                           int64_t factor) {
    const SizeForms::Maybe last =
        SizeForms::add(formOf(loop), SizeForms::constant(1), -1);
    to = to && last ? SizeForms::add(*to, *last, factor) : std::nullopt;
  };
  for (const ast::AffineForm::Term &term : form.terms) {
    const ast::Extent &loop = statement.indices[term.index].extent;
    if (term.coefficient < 0) {
      addLast(least, loop, term.coefficient);
    } else {
      addLast(above, loop, -term.coefficient);
    }
  }
  above = above ? SizeForms::add(*above, SizeForms::constant(1), -1) : above;
  // A lone index takes the extent of its dimension, or reads outside.
  return form.divisor == 1 && !form.isPlainIndex() && least && above &&
         forms.isNonNegative(*least) && forms.isNonNegative(*above);
}

/// The bounds of run-time sizes are sizes that a kernel can be called with, and
/// it can compute with 64 bits what follows from them.
bool OpChecker::checkSizes() {
  if (op.computedSizes.empty()) {
    return checkStrides();
  }
  std::vector<int64_t> bounds;
  bounds.reserve(op.symbols.size());
  for (const ast::Symbol &symbol : op.symbols) {
    bounds.push_back(symbol.bound);
  }
  std::string fault = op.whyNotSizes(bounds);
  if (valuesOf(op.computedSizes, bounds).size() == op.computedSizes.size()) {
    fault.clear(); // Strides at the bounds may be others.
  }
  bounds.resize(op.symbols.size() + op.computedSizes.size(), 1);
  for (auto [i, size] : llvm::enumerate(op.computedSizes)) {
    Int128 most = size.constant;
    Int128 magnitude = size.constant < 0 ? -most : most;
    for (const SizeTerm &term : size.terms) {
      const Int128 product =
          Int128{term.coefficient} * bounds[op.sizeNumber({0, term.size})];
      most += std::max<Int128>(product, 0);
      magnitude += product < 0 ? -product : product;
    }
    if (magnitude > (Int128{1} << 60)) {
      fault = "a size that follows from them does not fit 60 bits";
      break;
    }
    bounds[op.symbols.size() + i] =
        static_cast<int64_t>(std::max<Int128>(most / size.divisor, 1));
  }
  if (!fault.empty()) {
    diags.error({op.symbols[0].loc, op.symbols[0].loc},
                "the bounds of run-time sizes are not possible: " + fault);
  }
  return fault.empty() && checkStrides();
}

/// Tensors of the bounds' extents have strides within theirs.
bool OpChecker::checkStrides() {
  if (stridesRanges.empty()) {
    return true;
  }
  const std::string fault = op.whyNotSizes(op.largestSizes());
  if (!fault.empty()) {
    diags.error(stridesRanges.front(),
                "the strides are not possible: " + fault);
  }
  return fault.empty();
}
