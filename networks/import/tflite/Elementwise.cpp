// ADD, SUB and MUL of two tensors of integers.
#include "networks/import/tflite/Window.h"
#include <algorithm>

namespace lpgen::importer::tflite {

namespace {
/// The two operands as images of the result's shape, and what the node makes
/// of them.
struct Operands {
  ImportedTensor a;
  ImportedTensor b;
  std::vector<int64_t> shape;
  Affine result;
  Activation activation = Activation::None;
};
} // namespace

/// The shape of both; the first dimension, that of images, is that of either.
static std::optional<std::vector<int64_t>> broadcast(std::vector<int64_t> a,
                                                     std::vector<int64_t> b) {
  const size_t rank = std::max(a.size(), b.size());
  a.insert(a.begin(), rank - a.size(), 1);
  b.insert(b.begin(), rank - b.size(), 1);
  for (size_t i = 0; i < rank; ++i) {
    if (a[i] != b[i] && a[i] != 1 && b[i] != 1) {
      return std::nullopt;
    }
    a[i] = std::max(a[i], b[i]);
  }
  return a;
}

/// The subscripts of an operand in a statement on elements of `shape`, whose
/// last dimensions are those of the operand.
static std::vector<std::string>
subscriptsIn(const Importer &importer, const std::vector<int64_t> &operand,
             const std::vector<int64_t> &shape, bool isConstant) {
  const std::vector<std::string> names = indexNames(shape.size());
  const size_t missing = shape.size() - operand.size();
  std::vector<std::string> subscripts;
  for (size_t d = 0; d < operand.size(); ++d) {
    const bool isBatch =
        missing + d == 0 && importer.batch() == Batch::Any && !isConstant;
    subscripts.push_back(operand[d] == 1 && !isBatch ? "0"
                                                     : names[missing + d]);
  }
  return subscripts;
}

/// Input `i` as a tensor of this shape: constants and what is broadcast are
/// written out.
static Outcome widen(Importer &importer, const TfliteOperator &op, size_t i,
                     const std::vector<int64_t> &shape,
                     ImportedTensor &operand) {
  if (const TfliteTensor *constant = importer.constantInput(op, i)) {
    const std::optional<ImportedTensor> added =
        importer.addConstant(op, i == 0 ? "a" : "b", *constant);
    if (!added) {
      return Refusal{"input", "a constant of " + typeName(constant->type) +
                                  " with these scales is not supported"};
    }
    operand = *added;
  } else {
    operand = importer.operand(op, i);
    if (operand.shape == shape) {
      return imported;
    }
  }
  const std::vector<std::string> subscripts = subscriptsIn(
      importer, operand.shape, shape, importer.constantInput(op, i) != nullptr);
  const std::string wide = importer.defineCopy(operand, shape);
  importer.program().assign(
      wide, builder::Expression::element(operand.name, subscripts));
  operand.name = wide.substr(0, wide.find('['));
  operand.shape = shape;
  return imported;
}

static Outcome readOperands(Importer &importer, const TfliteOperator &op,
                            Operands &operands) {
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (!importer.hasOperand(op, i) &&
        importer.constantInput(op, i) == nullptr) {
      return Refusal{"input", "its inputs are shapes, or missing"};
    }
  }
  const auto shapeOf = [&](size_t i) {
    const TfliteTensor *constant = importer.constantInput(op, i);
    return constant != nullptr ? constant->shape
                               : importer.operand(op, i).shape;
  };
  if (op.inputs.size() != 2) {
    return Refusal{"input", "it needs two inputs"};
  }
  const auto shape = broadcast(shapeOf(0), shapeOf(1));
  if (!shape || (shape->size() != 4 && shape->size() != 2)) {
    return Refusal{"input", "inputs " + shapeToString(shapeOf(0)) + " and " +
                                shapeToString(shapeOf(1)) +
                                " are not supported"};
  }
  if (!importer.hasOperand(op, 0) && !importer.hasOperand(op, 1)) {
    return Refusal{"input", "both inputs are constants"};
  }
  if (importer.batch() == Batch::Any && shape->front() != 1) {
    return Refusal{"input", "a constant has values for several images", "",
                   true};
  }
  operands.shape = *shape;
  const std::optional<Affine> result = importer.outputAffine(op);
  if (auto refusal = readActivation(op, 0, operands.activation)) {
    return refusal;
  }
  if (!result) {
    return Refusal{"quantization", "its result needs one scale and zero point"};
  }
  operands.result = *result;
  if (auto refusal = widen(importer, op, 0, *shape, operands.a)) {
    return refusal;
  }
  if (auto refusal = widen(importer, op, 1, *shape, operands.b)) {
    return refusal;
  }
  const ElementType type = operands.a.type;
  if (type.isFloat() || type.bits > 16 || operands.b.type != type ||
      importer.outputType(op) != type) {
    return Refusal{"input", "types other than INT8, UINT8 and INT16, or "
                            "different ones, are not supported"};
  }
  if (operands.a.affine.scale <= 0 || operands.b.affine.scale <= 0 ||
      !type.holds(operands.a.affine.zeroPoint) ||
      !type.holds(operands.b.affine.zeroPoint)) {
    return Refusal{"quantization", "an input has no scale, or a zero point "
                                   "beyond its type"};
  }
  return imported;
}

