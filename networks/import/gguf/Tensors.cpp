// The table of tensors that `lpgen inspect` prints.
#include "base/system/Text.h"
#include "networks/import/TableText.h"
#include "networks/import/gguf/GgufImport.h"
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace lpgen::importer::gguf {

/// "4.5"
static std::string shortest(double number) {
  std::array<char, 32> digits = {};
  char *const end = std::to_chars(digits.data(), digits.end(), number).ptr;
  return {digits.data(), end};
}

/// The name without quotes, its control characters shown.
static std::string shownName(const std::string &name) {
  const std::string quoted = quotedForMessage(name);
  return quoted.substr(1, quoted.size() - 2);
}

std::string tensorsText(const std::string &name, const GgufFile &file) {
  std::vector<std::vector<std::string>> rows = {
      {"tensor", "shape", "type", "bits per weight", "bytes", "import"}};
  for (const GgufTensor &tensor : file.tensors) {
    const std::string reason = reasonAgainst(tensor);
    rows.push_back(
        {shownName(tensor.name), shapeToString(tensor.shape), tensor.typeName(),
         tensor.format ? shortest(tensor.format->bitsPerWeight()) : "?",
         tensor.format ? std::to_string(tensor.data.size()) : "?",
         reason.empty() ? "yes" : "no: " + reason});
  }
  return quotedForMessage(name) + ": GGUF of version " +
         std::to_string(file.version) +
         (file.architecture.empty()
              ? ""
              : ", " + quotedForMessage(file.architecture)) +
         (file.title.empty() ? "" : ", " + quotedForMessage(file.title)) +
         "; " + std::to_string(file.tensors.size()) +
         " tensors, choose one with --tensor\n" + tableText(rows);
}

std::string tensorsJson(const std::string &name, const GgufFile &file) {
  using json = nlohmann::ordered_json;
  json tensors = json::array();
  for (const GgufTensor &tensor : file.tensors) {
    const std::string reason = reasonAgainst(tensor);
    json row = {{"name", tensor.name},       {"shape", tensor.shape},
                {"type", tensor.typeName()}, {"bitsPerWeight", nullptr},
                {"bytes", nullptr},          {"isSupported", reason.empty()},
                {"reason", reason}};
    if (tensor.format) {
      row["bitsPerWeight"] = tensor.format->bitsPerWeight();
      row["bytes"] = tensor.data.size();
    }
    tensors.push_back(std::move(row));
  }
  const json all = {{"file", name},
                    {"format", "GGUF"},
                    {"version", file.version},
                    {"architecture", file.architecture},
                    {"name", file.title},
                    {"tensors", std::move(tensors)}};
  // Names are any bytes.
  return all.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

} // namespace lpgen::importer::gguf
