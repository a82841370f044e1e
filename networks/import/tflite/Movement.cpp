// Operators that only move values: TRANSPOSE, PAD, CONCATENATION, SPLIT,
// STRIDED_SLICE and RESIZE_NEAREST_NEIGHBOR.
#include "networks/import/tflite/Importer.h"
#include <algorithm>

namespace lpgen::importer::tflite {

/// Refuses what is no tensor of at most 8 dimensions, and results of another
/// scale than that of the input.
static Outcome checkMoved(Importer &importer, const TfliteOperator &op,
                          size_t input, size_t output = 0) {
  if (!importer.hasOperand(op, input)) {
    return Refusal{"input", "it is a constant"};
  }
  const ImportedTensor &x = importer.operand(op, input);
  if (importer.outputType(op, output) != x.type) {
    return Refusal{"input", "its input and its output have different types"};
  }
  const std::optional<Affine> result = importer.outputAffine(op, output);
  const bool isSame = x.isFloat() || !result ||
                      (result->scale == x.affine.scale &&
                       result->zeroPoint == x.affine.zeroPoint);
  return isSame ? imported
                : Outcome(Refusal{"quantization",
                                  "its input and its output have different "
                                  "scales or zero points",
                                  "requantize before it"});
}

std::optional<size_t> axisOf(int64_t axis, size_t rank) {
  const auto count = static_cast<int64_t>(rank);
  const int64_t found = axis < 0 ? axis + count : axis;
  return found >= 0 && found < count ? std::optional(static_cast<size_t>(found))
                                     : std::nullopt;
}

std::optional<std::vector<int64_t>> axesOf(const Importer &importer,
                                           const TfliteOperator &op, size_t i,
                                           size_t rank) {
  auto axes = importer.knownIntegers(op, i);
  if (axes) {
    for (int64_t &axis : *axes) {
      axis += axis < 0 ? int64_t(rank) : 0;
    }
    std::ranges::sort(*axes);
  }
  return axes;
}

Outcome importTranspose(Importer &importer, const TfliteOperator &op) {
  if (auto refusal = checkMoved(importer, op, 0)) {
    return refusal;
  }
  const ImportedTensor x = importer.operand(op, 0);
  const size_t rank = x.shape.size();
  const auto order = importer.knownIntegers(op, 1);
  std::vector<int64_t> shape;
  std::vector<std::string> subscripts(rank);
  const std::vector<std::string> names = indexNames(rank);
  for (size_t i = 0; order && i < order->size(); ++i) {
    const auto axis = axisOf((*order)[i], rank);
    if (axis && i < rank && subscripts[*axis].empty()) {
      subscripts[*axis] = names[i];
      shape.push_back(x.shape[*axis]);
    }
  }
  if (shape.size() != rank || order->size() != rank) {
    return Refusal{"perm", "it is no order of the dimensions that is known"};
  }
  if (importer.batch() == Batch::Any && subscripts[0] != names[0]) {
    return Refusal{"perm", "it moves the dimension of images", "", true};
  }
  const std::string target = importer.defineElements(op, 0, x.type, shape);
  importer.program().assign(target,
                            builder::Expression::element(x.name, subscripts));
  return imported;
}

/// Writes output `i` as elements `begin + step * index` of the input.
static void slice(Importer &importer, const TfliteOperator &op, size_t input,
                  size_t i, const std::vector<int64_t> &begin,
                  const std::vector<int64_t> &step,
                  const std::vector<int64_t> &shape,
                  const std::vector<bool> &isDropped) {
  const ImportedTensor x = importer.operand(op, input);
  std::vector<int64_t> kept;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (!isDropped[d]) {
      kept.push_back(shape[d]);
    }
  }
  const std::vector<std::string> names = indexNames(kept.size());
  std::vector<std::string> subscripts;
  size_t next = 0;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (isDropped[d]) {
      subscripts.push_back(std::to_string(begin[d]));
      continue;
    }
    const std::string scaled =
        step[d] == 1 ? names[next]
                     : std::to_string(step[d]) + "*" + names[next];
    subscripts.push_back(
        // A lone index would have the extent of the input.
        shape[d] == x.shape[d] ? scaled
                               : scaled + " + " + std::to_string(begin[d]));
    ++next;
  }
  importer.program().assign(importer.defineSized(op, i, x.type, kept),
                            builder::Expression::element(x.name, subscripts));
}

