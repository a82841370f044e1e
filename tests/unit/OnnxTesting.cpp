// The interpreter on what is imported.
#include "tests/unit/OnnxTesting.h"
#include "base/tensor/WeightFiles.h"
#include "operators/frontend/Parser.h"
#include "operators/reference/Interpreter.h"
#include "tests/TemporaryFolder.h"
#include "llvm/Support/MemoryBuffer.h"

namespace lpgen::importer::testing {

Result<Program> imported(const std::string &bytes,
                         const ImportOptions &options) {
  Program program("net");
  program.report.file = "net.onnx";
  const Status status = importer::onnx::importModel(
      std::as_bytes(std::span(bytes)), ".", options, program);
  LPGEN_RETURN_IF_ERROR(status);
  return program;
}

std::string whyRefused(const Net &net) {
  const Result<Program> program = imported(net.bytes());
  if (!program.ok()) {
    return program.message();
  }
  return program->report.isSupported()
             ? std::string()
             : describe(program->report.findings.front());
}

/// Runs the operator of a checked file.
static std::vector<double>
interpret(const ast::Op &op, const std::vector<double> &input, int64_t images) {
  const std::vector<int64_t> sizes(op.symbols.size(), images);
  Interpreter interpreter(op, sizes);
  std::vector<HostTensor> tensors;
  tensors.emplace_back(op.tensors[0].type, interpreter.shapeOf(0));
  HostTensor &x = tensors.front();
  EXPECT_EQ(x.numElements(), int64_t(input.size()));
  for (int64_t i = 0; i < x.numElements(); ++i) {
    if (x.type().isFloat()) {
      x.setFloat(i, float(input[size_t(i)]));
    } else {
      x.setInt(i, int64_t(input[size_t(i)]));
    }
  }
  const Status status = interpreter.run(tensors);
  EXPECT_TRUE(status.ok()) << status.message();
  std::vector<double> result;
  const HostTensor &y = tensors[op.numInputs()];
  for (int64_t i = 0; status.ok() && i < y.numElements(); ++i) {
    result.push_back(y.type().isFloat() ? y.getFloat(i) : double(y.getInt(i)));
  }
  return result;
}

std::vector<double> interpreted(const std::string &folder,
                                const std::vector<double> &input,
                                int64_t images) {
  llvm::SourceMgr sources;
  std::string messages;
  sources.setDiagHandler(
      [](const llvm::SMDiagnostic &diagnostic, void *text) {
        llvm::raw_string_ostream stream(*static_cast<std::string *>(text));
        diagnostic.print(nullptr, stream, false);
      },
      &messages);
  auto buffer = llvm::MemoryBuffer::getFile(folder + "/net.lp");
  if (!buffer) {
    ADD_FAILURE() << "there is no net.lp";
    return {};
  }
  const std::string text = (*buffer)->getBuffer().str();
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  ParseOptions parsing;
  WeightFiles weights("");
  parsing.readConstant = [&](const std::string &file, const std::string &source,
                             ElementType type,
                             const std::vector<int64_t> &shape) {
    return weights.read(file, source, type, shape);
  };
  const std::optional<ast::File> file = parseFile(sources, parsing);
  EXPECT_EQ(messages, "") << text;
  if (!file || file->ops.empty()) {
    ADD_FAILURE() << "no operator in\n" << text;
    return {};
  }
  return interpret(file->ops.back(), input, images);
}

std::vector<double> computed(const Net &net, const std::vector<double> &input,
                             const ImportOptions &options, int64_t images) {
  const Result<Program> program = imported(net.bytes(), options);
  if (!program.ok()) {
    ADD_FAILURE() << program.message();
    return {};
  }
  for (const Finding &finding : program->report.findings) {
    ADD_FAILURE() << describe(finding);
  }
  const TemporaryFolder folder;
  const Status written = program->write(folder.path());
  EXPECT_TRUE(written.ok()) << written.message();
  return interpreted(folder.path(), input, images);
}

} // namespace lpgen::importer::testing
