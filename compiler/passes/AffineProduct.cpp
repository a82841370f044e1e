// Terms of sums as products of affine forms. See AffineProduct.h.
#include "compiler/passes/AffineProduct.h"
#include "ir/dialect/Bounds.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include <numeric>

using namespace mlir;
using namespace lpgen;
using lp::Int128;

namespace {

/// scale * read + offset + zeroScale * zero.
struct Form {
  lp::ReadOp read;
  int64_t scale = 0;
  lp::ReadOp zero;
  int64_t zeroScale = 0;
  int64_t offset = 0;
};

struct Interval {
  Int128 low = 0;
  Int128 high = 0;
};

/// Deeper expressions than the language has are not looked into.
constexpr unsigned maxDepth = 256;

bool isNumber(Int128 value) {
  return value >= -maxAffineNumber && value <= maxAffineNumber;
}

/// a + factor * b, if it is small enough.
std::optional<int64_t> combine(int64_t a, int64_t factor, int64_t b) {
  const Int128 sum = Int128(a) + Int128(factor) * b;
  return isNumber(sum) ? std::optional(static_cast<int64_t>(sum))
                       : std::nullopt;
}

/// a + factor * b, of at most one read and one zero point each.
std::optional<Form> combine(const Form &a, int64_t factor, const Form &b) {
  if ((a.read && b.read && a.read != b.read) ||
      (a.zero && b.zero && a.zero != b.zero)) {
    return std::nullopt;
  }
  const auto scale = combine(a.scale, factor, b.scale);
  const auto zeroScale = combine(a.zeroScale, factor, b.zeroScale);
  const auto offset = combine(a.offset, factor, b.offset);
  if (!scale || !zeroScale || !offset) {
    return std::nullopt;
  }
  return Form{a.read ? a.read : b.read, *scale, a.zero ? a.zero : b.zero,
              *zeroScale, *offset};
}

class ProductMatcher {
public:
  explicit ProductMatcher(lp::ReduceOp reduce) : reduce(reduce) {
    for (BlockArgument index : reduce.getBody().getArguments()) {
      varying.insert(index);
    }
    for (Operation &op : reduce.getBody().front().without_terminator()) {
      visit(op);
    }
  }

  std::optional<AffineProduct> match(std::string &whyNot);

private:
  void visit(Operation &op);
  bool varies(Value value) const { return varying.contains(value); }
  std::optional<Interval> rangeOf(Value value) const;
  std::optional<Interval> rangeAfter(Operation &op) const;
  std::optional<Form> formOf(Value value, unsigned depth);
  std::optional<Form> findForm(Value value, unsigned depth);
  bool multiply(Value value, unsigned depth);
  bool multiplyForm(const Form &form, Value value);
  bool fail(const char *why) {
    reason = why;
    return false;
  }

  lp::ReduceOp reduce;
  llvm::DenseSet<Value> varying; ///< What depends on the reduction.
  /// Values in the body, as integers without bounds; absent where a type may
  /// have wrapped.
  llvm::DenseMap<Value, Interval> ranges;
  llvm::DenseMap<Value, std::optional<Form>> forms;
  AffineProduct product;
  std::string reason;
};

Interval join(const Interval &a, const Interval &b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

/// What a read yields; nothing if it is no integer, or reads a padding that is
/// no element.
std::optional<Interval> rangeOfRead(lp::ReadOp read) {
  if (!read.getType().isInteger()) {
    return std::nullopt;
  }
  SmallVector<int64_t, 2> range = read.elementRange();
  Interval all{range[0], range[1]};
  if (auto pad = dyn_cast_if_present<IntegerAttr>(read.getPadAttr())) {
    return join(all, {pad.getInt(), pad.getInt()});
  }
  Value scalar = read.getPadScalar();
  if (!scalar) {
    return all;
  }
  if (auto extend = scalar.getDefiningOp<arith::ExtSIOp>()) {
    scalar = extend.getIn();
  }
  auto padding = scalar.getDefiningOp<lp::ReadOp>();
  if (!padding || padding.mayBeOutside()) {
    return std::nullopt;
  }
  range = padding.elementRange();
  return join(all, {range[0], range[1]});
}

std::optional<Interval> ProductMatcher::rangeOf(Value value) const {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant))) {
    return Interval{constant.getSExtValue(), constant.getSExtValue()};
  }
  if (auto known = ranges.find(value); known != ranges.end()) {
    return known->second;
  }
  auto read = value.getDefiningOp<lp::ReadOp>();
  return read ? rangeOfRead(read) : std::nullopt;
}

