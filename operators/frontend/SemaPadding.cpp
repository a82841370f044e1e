// What reads outside a tensor yield: the paddings that are declared, and what a
// read that can be outside becomes.
//
// A value is looked up where the read is outside. Where the nearest element or
// the mirrored one is meant, the subscript is computed so that it is inside.
#include "operators/frontend/OpChecker.h"
#include "llvm/ADT/StringSwitch.h"
#include <limits>

using namespace lpgen;
using namespace lpgen::syntax;
using ast::BinaryOp;
using ast::Expr;
using ast::ExprPtr;
using llvm::StringRef;
using llvm::Twine;

void OpChecker::declarePadding(const PadSyntax &pad, Binding &binding) {
  ast::Tensor &tensor = op.tensors[binding.tensor];
  if (tensor.shape.empty()) {
    reportScalarPadding(pad, binding.name);
    return;
  }
  binding.padding = resolvePadding(pad, tensor.type);
  tensor.padding = binding.padding;
}

void OpChecker::reportScalarPadding(const PadSyntax &pad, StringRef name) {
  diags.error(pad.range,
              "'" + name + "' is a scalar, which has no outside to pad");
}

/// pad(edge) and pad(reflect), unless the name is that of a tensor.
std::optional<ast::Padding::Kind> OpChecker::kindNamed(const Node &name) const {
  if (name.hasSubscripts || instance->byName.contains(name.name) ||
      instance->fileConstants->find(name.name)) {
    return std::nullopt;
  }
  return llvm::StringSwitch<std::optional<ast::Padding::Kind>>(name.name)
      .Case("edge", ast::Padding::Kind::Edge)
      .Case("reflect", ast::Padding::Kind::Reflect)
      .Default(std::nullopt);
}

/// What `pad` says of a tensor of type `type`; nothing after an error.
std::optional<ast::Padding> OpChecker::resolvePadding(const PadSyntax &pad,
                                                      ElementType type) {
  ConstantEvaluator &constants = instance->constants;
  if (pad.value && pad.value->kind == Node::Kind::Name &&
      !constants.isConstant(*pad.value)) {
    const std::optional<ast::Padding::Kind> kind = kindNamed(*pad.value);
    return kind ? ast::Padding{*kind} : resolveNamedPadding(pad, type);
  }
  if (type.isFloat()) {
    return resolveFloatPadding(pad);
  }
  std::optional<int64_t> value = type.minValue();
  if (pad.value) {
    value = constants.evaluate(*pad.value);
  }
  if (!value) {
    isDeclarationBroken = true;
    return std::nullopt;
  }
  return paddingOf(pad, *value, type);
}

std::optional<ast::Padding>
OpChecker::paddingOf(const PadSyntax &pad, int64_t value, ElementType type) {
  // Not `holds`: padding bipolar operands by 0 is exact although 0 has no code.
  if (value < type.minValue() || value > type.maxValue()) {
    diags.error(pad.range, "padding " + Twine(value) + " is outside " +
                               type.str() + ", which goes from " +
                               Twine(type.minValue()) + " to " +
                               Twine(type.maxValue()));
  }
  ast::Padding padding;
  padding.value = value;
  return padding;
}

/// pad(zx): the padding is an input of rank 0 or 1, known when the kernel runs.
std::optional<ast::Padding> OpChecker::resolveNamedPadding(const PadSyntax &pad,
                                                           ElementType type) {
  Binding *binding = instance->find(pad.value->name);
  const auto *constant = instance->fileConstants->find(pad.value->name);
  if (!binding && constant && !pad.value->hasSubscripts) {
    if (!constant->tensor) {
      isDeclarationBroken = true;
      return std::nullopt;
    }
    return resolveConstantPadding(pad, *constant->tensor, constant->name.range,
                                  type);
  }
  if (!binding || pad.value->hasSubscripts) {
    diags.error(pad.value->range,
                "expected a constant, 'lowest', 'edge', 'reflect' or an input "
                "as padding, found '" +
                    pad.value->name + "'");
    return std::nullopt;
  }
  const ast::Tensor &source = op.tensors[binding->tensor];
  binding->isRead = true;
  if (source.role == ast::Role::Constant) {
    return resolveConstantPadding(pad, source, binding->range, type);
  }
  if (source.role != ast::Role::Input || source.shape.size() > 1 ||
      source.type.isFloat() != type.isFloat()) {
    diags.error(pad.value->range,
                "a tensor as padding is an input, a scalar or a value for each "
                "position of the last dimension, integers for integer tensors "
                "and f32 for others");
    diags.note(binding->range, "'" + binding->name + "' is declared here");
    return std::nullopt;
  }
  if (!type.isFloat() &&
      !Interval(source.range).within(type.minValue(), type.maxValue())) {
    diags.error(pad.value->range,
                "padding '" + binding->name + "' ranges over " +
                    Interval(source.range).str() + ", but " + type.str() +
                    " goes from " + Twine(type.minValue()) + " to " +
                    Twine(type.maxValue()));
    diags.note(binding->range, "declare the range of '" + binding->name +
                                   "' with 'in [lo, hi]'");
    return std::nullopt;
  }
  ast::Padding padding;
  padding.kind = source.shape.empty() ? ast::Padding::Kind::Scalar
                                      : ast::Padding::Kind::Channel;
  padding.tensor = binding->tensor;
  return padding;
}

