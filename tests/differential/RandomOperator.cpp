// See RandomOperator.h. An operator is a main reduction into `acc`, followed by
// elementwise statements that read it, and now and then by a further reduction.
#include "tests/differential/RandomOperator.h"
#include "base/types/ElementType.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <random>
#include <vector>

namespace lpgen::difftest {

namespace {

struct Loop {
  std::string name;
  int64_t extent = 1;
  bool isDynamic = false;
};

class Generator {
public:
  explicit Generator(uint64_t seed) : random(seed) {}
  std::string generate(const std::string &name);

private:
  int64_t number(int64_t low, int64_t high) {
    // Not std::uniform_int_distribution, which differs between libraries.
    return low + int64_t(random() % uint64_t(high - low + 1));
  }
  bool chance(int percent) { return number(1, 100) <= percent; }
  template <typename T>
  const T &oneOf(const std::vector<T> &list) {
    return list[size_t(number(0, int64_t(list.size()) - 1))];
  }

  ElementType type();
  std::string constantIn(ElementType type);
  void drawLoops();
  std::string factor(const std::string &tensor, ElementType type,
                     std::vector<const Loop *> used);
  std::string dimension(const Loop &first, const Loop *second, bool padded,
                        std::string &subscript);
  std::string affineForm(const std::string &read, const std::string &zero);
  std::string zeroPoint(const std::string &tensor, ElementType type);
  std::string nestedSum(const std::string &x, const std::string &w);
  std::string reduction();
  std::string elementwise(int depth);
  std::string leaf();
  std::string floatExpression(int depth);
  std::string finalStatements();
  std::string outputType();
  std::string extentText(const Loop &loop) const {
    return loop.isDynamic ? "?m <= " + std::to_string(loop.extent)
                          : std::to_string(loop.extent);
  }
  std::string outputShape() const;
  std::string outputIndices() const;
  void addInput(const std::string &text) { inputs.push_back(text); }
  std::string freshName(const char *stem) {
    return stem + std::to_string(inputs.size());
  }

