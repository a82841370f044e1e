// Tensors, names and the order of nodes.
#include "networks/import/tflite/Importer.h"
#include "base/system/Text.h"
#include "networks/import/Names.h"
#include <algorithm>
#include <cassert>
#include <cstring>

namespace lpgen::importer::tflite {

std::optional<ElementType> elementTypeOf(TensorType type) {
  switch (type) {
  case TensorType::Int8:
  case TensorType::UInt8:
    return ElementType{Encoding::Signed, 8};
  case TensorType::Int16:
    return ElementType{Encoding::Signed, 16};
  case TensorType::Int32:
    return ElementType{Encoding::Signed, 32};
  case TensorType::Int64:
    return ElementType{Encoding::Signed, 64};
  case TensorType::Float32:
    return ElementType{Encoding::Float, 32};
  default:
    return std::nullopt;
  }
}

std::vector<std::string> indexNames(size_t rank) {
  static const std::vector<std::string> names = {"n", "h", "v", "c",
                                                 "d", "e", "f", "g"};
  assert(rank <= names.size() && "more dimensions than names");
  if (rank == 2) {
    return {"n", "c"};
  }
  return {names.begin(), names.begin() + static_cast<ptrdiff_t>(rank)};
}

Parameters &Parameters::add(const char *name, int64_t value, int64_t usual) {
  if (value != usual) {
    content += (content.empty() ? "" : ", ") + std::string(name) + " = " +
               std::to_string(value);
  }
  return *this;
}

/// The first of the names that a converter has joined by ';'.
static std::string firstName(const std::string &name) {
  return name.substr(0, name.find(';'));
}
/// "a/b/" of "a/b/c".
static std::string scopeOf(const std::string &name) {
  const size_t end = name.rfind('/');
  return end == std::string::npos ? "" : name.substr(0, end + 1);
}

/// The scopes that all names have which have one at all.
static std::string commonScopeOf(const TfliteModel &model) {
  std::optional<std::string> common;
  for (const TfliteTensor &tensor : model.tensors) {
    const std::string scope = scopeOf(firstName(tensor.name));
    if (scope.empty()) {
      continue;
    }
    if (!common) {
      common = scope;
    }
    const auto differ = std::ranges::mismatch(*common, scope).in1;
    common = scopeOf(std::string(common->begin(), differ));
  }
  return common.value_or("");
}

Importer::Importer(const TfliteModel &model, Program &program, Batch batch,
                   int64_t mostImages)
    : model(model), target(program), mode(batch), mostImages(mostImages),
      commonScope(commonScopeOf(model)) {}

std::string Importer::shortName(const std::string &name) const {
  const std::string first = firstName(name);
  return first.starts_with(commonScope) ? first.substr(commonScope.size())
                                        : first;
}

const TfliteTensor *Importer::input(const TfliteOperator &op, size_t i) const {
  return i < op.inputs.size() && op.inputs[i] >= 0 ? &tensor(op.inputs[i])
                                                   : nullptr;
}

const TfliteTensor *Importer::constantInput(const TfliteOperator &op,
                                            size_t i) const {
  const TfliteTensor *found = input(op, i);
  return found != nullptr && found->isConstant() ? found : nullptr;
}

bool Importer::hasOperand(const TfliteOperator &op, size_t i) const {
  return i < op.inputs.size() && tensors.contains(op.inputs[i]);
}

const ImportedTensor &Importer::operand(const TfliteOperator &op,
                                        size_t i) const {
  assert(hasOperand(op, i) && "an operand that the program does not have");
  return tensors.at(op.inputs[i]);
}

template <typename T>
static std::vector<int64_t> integersOf(std::span<const std::byte> data) {
  std::vector<int64_t> values;
  values.reserve(data.size() / sizeof(T));
  for (size_t at = 0; at + sizeof(T) <= data.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, data.data() + at, sizeof(T));
    values.push_back(value);
  }
  return values;
}

/// Two elements in a byte, the first one in the lower bits.
static std::vector<int64_t> nibblesOf(const TfliteTensor &tensor) {
  std::vector<int64_t> values;
  for (int64_t i = 0; i < tensor.numElements(); ++i) {
    const auto byte = static_cast<int64_t>(tensor.data[size_t(i / 2)]);
    const int64_t code = i % 2 == 0 ? byte & 15 : byte >> 4;
    values.push_back(code < 8 ? code : code - 16);
  }
  return values;
}