/// pad(zx) of a constant: its value.
std::optional<ast::Padding>
OpChecker::resolveConstantPadding(const PadSyntax &pad,
                                  const ast::Tensor &constant,
                                  llvm::SMRange declaredAt, ElementType type) {
  if (!constant.shape.empty() || constant.type.isFloat() != type.isFloat()) {
    diags.error(pad.value->range,
                "a constant as padding is a scalar, an integer for integer "
                "tensors and f32 for others");
    diags.note(declaredAt, "'" + pad.value->name + "' is declared here");
    return std::nullopt;
  }
  if (!type.isFloat()) {
    return paddingOf(pad, constant.values->getInt(0), type);
  }
  ast::Padding padding;
  padding.floatValue = constant.values->getFloat(0);
  return padding;
}

std::optional<ast::Padding>
OpChecker::resolveFloatPadding(const PadSyntax &pad) {
  ast::Padding padding;
  padding.floatValue = -std::numeric_limits<float>::infinity();
  if (!pad.value) {
    return padding;
  }
  const Node *node = pad.value.get();
  bool isNegative = node->kind == Node::Kind::Negate;
  const Node *magnitude = isNegative ? node->children[0].get() : node;
  if (magnitude->kind == Node::Kind::Float) {
    padding.floatValue =
        isNegative ? -magnitude->floatValue : magnitude->floatValue;
    return padding;
  }
  std::optional<int64_t> value = instance->constants.evaluate(*node);
  if (!value) {
    isDeclarationBroken = true;
    return std::nullopt;
  }
  padding.floatValue = static_cast<float>(*value);
  return padding;
}

/// Lets `read` leave dimension `dim` with a subscript in `values`; reports
/// `fault` if its tensor has no padding.
bool OpChecker::allowOutside(Expr &read, unsigned dim, Interval values,
                             const Twine &fault) {
  const Binding &binding = *sourceInfos[&read].binding;
  if (!binding.padding) {
    diags.error(sourceInfos[&read].subscripts[dim], fault);
    reportNoPadding(read, binding);
    return false;
  }
  const ast::Padding &padding = *binding.padding;
  if (padding.kind == ast::Padding::Kind::Edge ||
      padding.kind == ast::Padding::Kind::Reflect) {
    return foldSubscript(read, dim, values, padding.kind);
  }
  read.padding = padding;
  return padding.kind != ast::Padding::Kind::Channel ||
         fitChannelPadding(read, dim);
}

void OpChecker::reportNoPadding(const Expr &read, const Binding &binding) {
  if (binding.role == ast::Role::Constant) {
    diags.note(binding.range, quoted(binding) +
                                  " is a constant, which has no padding; "
                                  "store it with a border");
    return;
  }
  diags.note(binding.range,
             tensorInfos[read.tensor].hasType
                 ? quoted(binding) + " is declared without padding; add "
                                     "'pad(VALUE)' to read outside it"
                 : quoted(binding) +
                       " is an intermediate; declare it with a padding, "
                       "'NAME[...]: TYPE pad(VALUE) = ...', to read outside "
                       "it");
}

