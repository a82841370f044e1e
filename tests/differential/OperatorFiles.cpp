// Cuts texts where operators begin.
#include "tests/differential/OperatorFiles.h"
#include "operators/frontend/Parser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

namespace lpgen::difftest {

std::vector<std::string> operatorsOf(const std::string &text) {
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(text),
                             llvm::SMLoc());
  std::vector<std::string> names;
  if (const std::optional<ast::File> file = parseFile(sources)) {
    for (const ast::Op &op : file->ops) {
      names.push_back(op.name);
    }
  }
  return names;
}

/// Whether `text` calls operator `name`.
static bool calls(const std::string &text, const std::string &name) {
  return text.find(" " + name + "(") != std::string::npos ||
         text.find(" " + name + "<") != std::string::npos;
}

std::string onlyOperator(const std::string &text, const std::string &name) {
  std::vector<std::string> names = {""}; // and what is before the first
  std::vector<std::string> texts = {""};
  std::string parameters;
  for (const llvm::StringRef line : llvm::split(text, '\n')) {
    if (line.starts_with("op ")) {
      names.push_back(
          line.drop_front(3)
              .take_until([](char c) { return c == '(' || c == '<'; })
              .str());
      texts.emplace_back();
    } else if (line.starts_with("param ") && names.size() > 1) {
      parameters += line.str() + "\n";
      continue;
    }
    texts.back() += line.str() + "\n";
  }
  size_t number = size_t(llvm::find(names, name) - names.begin());
  std::string result = texts[number];
  std::string body = result.substr(name.size() + 3); // without its own name
  while (--number > 0) {
    if (calls(body, names[number])) {
      result = texts[number] + result;
      body += texts[number].substr(names[number].size() + 3);
    }
  }
  return texts.front() + parameters + result;
}

std::string numbered(std::string text, size_t number) {
  const size_t begin = text.rfind("op ", 0) == 0 ? 0 : text.find("\nop ");
  return text.insert(text.find('(', begin), "_" + std::to_string(number));
}

} // namespace lpgen::difftest
