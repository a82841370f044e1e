// The convolutions of the pairwise selection. See Operators.h.
#include "tests/differential/Operators.h"
#include "tests/differential/Selection.h"
#include "llvm/Support/FormatVariadic.h"

namespace lpgen::difftest {

namespace {

/// Sizes of image, filter and borders. `bottom` and `right` fix the output.
struct Shape {
  int64_t batch, height, width;
  int64_t filterHeight, filterWidth;
  int64_t stride, dilation;
  int64_t top, bottom, left, right;
  int64_t outputHeight() const {
    return (height + top + bottom - dilation * (filterHeight - 1) - 1) /
               stride +
           1;
  }
  int64_t outputWidth() const {
    return (width + left + right - dilation * (filterWidth - 1) - 1) / stride +
           1;
  }
};
constexpr Shape shapes[] = {
    {1, 5, 6, 3, 3, 1, 1, 1, 1, 1, 1}, // as usual
    {1, 5, 7, 3, 3, 1, 1, 0, 0, 0, 0}, // inside only
    {1, 6, 8, 3, 3, 2, 1, 1, 1, 1, 1}, // stride 2, even
    {1, 7, 5, 3, 3, 2, 1, 1, 1, 1, 1}, // stride 2, odd
    {1, 6, 7, 3, 3, 1, 2, 2, 2, 2, 2}, // dilation 2
    {1, 5, 5, 3, 3, 1, 1, 0, 2, 2, 0}, // asymmetric
    {1, 4, 5, 1, 1, 1, 1, 0, 0, 0, 0}, // pointwise
    {1, 7, 7, 1, 1, 2, 1, 0, 0, 0, 0}, // pointwise, stride 2
    {2, 4, 3, 3, 3, 1, 1, 1, 1, 1, 1}, // batch 2
    {1, 6, 4, 5, 2, 1, 1, 2, 2, 1, 0}, // oblong, even filter
    {1, 1, 11, 1, 3, 1, 1, 0, 0, 1, 1} // one-dimensional
};

/// How the channels are split.
enum class Grouping { None, Index, Flat, Depthwise, Count };
constexpr int64_t inputSizes[] = {1, 3, 4, 5, 8, 17};
constexpr int64_t outputSizes[] = {1, 7, 8, 9, 17, 33};
/// What stands outside the image.
enum class Border { Zero, Lowest, Value, ZeroPoint, Count };
enum class Epilogue { None, Quantize, Pool, Residual, Count };

struct Conv {
  TypeChoice types;
  Shape shape;
  Grouping grouping;
  int64_t inputs, outputs; ///< Channels, per group.
  Border border;
  bool wZero;
  Epilogue epilogue;

