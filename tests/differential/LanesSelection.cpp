// Depthwise and grouped convolutions for template `lanes`. See Operators.h.
#include "ir/analysis/PackedForm.h"
#include "targets/Cell.h"
#include "tests/differential/Operators.h"
#include "tests/differential/Selection.h"
#include "llvm/Support/FormatVariadic.h"

namespace lpgen::difftest {

namespace {

/// Sizes of image and filter; the subscript is stride * h + dilation * r - pad.
struct LanesShape {
  int64_t batch, height, width, filter, stride, dilation, pad;
  int64_t output(int64_t size) const {
    return (size + 2 * pad - dilation * (filter - 1) - 1) / stride + 1;
  }
};
constexpr LanesShape lanesShapes[] = {
    {1, 6, 161, 3, 1, 1, 1},                        // as usual, in pieces
    {2, 7, 129, 3, 2, 1, 1},                        // stride 2, batch
    {1, 8, 7, 5, 1, 1, 2},                          // larger filters
    {1, 9, 9, 7, 2, 1, 3},   {1, 7, 6, 3, 1, 2, 2}, // dilation
    {1, 5, 5, 3, 1, 1, 0},                          // inside only
    {1, 6, 6, 2, 2, 1, 0}, // even filter, nothing filled up
    {1, 3, 20, 4, 3, 3, 4} // positions that no tap reads
};

/// Sets of channels: how many, outputs and channels of each.
struct Sets {
  int64_t count, outputs, channels;
};
constexpr Sets sets[] = {{33, 1, 1}, {16, 1, 1}, {3, 1, 1},  {70, 1, 1},
                         {9, 2, 1},  {8, 4, 4},  {5, 2, 3},  {7, 4, 2},
                         {17, 1, 1}, {3, 8, 5},  {12, 1, 2}, {130, 1, 1}};

/// Pairs of types from wide to narrow, and where x may lie.
struct Types {
  const char *x;
  const char *w;
};
constexpr Types types[] = {{"u8", "s8"}, {"u7", "s4"}, {"u4", "s4"},
                           {"s8", "s8"}, {"u8", "u8"}, {"s4", "b2"},
                           {"s9", "s8"}, {"u2", "t2"}, {"s16", "s8"}};

enum class LanesBorder { Zero, Value, ZeroPoint, Constant, Count };

struct Case {
  LanesShape shape;
  Sets sets;
  ElementType x, w;
  LanesBorder border;
  bool isQuantized;

  bool isDepthwise() const { return sets.channels == 1; }
  std::string text(const std::string &name) const;
};

std::string Case::text(const std::string &name) const {
  const std::string out = sets.outputs == 1 ? "g" : "g,o";
  const std::string outShape =
      std::to_string(sets.count) +
      (sets.outputs == 1 ? "" : ", " + std::to_string(sets.outputs));
  std::string pad = "pad(0)";
  std::string less;
  std::string inputs;
  if (border == LanesBorder::Value) {
    pad = "pad(" + std::to_string((x.maxValue() + 1) / 2) + ")";
  } else if (border == LanesBorder::ZeroPoint) {
    pad = "pad(zx)";
    less = " - zx";
    inputs = zeroPointInput(x);
  } else if (border == LanesBorder::Constant) {
    pad = "pad(" + std::to_string(x.maxValue() - 1) + ")";
    less = " - " + std::to_string(x.maxValue() - 1);
  }
  const std::string channels =
      isDepthwise() ? "g" : std::to_string(sets.channels) + "*g + c";
  std::string read =
      llvm::formatv("x[n, {0}*h + {1}*r - {2}, {0}*v + {1}*s - {2}, {3}]",
                    shape.stride, shape.dilation, shape.pad, channels);
  const std::string wShape =
      outShape + llvm::formatv(", {0}, {0}", shape.filter).str() +
      (isDepthwise() ? "" : ", " + std::to_string(sets.channels));
  const std::string position = "[n,h,v," + out + "]";
  const std::string outputs = llvm::formatv(
      "[{0}, {1}, {2}, {3}]", shape.batch, shape.output(shape.height),
      shape.output(shape.width), outShape);
  return llvm::formatv(
      "op {0}(x: {1}[{2}, {3}, {4}, {5}] {6},\n  w: {7}[{8}]{9}{10})\n"
      "  -> ({11}) {{\n  acc{12} = sum(r, s{13}) ({14}{15}) * "
      "w[{16},r,s{13}]\n{17}}\n",
      name, x.str(), shape.batch, shape.height, shape.width,
      sets.count * sets.channels, pad, w.str(), wShape, inputs,
      isQuantized ? ", scale: f32[" + outShape + "]" : "",
      isQuantized ? "y: s4" + outputs : "acc: i32" + outputs, position,
      isDepthwise() ? "" : ", c", read, less, out,
      isQuantized ? "  y" + position + " = round(acc" + position + " * scale[" +
                        out + "])\n"
                  : "");
}

/// True if `cell` takes the operands as LaneForm stores them: x as it is or
/// moved, its padding included, w as it is.
bool fits(const Cell &cell, const Case &test) {
  const CellFacts &facts = cell.facts();
  if (test.x.encoding == Encoding::Bipolar) {
    return false;
  }
  const StoredRange w{std::min<int64_t>(test.w.minValue(), 0),
                      test.w.maxValue()};
  StoredRange x{std::min<int64_t>(test.x.minValue(), 0), test.x.maxValue()};
  if (x.lo < facts.x.lo || x.hi > facts.x.hi) {
    const int64_t most = x.hi - x.lo;
    x.lo = facts.x.lo < 0 ? -((most + 1) / 2) : 0;
    x.hi = x.lo + most;
  }
  // As the least cells do: bounds of wider moves are the compiler's.
  if (test.border == LanesBorder::Constant) {
    x = {std::min(x.lo, test.x.minValue() - test.x.maxValue()),
         std::max(x.hi, test.x.maxValue())};
  }
  return x.lo >= facts.x.lo && x.hi <= facts.x.hi && w.lo >= facts.w.lo &&
         w.hi <= facts.w.hi && facts.lanes % test.sets.outputs == 0 &&
         cell.maxSteps(x, w) >= 1;
}

} // namespace

std::vector<TestCase> lanesSelection(const Target &target) {
  constexpr size_t perCell = 12;
  std::vector<TestCase> cases;
  for (const Cell *cell : cellsOf(target)) {
    const CellFacts &facts = cell->facts();
    for (size_t i = 0; facts.xInLanes && i < perCell; ++i) {
      const Types &pair = types[i % std::size(types)];
      const Case test{lanesShapes[(i * 5 + 3) % std::size(lanesShapes)],
                      sets[i * 7 % std::size(sets)],
                      *ElementType::parse(pair.x),
                      *ElementType::parse(pair.w),
                      LanesBorder((i + i / 4) % size_t(LanesBorder::Count)),
                      i % 3 == 1};
      if (!fits(*cell, test)) {
        continue;
      }
      const std::string name =
          "lanes_" + facts.name.str() + "_" + std::to_string(i);
      cases.push_back({.text = test.text(name),
                       .schedule = llvm::formatv(
                           "{0}<cell={1},tile=[{2},{3}],block={4}>", "lanes",
                           facts.name, 1 + i * 3 % 7, 1 + i % 3, 1 + i * 2 % 5),
                       .applies = true});
    }
  }
  return cases;
}

} // namespace lpgen::difftest