static bool isAnyFloat(const Importer &importer, const TfliteOperator &op) {
  const auto isKnown = [&](size_t i) {
    return importer.hasOperand(op, i) ||
           importer.constantInput(op, i) != nullptr;
  };
  const auto isFloat = [&](size_t i) {
    return importer.hasOperand(op, i) && importer.operand(op, i).isFloat();
  };
  return op.inputs.size() == 2 && isKnown(0) && isKnown(1) &&
         (isFloat(0) || isFloat(1));
}

/// On FLOAT32, where what is broadcast is read where it is.
static Outcome importFloat(Importer &importer, const TfliteOperator &op) {
  std::vector<ImportedTensor> operands;
  for (size_t i = 0; i < 2; ++i) {
    const TfliteTensor *constant = importer.constantInput(op, i);
    if (constant == nullptr) {
      operands.push_back(importer.operand(op, i));
    } else if (const auto added =
                   importer.addConstant(op, i == 0 ? "a" : "b", *constant)) {
      operands.push_back(*added);
    }
  }
  if (operands.size() != 2 || !operands[0].isFloat() ||
      !operands[1].isFloat() || importer.outputType(op) != operands[0].type) {
    return Refusal{"input", "its tensors have different types"};
  }
  const auto shape = broadcast(operands[0].shape, operands[1].shape);
  Activation activation = Activation::None;
  if (auto refusal = readActivation(op, 0, activation)) {
    return refusal;
  }
  if (!shape || shape->size() > 8 ||
      (importer.batch() == Batch::Any && shape->front() != 1)) {
    return Refusal{"input", "shapes do not go together", "",
                   shape && importer.batch() == Batch::Any};
  }
  const auto element = [&](size_t i) {
    return builder::Expression::element(
        operands[i].name,
        subscriptsIn(importer, operands[i].shape, *shape,
                     importer.constantInput(op, i) != nullptr));
  };
  const builder::Expression value =
      op.is(Builtin::Add)   ? element(0) + element(1)
      : op.is(Builtin::Sub) ? element(0) - element(1)
                            : element(0) * element(1);
  importer.program().assign(
      importer.defineSized(op, 0, operands[0].type, *shape),
      activated(activation, value));
  return imported;
}

static Parameters commonParameters(const Operands &operands) {
  Parameters parameters;
  parameters.add("ZA", operands.a.affine.zeroPoint, 0)
      .add("ZB", operands.b.affine.zeroPoint, 0)
      .add("ZY", operands.result.zeroPoint, 0);
  addBounds(parameters, operands.activation, operands.result, operands.a.type);
  return parameters;
}

static void finish(Importer &importer, const TfliteOperator &op,
                   const Operands &operands, const std::string &name,
                   const Parameters &parameters) {
  const std::string target =
      importer.define(op, 0, operands.a.type, operands.shape);
  importer.call(target, operands.shape.size() == 4 ? name : name + "_vector",
                parameters.text(), {operands.a.name, operands.b.name});
  const unsigned bits = operands.a.type.bits;
  importer.addLayer(op, {.declaredInputBits = bits, .usedInputBits = bits});
}

/// Both operands go to a common scale with 20 more bits, those of 16 bits with
/// 15; `sign` of the second.
static Outcome importSum(Importer &importer, const TfliteOperator &op,
                         int64_t sign) {
  if (isAnyFloat(importer, op)) {
    return importFloat(importer, op);
  }
  Operands operands;
  if (auto refusal = readOperands(importer, op, operands)) {
    return refusal;
  }
  const float a = operands.a.affine.scale;
  const float b = operands.b.affine.scale;
  constexpr int64_t usual = 1 << 20;
  const int64_t finer = operands.a.type.bits > 8 ? 1 << 15 : usual;
  const double twice = 2 * std::max(a, b);
  const Multiplier ofA = quantizeMultiplier(double(a) / twice);
  const Multiplier ofB = quantizeMultiplier(double(b) / twice);
  const Multiplier ofSum = quantizeMultiplier(
      twice / (double(finer) * double(operands.result.scale)));
  Parameters parameters = commonParameters(operands);
  parameters.add("FA", ofA.factor, 0).add("GA", ofA.shift, 0);
  parameters.add("FB", ofB.factor, 0).add("GB", ofB.shift, 0);
  parameters.add("FY", ofSum.factor, 0).add("GY", ofSum.shift, 0);
  parameters.add("SIGN", sign, 1).add("FINE", finer, usual);
  finish(importer, op, operands, "tflite_add", parameters);
  return imported;
}

Outcome importAdd(Importer &importer, const TfliteOperator &op) {
  return importSum(importer, op, 1);
}
Outcome importSub(Importer &importer, const TfliteOperator &op) {
  return importSum(importer, op, -1);
}

Outcome importMul(Importer &importer, const TfliteOperator &op) {
  if (isAnyFloat(importer, op)) {
    return importFloat(importer, op);
  }
  Operands operands;
  if (auto refusal = readOperands(importer, op, operands)) {
    return refusal;
  }
  const Multiplier multiplier = quantizeMultiplier(
      double(operands.a.affine.scale) * double(operands.b.affine.scale) /
      double(operands.result.scale));
  Parameters parameters = commonParameters(operands);
  parameters.add("F", multiplier.factor, 0).add("G", multiplier.shift, 0);
  finish(importer, op, operands, "tflite_mul", parameters);
  return imported;
}

} // namespace lpgen::importer::tflite