std::vector<int64_t> Importer::integers(const TfliteTensor &tensor) {
  switch (tensor.type) {
  case TensorType::Int4:
    return nibblesOf(tensor);
  case TensorType::UInt8:
  case TensorType::Bool:
    return integersOf<uint8_t>(tensor.data);
  case TensorType::Int8:
    return integersOf<int8_t>(tensor.data);
  case TensorType::Int16:
    return integersOf<int16_t>(tensor.data);
  case TensorType::Int32:
    return integersOf<int32_t>(tensor.data);
  case TensorType::Int64:
    return integersOf<int64_t>(tensor.data);
  default:
    return {};
  }
}

std::vector<float> Importer::floats(const TfliteTensor &tensor) {
  std::vector<float> values(tensor.data.size() / sizeof(float));
  if (!values.empty()) {
    std::memcpy(values.data(), tensor.data.data(),
                values.size() * sizeof(float));
  }
  return values;
}

std::optional<std::vector<int64_t>>
Importer::knownIntegers(const TfliteOperator &op, size_t i) const {
  if (const TfliteTensor *constant = constantInput(op, i)) {
    const bool isInteger = constant->type == TensorType::Int32 ||
                           constant->type == TensorType::Int64;
    return isInteger ? std::optional(integers(*constant)) : std::nullopt;
  }
  const auto found =
      i < op.inputs.size() ? known.find(op.inputs[i]) : known.end();
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

Affine Importer::affineOf(const TfliteTensor &tensor) const {
  const int64_t zero = tensor.zeroPoints.empty() ? 0 : tensor.zeroPoints[0];
  return {tensor.scales.empty() ? 1.0F : tensor.scales[0],
          tensor.type == TensorType::UInt8 ? zero - unsignedOffset : zero};
}

std::optional<Affine> Importer::outputAffine(const TfliteOperator &op,
                                             size_t i) const {
  const TfliteTensor &result = tensor(op.outputs[i]);
  if (result.scales.size() != 1 || result.zeroPoints.size() > 1 ||
      result.isBlockwise || result.scales[0] <= 0) {
    return std::nullopt;
  }
  const Affine affine = affineOf(result);
  const std::optional<ElementType> type = elementTypeOf(result.type);
  return type && type->holds(affine.zeroPoint) ? std::optional(affine)
                                               : std::nullopt;
}

std::optional<ElementType> Importer::outputType(const TfliteOperator &op,
                                                size_t i) const {
  return elementTypeOf(tensor(op.outputs[i]).type);
}

/// "x[n,c]"
static std::string elementOf(const std::string &name, size_t rank) {
  return builder::Expression::element(name, indexNames(rank)).text();
}

std::string Importer::define(const TfliteOperator &op, size_t i,
                             ElementType type, std::vector<int64_t> shape) {
  const int32_t index = op.outputs[i];
  const TfliteTensor &result = tensor(index);
  const bool isOutput =
      result.type != TensorType::UInt8 &&
      std::ranges::find(model.outputs, index) != model.outputs.end();
  std::string name = target.names.make(shortName(result.name));
  tensors[index] = {name, type, std::move(shape), affineOf(result)};
  if (isOutput) {
    outputNames[index] = name;
    return name;
  }
  return name + ": " + type.str();
}

std::string Importer::defineElements(const TfliteOperator &op, size_t i,
                                     ElementType type,
                                     std::vector<int64_t> shape) {
  const size_t rank = shape.size();
  const std::string result = define(op, i, type, std::move(shape));
  const std::string &name = nameOf(op, i);
  return elementOf(name, rank) + result.substr(name.size());
}

std::string Importer::defineSized(const TfliteOperator &op, size_t i,
                                  ElementType type,
                                  const std::vector<int64_t> &shape) {
  const std::string result = define(op, i, type, shape);
  const std::string &name = nameOf(op, i);
  return elementOf(name, shape.size()) +
         (result == name ? "" : declaration(type, shape));
}

const std::string &Importer::nameOf(const TfliteOperator &op, size_t i) const {
  return tensors.at(op.outputs[i]).name;
}

void Importer::alias(const TfliteOperator &op, const ImportedTensor &other) {
  const Affine affine = affineOf(tensor(op.outputs[0]));
  ImportedTensor &result = tensors[op.outputs[0]];
  result = other;
  result.affine = affine;
}

bool Importer::isReadOnlyBy(int32_t index, Builtin kind) const {
  const auto reads = [&](const TfliteOperator &op) {
    return std::ranges::find(op.inputs, index) != op.inputs.end();
  };
  return std::ranges::find(model.outputs, index) == model.outputs.end() &&
         std::ranges::all_of(model.operators, [&](const TfliteOperator &op) {
           return !reads(op) || op.is(kind);
         });
}

std::optional<ImportedTensor>
Importer::addConstant(const TfliteOperator &op, const char *what,
                      const TfliteTensor &constant) {
  const std::optional<ElementType> type = elementTypeOf(constant.type);
  const std::string name = constantName(op, what);
  if (type && type->isFloat()) {
    return ImportedTensor{
        target.addFloats(name, floats(constant), constant.shape),
        *type,
        constant.shape,
        {}};
  }
  if (!type || constant.scales.size() != 1) {
    return std::nullopt;
  }
  std::vector<int64_t> values = integers(constant);
  for (int64_t &value : values) {
    value -= constant.type == TensorType::UInt8 ? unsignedOffset : 0;
  }
  return ImportedTensor{target.addIntegers(name, values, constant.shape, *type),
                        *type, constant.shape, affineOf(constant)};
}

std::string Importer::declaration(ElementType type,
                                  const std::vector<int64_t> &shape) const {
  std::string text = ": " + type.str() + "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool isBatch = i == 0 && mode == Batch::Any;
    text += (i == 0 ? "" : ", ") + (isBatch ? "?n" : std::to_string(shape[i]));
  }
  return text + "]";
}

