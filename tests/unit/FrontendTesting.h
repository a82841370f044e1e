// What the front end's tests share: run the front end over a text and collect
// what it reports, each message as "LINE:COLUMN: KIND: TEXT", with the file
// before it unless that is test.lp.
#ifndef LPGEN_TESTS_UNIT_FRONTENDTESTING_H
#define LPGEN_TESTS_UNIT_FRONTENDTESTING_H

#include "operators/frontend/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include <gtest/gtest.h>

namespace lpgen {

/// A parsed text; owns the buffer that the tree's locations point into.
struct Parsed {
  std::unique_ptr<llvm::SourceMgr> sources;
  std::vector<std::string> messages;
  std::optional<ast::File> file;

  /// Ends the test program if there is no such operator: nothing can be tested
  /// then.
  const ast::Op &op(size_t number = 0) const {
    if (!file || number >= file->ops.size()) {
      ADD_FAILURE() << "no operator; " << llvm::join(messages, "\n");
      std::abort();
    }
    return file->ops[number];
  }
  /// The padding of a tensor, by default a value that no test expects.
  ast::Padding padding(llvm::StringRef name) const {
    ast::Padding none;
    none.value = INT64_MIN;
    none.floatValue = 1e30F;
    return tensor(name).padding.value_or(none);
  }
  const ast::Tensor &tensor(llvm::StringRef name) const {
    for (const ast::Tensor &tensor : op().tensors) {
      if (tensor.name == name) {
        return tensor;
      }
    }
    ADD_FAILURE() << "no tensor " << name.str();
    return op().tensors.front();
  }
};

inline void collect(const llvm::SMDiagnostic &message, void *context) {
  static const char *const kinds[] = {"error", "warning", "remark", "note"};
  std::string text;
  if (message.getLoc().isValid()) {
    text = message.getFilename() == "test.lp"
               ? ""
               : message.getFilename().str() + ":";
    text += std::to_string(message.getLineNo()) + ":" +
            std::to_string(message.getColumnNo() + 1) + ": ";
  }
  text +=
      std::string(kinds[message.getKind()]) + ": " + message.getMessage().str();
  static_cast<std::vector<std::string> *>(context)->push_back(text);
}

/// A constant's values count up from the number that its declaration names.
inline Result<std::shared_ptr<const HostTensor>>
readTestConstant(const std::string & /*path*/, const std::string &source,
                 ElementType type, const std::vector<int64_t> &shape) {
  int64_t next = 0;
  if (llvm::StringRef(source).getAsInteger(10, next)) {
    return Status::error("there is no such tensor");
  }
  HostTensor values(type, shape);
  for (int64_t i = 0; i < values.numElements(); ++i) {
    if (type.isFloat()) {
      values.setFloat(i, float(next++));
    } else {
      values.setInt(i, next++);
    }
  }
  return std::make_shared<const HostTensor>(std::move(values));
}

/// Parses test.lp of `files`, path and text. There are no other files; what is
/// not beside the including file is sought in the folder `share`.
inline Parsed parseFiles(const std::map<std::string, std::string> &files,
                         const std::map<std::string, int64_t> &defines = {}) {
  Parsed result;
  auto memory = llvm::makeIntrusiveRefCnt<llvm::vfs::InMemoryFileSystem>();
  for (const auto &[path, text] : files) {
    memory->addFile(path, 0, llvm::MemoryBuffer::getMemBufferCopy(text, path));
  }
  result.sources = std::make_unique<llvm::SourceMgr>();
  result.sources->AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(files.at("test.lp"), "test.lp"),
      llvm::SMLoc());
  result.sources->setDiagHandler(collect, &result.messages);
  result.file = parseFile(*result.sources,
                          {defines, readTestConstant, {"share"}, memory});
  return result;
}

inline Parsed parse(llvm::StringRef text,
                    const std::map<std::string, int64_t> &defines = {}) {
  return parseFiles({{"test.lp", text.str()}}, defines);
}

/// Pins all that is reported, one message a line. There is a tree exactly if
/// there is no error.
inline void
expectDiagnostics(llvm::StringRef text, const std::string &expected,
                  const std::map<std::string, int64_t> &defines = {}) {
  Parsed parsed = parse(text, defines);
  std::string reported = llvm::join(parsed.messages, "\n");
  EXPECT_EQ(reported, expected);
  bool hasError = reported.find("error: ") != std::string::npos;
  EXPECT_EQ(parsed.file.has_value(), !hasError);
}

/// A text that must be free of errors and warnings.
inline Parsed parseClean(llvm::StringRef text,
                         const std::map<std::string, int64_t> &defines = {}) {
  Parsed parsed = parse(text, defines);
  EXPECT_EQ(parsed.messages, std::vector<std::string>());
  EXPECT_TRUE(parsed.file.has_value());
  return parsed;
}

} // namespace lpgen

#endif // LPGEN_TESTS_UNIT_FRONTENDTESTING_H
