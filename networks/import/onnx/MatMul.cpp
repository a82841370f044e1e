// Matrix products of two inputs: one of them known, or both made by the
// network.
#include "networks/import/onnx/Movement.h"
#include "networks/import/onnx/Products.h"
#include "networks/import/onnx/Weights.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace lpgen::importer::onnx {

using builder::Expression;

/// The last two dimensions in the other order.
static Value swapped(const Value &value) {
  std::vector<int> order(value.rank());
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[value.rank() - 2], order[value.rank() - 1]);
  return transpose(value, order);
}

/// With one more dimension of extent 1, before dimension `dim`.
static Value withDim(Value value, size_t dim) {
  for (int &each : value.order) {
    each += each >= int(dim) ? 1 : 0;
  }
  value.dims.insert(value.dims.begin() + int64_t(dim), Factors());
  value.order.insert(std::ranges::find(value.order, int(dim) + 1), int(dim));
  return value;
}

/// Sums over the last dimension, which is gone.
static Value summedLast(const Value &terms) {
  Value sums = terms;
  const size_t last = terms.rank() - 1;
  const Factors factors = terms.dims[last];
  sums.dims.pop_back();
  std::erase(sums.order, int(last));
  sums.operations = 1;
  sums.read = [factors, read = terms.read](const Subscripts &subscripts) {
    Subscripts at = subscripts;
    std::vector<std::string> bounds;
    for (size_t i = 0; i < factors.size(); ++i) {
      const std::string name = "r" + (i == 0 ? "" : std::to_string(i));
      at.push_back(Subscript::index(name));
      bounds.push_back(name + ":" + std::to_string(factors[i]));
    }
    return bounds.empty() ? read(at)
                          : Expression::reduction("sum", bounds, read(at));
  };
  return sums;
}

/// Range and scale of sums of `count` products of codes.
static Outcome makeIntegerSums(const Value &a, const Value &b, int64_t count,
                               Value &sums) {
  double lowest = 0;
  double highest = 0;
  for (const int64_t x : {a.lowest - zeroOf(a), a.highest - zeroOf(a)}) {
    for (const int64_t y : {b.lowest - zeroOf(b), b.highest - zeroOf(b)}) {
      lowest = std::min(lowest, double(x) * double(y) * double(count));
      highest = std::max(highest, double(x) * double(y) * double(count));
    }
  }
  if (std::max(-lowest, highest) > 0x1p62) {
    return Refusal{"", "its sums do not fit 64 bits", ""};
  }
  sums.isInteger = true;
  sums.lowest = int64_t(lowest);
  sums.highest = int64_t(highest);
  if (a.quantization || b.quantization) {
    const auto scaleOf = [](const Value &x) {
      return x.quantization ? float(x.quantization->scale.values[0]) : 1.0F;
    };
    sums.quantization = Quantization{Constant::scalar(scaleOf(a) * scaleOf(b)),
                                     Constant::scalar(0, true)};
  }
  return std::nullopt;
}

/// The row of the report for a product without weights.
static void addProduct(Lowering &lowering, const Node &node, const Value &a,
                       const Value &b, const Value &sums, int64_t count) {
  const unsigned bits = sums.isInteger ? storageType(b).bits : 0;
  const unsigned inputBits = sums.isInteger ? storageType(a).bits : 0;
  lowering.emitter.program.report.layers.push_back(
      {.name = node.name,
       .operation = node.fullName(),
       .shape = shapeText(sums.shape()),
       .macs = toInteger(double(elementCount(sums.shape())) * double(count)),
       .declaredWeightBits = bits,
       .usedWeightBits = bits,
       .declaredInputBits = inputBits,
       .usedInputBits = inputBits,
       .encoding = storageType(b).str() + " x " + storageType(a).str(),
       .accumulatorBits =
           sums.isInteger ? narrowestType(sums.lowest, sums.highest).bits : 0,
       .statement = sums.tensor});
  if (!sums.isInteger) {
    lowering.note(node, "it is computed in binary32: its inputs are not "
                        "quantized");
  }
}

