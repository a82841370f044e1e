// Channels that no product needs. See DeadChannels.h.
//
// Dimensions of tensors and indices of statements are joined where an index
// alone is a subscript of a dimension: all of a set have the same channels.
// What gives a position another meaning than that of a channel pins its set.
#include "operators/network/DeadChannels.h"
#include "base/types/Scalar.h"
#include "operators/network/SubOperator.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include <map>

namespace lpgen {

using ast::Expr;

namespace {

/// Channels that stay are a multiple of this: rows of other numbers of bytes
/// are packed more slowly than a few channels are computed.
constexpr int64_t kMultiple = 8;

/// A value that is known: the integer, or the f32.
struct Known {
  bool isFloat = false;
  int64_t intValue = 0;
  float floatValue = 0;

  static Known of(int64_t v) { return {false, v, 0}; }
  static Known of(float v) { return {true, 0, v}; }
  bool isZero() const { return !isFloat && intValue == 0; }
  bool operator==(const Known &) const = default;
};

class Search {
public:
  explicit Search(const ast::Op &op);
  std::optional<ast::Op> run(llvm::function_ref<void(const LeftOut &)> report);

private:
  /// A sum over channels.
  struct Sum {
    unsigned statement;
    unsigned index;
    const Expr *term;
  };

  unsigned dimOf(unsigned tensor, size_t dim) const {
    return firstDim[tensor] + unsigned(dim);
  }
  unsigned indexOf(unsigned statement, unsigned index) const {
    return firstIndex[statement] + index;
  }
  void visit(unsigned statement, const Expr &expr);
  void visitRead(unsigned statement, const Expr &expr);
  void pin(unsigned node) { pinned.set(node); }
  void pinAll(unsigned statement);

  void findKnown(unsigned statement);
  std::optional<Known> value(const Expr &expr, unsigned statement,
                             unsigned index, int64_t at) const;
  std::optional<Known> read(const Expr &expr, unsigned index, int64_t at) const;
  std::optional<Known> unary(const Expr &expr, Known operand) const;
  std::optional<Known> binary(const Expr &expr, unsigned statement,
                              unsigned index, int64_t at) const;
  std::optional<Known> stored(const ast::Tensor &tensor, Known value) const;
  bool isZeroSlice(const HostTensor &values, size_t dim, int64_t at) const;
  llvm::BitVector needed(unsigned leader, int64_t channels) const;
  void shrink(ast::Op &to, unsigned leader, llvm::ArrayRef<int64_t> kept) const;