Outcome importSplit(Importer &importer, const TfliteOperator &op) {
  const auto axes = importer.knownIntegers(op, 0);
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    if (auto refusal = checkMoved(importer, op, 1, i)) {
      return refusal;
    }
  }
  const ImportedTensor x = importer.operand(op, 1);
  const auto axis = axes && axes->size() == 1
                        ? axisOf(axes->front(), x.shape.size())
                        : std::nullopt;
  const auto count = static_cast<int64_t>(op.outputs.size());
  if (!axis || x.shape[*axis] % count != 0) {
    return Refusal{"axis", "it is not known or is not cut into equal parts"};
  }
  if (importer.batch() == Batch::Any && *axis == 0) {
    return Refusal{"axis", "it cuts the dimension of images", "", true};
  }
  const size_t rank = x.shape.size();
  std::vector<int64_t> shape = x.shape;
  shape[*axis] /= count;
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    std::vector<int64_t> begin(rank, 0);
    begin[*axis] = shape[*axis] * static_cast<int64_t>(i);
    slice(importer, op, 1, i, begin, std::vector<int64_t>(rank, 1), shape,
          std::vector<bool>(rank, false));
  }
  return imported;
}

namespace {
/// The numbers of a STRIDED_SLICE along one dimension.
struct Cut {
  int64_t begin;
  int64_t step;
  int64_t count;
};
} // namespace

/// As Python's slices, with steps from 1 on.
static Cut cutOf(int64_t extent, int64_t begin, int64_t end, int64_t step,
                 bool isFromStart, bool isToEnd, bool isDropped) {
  const auto place = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + extent : at, 0, extent);
  };
  const int64_t first = isFromStart ? 0 : place(begin);
  const int64_t last = isDropped ? first + 1 : isToEnd ? extent : place(end);
  return {first, step, last > first ? (last - first - 1) / step + 1 : 0};
}

Outcome importStridedSlice(Importer &importer, const TfliteOperator &op) {
  const auto begin = importer.knownIntegers(op, 1);
  const auto end = importer.knownIntegers(op, 2);
  const auto step = importer.knownIntegers(op, 3);
  const auto mask = [&](unsigned field) {
    return op.options ? op.options->number<int32_t>(field) : 0;
  };
  const bool isOfShape = !importer.hasOperand(op, 0);
  const auto known = importer.knownIntegers(op, 0);
  const std::vector<int64_t> shape =
      isOfShape ? std::vector{known ? static_cast<int64_t>(known->size()) : 0}
                : importer.operand(op, 0).shape;
  const size_t rank = shape.size();
  if (!begin || !end || !step || begin->size() != rank || end->size() != rank ||
      step->size() != rank || mask(2) != 0 || mask(3) != 0 ||
      std::ranges::min(*step) < 1) {
    return Refusal{"begin, end, strides",
                   "they are not known, negative, or leave dimensions out"};
  }
  // Newer files can count the end from the beginning.
  const bool isOffset = op.options && op.options->flag(5);
  std::vector<int64_t> first;
  std::vector<int64_t> results;
  std::vector<bool> isDropped;
  for (size_t d = 0; d < rank; ++d) {
    isDropped.push_back((mask(4) >> d & 1) != 0);
    constexpr int64_t most = int64_t{1} << 40;
    const int64_t last = isOffset ? std::clamp((*begin)[d], -most, most) +
                                        std::clamp((*end)[d], -most, most)
                                  : (*end)[d];
    const Cut cut =
        cutOf(shape[d], (*begin)[d], last, (*step)[d], (mask(0) >> d & 1) != 0,
              (mask(1) >> d & 1) != 0, isDropped[d]);
    if (cut.count < 1 || cut.begin + (cut.count - 1) * cut.step >= shape[d]) {
      return Refusal{"begin, end, strides", "nothing is left of a dimension"};
    }
    first.push_back(cut.begin);
    results.push_back(cut.count);
  }
  if (isOfShape) {
    std::vector<int64_t> values;
    for (int64_t i = 0; known && i < results[0]; ++i) {
      values.push_back((*known)[size_t(first[0] + i * (*step)[0])]);
    }
    importer.setKnown(op.outputs[0], std::move(values));
    return imported;
  }
  if (auto refusal = checkMoved(importer, op, 0)) {
    return refusal;
  }
  if (importer.batch() == Batch::Any && isDropped[0]) {
    return Refusal{"shrink_axis_mask", "it takes one image", "", true};
  }
  if (std::ranges::count(isDropped, false) == 0) {
    return Refusal{"shrink_axis_mask", "it takes a single value"};
  }
  slice(importer, op, 0, 0, first, *step, results, isDropped);
  return imported;
}