std::string Importer::defineCopy(const ImportedTensor &original,
                                 const std::vector<int64_t> &shape) {
  const std::string name = target.names.make(original.name + "_wide");
  return elementOf(name, shape.size()) + declaration(original.type, shape);
}

std::string Importer::constantName(const TfliteOperator &op,
                                   const char *what) const {
  return shortName(tensor(op.outputs[0]).name) + "." + what;
}

void Importer::addLayer(const TfliteOperator &op, Layer layer) {
  const TfliteTensor &result = tensor(op.outputs[0]);
  layer.name = result.name;
  layer.operation = operatorName(op);
  layer.shape = shapeToString(tensors.at(op.outputs[0]).shape);
  layer.statement = tensors.at(op.outputs[0]).name;
  target.report.layers.push_back(std::move(layer));
}

void Importer::call(const std::string &result, const std::string &operatorName,
                    const std::string &parameters,
                    const std::vector<std::string> &arguments) {
  target.include("tflite.lp");
  target.call(result, operatorName, parameters, arguments);
}

/// The first dimension is that of images, unless it is fixed.
std::vector<builder::Extent>
Importer::extentsOf(const std::vector<int64_t> &shape) {
  std::vector<builder::Extent> extents;
  extents.reserve(shape.size());
  for (const int64_t extent : shape) {
    extents.emplace_back(extent);
  }
  if (mode == Batch::Any && !extents.empty()) {
    extents[0] = batchIsDeclared ? builder::Extent::declared("n")
                                 : builder::Extent::upTo("n", mostImages);
    batchIsDeclared = true;
  }
  return extents;
}

static ElementType typeInFile(const TfliteTensor &tensor, ElementType type) {
  return tensor.type == TensorType::UInt8
             ? ElementType{Encoding::Unsigned, type.bits}
             : type;
}

void Importer::addInputs() {
  for (const int32_t index : model.inputs) {
    const TfliteTensor &input = tensor(index);
    const std::optional<ElementType> type = elementTypeOf(input.type);
    const bool hasShape =
        !input.shape.empty() && input.shape.size() <= 8 &&
        std::ranges::find(input.shape, 0) == input.shape.end();
    if (!type || !hasShape || tensors.contains(index)) {
      target.refuse({input.name, "input", "",
                     "an input of " + typeName(input.type) + " and shape " +
                         shapeToString(input.shape) + " is not supported",
                     ""});
      unknown.insert(index);
      continue;
    }
    const std::string name = target.names.make(shortName(input.name));
    target.addInput({name, typeInFile(input, *type), extentsOf(input.shape)});
    tensors[index] = {name, *type, input.shape, affineOf(input)};
    if (input.type == TensorType::UInt8) {
      const size_t rank = input.shape.size();
      const std::string shifted = target.names.make(name + "_s8");
      target.comment("Values of 8 bits without sign are kept 128 less");
      target.assign(elementOf(shifted, rank) + ": s8",
                    builder::Expression::element(name, indexNames(rank)) -
                        builder::Expression(unsignedOffset));
      tensors[index].name = shifted;
    }
  }
}