  const ast::Op &op;
  std::vector<unsigned> firstDim;   ///< By tensor, in numbers of nodes.
  std::vector<unsigned> firstIndex; ///< By statement.
  llvm::EquivalenceClasses<unsigned> sets;
  llvm::BitVector pinned;
  std::vector<Sum> sums;
  /// By node of a dimension and channel, all elements of it.
  std::map<std::pair<unsigned, int64_t>, Known> known;
};

} // namespace

/// The index of which a subscript consists, if it is one alone.
static std::optional<unsigned> aloneIn(const ast::Subscript &subscript) {
  const ast::AffineForm &form = subscript.affine;
  const bool isAlone = !subscript.computed && form.terms.size() == 1 &&
                       form.terms[0].coefficient == 1 && form.constant == 0 &&
                       form.divisor == 1;
  return isAlone ? std::optional(form.terms[0].index) : std::nullopt;
}

Search::Search(const ast::Op &op) : op(op) {
  unsigned nodes = 0;
  for (const ast::Tensor &tensor : op.tensors) {
    firstDim.push_back(nodes);
    nodes += unsigned(tensor.shape.size());
  }
  for (const ast::Statement &statement : op.statements) {
    firstIndex.push_back(nodes);
    nodes += unsigned(statement.indices.size());
  }
  pinned.resize(nodes);
  for (unsigned i = 0; i < nodes; ++i) {
    sets.insert(i);
  }
  for (const auto [t, tensor] : llvm::enumerate(op.tensors)) {
    const bool isInside = tensor.role == ast::Role::Intermediate ||
                          tensor.role == ast::Role::Constant;
    for (const auto [d, extent] : llvm::enumerate(tensor.shape)) {
      if (!isInside || !extent.isStatic()) {
        pin(dimOf(unsigned(t), d));
      }
    }
  }
  for (const auto [s, statement] : llvm::enumerate(op.statements)) {
    const auto number = unsigned(s);
    for (size_t d = 0; d < op.tensors[statement.tensor].shape.size(); ++d) {
      sets.unionSets(dimOf(statement.tensor, d), indexOf(number, unsigned(d)));
    }
    for (const auto [i, index] : llvm::enumerate(statement.indices)) {
      if (index.last) { // A sum up to another index.
        pin(indexOf(number, unsigned(i)));
        pin(indexOf(number, *index.last));
      }
    }
    visit(number, *statement.value);
  }
}

void Search::pinAll(unsigned statement) {
  for (unsigned i = 0; i < op.statements[statement].indices.size(); ++i) {
    pin(indexOf(statement, i));
  }
}

void Search::visitRead(unsigned statement, const Expr &expr) {
  const bool isPlain = !expr.padding ||
                       expr.padding->kind == ast::Padding::Kind::Value ||
                       expr.padding->kind == ast::Padding::Kind::Scalar;
  for (const auto [d, subscript] : llvm::enumerate(expr.subscripts)) {
    const unsigned dim = dimOf(expr.tensor, d);
    if (subscript.computed) {
      pin(dim);
      visit(statement, *subscript.computed);
      continue;
    }
    const std::optional<unsigned> alone = aloneIn(subscript);
    if (alone && isPlain) {
      sets.unionSets(dim, indexOf(statement, *alone));
      continue;
    }
    pin(dim);
    for (const ast::AffineForm::Term &term : subscript.affine.terms) {
      pin(indexOf(statement, term.index));
    }
  }
  if (!isPlain && expr.padding->kind == ast::Padding::Kind::Channel) {
    pin(dimOf(expr.padding->tensor, 0));
  }
}

void Search::visit(unsigned statement, const Expr &expr) {
  switch (expr.kind) {
  case Expr::Kind::Read:
    visitRead(statement, expr);
    break;
  case Expr::Kind::Index:
    for (const unsigned index : expr.indices) {
      pin(indexOf(statement, index));
    }
    break;
  case Expr::Kind::Unary:
    if (expr.unaryOp == ast::UnaryOp::Random) { // By the element's position.
      pinAll(statement);
    }
    break;
  case Expr::Kind::Reduce:
    for (const unsigned index : expr.indices) {
      if (expr.reduceOp == ast::ReduceOp::Sum && !expr.isFloat) {
        sums.push_back({statement, index, expr.operands[0].get()});
      } else {
        pin(indexOf(statement, index));
      }
    }
    break;
  default:
    break;
  }
  for (const ast::ExprPtr &operand : expr.operands) {
    visit(statement, *operand);
  }
}

bool Search::isZeroSlice(const HostTensor &values, size_t dim,
                         int64_t at) const {
  if (values.type().isFloat()) {
    return false;
  }
  int64_t inner = 1;
  for (size_t d = dim + 1; d < values.shape().size(); ++d) {
    inner *= values.shape()[d];
  }
  const int64_t step = inner * values.shape()[dim];
  for (int64_t begin = at * inner; begin < values.numElements();
       begin += step) {
    for (int64_t i = begin; i < begin + inner; ++i) {
      if (values.getInt(i) != 0) {
        return false;
      }
    }
  }
  return true;
}

/// An element at position `at` of the index, if it does not depend on others.
std::optional<Known> Search::read(const Expr &expr, unsigned index,
                                  int64_t at) const {
  const ast::Tensor &tensor = op.tensors[expr.tensor];
  std::optional<Known> result;
  for (const auto [d, subscript] : llvm::enumerate(expr.subscripts)) {
    if (aloneIn(subscript) != index || result) {
      continue;
    }
    if (tensor.role != ast::Role::Constant) {
      const auto found = known.find({dimOf(expr.tensor, d), at});
      result = found == known.end() ? result : std::optional(found->second);
    } else if (tensor.shape.size() == 1) {
      result = tensor.type.isFloat() ? Known::of(tensor.values->getFloat(at))
                                     : Known::of(tensor.values->getInt(at));
    } else if (isZeroSlice(*tensor.values, d, at)) {
      result = Known::of(int64_t{0});
    }
  }
  if (result && expr.padding) {
    const Known outside = expr.isFloat ? Known::of(expr.padding->floatValue)
                                       : Known::of(expr.padding->value);
    const bool isSame =
        expr.padding->kind == ast::Padding::Kind::Value && outside == *result;
    return isSame ? result : std::nullopt;
  }
  return result;
}

std::optional<Known> Search::unary(const Expr &expr, Known operand) const {
  switch (expr.unaryOp) {
  case ast::UnaryOp::ToFloat:
    return Known::of(scalar::toFloat(operand.intValue));
  case ast::UnaryOp::Round:
    return Known::of(scalar::roundToInt32(operand.floatValue));
  case ast::UnaryOp::Floor:
    return Known::of(scalar::floorToInt32(operand.floatValue));
  case ast::UnaryOp::RoundHalfAway:
    return Known::of(scalar::roundHalfAwayToInt32(operand.floatValue));
  case ast::UnaryOp::RoundHalfUp:
    return Known::of(scalar::roundHalfUpToInt32(operand.floatValue));
  default:
    return std::nullopt;
  }
}

std::optional<Known> Search::binary(const Expr &expr, unsigned statement,
                                    unsigned index, int64_t at) const {
  const auto a = value(*expr.operands[0], statement, index, at);
  const auto b = value(*expr.operands[1], statement, index, at);
  if (expr.binaryOp == ast::BinaryOp::Mul && !expr.isFloat &&
      ((a && a->isZero()) || (b && b->isZero()))) {
    return Known::of(int64_t{0});
  }
  if (!a || !b || a->isFloat != expr.isFloat || b->isFloat != expr.isFloat) {
    return std::nullopt;
  }
  const int64_t i = a->intValue;
  const int64_t j = b->intValue;
  const float x = a->floatValue;
  const float y = b->floatValue;
  switch (expr.binaryOp) {
  case ast::BinaryOp::Add:
    return expr.isFloat ? Known::of(x + y) : Known::of(i + j);
  case ast::BinaryOp::Sub:
    return expr.isFloat ? Known::of(x - y) : Known::of(i - j);
  case ast::BinaryOp::Mul:
    return expr.isFloat ? Known::of(x * y) : Known::of(i * j);
  case ast::BinaryOp::Min:
    return expr.isFloat ? Known::of(scalar::minimum(x, y))
                        : Known::of(std::min(i, j));
  case ast::BinaryOp::Max:
    return expr.isFloat ? Known::of(scalar::maximum(x, y))
                        : Known::of(std::max(i, j));
  case ast::BinaryOp::Div:
    return expr.isFloat ? std::optional(Known::of(x / y)) : std::nullopt;
  default:
    return std::nullopt;
  }
}

/// An expression at position `at` of the index, the same for all others.
std::optional<Known> Search::value(const Expr &expr, unsigned statement,
                                   unsigned index, int64_t at) const {
  switch (expr.kind) {
  case Expr::Kind::Int:
    return Known::of(expr.intValue);
  case Expr::Kind::Float:
    return Known::of(expr.floatValue);
  case Expr::Kind::Read:
    return read(expr, index, at);
  case Expr::Kind::Unary: {
    const auto operand = value(*expr.operands[0], statement, index, at);
    return operand ? unary(expr, *operand) : std::nullopt;
  }
  case Expr::Kind::Binary:
    return binary(expr, statement, index, at);
  case Expr::Kind::Reduce: {
    const auto term = value(*expr.operands[0], statement, index, at);
    const bool isExtreme = expr.reduceOp == ast::ReduceOp::Max ||
                           expr.reduceOp == ast::ReduceOp::Min;
    const bool isKnown =
        term &&
        (isExtreme || (expr.reduceOp == ast::ReduceOp::Sum && term->isZero()));
    return isKnown ? term : std::nullopt;
  }
  default:
    return std::nullopt;
  }
}

/// What a store of the value leaves in an element of the tensor.
std::optional<Known> Search::stored(const ast::Tensor &tensor,
                                    Known value) const {
  if (value.isFloat) {
    return tensor.type == ElementType{Encoding::Float, 32}
               ? std::optional(value)
               : std::nullopt;
  }
  if (tensor.type.isFloat() || tensor.type.encoding == Encoding::Bipolar) {
    return std::nullopt;
  }
  return Known::of(std::clamp(value.intValue, tensor.type.minValue(),
                              tensor.type.maxValue()));
}

/// Channels of the result whose elements are all one known value.
void Search::findKnown(unsigned statement) {
  const ast::Statement &at = op.statements[statement];
  const ast::Tensor &tensor = op.tensors[at.tensor];
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    const unsigned dim = dimOf(at.tensor, d);
    if (pinned[sets.getLeaderValue(dim)]) {
      continue;
    }
    for (int64_t c = 0; c < tensor.shape[d].size; ++c) {
      const auto found = value(*at.value, statement, unsigned(d), c);
      const auto kept = found ? stored(tensor, *found) : std::nullopt;
      if (kept) {
        known.insert({{dim, c}, *kept});
      }
    }
  }
}