/// Matrices of which none is known, one for each place in the dimensions before
/// the last two.
static Outcome multiplyBatches(Lowering &lowering, const Node &node, Value a,
                               Value b, Value &result) {
  const int64_t count = a.extent(a.rank() - 1);
  if (count != b.extent(b.rank() - 2) || count == batchExtent) {
    return Refusal{"B", "it has not as many rows as the input has columns", ""};
  }
  Emitter &emitter = lowering.emitter;
  const bool isInteger = isUniformGrid(a) && isUniformGrid(b);
  const auto operand = [&](const Value &value, size_t input) {
    return emitter.stored(isInteger ? value : emitter.real(value),
                          node.inputs[input]);
  };
  a = operand(a, 0);
  b = operand(b, 1);
  const std::vector<Value> both = {withDim(a, a.rank() - 1),
                                   withDim(swapped(b), b.rank() - 2)};
  const std::optional<Value> terms =
      emitter.elementwise(both, [a, b](std::span<const Expression> e) {
        return centred(e[0], a) * centred(e[1], b);
      });
  if (!terms) {
    return notBroadcast();
  }
  result = summedLast(*terms);
  if (isInteger) {
    if (Outcome refusal = makeIntegerSums(a, b, count, result)) {
      return refusal;
    }
  }
  result = emitter.assign(result, node.name + "_sum");
  if (result.quantization) {
    for (Constant *each :
         {&result.quantization->scale, &result.quantization->zero}) {
      each->shape.assign(result.rank(), 1);
    }
  }
  addProduct(lowering, node, a, b, result, count);
  return std::nullopt;
}

Outcome multiplyAny(Lowering &lowering, const Node &node, const Value &a,
                    const Value &b, Value &result) {
  if (a.rank() < 1 || b.rank() < 1) {
    return Refusal{"", "an input has no dimension", ""};
  }
  if (b.constant && b.rank() == 2 && !a.constant) {
    return multiply(lowering, node, a, b, result);
  }
  if (a.constant && a.rank() == 2 && b.rank() > 1 && !b.constant) {
    // (b' * a')'
    Node other = node;
    std::swap(other.inputs[0], other.inputs[1]);
    Outcome refusal = multiply(lowering, other, swapped(b), swapped(a), result);
    if (!refusal) {
      result = swapped(result);
    }
    return refusal;
  }
  const auto readable = [&](const Value &value) {
    return value.constant ? lowering.emitter.readable(value) : value;
  };
  return multiplyBatches(lowering, node, readable(a), readable(b), result);
}

/// As a matrix of one row or column, of which it has one.
static Value asMatrix(Lowering &lowering, const Value &vector, bool isRow) {
  const int64_t extent = vector.extent(0);
  return withUniformGrid(
      *reshape(movable(lowering, vector),
               isRow ? Extents{1, extent} : Extents{extent, 1}));
}

static Outcome lowerMatMul(Lowering &lowering, const Node &node) {
  Value a = lowering.input(node, 0);
  Value b = lowering.input(node, 1);
  const bool isRow = a.rank() == 1 && a.extent(0) != batchExtent;
  const bool isColumn = b.rank() == 1 && b.extent(0) != batchExtent;
  a = isRow ? asMatrix(lowering, a, true) : a;
  b = isColumn ? asMatrix(lowering, b, false) : b;
  Value result;
  if (Outcome refusal = multiplyAny(lowering, node, a, b, result)) {
    return refusal;
  }
  // A vector has no dimension in the product.
  Extents shape = result.shape();
  if (isColumn) {
    shape.pop_back();
  }
  if (isRow) {
    shape.erase(shape.end() - (isColumn ? 1 : 2));
  }
  if (isRow || isColumn) {
    result = withUniformGrid(*reshape(movable(lowering, result), shape));
  }
  lowering.define(node, std::move(result));
  return std::nullopt;
}

std::span<const Rule> matMulRules() {
  static constexpr Rule rules[] = {{"MatMul", lowerMatMul, "", 2}};
  return rules;
}

} // namespace lpgen::importer::onnx