void Importer::addOutputs() {
  std::set<int32_t> done;
  for (const int32_t index : model.outputs) {
    const auto found = tensors.find(index);
    if (!done.insert(index).second) {
      target.note("output " + quotedForMessage(tensor(index).name) +
                  " is listed twice and written once");
      continue;
    }
    if (found == tensors.end()) {
      if (!unknown.contains(index)) {
        target.refuse({tensor(index).name, "output", "",
                       "nothing computes this output", ""});
      }
      continue;
    }
    const ImportedTensor &result = found->second;
    const TfliteTensor &inFile = tensor(index);
    std::string name = outputNames[index];
    if (name.empty()) {
      // An input, or values that are kept 128 less.
      const size_t rank = result.shape.size();
      const bool isShifted = inFile.type == TensorType::UInt8;
      name = target.names.make(shortName(inFile.name) + "_out");
      const auto value =
          builder::Expression::element(result.name, indexNames(rank));
      target.assign(elementOf(name, rank),
                    isShifted ? value + builder::Expression(unsignedOffset)
                              : value);
    }
    target.addOutput(
        {name, typeInFile(inFile, result.type), extentsOf(result.shape)});
  }
}

void Importer::refuse(const TfliteOperator &op, Refusal refusal) {
  unknown.insert(op.outputs.begin(), op.outputs.end());
  needsFixedBatch |= refusal.needsFixedBatch;
  target.refuse({tensor(op.outputs[0]).name, operatorName(op),
                 std::move(refusal.attribute), std::move(refusal.reason),
                 std::move(refusal.remedy)});
}

/// Whether all inputs are there; if a node before it is not imported, this one
/// is left out without a word.
bool Importer::hasInputs(const TfliteOperator &op) {
  for (const int32_t index : op.inputs) {
    if (index < 0 || tensor(index).isConstant() || tensors.contains(index) ||
        known.contains(index)) {
      continue;
    }
    if (!unknown.contains(index)) {
      refuse(op, {"", "its input " + quotedForMessage(tensor(index).name) +
                          " has no value before it"});
    }
    unknown.insert(op.outputs.begin(), op.outputs.end());
    return false;
  }
  return true;
}

/// Whether the constants of all nodes are still a small multiple of the file:
/// many nodes can name one tensor.
bool Importer::affordsConstants(const TfliteOperator &op) {
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const TfliteTensor *constant = constantInput(op, i);
    constantBytes += constant == nullptr ? 0 : constant->data.size();
  }
  constexpr size_t times = 8;
  return constantBytes <= times * model.fileBytes;
}

/// Small integers stand for numbers, and one of them for 0.
static bool hasValidZero(const ImportedTensor &x) {
  const bool isSmall = x.type.encoding == Encoding::Signed && x.type.bits <= 16;
  return !isSmall || x.type.holds(x.affine.zeroPoint);
}

void Importer::importNode(const TfliteOperator &op) {
  const ImportNode import = importerOf(op);
  if (import == nullptr) {
    refuse(op, {"", "this operator is not supported",
                "compute what follows it, or replace it"});
    return;
  }
  // What one expression can hold.
  constexpr size_t mostInputs = 128;
  if (op.inputs.size() > mostInputs) {
    refuse(op,
           {"",
            "it has " + std::to_string(op.inputs.size()) + " inputs, at most " +
                std::to_string(mostInputs) + " are supported",
            "split it into several nodes"});
    return;
  }
  if (!hasInputs(op)) {
    return;
  }
  for (const int32_t index : op.outputs) {
    if (tensors.contains(index)) {
      refuse(op, {"", "its result " + quotedForMessage(tensor(index).name) +
                          " has a value already"});
      return;
    }
  }
  for (const int32_t index : op.inputs) {
    const auto found = tensors.find(index);
    if (found != tensors.end() && !hasValidZero(found->second)) {
      refuse(op, {"", "the zero point of its input is no value of its type"});
      return;
    }
  }
  if (!affordsConstants(op)) {
    refuse(op, {"", "too many nodes share their constants"});
    return;
  }
  target.comment(operatorName(op) + " " +
                 quotedForMessage(tensor(op.outputs[0]).name));
  if (Outcome outcome = import(*this, op)) {
    refuse(op, std::move(*outcome));
  }
}

bool Importer::run() {
  addInputs();
  for (const TfliteOperator &op : model.operators) {
    importNode(op);
  }
  addOutputs();
  return needsFixedBatch;
}

} // namespace lpgen::importer::tflite