/// Channels of a set that have products; all where it is in no sum.
llvm::BitVector Search::needed(unsigned leader, int64_t channels) const {
  bool isSummed = false;
  llvm::BitVector result(unsigned(channels), false);
  for (const Sum &sum : sums) {
    if (sets.getLeaderValue(indexOf(sum.statement, sum.index)) != leader) {
      continue;
    }
    isSummed = true;
    for (int64_t c = 0; c < channels; ++c) {
      const auto term = value(*sum.term, sum.statement, sum.index, c);
      if (!term || !term->isZero()) {
        result.set(unsigned(c));
      }
    }
  }
  return isSummed ? result : result.flip();
}

/// `values` with the positions `kept` of a dimension only.
static HostTensor sliced(const HostTensor &values, size_t dim,
                         llvm::ArrayRef<int64_t> kept) {
  std::vector<int64_t> shape = values.shape();
  shape[dim] = int64_t(kept.size());
  HostTensor result(values.type(), shape);
  for (int64_t i = 0; i < result.numElements(); ++i) {
    std::vector<int64_t> at = result.indicesAt(i);
    at[dim] = kept[size_t(at[dim])];
    if (values.type().isFloat()) {
      result.setFloat(i, values.getFloat(values.position(at)));
    } else {
      result.setInt(i, values.getInt(values.position(at)));
    }
  }
  return result;
}

