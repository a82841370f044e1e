// Recognizing convolutions and matrix products in the syntax tree.
#include "workbench/bench/BenchProblem.h"
#include "llvm/ADT/STLExtras.h"

namespace lpgen {

namespace {
/// The one sum of an operator: a read of x times a read of w.
struct Product {
  const ast::Statement *statement = nullptr;
  const ast::Expr *sum = nullptr;
  const ast::Expr *x = nullptr;
  const ast::Expr *w = nullptr;
  bool hasZeroPoints = false;
};

/// Reads one statement as a convolution or matrix product.
class Recognizer {
public:
  Recognizer(const ast::Op &op, llvm::ArrayRef<int64_t> sizes)
      : op(op), sizes(sizes) {}
  Result<Problem> recognize();

private:
  Status findProduct();
  bool matchGemm(const ast::Expr &x, const ast::Expr &w);
  bool matchConvolution(const ast::Expr &x, const ast::Expr &w);
  bool matchDepthwise(const ast::Expr &x, const ast::Expr &w);
  bool matchPixels(const ast::Expr &x, unsigned r, unsigned s);
  bool matchPosition(const ast::Expr &x, unsigned dim, unsigned tap,
                     int64_t &stride, int64_t &dilation, int64_t &pad) const;
  void describeOutput();

  int64_t indexExtent(unsigned index) const;
  int64_t dimSize(const ast::Expr &read, size_t dim) const;
  std::optional<unsigned> plainIndex(const ast::Expr &read, size_t dim) const;
  bool isReduced(unsigned index) const {
    return llvm::is_contained(product.sum->indices, index);
  }
  int64_t sizeOf(const ast::Extent &extent) const {
    return op.sizeOf(extent, sizes);
  }

