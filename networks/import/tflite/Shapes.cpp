// RESHAPE and its kind: other extents for the same values.
#include "networks/import/tflite/Importer.h"
#include <algorithm>
#include <numeric>
#include <utility>

namespace lpgen::importer::tflite {

static int64_t countOf(const std::vector<int64_t> &shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1},
                         std::multiplies<>());
}

/// The shape that a node asks for; nothing if it is not known or does not fit.
static std::optional<std::vector<int64_t>>
wantedShape(Importer &importer, const TfliteOperator &op, int64_t count) {
  std::optional<std::vector<int64_t>> wanted;
  if (op.is(Builtin::Reshape)) {
    wanted = importer.knownIntegers(op, 1);
    if (!wanted && op.options) {
      const std::vector<int32_t> listed = op.options->numbers<int32_t>(0);
      wanted.emplace(listed.begin(), listed.end());
    }
  }
  if (!wanted || wanted->empty()) {
    wanted = importer.tensor(op.outputs[0]).shape;
  }
  // One extent can be what is left.
  int64_t rest = count;
  for (const int64_t extent : *wanted) {
    if (extent != -1 && (extent < 1 || rest % extent != 0)) {
      return std::nullopt;
    }
    rest /= extent == -1 ? 1 : extent;
  }
  for (int64_t &extent : *wanted) {
    if (extent == -1) {
      extent = std::exchange(rest, 1);
    }
  }
  return rest == 1 && !wanted->empty() && wanted->size() <= 8 ? wanted
                                                              : std::nullopt;
}

/// The subscripts of an element of shape `from` whose place in memory is that
/// of the element [n,h,..] of shape `to`; nothing if they are no sums of these
/// indices.
static std::optional<std::vector<std::string>>
subscriptsOf(const std::vector<int64_t> &from, const std::vector<int64_t> &to) {
  const std::vector<std::string> names = indexNames(to.size());
  std::vector<std::string> subscripts;
  size_t next = 0;
  for (const int64_t extent : from) {
    int64_t stride = extent;
    std::string sum;
    while (stride > 1) {
      if (next == to.size() || stride % to[next] != 0) {
        return std::nullopt;
      }
      stride /= to[next];
      if (to[next] > 1) {
        sum += (sum.empty() ? "" : " + ") +
               (stride > 1 ? std::to_string(stride) + "*" : "") + names[next];
      }
      ++next;
    }
    subscripts.push_back(sum.empty() ? "0" : sum);
  }
  return subscripts;
}

Outcome importReshape(Importer &importer, const TfliteOperator &op) {
  if (!importer.hasOperand(op, 0)) {
    return Refusal{"input", "it is a constant"};
  }
  const ImportedTensor x = importer.operand(op, 0);
  const auto shape = wantedShape(importer, op, countOf(x.shape));
  if (!shape) {
    return Refusal{"new_shape", "it is not known, or has another number of "
                                "elements than the input"};
  }
  const bool isBatch = importer.batch() == Batch::Any;
  if (isBatch && (*shape)[0] != x.shape[0]) {
    return Refusal{"new_shape", "it changes the number of images", "", true};
  }
  // A fully connected layer takes the values as they are.
  if (importer.isReadOnlyBy(op.outputs[0], Builtin::FullyConnected)) {
    importer.alias(op, x);
    return imported;
  }
  auto subscripts = subscriptsOf(x.shape, *shape);
  if (!subscripts) {
    return Refusal{"new_shape",
                   "making one dimension of several, from " +
                       shapeToString(x.shape) + " to " + shapeToString(*shape) +
                       ", is supported before FULLY_CONNECTED only"};
  }
  if (isBatch) {
    (*subscripts)[0] = indexNames(shape->size())[0];
  }
  const std::string target = importer.defineSized(op, 0, x.type, *shape);
  importer.program().assign(target,
                            builder::Expression::element(x.name, *subscripts));
  return imported;
}

/// The extents of a tensor, which other nodes compute shapes from.
Outcome importShape(Importer &importer, const TfliteOperator &op) {
  if (!importer.hasOperand(op, 0)) {
    return Refusal{"input", "it is a constant"};
  }
  importer.setKnown(op.outputs[0], importer.operand(op, 0).shape);
  return imported;
}

/// Extents put together.
Outcome importPack(Importer &importer, const TfliteOperator &op) {
  std::vector<int64_t> values;
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const auto known = importer.knownIntegers(op, i);
    if (!known || known->size() != 1) {
      return Refusal{"input", "only extents that are known are supported"};
    }
    values.push_back(known->front());
  }
  importer.setKnown(op.outputs[0], std::move(values));
  return imported;
}

} // namespace lpgen::importer::tflite
