// Computes what the operators of an imported file mean.
#ifndef LPGEN_TESTS_UNIT_PROGRAMRUNNING_H
#define LPGEN_TESTS_UNIT_PROGRAMRUNNING_H

#include "base/tensor/Safetensors.h"
#include "networks/import/Program.h"
#include "operators/frontend/Parser.h"
#include "operators/reference/Interpreter.h"
#include "tests/TemporaryFolder.h"
#include "llvm/Support/MemoryBuffer.h"
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace lpgen::testing {

inline std::string contentsOf(const std::string &path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// The numbers of the only output for those of the only input, for `images`
/// images. The program must parse without a message.
inline std::vector<double> runProgram(const importer::Program &program,
                                      const std::vector<double> &input,
                                      int64_t images = 1) {
  const TemporaryFolder folder;
  EXPECT_TRUE(program.write(folder.path()).ok());
  const std::string weights =
      contentsOf(folder.path() + "/" + program.name() + ".safetensors");
  const Result<SafetensorsView> view =
      SafetensorsView::create(std::as_bytes(std::span(weights)));
  EXPECT_TRUE(view.ok());
  const ConstantReader read = [&](const std::string & /*path*/,
                                  const std::string &source, ElementType type,
                                  const std::vector<int64_t> &shape)
      -> Result<std::shared_ptr<const HostTensor>> {
    Result<HostTensor> values = view->read(source, type, shape);
    LPGEN_RETURN_IF_ERROR(values.status());
    return std::make_shared<const HostTensor>(std::move(*values));
  };
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(program.text(), "net.lp"),
      llvm::SMLoc());
  std::string messages;
  sources.setDiagHandler(
      [](const llvm::SMDiagnostic &message, void *context) {
        *static_cast<std::string *>(context) +=
            message.getMessage().str() + "\n";
      },
      &messages);
  const std::optional<ast::File> parsed = parseFile(
      sources, {{}, read, {std::string(LPGEN_SOURCE_DIR) + "/operators"}});
  EXPECT_EQ(messages, "") << program.text();
  if (!parsed) {
    return {};
  }
  // The operators that it calls come first.
  const ast::Op &op = parsed->ops.back();
  const std::vector<int64_t> sizes(op.symbols.size(), images);
  Interpreter interpreter(op, sizes);
  std::vector<HostTensor> tensors(op.tensors.size());
  tensors[0] = HostTensor(op.tensors[0].type, interpreter.shapeOf(0));
  EXPECT_EQ(tensors[0].numElements(), int64_t(input.size()));
  for (size_t i = 0; i < input.size(); ++i) {
    if (op.tensors[0].type.isFloat()) {
      tensors[0].setFloat(int64_t(i), float(input[i]));
    } else {
      tensors[0].setInt(int64_t(i), int64_t(input[i]));
    }
  }
  const unsigned output = op.numInputs();
  const Status status = interpreter.run(tensors);
  EXPECT_TRUE(status.ok()) << status.message();
  const HostTensor &y = tensors[output];
  std::vector<double> result;
  for (int64_t i = 0; status.ok() && i < y.numElements(); ++i) {
    result.push_back(y.type().isFloat() ? double(y.getFloat(i))
                                        : double(y.getInt(i)));
  }
  return result;
}

} // namespace lpgen::testing

#endif // LPGEN_TESTS_UNIT_PROGRAMRUNNING_H