  const ast::Op &op;
  llvm::ArrayRef<int64_t> sizes;
  Product product;
  Problem problem;
};
} // namespace

static void collectReductions(const ast::Expr &expr,
                              llvm::SmallVector<const ast::Expr *> &found) {
  if (expr.kind == ast::Expr::Kind::Reduce) {
    found.push_back(&expr);
  }
  for (const ast::ExprPtr &operand : expr.operands) {
    collectReductions(*operand, found);
  }
}

/// The read in `x[...]` or `(x[...] - z)`, or null.
static const ast::Expr *factorRead(const ast::Expr &factor,
                                   bool &hasZeroPoint) {
  if (factor.kind == ast::Expr::Kind::Read) {
    return &factor;
  }
  if (factor.kind == ast::Expr::Kind::Binary &&
      factor.binaryOp == ast::BinaryOp::Sub &&
      factor.operands[0]->kind == ast::Expr::Kind::Read) {
    hasZeroPoint = true;
    return factor.operands[0].get();
  }
  return nullptr;
}

Status Recognizer::findProduct() {
  llvm::SmallVector<const ast::Expr *> sums;
  for (const ast::Statement &statement : op.statements) {
    const size_t before = sums.size();
    collectReductions(*statement.value, sums);
    if (sums.size() > before) {
      product.statement = &statement;
    }
  }
  if (sums.size() != 1) {
    return Status::error("the operator has " + std::to_string(sums.size()) +
                         " reductions; theirs has one");
  }
  product.sum = sums.front();
  const ast::Expr &body = *product.sum->operands.front();
  if (product.sum->reduceOp == ast::ReduceOp::Sum &&
      body.kind == ast::Expr::Kind::Binary &&
      body.binaryOp == ast::BinaryOp::Mul &&
      !product.statement->indices[product.sum->indices.front()].last) {
    product.x = factorRead(*body.operands[0], product.hasZeroPoints);
    product.w = factorRead(*body.operands[1], product.hasZeroPoints);
  }
  const ElementType f32{Encoding::Float, 32};
  const auto isOperand = [&](const ast::Expr *read) {
    const ast::Tensor *tensor = read ? &op.tensors[read->tensor] : nullptr;
    return tensor && tensor->role == ast::Role::Input &&
           (body.isFloat ? tensor->type == f32 : !tensor->type.isFloat());
  };
  if (!isOperand(product.x) || !isOperand(product.w)) {
    return Status::error("the operator is no sum of products of two inputs, of "
                         "integers or of f32");
  }
  return Status::success();
}

int64_t Recognizer::indexExtent(unsigned index) const {
  return sizeOf(product.statement->indices[index].extent);
}

int64_t Recognizer::dimSize(const ast::Expr &read, size_t dim) const {
  return sizeOf(op.tensors[read.tensor].shape[dim]);
}

std::optional<unsigned> Recognizer::plainIndex(const ast::Expr &read,
                                               size_t dim) const {
  const ast::Subscript &subscript = read.subscripts[dim];
  if (subscript.computed || !subscript.affine.isPlainIndex()) {
    return std::nullopt;
  }
  return subscript.affine.terms.front().index;
}

/// y[0,1] = sum(k) x[0,k] * w[1,k]; numbers are those of the statement's
/// indices.
bool Recognizer::matchGemm(const ast::Expr &x, const ast::Expr &w) {
  if (op.tensors[product.statement->tensor].shape.size() != 2 ||
      x.subscripts.size() != 2 || w.subscripts.size() != 2 ||
      product.sum->indices.size() != 1) {
    return false;
  }
  const unsigned k = product.sum->indices.front();
  if (plainIndex(x, 0) != 0U || plainIndex(x, 1) != k ||
      plainIndex(w, 0) != 1U || plainIndex(w, 1) != k) {
    return false;
  }
  problem.isGemm = true;
  problem.width = problem.outWidth = indexExtent(0);
  problem.channels = indexExtent(k);
  problem.outChannels = indexExtent(1);
  return true;
}

/// stride * (output index `dim`) + dilation * tap - pad, the filter's extent
/// being that of `tap`.
bool Recognizer::matchPosition(const ast::Expr &x, unsigned dim, unsigned tap,
                               int64_t &stride, int64_t &dilation,
                               int64_t &pad) const {
  const ast::Subscript &subscript = x.subscripts[dim];
  if (subscript.computed || subscript.affine.divisor != 1) {
    return false;
  }
  stride = 0;
  dilation = indexExtent(tap) == 1 ? 1 : 0; // A single tap has no distance.
  for (const ast::AffineForm::Term &term : subscript.affine.terms) {
    if (term.index == dim) {
      stride = term.coefficient;
    } else if (term.index == tap) {
      dilation = term.coefficient;
    } else {
      return false;
    }
  }
  pad = -subscript.affine.constant;
  return stride > 0 && dilation > 0 && pad >= 0;
}

/// y[0,1,2,3] = sum(r,s,c) x[0, a*1 + b*r - p, d*2 + e*s - q, c] * w[3,r,s,c].
bool Recognizer::matchConvolution(const ast::Expr &x, const ast::Expr &w) {
  if (op.tensors[product.statement->tensor].shape.size() != 4 ||
      x.subscripts.size() != 4 || w.subscripts.size() != 4 ||
      product.sum->indices.size() != 3) {
    return false;
  }
  const std::optional<unsigned> r = plainIndex(w, 1);
  const std::optional<unsigned> s = plainIndex(w, 2);
  const std::optional<unsigned> c = plainIndex(w, 3);
  if (!r || !s || !c || !isReduced(*r) || !isReduced(*s) || !isReduced(*c) ||
      plainIndex(w, 0) != 3U || plainIndex(x, 0) != 0U ||
      plainIndex(x, 3) != c) {
    return false;
  }
  problem.channels = indexExtent(*c);
  problem.outChannels = indexExtent(3);
  return matchPixels(x, *r, *s);
}

/// y[0,1,2,3] = sum(r,s) x[0, a*1 + b*r - p, d*2 + e*s - q, 3] * w[r,s,3].
bool Recognizer::matchDepthwise(const ast::Expr &x, const ast::Expr &w) {
  if (op.tensors[product.statement->tensor].shape.size() != 4 ||
      x.subscripts.size() != 4 || w.subscripts.size() != 3 ||
      product.sum->indices.size() != 2) {
    return false;
  }
  const std::optional<unsigned> r = plainIndex(w, 0);
  const std::optional<unsigned> s = plainIndex(w, 1);
  if (!r || !s || !isReduced(*r) || !isReduced(*s) || plainIndex(w, 2) != 3U ||
      plainIndex(x, 0) != 0U || plainIndex(x, 3) != 3U) {
    return false;
  }
  problem.channels = problem.outChannels = indexExtent(3);
  problem.isDepthwise = matchPixels(x, *r, *s);
  return problem.isDepthwise;
}

/// Images, rows and columns of a convolution with taps r and s.
bool Recognizer::matchPixels(const ast::Expr &x, unsigned r, unsigned s) {
  if (!matchPosition(x, 1, r, problem.strideH, problem.dilationH,
                     problem.padTop) ||
      !matchPosition(x, 2, s, problem.strideW, problem.dilationW,
                     problem.padLeft)) {
    return false;
  }
  problem.batch = indexExtent(0);
  problem.height = dimSize(x, 1);
  problem.width = dimSize(x, 2);
  problem.outHeight = indexExtent(1);
  problem.outWidth = indexExtent(2);
  problem.kernelH = indexExtent(r);
  problem.kernelW = indexExtent(s);
  return true;
}

/// What baselines are asked to write: the sums where the operator writes these,
/// else its first output's type.
void Recognizer::describeOutput() {
  const ast::Statement &statement = *product.statement;
  const ast::Tensor &target = op.tensors[statement.tensor];
  const ast::Tensor &x = op.tensors[product.x->tensor];
  const bool padsByZero =
      !x.padding ||
      (x.padding->kind == ast::Padding::Kind::Value && x.padding->value == 0);
  if (statement.value.get() == product.sum &&
      target.role == ast::Role::Output &&
      (target.type == ElementType{Encoding::Signed, 32} ||
       target.type == ElementType{Encoding::Float, 32})) {
    // Zero points and other paddings are extra work of ours; baselines compute
    // the plain product then, and nothing can be compared.
    if (!product.hasZeroPoints && padsByZero) {
      problem.result = int(statement.tensor);
    }
    return;
  }
  const ElementType output = op.tensors[op.numInputs()].type;
  if (output.isFloat()) {
    problem.output = OutputKind::F32;
  } else if (output.storageBits() == 8) {
    problem.output = output.isStorageSigned() ? OutputKind::S8 : OutputKind::U8;
  }
}

Result<Problem> Recognizer::recognize() {
  LPGEN_RETURN_IF_ERROR(findProduct());
  const auto match = [&](const ast::Expr &x, const ast::Expr &w) {
    return matchGemm(x, w) || matchConvolution(x, w) || matchDepthwise(x, w);
  };
  if (!match(*product.x, *product.w)) {
    std::swap(product.x, product.w);
    if (!match(*product.x, *product.w)) {
      return Status::error(
          "the operator is neither a matrix product x[m,k] * w[n,k] nor a "
          "convolution of NHWC activations with OHWI weights, or HWC ones if "
          "it is depthwise");
    }
  }
  problem.x = int(product.x->tensor);
  problem.w = int(product.w->tensor);
  describeOutput();
  return problem;
}

Result<Problem> recognizeProblem(const ast::Op &op,
                                 llvm::ArrayRef<int64_t> sizes) {
  return Recognizer(op, sizes).recognize();
}

} // namespace lpgen