/// The value with which PADV2 pads.
static Outcome readPadding(const Importer &importer, const TfliteOperator &op,
                           const ImportedTensor &x, double &value) {
  const TfliteTensor *constant = importer.constantInput(op, 2);
  if (constant == nullptr || constant->numElements() != 1 ||
      elementTypeOf(constant->type) != x.type) {
    return Refusal{"constant_values",
                   "it is no constant of the type of the input"};
  }
  if (x.isFloat()) {
    value = Importer::floats(*constant)[0];
  } else {
    value = double(Importer::integers(*constant)[0] -
                   (constant->type == TensorType::UInt8 ? unsignedOffset : 0));
  }
  return imported;
}

Outcome importPad(Importer &importer, const TfliteOperator &op) {
  if (auto refusal = checkMoved(importer, op, 0)) {
    return refusal;
  }
  const ImportedTensor x = importer.operand(op, 0);
  const size_t rank = x.shape.size();
  const auto pads = importer.knownIntegers(op, 1);
  constexpr int64_t most = 1 << 16;
  if (!pads || pads->size() != 2 * rank || rank != 4 ||
      std::ranges::min(*pads) < 0 || std::ranges::max(*pads) > most) {
    return Refusal{"paddings", "they are not known, negative, or not those of "
                               "four dimensions"};
  }
  if ((*pads)[0] != 0 || (*pads)[1] != 0) {
    return Refusal{"paddings", "images are added"};
  }
  double value = x.isFloat() ? 0 : double(x.affine.zeroPoint);
  if (op.is(Builtin::PadV2)) {
    if (auto refusal = readPadding(importer, op, x, value)) {
      return refusal;
    }
  }
  std::vector<int64_t> shape = x.shape;
  Parameters parameters;
  static constexpr const char *names[] = {"T", "B", "L", "M", "D", "E"};
  for (size_t i = 0; i < std::size(names); ++i) {
    parameters.add(names[i], (*pads)[i + 2], 0);
    shape[1 + i / 2] += (*pads)[i + 2];
  }
  const std::string target = importer.define(op, 0, x.type, shape);
  if (x.isFloat()) {
    const std::string padding =
        importer.program().addFloats(importer.constantName(op, "padding"),
                                     {{static_cast<float>(value)}}, {});
    importer.call(target, "tflite_pad_f32", parameters.text(),
                  {x.name, padding});
  } else {
    parameters.add("Z", static_cast<int64_t>(value), 0);
    importer.call(target, "tflite_pad", parameters.text(), {x.name});
  }
  return imported;
}

/// The operator that puts two tensors one behind the other: outside its own
/// elements each reads as 0.
static std::string joinOperator(const std::string &name, size_t rank,
                                size_t axis, bool isFloat) {
  const std::vector<std::string> names = indexNames(rank);
  std::string parameters;
  std::string a;
  std::string b;
  std::string y;
  std::string atA;
  std::string atB;
  for (size_t d = 0; d < rank; ++d) {
    const std::string separator = d == 0 ? "" : ", ";
    const std::string extent = "N" + std::to_string(d);
    const std::string first = d == 0 ? "?n <= 65536" : extent;
    const std::string later = d == 0 ? "?n" : extent;
    parameters += d == 0 ? "" : extent + ", ";
    a += separator + first;
    b += separator + (d == axis ? "M" : later);
    y += separator;
    y += d == axis ? extent + " + M" : later;
    atA += separator + names[d] + (d == axis ? " + 0" : "");
    atB += separator + names[d] + (d == axis ? " - " + extent : "");
  }
  const std::string type = isFloat ? "f32" : "s{A}";
  std::string all;
  for (const std::string &name : names) {
    all += all.empty() ? "" : ",";
    all += name;
  }
  return "/// One behind the other along dimension " + std::to_string(axis) +
         ".\nop " + name + "<" + parameters + (isFloat ? "M" : "M, A") +
         ">(a: " + type + "[" + a + "] pad(0), b: " + type + "[" + b +
         "] pad(0))\n  -> (y: " + type + "[" + y + "]) {\n  y[" + all +
         "] = a[" + atA + "] + b[" + atB + "]\n}\n";
}

