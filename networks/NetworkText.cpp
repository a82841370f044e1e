// Text from stages. Operators that differ in extents and widths only are one.
#include "networks/NetworkText.h"
#include <algorithm>
#include <bit>
#include <map>

namespace lpgen::networks {

using builder::Declaration;
using builder::Extent;

ElementType typeOf(const QuantParams &grid) {
  if (grid.isOdd) {
    return {Encoding::Bipolar,
            unsigned(std::bit_width(unsigned(grid.highest)))};
  }
  if (grid.lowest >= 0) {
    return {Encoding::Unsigned,
            unsigned(std::max<int>(std::bit_width(unsigned(grid.highest)), 1))};
  }
  unsigned bits = 2;
  while (grid.lowest < -(int64_t{1} << (bits - 1)) ||
         grid.highest >= int64_t{1} << (bits - 1)) {
    ++bits;
  }
  return {Encoding::Signed, bits};
}

static Declaration declare(const std::string &name, ElementType type,
                           const char *width) {
  Declaration formal = {name, type};
  formal.width = type.isFloat() ? "" : width;
  return formal;
}

Declaration declareImages(const std::string &name, ElementType type,
                          const Shape &shape, const std::string &suffix) {
  Declaration formal = declare(name, type, "A");
  formal.extents.push_back(Extent::upTo("n", Extent::of("N")));
  if (!shape.isFlat) {
    formal.extents.push_back(Extent::of("H" + suffix));
    formal.extents.push_back(Extent::of("W" + suffix));
  }
  formal.extents.push_back(Extent::of("C" + suffix));
  return formal;
}

Declaration declareConstant(const std::string &name, ElementType type,
                            const std::vector<std::string> &extents) {
  Declaration formal = declare(name, type, "B");
  for (const std::string &extent : extents) {
    formal.extents.push_back(Extent::of(extent));
  }
  return formal;
}

std::vector<std::string> indices(const Shape &shape) {
  return shape.isFlat ? std::vector<std::string>{"n", "o"}
                      : std::vector<std::string>{"n", "h", "v", "o"};
}

/// A name of the language for one of the model: "block1_conv2".
static std::string identifier(std::string name) {
  std::ranges::replace(name, '.', '_');
  return name;
}

static std::string constantName(const Stage &stage, const Input &input) {
  return stage.name + "." + input.formal.name;
}

std::vector<StoredConstant> constantsOf(const Network &network) {
  std::vector<StoredConstant> constants;
  for (const Stage &stage : network.stages) {
    for (const Input &input : stage.inputs) {
      if (input.constant) {
        constants.push_back({constantName(stage, input), input.constant.get()});
      }
    }
  }
  return constants;
}

/// What a formal of any extents and width mentions, each once.
static void addParameters(const Declaration &formal,
                          std::vector<std::string> &names) {
  const auto add = [&](const std::string &name) {
    const bool isName = !name.empty() && std::ranges::all_of(name, [](char c) {
      return c >= 'A' && c <= 'Z';
    });
    if (isName && std::ranges::find(names, name) == names.end()) {
      names.push_back(name);
    }
  };
  for (const Extent &extent : formal.extents) {
    add(extent.text());
  }
  add(formal.width);
}

/// "H", "S = 1": what follows from a call, then what is given or has a default.
static std::vector<std::string> parametersOf(const Stage &stage) {
  std::vector<std::string> names;
  for (const Input &input : stage.inputs) {
    addParameters(input.formal, names);
  }
  addParameters(stage.result, names);
  for (const Parameter &parameter : stage.parameters) {
    std::erase(names, parameter.name);
    names.push_back(parameter.name +
                    (parameter.usual ? " = " + std::to_string(*parameter.usual)
                                     : std::string()));
  }
  return names;
}

/// The operator of a stage; equal stages give equal ones.
static builder::Operator operatorOf(const Stage &stage) {
  builder::Operator op = {stage.kind, "", {}, {stage.result}, stage.statements};
  for (const Input &input : stage.inputs) {
    op.inputs.push_back(input.formal);
  }
  op.parameters = parametersOf(stage);
  return op;
}

namespace {

/// The operators of a file, each under a name of its own.
class Operators {
public:
  /// The name of the stage's operator, whose text is added if it is new.
  std::string nameOf(const Stage &stage) {
    builder::Operator op = operatorOf(stage);
    std::string &name = names[op.text()];
    if (name.empty()) {
      const int number = ++numbers[stage.kind];
      name = stage.kind + (number == 1 ? "" : "_" + std::to_string(number));
      op.name = name;
      content += "\n" + op.text();
    }
    return name;
  }
  std::string content;

private:
  std::map<std::string, std::string> names; ///< By the text under its kind.
  std::map<std::string, int> numbers;       ///< By kind.
};

} // namespace

/// "<P = 1, HI = 15>", or nothing.
static std::string givenText(const Stage &stage) {
  std::string text;
  for (const Parameter &parameter : stage.parameters) {
    if (parameter.value != parameter.usual) {
      text += (text.empty() ? "<" : ", ") + parameter.name + " = " +
              std::to_string(parameter.value);
    }
  }
  return text.empty() ? text : text + ">";
}

/// "  conv1: u4 = conv<P = 1, HI = 15>(input, conv1_w, conv1_gain)"
static std::string callText(const Stage &stage, const std::string &op,
                            bool isLast) {
  constexpr size_t lineWidth = 100;
  std::string text = "  " + (isLast ? "scores" : identifier(stage.name)) +
                     (stage.type.isFloat() ? "" : ": " + stage.type.str()) +
                     " = " + op + givenText(stage) + "(";
  size_t column = text.size();
  for (size_t i = 0; i < stage.inputs.size(); ++i) {
    const Input &input = stage.inputs[i];
    const std::string argument =
        (input.constant        ? identifier(constantName(stage, input))
         : input.value.empty() ? "image"
                               : identifier(input.value)) +
        (i + 1 < stage.inputs.size() ? "," : ")");
    const bool isLong = column + 1 + argument.size() > lineWidth;
    text += (i == 0 ? "" : isLong ? "\n      " : " ") + argument;
    column = (isLong ? 6 : column + 1) + argument.size();
  }
  return text + "\n";
}

static std::string netText(const Network &network, const std::string &calls) {
  Declaration image = {"image", {Encoding::Unsigned, 8}};
  image.extents.push_back(Extent::upTo("n", Extent::of("N")));
  if (network.isFlat) {
    image.extents.emplace_back(network.height * network.width *
                               network.channels);
  } else {
    for (const int64_t extent :
         {network.height, network.width, network.channels}) {
      image.extents.emplace_back(extent);
    }
  }
  Declaration scores = {"scores"};
  scores.extents = {Extent::declared("n"), Extent(network.classes)};
  const builder::Operator net = {"net", "", {image}, {scores}, {}};
  return "\n" + net.head() + calls + "}\n";
}

std::string networkText(const Network &network, const std::string &title) {
  std::string text = "// " + title + "\n";
  if (network.followsBatch) {
    text += "// Scales follow the batch: classes are the trainer's in batches "
            "of N images.\n";
  }
  text += "param N = " + std::to_string(network.imagesPerCall) +
          " // the most images of one call\n\n";
  for (const StoredConstant &constant : constantsOf(network)) {
    text += builder::constantText(identifier(constant.name),
                                  constant.values->type(),
                                  constant.values->shape(), constant.name);
  }
  Operators operators;
  std::string calls;
  for (const Stage &stage : network.stages) {
    const bool isLast = &stage == &network.stages.back();
    calls += "  // " + (isLast ? stage.name + ": " : "") + stage.summary +
             "\n" + callText(stage, operators.nameOf(stage), isLast);
  }
  return text + operators.content + netText(network, calls);
}

} // namespace lpgen::networks