void Search::shrink(ast::Op &to, unsigned leader,
                    llvm::ArrayRef<int64_t> kept) const {
  const auto isOfSet = [&](unsigned node) {
    return sets.getLeaderValue(node) == leader;
  };
  for (const auto [t, tensor] : llvm::enumerate(to.tensors)) {
    for (size_t d = 0; d < tensor.shape.size(); ++d) {
      if (!isOfSet(dimOf(unsigned(t), d))) {
        continue;
      }
      tensor.shape[d].size = int64_t(kept.size());
      if (tensor.values) {
        tensor.values =
            std::make_shared<const HostTensor>(sliced(*tensor.values, d, kept));
      }
    }
  }
  for (const auto [s, statement] : llvm::enumerate(to.statements)) {
    for (const auto [i, index] : llvm::enumerate(statement.indices)) {
      if (isOfSet(indexOf(unsigned(s), unsigned(i)))) {
        index.extent.size = int64_t(kept.size());
      }
    }
  }
}

std::optional<ast::Op>
Search::run(llvm::function_ref<void(const LeftOut &)> report) {
  const llvm::BitVector members = pinned;
  for (const unsigned node : members.set_bits()) {
    pinned.set(sets.getLeaderValue(node));
  }
  for (unsigned s = 0; s < op.statements.size(); ++s) {
    findKnown(s);
  }
  std::optional<ast::Op> result;
  llvm::BitVector isDone(pinned.size());
  for (const auto [t, tensor] : llvm::enumerate(op.tensors)) {
    for (const auto [d, extent] : llvm::enumerate(tensor.shape)) {
      const unsigned leader =
          sets.getLeaderValue(dimOf(unsigned(t), unsigned(d)));
      if (tensor.role != ast::Role::Intermediate || pinned[leader] ||
          isDone[leader]) {
        continue;
      }
      isDone.set(leader);
      llvm::BitVector stays = needed(leader, extent.size);
      const int64_t left = std::min(
          extent.size,
          std::max<int64_t>(1, (stays.count() + kMultiple - 1) / kMultiple) *
              kMultiple);
      if (left == extent.size) {
        continue;
      }
      for (int c = stays.find_first_unset(); int64_t(stays.count()) < left;
           c = stays.find_next_unset(unsigned(c))) {
        stays.set(unsigned(c));
      }
      llvm::SmallVector<int64_t> kept(stays.set_bits());
      result = result ? std::move(result) : copyOf(op);
      shrink(*result, leader, kept);
      report({unsigned(t), extent.size, left});
    }
  }
  return result;
}

std::optional<ast::Op>
withoutDeadChannels(const ast::Op &op,
                    llvm::function_ref<void(const LeftOut &)> report) {
  return Search(op).run(report);
}

} // namespace lpgen