Outcome importConcatenation(Importer &importer, const TfliteOperator &op) {
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (auto refusal = checkMoved(importer, op, i)) {
      return refusal;
    }
  }
  if (op.inputs.empty() || (op.options && op.options->number<int8_t>(1) != 0)) {
    return Refusal{"fused_activation_function", "none is supported"};
  }
  ImportedTensor sum = importer.operand(op, 0);
  const size_t rank = sum.shape.size();
  const auto axis =
      axisOf(op.options ? op.options->number<int32_t>(0) : 0, rank);
  if (!axis || *axis == 0 || (!sum.isFloat() && sum.type.bits > 16)) {
    return Refusal{"axis",
                   "it is the dimension of images, or the values are "
                   "neither small integers nor FLOAT32",
                   "", axis == size_t{0} && importer.batch() == Batch::Any};
  }
  const std::string name = "join_" + std::to_string(rank) + "_" +
                           std::to_string(*axis) +
                           (sum.isFloat() ? "_f32" : "");
  importer.program().addOperator(
      joinOperator(name, rank, *axis, sum.isFloat()));
  for (size_t i = 1; i < op.inputs.size(); ++i) {
    const ImportedTensor &next = importer.operand(op, i);
    std::vector<int64_t> shape = sum.shape;
    shape[*axis] = next.shape.size() == rank ? next.shape[*axis] : -1;
    if (shape != next.shape || next.type != sum.type) {
      return Refusal{"input", "inputs " + shapeToString(sum.shape) + " and " +
                                  shapeToString(next.shape) +
                                  " do not go together"};
    }
    shape[*axis] += sum.shape[*axis];
    const bool isLast = i + 1 == op.inputs.size();
    std::string target;
    ImportedTensor joined = sum;
    joined.shape = shape;
    if (isLast) {
      target = importer.define(op, 0, sum.type, shape);
    } else {
      joined.name = importer.program().names.make(sum.name + "_joined");
      target = joined.name + ": " + sum.type.str();
    }
    importer.program().call(target, name, "", {sum.name, next.name});
    sum = joined;
  }
  if (op.inputs.size() == 1) {
    importer.alias(op, sum);
  }
  return imported;
}

Outcome importResizeNearest(Importer &importer, const TfliteOperator &op) {
  if (auto refusal = checkMoved(importer, op, 0)) {
    return refusal;
  }
  const ImportedTensor x = importer.operand(op, 0);
  const auto size = importer.knownIntegers(op, 1);
  const bool isCorners = op.options && op.options->flag(0);
  constexpr int64_t most = 1 << 16;
  if (x.shape.size() != 4 || !size || size->size() != 2 ||
      std::ranges::min(*size) < 1 || std::ranges::max(*size) > most ||
      (*size)[0] % x.shape[1] != 0 || (*size)[1] % x.shape[2] != 0 ||
      isCorners) {
    return Refusal{"size", "only images that grow by whole numbers without "
                           "align_corners are supported"};
  }
  const int64_t rows = (*size)[0] / x.shape[1];
  const int64_t columns = (*size)[1] / x.shape[2];
  Parameters parameters;
  parameters.add("K", rows, 2).add("L", columns, rows);
  const std::string target = importer.define(
      op, 0, x.type, {x.shape[0], (*size)[0], (*size)[1], x.shape[3]});
  importer.call(target, x.isFloat() ? "tflite_upsample_f32" : "tflite_upsample",
                parameters.text(), {x.name});
  return imported;
}

} // namespace lpgen::importer::tflite