  explicit Conv(const Row &row)
      : types(typesOf(row)), shape(shapes[row[firstOther]]),
        grouping(Grouping(row[firstOther + 1])),
        inputs(inputSizes[row[firstOther + 2]]),
        outputs(outputSizes[row[firstOther + 3]]),
        border(Border(row[firstOther + 4])), wZero(row[firstOther + 5] == 1),
        epilogue(Epilogue(row[firstOther + 6])) {}
  bool xZero() const { return border == Border::ZeroPoint; }
  std::string padding() const;
  std::string product() const;
  std::string declarations() const;
  /// The output's extents after n, h, v.
  std::string outputShape() const;
  /// The output's indices after n, h, v.
  std::string outputIndices() const;
  std::string weightIndices() const;
};

constexpr int64_t numGroups = 2;

std::string Conv::padding() const {
  switch (border) {
  case Border::Zero:
  case Border::Count:
    return "pad(0)";
  case Border::Lowest:
    return "pad(lowest)";
  case Border::Value: // any number between the least and the greatest value
    return "pad(" + std::to_string((types.x.maxValue() + 1) / 2) + ")";
  case Border::ZeroPoint:
    return "pad(zx)";
  }
  return "";
}

std::string Conv::outputIndices() const {
  switch (grouping) {
  case Grouping::None:
    return "o";
  case Grouping::Depthwise:
    return "c";
  default:
    return "g,o";
  }
}

std::string Conv::weightIndices() const {
  return grouping == Grouping::Depthwise ? "c,r,s" : outputIndices() + ",r,s,c";
}

std::string Conv::product() const {
  const std::string channels = grouping == Grouping::Index ? "g, c"
                               : grouping == Grouping::Flat
                                   ? std::to_string(inputs) + "*g + c"
                                   : "c";
  std::string x = llvm::formatv(
      "x[n, {0}*h + {1}*r - {2}, {0}*v + {1}*s - {3}, {4}]", shape.stride,
      shape.dilation, shape.top, shape.left, channels);
  if (xZero()) {
    x = "(" + x + " - zx)";
  }
  std::string w = "w[" + weightIndices() + "]";
  if (wZero) {
    w = "(" + w + " - zw[" + outputIndices() + "])";
  }
  return (grouping == Grouping::Depthwise ? "sum(r, s) " : "sum(r, s, c) ") +
         x + "\n    * " + w;
}

std::string Conv::outputShape() const {
  return grouping == Grouping::None ? std::to_string(outputs)
         : grouping == Grouping::Depthwise
             ? std::to_string(inputs)
             : std::to_string(numGroups) + ", " + std::to_string(outputs);
}

std::string Conv::declarations() const {
  std::string channels = std::to_string(inputs);
  if (grouping == Grouping::Index) {
    channels = std::to_string(numGroups) + ", " + channels;
  } else if (grouping == Grouping::Flat) {
    channels = std::to_string(numGroups * inputs);
  }
  std::string text = llvm::formatv("x: {0}[{1}, {2}, {3}, {4}] {5}",
                                   types.x.str(), shape.batch, shape.height,
                                   shape.width, channels, padding());
  text += llvm::formatv(",\n  w: {0}[{1}, {2}, {3}", types.w.str(),
                        outputShape(), shape.filterHeight, shape.filterWidth);
  text += grouping == Grouping::Depthwise ? "]"
                                          : ", " + std::to_string(inputs) + "]";
  if (xZero()) {
    text += zeroPointInput(types.x);
  }
  if (wZero) {
    text += ", zw: " + types.w.str() + "[" + outputShape() + "]";
  }
  return text;
}

std::string convText(const std::string &name, const Conv &conv) {
  const std::string out = conv.outputIndices();
  const std::string position = "[n,h,v," + out + "]";
  const std::string shape = llvm::formatv(
      "[{0}, {1}, {2}, {3}]", conv.shape.batch, conv.shape.outputHeight(),
      conv.shape.outputWidth(), conv.outputShape());
  std::string inputs = conv.declarations();
  std::string outputs = "acc: i32" + shape;
  std::string statements;
  switch (conv.epilogue) {
  case Epilogue::None:
  case Epilogue::Count:
    break;
  case Epilogue::Quantize:
    inputs += ", scale: f32[" + conv.outputShape() + "]";
    outputs = "y: s4" + shape;
    statements = "  y" + position + " = round(acc" + position + " * scale[" +
                 out + "])\n";
    break;
  case Epilogue::Pool: {
    outputs = "y: u3" + shape + " pad(0), z: u3" + shape;
    statements = "  y" + position + " = acc" + position + " >> 2\n  z" +
                 position + " = max(r:2, s:2) y[n, h + r, v + s, " + out +
                 "]\n";
    break;
  }
  case Epilogue::Residual:
    inputs += ", res: s8" + shape;
    outputs = "y: s8" + shape;
    statements = "  y" + position + " = relu((acc" + position + " >> 4) + res" +
                 position + ")\n";
    break;
  }
  return llvm::formatv("op {0}({1})\n  -> ({2}) {{\n  acc{3} = {4}\n{5}}\n",
                       name, inputs, outputs, position, conv.product(),
                       statements);
}

} // namespace

std::vector<TestCase> convSelection(const Target &target) {
  const Axes axes = {
      .others = {std::size(shapes), size_t(Grouping::Count),
                 std::size(inputSizes), std::size(outputSizes),
                 size_t(Border::Count), 2, size_t(Epilogue::Count)},
      .allows = [](const std::string &schedule, size_t axis, size_t value) {
        // A cell needs a sum over channels.
        return axis != firstOther + 1 ||
               Grouping(value) != Grouping::Depthwise || schedule.empty() ||
               schedule == "direct";
      }};
  std::vector<TestCase> cases;
  for (const Row &row : selectRows(target, axes)) {
    cases.push_back(
        {.text = convText("conv" + std::to_string(cases.size()), Conv(row)),
         .schedule = scheduleOf(target, row),
         .applies = true});
  }
  return cases;
}

} // namespace lpgen::difftest
