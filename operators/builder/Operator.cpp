// Text from data.
#include "operators/builder/Operator.h"

namespace lpgen::builder {

std::string Declaration::text() const {
  std::string text =
      name + ": " +
      (width.empty() ? type.str()
                     : type.str().substr(0, 1) + "{" + width + "}");
  for (size_t i = 0; i < extents.size(); ++i) {
    text += (i == 0 ? "[" : ", ") + extents[i].text();
  }
  text += extents.empty() ? "" : "]";
  if (lowest != type.minValue() || highest != type.maxValue()) {
    text +=
        " in [" + std::to_string(lowest) + ", " + std::to_string(highest) + "]";
  }
  return text + (isPadded ? " pad(0)" : "");
}

/// "x: u2[4],\n    w: b1[4]"
static std::string joined(const std::vector<Declaration> &declarations) {
  std::string text;
  for (const Declaration &declaration : declarations) {
    text += (text.empty() ? "" : ",\n    ") + declaration.text();
  }
  return text;
}

std::string Operator::head() const {
  std::string text = summary.empty() ? "" : "// " + summary + "\n";
  text += "op " + name;
  for (size_t i = 0; i < parameters.size(); ++i) {
    text += (i == 0 ? "<" : ", ") + parameters[i];
  }
  return text + (parameters.empty() ? "(\n    " : ">(\n    ") + joined(inputs) +
         ")\n  -> (" + joined(outputs) + ") {\n";
}

std::string Operator::text() const {
  std::string text = head();
  for (const Statement &statement : statements) {
    text +=
        "  " + statement.target.text() + " = " + statement.value.text() + "\n";
  }
  return text + "}\n";
}

std::string constantText(const std::string &name, ElementType type,
                         std::span<const int64_t> shape,
                         const std::string &source) {
  const Declaration declaration = {name, type, {shape.begin(), shape.end()}};
  return "const " + declaration.text() + " = \"" + source + "\"\n";
}

} // namespace lpgen::builder
