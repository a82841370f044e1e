// A matrix product from numbers.
#include "operators/builder/GemmOperator.h"
#include "operators/builder/Operator.h"
#include <cassert>

namespace lpgen {

std::string gemmOperatorName(const GemmSpec &spec) {
  return "gemm_x" + std::to_string(spec.xMax) + "_w" +
         std::to_string(spec.wMax) + "_m" + std::to_string(spec.rows) + "_n" +
         std::to_string(spec.columns) + "_k" + std::to_string(spec.reduction);
}

std::string gemmOperatorText(const GemmSpec &spec) {
  assert(spec.reduction <= GemmSpec::maxReduction(spec.xMax, spec.wMax) &&
         "the sum fits 32 bits");
  using namespace builder;
  Operator op;
  op.name = gemmOperatorName(spec);
  op.inputs = {{"x",
                spec.xType(),
                {Extent::upTo("m", spec.rows), spec.reduction},
                -spec.xMax,
                spec.xMax},
               {"w",
                spec.wType(),
                {spec.columns, spec.reduction},
                -spec.wMax,
                spec.wMax}};
  op.outputs = {
      {"y", {Encoding::Signed, 32}, {Extent::declared("m"), spec.columns}}};
  op.statements = {
      {Expression::element("y", {"i", "j"}),
       Expression::reduction("sum", {"k"},
                             Expression::element("x", {"i", "k"}) *
                                 Expression::element("w", {"j", "k"}))}};
  return op.text();
}

} // namespace lpgen
