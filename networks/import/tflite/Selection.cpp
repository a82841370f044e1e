// ARG_MAX: the place of the greatest value.
#include "networks/import/tflite/Importer.h"

namespace lpgen::importer::tflite {

Outcome importArgMax(Importer &importer, const TfliteOperator &op) {
  if (!importer.hasOperand(op, 0)) {
    return Refusal{"input", "it is a constant"};
  }
  const ImportedTensor x = importer.operand(op, 0);
  const std::optional<ElementType> type = importer.outputType(op);
  const auto axes = importer.knownIntegers(op, 1);
  const size_t rank = x.shape.size();
  const auto axis =
      axes && axes->size() == 1 ? axisOf(axes->front(), rank) : std::nullopt;
  if (!axis || rank < 2) {
    return Refusal{"axis", "it is not known or out of range"};
  }
  if (importer.batch() == Batch::Any && *axis == 0) {
    return Refusal{"axis", "it is the dimension of images", "", true};
  }
  if (!type || type->isFloat() || type->bits < 32) {
    return Refusal{"output_type", "it is neither INT32 nor INT64"};
  }
  std::vector<int64_t> shape = x.shape;
  shape.erase(shape.begin() + static_cast<ptrdiff_t>(*axis));
  std::vector<std::string> places = indexNames(rank - 1);
  const std::string target = importer.defineElements(op, 0, *type, shape);
  places.insert(places.begin() + static_cast<ptrdiff_t>(*axis), "r");
  importer.program().assign(
      target,
      builder::Expression::reduction(
          "argmax", {"r"}, builder::Expression::element(x.name, places)));
  return imported;
}

} // namespace lpgen::importer::tflite