std::optional<Interval> ProductMatcher::rangeAfter(Operation &op) const {
  if (auto read = dyn_cast<lp::ReadOp>(op)) {
    return rangeOfRead(read);
  }
  if (auto extend = dyn_cast<arith::ExtSIOp>(op)) {
    return rangeOf(extend.getIn());
  }
  if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op)) {
    return std::nullopt;
  }
  const auto a = rangeOf(op.getOperand(0));
  const auto b = rangeOf(op.getOperand(1));
  if (!a || !b) {
    return std::nullopt;
  }
  Interval range{a->low + b->low, a->high + b->high};
  if (isa<arith::SubIOp>(op)) {
    range = {a->low - b->high, a->high - b->low};
  } else if (isa<arith::MulIOp>(op)) {
    const Int128 products[] = {a->low * b->low, a->low * b->high,
                               a->high * b->low, a->high * b->high};
    range = {*llvm::min_element(products), *llvm::max_element(products)};
  }
  const unsigned bits = op.getResult(0).getType().getIntOrFloatBitWidth();
  const Int128 bound = Int128(1) << (bits - 1);
  return range.low >= -bound && range.high < bound ? std::optional(range)
                                                   : std::nullopt;
}

void ProductMatcher::visit(Operation &op) {
  bool depends = false;
  op.walk([&](Operation *inner) {
    depends |= llvm::any_of(inner->getOperands(),
                            [&](Value operand) { return varies(operand); });
  });
  if (depends) {
    varying.insert(op.result_begin(), op.result_end());
  }
  if (op.getNumResults() == 1 && op.getResult(0).getType().isInteger()) {
    if (auto range = rangeAfter(op)) {
      ranges[op.getResult(0)] = *range;
    }
  }
}

std::optional<Form> ProductMatcher::formOf(Value value, unsigned depth) {
  if (auto known = forms.find(value); known != forms.end()) {
    return known->second;
  }
  std::optional<Form> form =
      depth < maxDepth ? findForm(value, depth + 1) : std::nullopt;
  forms[value] = form;
  return form;
}

std::optional<Form> ProductMatcher::findForm(Value value, unsigned depth) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant))) {
    return isNumber(constant.getSExtValue())
               ? std::optional(Form{{}, 0, {}, 0, constant.getSExtValue()})
               : std::nullopt;
  }
  if (auto read = value.getDefiningOp<lp::ReadOp>()) {
    return varies(value)          ? std::optional(Form{read, 1, {}, 0, 0})
           : !read.mayBeOutside() ? std::optional(Form{{}, 0, read, 1, 0})
                                  : std::nullopt;
  }
  Operation *op = value.getDefiningOp();
  if (auto extend = dyn_cast_or_null<arith::ExtSIOp>(op)) {
    const bool isExact =
        extend.getIn().getDefiningOp<lp::ReadOp>() || rangeOf(extend.getIn());
    return isExact ? formOf(extend.getIn(), depth) : std::nullopt;
  }
  if (!isa_and_present<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op)) {
    return std::nullopt;
  }
  auto a = formOf(op->getOperand(0), depth);
  auto b = formOf(op->getOperand(1), depth);
  if (!a || !b) {
    return std::nullopt;
  }
  if (!isa<arith::MulIOp>(op)) {
    return combine(*a, isa<arith::AddIOp>(op) ? 1 : -1, *b);
  }
  const auto isConstant = [](const Form &form) {
    return !form.read && !form.zero;
  };
  if (isConstant(*a)) {
    std::swap(a, b);
  }
  return isConstant(*b) ? combine(Form(), b->offset, *a) : std::nullopt;
}

/// A form as a factor of the product: m * (scale * read + offset - zero).
bool ProductMatcher::multiplyForm(const Form &form, Value value) {
  if (form.scale == 0) {
    if (varies(value)) {
      return fail("a factor cancels out");
    }
    if (form.zeroScale != 0) {
      product.invariants.push_back(value);
      return true;
    }
    const Int128 constant = Int128(product.constant) * form.offset;
    product.constant = static_cast<int64_t>(constant);
    return isNumber(constant) || fail("its constants are too large");
  }
  int64_t m = -form.zeroScale;
  if (m == 0) {
    m = static_cast<int64_t>(std::gcd(form.scale, form.offset));
    m = form.scale < 0 ? -m : m;
  }
  if (form.scale % m != 0 || form.offset % m != 0) {
    return fail("a zero point is multiplied");
  }
  product.factors.push_back({form.read, form.scale / m, form.offset / m,
                             form.zeroScale == 0 ? lp::ReadOp() : form.zero});
  const Int128 constant = Int128(product.constant) * m;
  product.constant = static_cast<int64_t>(constant);
  return isNumber(constant) || fail("its constants are too large");
}

