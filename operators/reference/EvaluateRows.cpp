// Sums, by rows: the tree is walked once for all values of the last index of a
// sum instead of once for each. What has no form here is evaluated one by one.
#include "operators/reference/Interpreter.h"
#include <algorithm>
#include <cmath>

namespace lpgen {

using ast::BinaryOp;
using ast::Expr;

/// Nothing if the subscripts are not affine, or if what is read is computed on
/// demand.
std::optional<Interpreter::RowOfRead>
Interpreter::rowOfRead(const Expr &read, const Frame &frame, unsigned index,
                       int64_t size) const {
  const std::vector<int64_t> &shape = shapes[read.tensor];
  RowOfRead row{materialized[read.tensor], 0, 0, 0, size};
  if (!row.source) {
    return std::nullopt;
  }
  for (size_t d = 0; d < shape.size(); ++d) {
    const ast::AffineForm &form = read.subscripts[d].affine;
    if (read.subscripts[d].computed || form.divisor != 1) {
      return std::nullopt;
    }
    int64_t first = form.constant;
    int64_t step = 0;
    for (const ast::AffineForm::Term &term : form.terms) {
      if (term.index == index) {
        step = term.coefficient;
      } else {
        first += term.coefficient * frame.indices[term.index];
      }
    }
    row.position = row.position * shape[d] + first;
    row.stride = row.stride * shape[d] + step;
    const auto isInside = [&](int64_t i) {
      return first + step * i >= 0 && first + step * i < shape[d];
    };
    while (row.begin < row.end && !isInside(row.begin)) {
      ++row.begin;
    }
    while (row.begin < row.end && !isInside(row.end - 1)) {
      --row.end;
    }
  }
  return row;
}

/// row[i] = inside(position) where `read` is inside, outside() with the index
/// at i elsewhere.
template <typename T, typename Row, typename Inside, typename Outside>
static void fillRow(llvm::MutableArrayRef<T> row, const Row *read,
                    int64_t &index, Inside inside, Outside outside) {
  const auto size = static_cast<int64_t>(row.size());
  const int64_t begin = read ? read->begin : size;
  const int64_t end = read ? std::max(begin, read->end) : size;
  for (index = 0; index < begin; ++index) {
    row[index] = outside();
  }
  for (int64_t i = begin; i < end; ++i) {
    row[i] = inside(read->position + i * read->stride);
  }
  for (index = end; index < size; ++index) {
    row[index] = outside();
  }
  index = 0;
}

static bool overflows(BinaryOp op, int64_t a, int64_t b, int64_t &result) {
  return op == BinaryOp::Add   ? __builtin_add_overflow(a, b, &result)
         : op == BinaryOp::Sub ? __builtin_sub_overflow(a, b, &result)
                               : __builtin_mul_overflow(a, b, &result);
}

void Interpreter::checkRow(llvm::ArrayRef<int64_t> row, const Expr &expr,
                           const Frame &frame) {
  int64_t least = row.front();
  int64_t greatest = row.front();
  for (int64_t value : row) {
    least = std::min(least, value);
    greatest = std::max(greatest, value);
  }
  inRange(least, expr, frame);
  inRange(greatest, expr, frame);
}

void Interpreter::evaluateRow(const Expr &expr, Frame &frame, unsigned index,
                              llvm::MutableArrayRef<int64_t> row) {
  const bool isArithmetic =
      expr.kind == Expr::Kind::Binary &&
      (expr.binaryOp == BinaryOp::Add || expr.binaryOp == BinaryOp::Sub ||
       expr.binaryOp == BinaryOp::Mul);
  if (!isArithmetic) {
    std::optional<RowOfRead> read;
    if (expr.kind == Expr::Kind::Read) {
      read = rowOfRead(expr, frame, index, static_cast<int64_t>(row.size()));
    }
    fillRow(
        row, read ? &*read : nullptr, frame.indices[index],
        [&](int64_t at) { return read->source->getInt(at); },
        [&] { return evaluateInt(expr, frame); });
    return checkRow(row, expr, frame);
  }
  llvm::SmallVector<int64_t, 128> right(row.size());
  evaluateRow(*expr.operands[0], frame, index, row);
  evaluateRow(*expr.operands[1], frame, index, right);
  for (size_t i = 0; i < row.size(); ++i) {
    if (overflows(expr.binaryOp, row[i], right[i], row[i])) {
      fail(frame, "an operation leaves 64 bits");
    }
  }
  checkRow(row, expr, frame);
}

void Interpreter::evaluateRow(const Expr &expr, Frame &frame, unsigned index,
                              llvm::MutableArrayRef<float> row) {
  std::optional<RowOfRead> read;
  if (expr.kind == Expr::Kind::Read) {
    read = rowOfRead(expr, frame, index, static_cast<int64_t>(row.size()));
  }
  fillRow(
      row, read ? &*read : nullptr, frame.indices[index],
      [&](int64_t at) { return read->source->getFloat(at); },
      [&] { return evaluateFloat(expr, frame); });
}

/// Calls step(last index, extent) for all values of the other indices of a sum.
template <typename Step>
void Interpreter::forEachRow(const Expr &reduce, Frame &frame, Step step) {
  const auto outer = llvm::ArrayRef(reduce.indices).drop_back();
  const unsigned last = reduce.indices.back();
  const int64_t size = numValues(last, frame);
  for (bool more = size > 0 && begin(outer, frame); more && error.empty();
       more = advance(outer, frame)) {
    step(last, static_cast<size_t>(size));
  }
}

int64_t Interpreter::evaluateSum(const Expr &reduce, Frame &frame) {
  int64_t sum = 0;
  llvm::SmallVector<int64_t, 128> terms;
  forEachRow(reduce, frame, [&](unsigned index, size_t size) {
    terms.resize(size);
    evaluateRow(*reduce.operands[0], frame, index, terms);
    for (int64_t term : terms) {
      if (__builtin_add_overflow(sum, term, &sum)) {
        fail(frame, "a sum leaves 64 bits");
      }
    }
  });
  return sum;
}

/// Each product is fused into the addition.
float Interpreter::evaluateFusedSum(const Expr &reduce, Frame &frame) {
  const Expr &product = *reduce.operands[0];
  float sum = 0.0f;
  llvm::SmallVector<float, 128> left;
  llvm::SmallVector<float, 128> right;
  forEachRow(reduce, frame, [&](unsigned index, size_t size) {
    left.resize(size);
    right.resize(size);
    evaluateRow(*product.operands[0], frame, index,
                llvm::MutableArrayRef<float>(left));
    evaluateRow(*product.operands[1], frame, index,
                llvm::MutableArrayRef<float>(right));
    for (size_t i = 0; i < size; ++i) {
      sum = std::fma(left[i], right[i], sum);
    }
  });
  return sum;
}

} // namespace lpgen