/// A padding with a value for each position of the last dimension fits the
/// tensor, and the read stays inside that dimension.
bool OpChecker::fitChannelPadding(const Expr &read, unsigned dim) {
  const llvm::SMRange place = sourceInfos[&read].subscripts[dim];
  const Binding &binding = *sourceInfos[&read].binding;
  const ast::Tensor &tensor = op.tensors[read.tensor];
  const ast::Extent &last = tensor.shape.back();
  const std::string padding = quoted(binding.padding->tensor);
  if (dim + 1 == tensor.shape.size()) {
    diags.error(place, "subscript leaves the last dimension of " +
                           quoted(binding) + ", for whose positions padding " +
                           padding + " has values");
    return false;
  }
  const ast::Extent &extent = op.tensors[binding.padding->tensor].shape[0];
  if (extent != last) {
    diags.error(place, "padding " + padding + " has extent " + format(extent) +
                           " but the last dimension of " + quoted(binding) +
                           " has extent " + format(last));
    return false;
  }
  return true;
}

/// Makes the subscript one that is inside: that of the nearest element, or of
/// the one mirrored at the first and at the last.
bool OpChecker::foldSubscript(Expr &read, unsigned dim, Interval values,
                              ast::Padding::Kind kind) {
  const llvm::SMRange place = sourceInfos[&read].subscripts[dim];
  const ast::Extent &extent = op.tensors[read.tensor].shape[dim];
  const bool isReflected = kind == ast::Padding::Kind::Reflect;
  const std::string name = isReflected ? "'pad(reflect)'" : "'pad(edge)'";
  const std::string where = "dimension " + std::to_string(dim) + " of " +
                            quoted(*sourceInfos[&read].binding);
  ast::Subscript &subscript = read.subscripts[dim];
  if (!subscript.computed && subscript.affine.divisor != 1) {
    diags.error(place, name + " has no element where the subscript is no "
                              "multiple of its divisor; use floordiv(a, b)");
    return false;
  }
  const int64_t last = extent.size - 1;
  if (!extent.isStatic() ||
      (isReflected && !values.within(-last, Int128{2} * last))) {
    diags.error(place,
                "subscript ranges over " + values.str() + " but " + where +
                    " has extent " + format(extent) + "; " + name +
                    (isReflected ? " needs a constant extent and mirrors "
                                   "at each end once"
                                 : " needs a constant extent"));
    return false;
  }
  ExprPtr value = subscript.computed ? std::move(subscript.computed)
                                     : exprOf(subscript.affine, place);
  if (!isReflected) {
    value = combine(BinaryOp::Max, std::move(value), makeInt(0, place));
    subscript.computed =
        combine(BinaryOp::Min, std::move(value), makeInt(last, place));
    return true;
  }
  // last - |last - |value||
  for (int i = 0; i != 2; ++i) {
    ExprPtr magnitude = makeExpr(Expr::Kind::Unary, place.Start, place);
    magnitude->unaryOp = ast::UnaryOp::Abs;
    magnitude->operands.push_back(std::move(value));
    value = combine(BinaryOp::Sub, makeInt(last, place), std::move(magnitude));
  }
  subscript.computed = std::move(value);
  return true;
}

/// An affine form with divisor 1 as an expression.
ExprPtr OpChecker::exprOf(const ast::AffineForm &form, llvm::SMRange place) {
  ExprPtr sum = makeInt(form.constant, place);
  for (const ast::AffineForm::Term &term : form.terms) {
    ExprPtr index = makeExpr(Expr::Kind::Index, place.Start, place);
    index->indices.push_back(term.index);
    sum = combine(BinaryOp::Add, std::move(sum),
                  combine(BinaryOp::Mul, std::move(index),
                          makeInt(term.coefficient, place)));
  }
  return sum;
}

ExprPtr OpChecker::makeInt(int64_t value, llvm::SMRange place) {
  ExprPtr expr = makeExpr(Expr::Kind::Int, place.Start, place);
  expr->intValue = value;
  return expr;
}

ExprPtr OpChecker::combine(BinaryOp op, ExprPtr a, ExprPtr b) {
  const llvm::SMRange place = rangeOf(*a);
  ExprPtr expr = makeExpr(Expr::Kind::Binary, place.Start, place);
  expr->binaryOp = op;
  expr->operands.push_back(std::move(a));
  expr->operands.push_back(std::move(b));
  return expr;
}