bool ProductMatcher::multiply(Value value, unsigned depth) {
  if (product.factors.size() > 2) {
    return fail("it multiplies more than two tensors");
  }
  if (auto form = formOf(value, depth)) {
    return multiplyForm(*form, value);
  }
  if (!varies(value)) {
    product.invariants.push_back(value);
    return true;
  }
  Operation *op = value.getDefiningOp();
  if (auto extend = dyn_cast_or_null<arith::ExtSIOp>(op);
      extend && rangeOf(extend.getIn()) && depth < maxDepth) {
    return multiply(extend.getIn(), depth + 1);
  }
  if (auto minus = dyn_cast_or_null<arith::SubIOp>(op);
      minus && matchPattern(minus.getLhs(), m_Zero()) && depth < maxDepth) {
    product.constant = -product.constant;
    return multiply(minus.getRhs(), depth + 1);
  }
  if (auto times = dyn_cast_or_null<arith::MulIOp>(op);
      times && depth < maxDepth) {
    return multiply(times.getLhs(), depth + 1) &&
           multiply(times.getRhs(), depth + 1);
  }
  return fail("a factor is no multiple of one tensor plus an offset");
}

std::optional<AffineProduct> ProductMatcher::match(std::string &whyNot) {
  Value term = cast<lp::YieldOp>(reduce.getBody().front().getTerminator())
                   .getValues()[0];
  if (multiply(term, 0) && product.factors.size() <= 2) {
    if (product.factors.size() == 2) {
      return product;
    }
    return std::nullopt; // a sum of one tensor
  }
  Operation *op = term.getDefiningOp();
  while (auto extend = dyn_cast_or_null<arith::ExtSIOp>(op)) {
    op = extend.getIn().getDefiningOp();
  }
  if (isa_and_present<arith::MulIOp>(op) && varies(op->getOperand(0)) &&
      varies(op->getOperand(1))) {
    whyNot =
        reason.empty() ? "it multiplies more than two tensors" : reason.c_str();
  }
  return std::nullopt;
}

} // namespace

/// Both factors as elements that depend on the reduction.
static std::optional<AffineProduct> matchFloats(lp::ReduceOp reduce,
                                                std::string &whyNot) {
  AffineProduct product;
  Block &body = reduce.getBody().front();
  bool areElements = true;
  for (Value factor : cast<lp::YieldOp>(body.getTerminator()).getValues()) {
    if (matchPattern(factor, m_Constant())) {
      return std::nullopt;
    }
    auto read = factor.getDefiningOp<lp::ReadOp>();
    areElements = areElements && read;
    if (read && llvm::none_of(read.getIndices(), [&](Value index) {
          return index.getDefiningOp() ||
                 llvm::is_contained(body.getArguments(), index);
        })) {
      return std::nullopt;
    }
    product.factors.push_back({read, 1, 0, {}});
  }
  if (!areElements) {
    whyNot = "a factor of f32 is computed";
    return std::nullopt;
  }
  return product;
}

std::optional<AffineProduct> lpgen::matchProduct(lp::ReduceOp reduce,
                                                 std::string &whyNot) {
  if (reduce.getKind() == lp::ReduceKind::Fma) {
    return matchFloats(reduce, whyNot);
  }
  return ProductMatcher(reduce).match(whyNot);
}

void lpgen::moveBefore(Value value, lp::ReduceOp reduce) {
  llvm::DenseSet<Value> needed{value};
  SmallVector<Operation *> moved;
  for (Operation &op : llvm::reverse(reduce.getBody().front())) {
    if (llvm::any_of(op.getResults(),
                     [&](Value result) { return needed.contains(result); })) {
      op.walk([&](Operation *inner) {
        needed.insert(inner->operand_begin(), inner->operand_end());
      });
      moved.push_back(&op);
    }
  }
  for (Operation *op : llvm::reverse(moved)) {
    op->moveBefore(reduce);
  }
}
