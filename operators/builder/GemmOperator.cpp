// Text from numbers.
#include "operators/builder/GemmOperator.h"
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
  const auto operand = [&](ElementType type, const std::string &rows,
                           int32_t max) {
    const std::string limit = std::to_string(max);
    return type.str() + "[" + rows + ", " + std::to_string(spec.reduction) +
           "] in [-" + limit + ", " + limit + "]";
  };
  const std::string columns = std::to_string(spec.columns);
  return "op " + gemmOperatorName(spec) + "(\n    x: " +
         operand(spec.xType(), "?m <= " + std::to_string(spec.rows),
                 spec.xMax) +
         ",\n    w: " + operand(spec.wType(), columns, spec.wMax) +
         ")\n  -> (y: i32[?m, " + columns + "]) {\n" +
         "  y[i,j] = sum(k) x[i,k] * w[j,k]\n}\n";
}

} // namespace lpgen
