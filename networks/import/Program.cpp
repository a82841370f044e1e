// The text and the weights of an imported network.
#include "networks/import/Program.h"
#include "base/system/OutputFiles.h"
#include "base/tensor/SafetensorsWriter.h"
#include "base/types/Scalar.h"
#include <algorithm>
#include <cmath>

namespace lpgen::importer {

ElementType narrowestType(int64_t lowest, int64_t highest) {
  const Encoding encoding = lowest < 0 ? Encoding::Signed : Encoding::Unsigned;
  for (unsigned bits = 1; bits <= 16; ++bits) {
    const ElementType type = {encoding, bits};
    if (type.holds(lowest) && type.holds(highest)) {
      return type;
    }
  }
  constexpr ElementType i32 = {Encoding::Signed, 32};
  return {Encoding::Signed,
          i32.holds(lowest) && i32.holds(highest) ? 32U : 64U};
}

ElementType narrowestType(std::span<const int64_t> values) {
  if (values.empty()) {
    return {Encoding::Unsigned, 1};
  }
  const auto [lowest, highest] = std::ranges::minmax(values);
  if (lowest == -1 && highest == 1) {
    const bool hasZero = std::ranges::find(values, 0) != values.end();
    return hasZero ? ElementType{Encoding::Ternary, 2}
                   : ElementType{Encoding::Bipolar, 1};
  }
  return narrowestType(lowest, highest);
}

ElementType narrowestType(std::span<const float> values) {
  for (const ElementType type :
       {ElementType{Encoding::Float, 16}, ElementType{Encoding::Brain, 16}}) {
    if (std::ranges::all_of(values, [&](float value) {
          return std::isnan(value) || scalar::storedFloat(value, type) == value;
        })) {
      return type;
    }
  }
  return {Encoding::Float, 32};
}

Program::Program(const std::string &name) : networkName(names.make(name)) {}

std::string Program::sourceOf(const std::string &wanted,
                              const std::string &name) {
  const bool isPlain = std::ranges::all_of(
      wanted, [](char c) { return c >= ' ' && c < 0x7f && c != '"'; });
  std::string source =
      isPlain && !wanted.empty() && !wanted.ends_with(".npy") ? wanted : name;
  if (!sources.insert(source).second) {
    source = name;
    while (!sources.insert(source).second) {
      source += "_";
    }
  }
  return source;
}

std::string Program::addConstant(const std::string &wanted, HostTensor values) {
  std::string name = names.make(wanted);
  constants.push_back({name, sourceOf(wanted, name), std::move(values)});
  return name;
}

std::string Program::addFloats(const std::string &wanted,
                               std::span<const float> values,
                               std::vector<int64_t> shape, ElementType type) {
  HostTensor tensor(type, std::move(shape));
  for (size_t i = 0; i < values.size(); ++i) {
    tensor.setFloat(int64_t(i), values[i]);
  }
  return addConstant(wanted, std::move(tensor));
}

std::string Program::addIntegers(const std::string &wanted,
                                 std::span<const int64_t> values,
                                 std::vector<int64_t> shape, ElementType type) {
  HostTensor tensor(type, std::move(shape));
  for (size_t i = 0; i < values.size(); ++i) {
    assert(type.holds(values[i]) && "a value that the type does not hold");
    tensor.setInt(int64_t(i), values[i]);
  }
  return addConstant(wanted, std::move(tensor));
}

void Program::addInput(builder::Declaration tensor) {
  inputs.push_back(std::move(tensor));
}
void Program::addOutput(builder::Declaration tensor) {
  outputs.push_back(std::move(tensor));
}

void Program::comment(const std::string &text) {
  pendingComment += (pendingComment.empty() ? "" : ", ") + oneLine(text);
}

size_t Program::addLine(std::string line) {
  if (!pendingComment.empty()) {
    lines.push_back("// " + pendingComment);
    pendingComment.clear();
  }
  lines.push_back(std::move(line));
  return lines.size() - 1;
}

size_t Program::assign(const std::string &target,
                       const builder::Expression &value) {
  return addLine(target + " = " + value.text());
}

void Program::retarget(size_t line, const std::string &target) {
  lines[line] = target + lines[line].substr(lines[line].find(" = "));
}

void Program::call(const std::string &target, const std::string &operatorName,
                   const std::string &parameters,
                   const std::vector<std::string> &arguments) {
  std::string list;
  for (const std::string &argument : arguments) {
    list += (list.empty() ? "" : ", ") + argument;
  }
  addLine(target + " = " + operatorName +
          (parameters.empty() ? "" : "<" + parameters + ">") + "(" + list +
          ")");
}

void Program::addOperator(const std::string &text) {
  if (std::ranges::find(operators, text) == operators.end()) {
    operators.push_back(text);
  }
}

std::string Program::text() const {
  std::string text = "// " + oneLine(report.file) + ": " + report.format;
  text +=
      report.producer.empty() ? "" : ", made by " + oneLine(report.producer);
  text += "\n";
  for (const std::string &note : report.notes) {
    text += "// note: " + oneLine(note) + "\n";
  }
  for (const std::string &library : libraries) {
    text += "include \"" + library + "\"\n";
  }
  text += constants.empty() ? "" : "\n";
  for (const Constant &constant : constants) {
    text += builder::constantText(constant.name, constant.values.type(),
                                  constant.values.shape(), constant.source);
  }
  for (const std::string &each : operators) {
    text += "\n" + each;
  }
  const builder::Operator network = {networkName, "", inputs, outputs, {}};
  text += "\n" + network.head();
  for (const std::string &line : lines) {
    text += "  " + line + "\n";
  }
  return text + "}\n";
}

Status Program::write(const std::string &folder) const {
  std::vector<NamedTensor> tensors;
  tensors.reserve(constants.size());
  for (const Constant &constant : constants) {
    tensors.push_back({constant.source, &constant.values});
  }
  OutputFiles files;
  files.addIn(folder, networkName + ".lp", text());
  addSafetensors(files, folder, networkName + ".safetensors", tensors);
  return files.commit();
}

} // namespace lpgen::importer