  std::mt19937_64 random;
  std::vector<Loop> parallel;
  std::vector<Loop> reduced;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  bool hasRuntimeSize = false; ///< Of a dimension that no loop has.
};

ElementType Generator::type() {
  const auto bits = unsigned(number(1, 8));
  switch (number(0, 4)) {
  case 0:
    return {Encoding::Bipolar, bits};
  case 1:
    return {Encoding::Ternary, 2};
  case 2:
    return {Encoding::Signed, bits};
  default:
    return {Encoding::Unsigned, bits};
  }
}

/// What a border may hold: anything between the ends.
std::string Generator::constantIn(ElementType type) {
  return std::to_string(number(type.minValue(), type.maxValue()));
}

void Generator::drawLoops() {
  static const char *const parallelNames[] = {"a", "b", "c"};
  static const char *const reducedNames[] = {"r", "s", "t"};
  const std::vector<int64_t> extents = {1, 2, 3, 4, 5, 7, 8, 9, 17};
  const std::vector<int64_t> depths = {1, 3, 4, 5, 8, 13, 33};
  const int64_t numParallel = number(1, 3);
  for (int64_t i = 0; i < numParallel; ++i) {
    parallel.push_back({parallelNames[i], oneOf(extents)});
  }
  parallel.front().isDynamic = chance(20);
  const int64_t numReduced = number(1, 3);
  for (int64_t i = 0; i < numReduced; ++i) {
    reduced.push_back({reducedNames[i], i == 0 ? oneOf(depths) : number(1, 4)});
  }
}

/// The extent and the subscript of one dimension that `first`, and perhaps
/// `second`, move through.
std::string Generator::dimension(const Loop &first, const Loop *second,
                                 bool padded, std::string &subscript) {
  if (!second && (first.isDynamic || !padded || chance(60))) {
    subscript = first.name;
    return first.isDynamic ? "?m" : std::to_string(first.extent);
  }
  const int64_t factorOne = number(1, 2);
  const int64_t factorTwo = second ? number(1, 2) : 0;
  const int64_t shift = padded ? number(0, 2) : 0;
  int64_t size = factorOne * (first.extent - 1) + 1 - shift;
  std::string sum =
      llvm::formatv("{0}*{1} - {2}", factorOne, first.name, shift);
  if (second) {
    size += factorTwo * (second->extent - 1);
    sum = llvm::formatv("{0}*{1} + {2}*{3} - {4}", factorOne, first.name,
                        factorTwo, second->name, shift);
  }
  if (padded && chance(15)) {
    subscript = "(" + sum + ") / 2";
    size = size / 2 + 1;
  } else {
    subscript = sum;
  }
  if (padded) {
    size -= number(0, 2);
  }
  size = std::max<int64_t>(size, 1);
  if (padded && !hasRuntimeSize && chance(8)) {
    hasRuntimeSize = true;
    return "?p <= " + std::to_string(size);
  }
  return std::to_string(size);
}

std::string Generator::zeroPoint(const std::string &tensor, ElementType type) {
  const std::string name = "z" + tensor;
  addInput(llvm::formatv("{0}: i32 in [{1}, {2}]", name, type.minValue(),
                         type.maxValue()));
  return name;
}

/// A read of a new input in which the `used` loops stand.
std::string Generator::factor(const std::string &tensor, ElementType type,
                              std::vector<const Loop *> used) {
  for (size_t i = used.size(); i > 1; --i) {
    std::swap(used[i - 1], used[size_t(number(0, int64_t(i) - 1))]);
  }
  const bool padded = chance(45);
  const bool hasZero = chance(25);
  const std::string zero = hasZero ? zeroPoint(tensor, type) : "";
  std::string shape;
  std::string subscripts;
  for (size_t i = 0; i < used.size(); ++i) {
    const Loop *first = used[i];
    const Loop *second = nullptr;
    if (!first->isDynamic && i + 1 < used.size() && !used[i + 1]->isDynamic &&
        chance(30)) {
      second = used[++i];
    }
    std::string subscript;
    shape += (shape.empty() ? "" : ", ") +
             dimension(*first, second, padded, subscript);
    subscripts += (subscripts.empty() ? "" : ", ") + subscript;
  }
  std::string text = tensor + ": " + type.str();
  if (!shape.empty()) {
    text += "[" + shape + "]";
  }
  if (padded) {
    text += hasZero && chance(60) ? " pad(" + zero + ")"
            : chance(20)          ? " pad(lowest)"
            : chance(50)          ? " pad(0)"
                                  : " pad(" + constantIn(type) + ")";
  }
  addInput(text);
  const std::string read =
      subscripts.empty() ? tensor : tensor + "[" + subscripts + "]";
  return affineForm(read, zero);
}

/// A read and perhaps a zero point in one of the forms that people write.
std::string Generator::affineForm(const std::string &read,
                                  const std::string &zero) {
  if (!zero.empty()) {
    switch (number(0, 5)) {
    case 0:
      return "(" + read + " + " + zero + ")";
    case 1:
      return "(" + zero + " - " + read + ")";
    case 2:
      return "(3 * (" + read + " - " + zero + ") - 6)";
    default:
      return "(" + read + " - " + zero + ")";
    }
  }
  switch (number(0, 11)) {
  case 0:
    return "(" + read + " - " + std::to_string(number(-99, 999)) + ")";
  case 1:
    return "(2 * " + read + " - " + std::to_string(number(0, 15)) + ")";
  case 2:
    return "(-" + read + ")";
  default:
    return read;
  }
}

/// A sum of scaled sums, as with one scale per group of weights.
std::string Generator::nestedSum(const std::string &x, const std::string &w) {
  std::string inner;
  for (size_t i = 1; i < reduced.size(); ++i) {
    inner += (inner.empty() ? "" : ", ") + reduced[i].name + ":" +
             std::to_string(reduced[i].extent);
  }
  return llvm::formatv("sum({0}:{1}) {2} * (sum({3}) {4} * {5})",
                       reduced.front().name, reduced.front().extent,
                       factor("g", {Encoding::Signed, 4}, {&reduced.front()}),
                       inner, x, w);
}

/// `sum(r:8, s:3) x[..] * w[..]` and its relatives.
std::string Generator::reduction() {
  std::vector<const Loop *> usedByX;
  std::vector<const Loop *> usedByW;
  for (const Loop &loop : parallel) {
    const int64_t where = loop.isDynamic ? 0 : number(0, 3);
    if (where != 1) {
      usedByX.push_back(&loop);
    }
    if (where == 1 || where == 2) {
      usedByW.push_back(&loop);
    }
  }
  std::string bounds;
  for (const Loop &loop : reduced) {
    bounds += (bounds.empty() ? "" : ", ") + loop.name + ":" +
              std::to_string(loop.extent);
    const int64_t where = number(0, 9);
    if (where != 0) {
      usedByX.push_back(&loop);
    }
    if (where != 1) {
      usedByW.push_back(&loop);
    }
  }
  const std::string x = factor("x", type(), usedByX);
  switch (number(0, 12)) {
  case 12:
    if (reduced.size() == 1) {
      return "argmax(" + bounds + ") (" + x + ")";
    }
    [[fallthrough]];
  case 0:
    return "max(" + bounds + ") (" + x + ")";
  case 1:
    return "min(" + bounds + ") (" + x + ")";
  case 2:
    return "sum(" + bounds + ") " + x;
  case 3:
    return "sum(" + bounds + ") (" + x + " >= " + factor("w", type(), usedByW) +
           ")";
  case 4:
    return "sum(" + bounds + ") " + x + " * " + factor("w", type(), usedByW) +
           " * " + factor("u", {Encoding::Unsigned, 2}, {&reduced.front()});
  case 5:
    if (reduced.size() > 1) {
      return nestedSum(x, factor("w", type(), usedByW));
    }
    [[fallthrough]];
  default:
    return "sum(" + bounds + ") " + x + " * " + factor("w", type(), usedByW);
  }
}

std::string Generator::outputShape() const {
  std::string text;
  for (const Loop &loop : parallel) {
    text += (text.empty() ? "" : ", ") +
            (loop.isDynamic ? "?m" : std::to_string(loop.extent));
  }
  return "[" + text + "]";
}

std::string Generator::outputIndices() const {
  std::string text;
  for (const Loop &loop : parallel) {
    text += (text.empty() ? "" : ",") + loop.name;
  }
  return "[" + text + "]";
}

/// An integer that an elementwise statement can read.
std::string Generator::leaf() {
  switch (number(0, 5)) {
  case 0:
    return std::to_string(number(-9, 99));
  case 1: {
    const std::string name = freshName("p");
    addInput(name + ": s8" + outputShape());
    return name + outputIndices();
  }
  case 2: {
    const std::string name = freshName("q");
    const Loop &last = parallel.back();
    addInput(name + ": " + type().str() + "[" +
             (last.isDynamic ? "?m" : std::to_string(last.extent)) + "]");
    return name + "[" + last.name + "]";
  }
  default:
    return "acc" + outputIndices();
  }
}

std::string Generator::elementwise(int depth) {
  if (depth == 0) {
    return leaf();
  }
  const std::string a = elementwise(depth - 1);
  switch (number(0, 18)) {
  case 0:
    return "(" + a + " + " + elementwise(depth - 1) + ")";
  case 1:
    return "(" + a + " - " + elementwise(depth - 1) + ")";
  case 2:
    return "(" + a + " * " + std::to_string(number(-5, 12)) + ")";
  case 3:
    return "(" + a + " >> " + std::to_string(number(0, 5)) + ")";
  case 4:
    return "max(" + a + ", " + elementwise(depth - 1) + ")";
  case 5:
    return "min(" + a + ", " + elementwise(depth - 1) + ")";
  case 6:
    return "relu(" + a + ")";
  case 7:
    return "clamp(" + a + ", -50, 60)";
  case 8:
    return "abs(" + a + ")";
  case 9:
    return "floordiv(" + a + ", " + std::to_string(number(1, 9)) + ")";
  case 10:
    return "rounddiv(" + a + ", " + std::to_string(-number(1, 9)) + ")";
  case 11:
    return "(2 * (" + a + " >= " + elementwise(depth - 1) + ") - 1)";
  case 12:
    return "rescale(wrap(" + a + "), 1518500250, -3)";
  case 13:
    return "(" + a + " % " + std::to_string(number(1, 9)) + ")";
  case 14:
    return "(" + a + " % " + std::to_string(-number(1, 9)) + ")";
  case 15:
    return "(wrap(" + a + ") << " + std::to_string(number(0, 9)) + ")";
  case 16:
    return "(" + a + " & " + elementwise(depth - 1) + ")";
  case 17:
    return "(" + a + " ^ " + parallel.back().name + " | 3)";
  default:
    return "wrap(" + a + " * 70000)";
  }
}

std::string Generator::floatExpression(int depth) {
  if (depth == 0) {
    const std::string name = freshName("f");
    const Loop &last = parallel.back();
    addInput(name + ": f32[" +
             (last.isDynamic ? "?m" : std::to_string(last.extent)) + "]");
    return name + "[" + last.name + "]";
  }
  const std::string a = floatExpression(depth - 1);
  switch (number(0, 8)) {
  case 0:
    return "(" + a + " + " + elementwise(1) + ")";
  case 1:
    return "(" + a + " * acc" + outputIndices() + ")";
  case 2:
    return "(" + a + " - 0.75)";
  case 3:
    return "(" + a + " / " + floatExpression(0) + ")";
  case 4:
    return "max(" + a + ", " + floatExpression(0) + ")";
  case 5:
    return "relu(" + a + ")";
  case 6: {
    const std::vector<std::string> functions = {
        "exp", "log", "sqrt", "rsqrt", "tanh", "sigmoid", "erf"};
    return oneOf(functions) + "(" + a + ")";
  }
  case 7:
    return "(sum(z" + std::to_string(depth) + ":3) " + a + " * " +
           floatExpression(0) + ")";
  default:
    return "abs(" + a + ")";
  }
}

std::string Generator::outputType() {
  return chance(30)   ? "i32"
         : chance(15) ? "i64"
         : chance(20) ? "s16"
                      : type().str();
}

std::string Generator::finalStatements() {
  const std::string shape = outputShape();
  const std::string indices = outputIndices();
  std::string text;
  switch (number(0, 4)) {
  case 0:
    outputs.push_back("acc: i32" + shape);
    return text;
  case 1:
    outputs.push_back("y: f32" + shape);
    text = "  y" + indices + " = " + floatExpression(2) + "\n";
    break;
  case 2: {
    const std::vector<std::string> roundings = {"round", "floor", "ceil",
                                                "trunc"};
    outputs.push_back("y: " + outputType() + shape);
    text = "  y" + indices + " = " + oneOf(roundings) + "(" +
           floatExpression(int(number(1, 3))) + ")\n";
    break;
  }
  default:
    outputs.push_back("y: " + outputType() + shape);
    text = "  y" + indices + " = " + elementwise(int(number(1, 3))) + "\n";
  }
  if (text.find("acc[") == std::string::npos) {
    // Nothing reads acc, so only a declaration can give its indices extents.
    outputs.push_back("acc: i64" + shape);
  }
  if (chance(25)) {
    std::string bounds;
    for (const Loop &loop : parallel) {
      bounds += (bounds.empty() ? "" : ", ") + loop.name;
    }
    outputs.emplace_back("total: i64");
    text += "  total = sum(" + bounds + ") acc" + indices + "\n";
  }
  return text;
}

std::string Generator::generate(const std::string &name) {
  drawLoops();
  const std::string main = reduction();
  const std::string rest = finalStatements();
  // The name of a run-time size is bounded where it first stands.
  std::string declarations;
  bool bounded = false;
  for (std::string declaration : inputs) {
    if (const size_t place = declaration.find("?m");
        place != std::string::npos && !bounded) {
      declaration.replace(place, 2, extentText(parallel.front()));
      bounded = true;
    }
    declarations += (declarations.empty() ? "" : ",\n    ") + declaration;
  }
  std::string results;
  for (const std::string &output : outputs) {
    results += (results.empty() ? "" : ", ") + output;
  }
  return llvm::formatv("op {0}({1})\n  -> ({2}) {{\n  acc{3} = {4}\n{5}}\n",
                       name, declarations, results, outputIndices(), main,
                       rest);
}

} // namespace

std::string randomOperator(const std::string &name, uint64_t seed) {
  return Generator(seed).generate(name);
}

} // namespace lpgen::difftest
