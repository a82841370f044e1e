// The interpreter's outside: run-time sizes, checks of the inputs, the loop
// over statements, and the count of multiply-accumulates. Evaluate.cpp has the
// meaning of expressions.
#include "operators/reference/Interpreter.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

namespace lpgen {

Interpreter::Interpreter(const ast::Op &op,
                         llvm::ArrayRef<int64_t> symbolValues)
    : op(op), symbolValues(symbolValues.begin(), symbolValues.end()),
      definitions(op.tensors.size(), nullptr),
      materialized(op.tensors.size(), nullptr), remembered(op.tensors.size()) {
  // Wrong sizes are reported by bindInputs; what they leave open counts as 0.
  fault = op.whyNotSizes(symbolValues);
  this->symbolValues.resize(op.symbols.size(), 0);
  llvm::append_range(this->symbolValues,
                     valuesOf(op.computedSizes, this->symbolValues));
  this->symbolValues.resize(op.symbols.size() + op.computedSizes.size(), 0);
  for (const ast::Tensor &tensor : op.tensors) {
    std::vector<int64_t> &shape = shapes.emplace_back();
    for (const ast::Extent &extent : tensor.shape) {
      shape.push_back(sizeOf(extent));
    }
  }
  for (const ast::Statement &statement : op.statements) {
    definitions[statement.tensor] = &statement;
  }
}

int64_t Interpreter::sizeOf(const ast::Extent &extent) const {
  return extent.isStatic() ? extent.size : symbolValues[op.sizeNumber(extent)];
}

Status Interpreter::checkSymbols() const {
  if (!fault.empty()) {
    return Status::error(fault);
  }
  for (const ast::Statement &statement : op.statements) {
    LPGEN_RETURN_IF_ERROR(checkEmptyReductions(statement, *statement.value));
  }
  return Status::success();
}

/// A max or min of no terms has no value, nor has its index, whatever the
/// inputs are; a run-time size of 0 can cause it.
Status Interpreter::checkEmptyReductions(const ast::Statement &statement,
                                         const ast::Expr &expr) const {
  if (expr.kind == ast::Expr::Kind::Reduce &&
      expr.reduceOp != ast::ReduceOp::Sum &&
      expr.reduceOp != ast::ReduceOp::Product) {
    for (unsigned index : expr.indices) {
      const ast::Extent &extent = statement.indices[index].extent;
      const bool isPrefix = statement.indices[index].last.has_value();
      if (!isPrefix && !extent.isStatic() && sizeOf(extent) == 0) {
        return Status::error(op.textOf(extent) + " is 0, but index '" +
                             statement.indices[index].name + "' of " +
                             (expr.reduceOp >= ast::ReduceOp::ArgMax
                                  ? "an argmax or argmin"
                                  : "a max or min") +
                             " in '" + op.tensors[statement.tensor].name +
                             "' ranges over it, expected at least 1");
      }
    }
  }
  for (const ast::Subscript &subscript : expr.subscripts) {
    if (subscript.computed) {
      LPGEN_RETURN_IF_ERROR(
          checkEmptyReductions(statement, *subscript.computed));
    }
  }
  for (const ast::ExprPtr &operand : expr.operands) {
    LPGEN_RETURN_IF_ERROR(checkEmptyReductions(statement, *operand));
  }
  return Status::success();
}

Status Interpreter::checkInput(unsigned id, const HostTensor &tensor) const {
  const ast::Tensor &declared = op.tensors[id];
  const std::string name = "input '" + declared.name + "'";
  if (!(tensor.type() == declared.type)) {
    return Status::error(name + " has elements of " + tensor.type().str() +
                         ", expected " + declared.type.str());
  }
  if (tensor.shape() != shapes[id]) {
    return Status::error(name + " has the shape " +
                         shapeToString(tensor.shape()) + ", expected " +
                         shapeToString(shapes[id]));
  }
  if (const auto illegal = tensor.firstIllegalValue()) {
    return Status::error(name + ": " + *illegal);
  }
  if (declared.hasDeclaredRange && !declared.type.isFloat()) {
    if (const auto outside =
            tensor.firstValueOutside(declared.range.lo, declared.range.hi)) {
      return Status::error(name + ": " + *outside + ", its declared range");
    }
  }
  return Status::success();
}

Status Interpreter::bindInputs(const std::vector<HostTensor> &tensors) {
  error.clear();
  LPGEN_RETURN_IF_ERROR(checkSymbols());
  const unsigned numInputs = op.numInputs();
  if (tensors.size() < numInputs) {
    return Status::error("op '" + op.name + "' has " +
                         std::to_string(numInputs) + " inputs, but " +
                         std::to_string(tensors.size()) + " were given");
  }
  for (unsigned id = 0; id < numInputs; ++id) {
    LPGEN_RETURN_IF_ERROR(checkInput(id, tensors[id]));
  }
  for (unsigned id = 0; id < op.tensors.size(); ++id) {
    materialized[id] =
        id < numInputs ? &tensors[id] : op.tensors[id].values.get();
    remembered[id].clear();
  }
  return Status::success();
}

Status Interpreter::run(std::vector<HostTensor> &tensors) {
  LPGEN_RETURN_IF_ERROR(bindInputs(tensors));
  // Resizing moves the inputs; bind their new places.
  tensors.resize(op.tensors.size());
  for (unsigned id = 0, n = op.numInputs(); id < n; ++id) {
    materialized[id] = &tensors[id];
  }
  for (const ast::Statement &statement : op.statements) {
    const unsigned id = statement.tensor;
    Result<HostTensor> created =
        HostTensor::create(op.tensors[id].type, shapes[id]);
    if (!created.ok()) {
      return Status::error("'" + op.tensors[id].name +
                           "': " + created.message());
    }
    HostTensor &target = tensors[id] = *std::move(created);
    for (int64_t i = 0; i < target.numElements(); ++i) {
      const ElementValue value = evaluateElement(id, i);
      if (!error.empty()) {
        return Status::error(error);
      }
      if (target.type().isFloat()) {
        target.setFloat(i, value.floatValue);
      } else {
        target.setInt(i, value.intValue);
      }
    }
    materialized[id] = &target;
  }
  return Status::success();
}

Result<ElementValue> Interpreter::evaluateAt(unsigned tensor,
                                             llvm::ArrayRef<int64_t> indices) {
  assert(tensor < op.tensors.size() && "tensor id");
  const std::vector<int64_t> &shape = shapes[tensor];
  int64_t position = 0;
  bool inside = indices.size() == shape.size();
  for (size_t d = 0; inside && d < shape.size(); ++d) {
    inside = indices[d] >= 0 && indices[d] < shape[d];
    position = position * shape[d] + indices[d];
  }
  if (!inside) {
    return Status::error("'" + op.tensors[tensor].name + "' has no element " +
                         shapeToString(indices) + "; its shape is " +
                         shapeToString(shape));
  }
  const ElementValue value = readElement(tensor, position);
  if (!error.empty()) {
    return Status::error(error);
  }
  return value;
}

static int64_t saturatingMul(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static int64_t saturatingAdd(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/// Evaluations of innermost reduction bodies in one evaluation of `expr`.
static int64_t countTerms(const ast::Op &op, const ast::Statement &statement,
                          const ast::Expr &expr,
                          llvm::ArrayRef<int64_t> symbolValues) {
  int64_t inner = 0;
  for (const ast::ExprPtr &operand : expr.operands) {
    inner =
        saturatingAdd(inner, countTerms(op, statement, *operand, symbolValues));
  }
  for (const ast::Subscript &subscript : expr.subscripts) {
    if (subscript.computed) {
      inner = saturatingAdd(
          inner, countTerms(op, statement, *subscript.computed, symbolValues));
    }
  }
  if (expr.kind != ast::Expr::Kind::Reduce) {
    return inner;
  }
  int64_t count = std::max<int64_t>(inner, 1);
  for (unsigned index : expr.indices) {
    count = saturatingMul(
        count, op.sizeOf(statement.indices[index].extent, symbolValues));
  }
  return count;
}

static int64_t countAll(const ast::Op &op, llvm::ArrayRef<int64_t> symbolValues,
                        int64_t leastPerElement) {
  assert(symbolValues.size() == op.symbols.size() && "a value for each symbol");
  int64_t total = 0;
  for (const ast::Statement &statement : op.statements) {
    int64_t count =
        std::max(leastPerElement,
                 countTerms(op, statement, *statement.value, symbolValues));
    for (const ast::Extent &extent : op.tensors[statement.tensor].shape) {
      count = saturatingMul(count, op.sizeOf(extent, symbolValues));
    }
    total = saturatingAdd(total, count);
  }
  return total;
}

int64_t multiplyAccumulates(const ast::Op &op,
                            llvm::ArrayRef<int64_t> symbolValues) {
  return countAll(op, symbolValues, 0);
}

int64_t interpreterSteps(const ast::Op &op,
                         llvm::ArrayRef<int64_t> symbolValues) {
  return countAll(op, symbolValues, 1);
}

} // namespace lpgen
