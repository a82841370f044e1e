// The GEMMs of the pairwise selection. See Operators.h.
#include "tests/differential/Legality.h"
#include "tests/differential/Operators.h"
#include "tests/differential/Selection.h"
#include "llvm/Support/FormatVariadic.h"

namespace lpgen::difftest {

namespace {

/// Rows around the register tiles' 1 to 8; 0 stands for a size known at run
/// time.
constexpr int64_t rowSizes[] = {1, 2, 3, 4, 5, 7, 13, 0};
/// Columns around vectors of 8, 16 and 32 lanes.
constexpr int64_t columnSizes[] = {1, 7, 8, 9, 16, 17, 31, 33};
/// Reductions around groups of 2, 4 and 8, and primes.
constexpr int64_t depthSizes[] = {1, 3, 4, 5, 8, 13, 33, 64, 67};

enum class Zero { None, X, W, Both, Count };
enum class GemmEpilogue {
  None,
  Quantize,
  Residual,
  Thresholds,
  Rescale,
  Sign,
  TwoOutputs,
  Chain,
  Count
};

constexpr size_t epilogueAxis = firstOther + 4;
/// The operands of the second product of a chain.
constexpr ElementType chainX = {Encoding::Unsigned, 4};
constexpr ElementType chainW = {Encoding::Signed, 3};

/// What an epilogue adds to the text: inputs, outputs, statements after `acc`.
struct EpilogueText {
  std::string inputs;
  std::string outputs;
  std::string statements;
};

EpilogueText epilogueText(GemmEpilogue epilogue, const std::string &m,
                          int64_t n) {
  const std::string shape = "[" + m + ", " + std::to_string(n) + "]";
  const std::string columns = "[" + std::to_string(n) + "]";
  switch (epilogue) {
  case GemmEpilogue::None:
  case GemmEpilogue::Count:
    return {"", "acc: i32" + shape, ""};
  case GemmEpilogue::Quantize:
    return {", scale: f32" + columns + ", bias: f32" + columns, "y: u4" + shape,
            "  y[i,j] = round(acc[i,j] * scale[j] + bias[j])\n"};
  case GemmEpilogue::Residual:
    return {", res: s8" + shape, "y: s8" + shape,
            "  y[i,j] = clamp((acc[i,j] >> 3) + res[i,j], -100, 101)\n"};
  case GemmEpilogue::Thresholds:
    return {", t: s16[" + std::to_string(n) + ", 3]", "y: u2" + shape,
            "  y[i,j] = sum(a) (acc[i,j] >= t[j,a])\n"};
  case GemmEpilogue::Rescale:
    return {", mult: i32" + columns + " in [0, 2147483647], shift: i32" +
                columns + " in [-20, 2], zy: i32 in [-128, 127]",
            "y: s8" + shape,
            "  y[i,j] = rescale(acc[i,j], mult[j], shift[j]) + zy\n"};
  case GemmEpilogue::Sign:
    return {", t: s16" + columns, "y: b1" + shape,
            "  y[i,j] = 2 * (acc[i,j] >= t[j]) - 1\n"};
  case GemmEpilogue::TwoOutputs:
    return {", bias: i32" + columns + " in [-5000, 5000]",
            "y: i32" + shape + ", z: u8" + shape,
            "  y[i,j] = acc[i,j] + bias[j]\n  z[i,j] = relu(acc[i,j]) >> 1\n"};
  case GemmEpilogue::Chain:
    return {", w2: " + chainW.str() + "[5, " + std::to_string(n) + "]",
            "y: " + chainX.str() + shape + ", z: i32[" + m + ", 5]",
            "  y[i,j] = acc[i,j] >> 2\n"
            "  z[i,p] = sum(j) y[i,j] * w2[p,j]\n"};
  }
  return {};
}

std::string gemmText(const std::string &name, const Row &row) {
  const auto [x, w] = typesOf(row);
  const int64_t rows = rowSizes[row[firstOther]];
  const int64_t n = columnSizes[row[firstOther + 1]];
  const int64_t k = depthSizes[row[firstOther + 2]];
  const Zero zero = Zero(row[firstOther + 3]);
  const std::string m = rows == 0 ? "?m" : std::to_string(rows);
  const EpilogueText epilogue =
      epilogueText(GemmEpilogue(row[epilogueAxis]), m, n);
  const bool xZero = zero == Zero::X || zero == Zero::Both;
  const bool wZero = zero == Zero::W || zero == Zero::Both;
  std::string inputs =
      llvm::formatv("x: {0}[{1}, {2}], w: {3}[{4}, {2}]", x.str(),
                    rows == 0 ? "?m <= 11" : m, k, w.str(), n);
  if (xZero) {
    inputs += zeroPointInput(x);
  }
  if (wZero) {
    inputs += ", zw: " + w.str() + "[" + std::to_string(n) + "]";
  }
  return llvm::formatv("op {0}({1}{2})\n  -> ({3}) {{\n"
                       "  acc[i,j] = sum(k) {4} * {5}\n{6}}\n",
                       name, inputs, epilogue.inputs, epilogue.outputs,
                       xZero ? "(x[i,k] - zx)" : "x[i,k]",
                       wZero ? "(w[j,k] - zw[j])" : "w[j,k]",
                       epilogue.statements);
}

} // namespace

/// A cell multiplies in the second product of a chain too.
static bool takesEpilogue(const Target &target, const std::string &schedule,
                          GemmEpilogue epilogue) {
  return epilogue != GemmEpilogue::Chain ||
         mustApply(target, schedule, chainX, chainW) != false;
}

std::vector<TestCase> gemmSelection(const Target &target) {
  const Axes axes = {
      .others = {std::size(rowSizes), std::size(columnSizes),
                 std::size(depthSizes), size_t(Zero::Count),
                 size_t(GemmEpilogue::Count)},
      .typesMeetSchedules = true,
      .allows = [&](const std::string &schedule, size_t axis, size_t value) {
        return axis != epilogueAxis ||
               takesEpilogue(target, schedule, GemmEpilogue(value));
      }};
  std::vector<TestCase> cases;
  for (const Row &row : selectRows(target, axes)) {
    cases.push_back(
        {.text = gemmText("gemm" + std::to_string(cases.size()), row),
         .schedule = scheduleOf(target, row),
         .applies = true});
  }
  return cases;
}

} // namespace lpgen::difftest
