// The second implementation: Halide's results, bit for bit, from the
// interpreter and from compiled kernels. Runs halide-oracle once, which writes
// inputs and outputs; then every case is written in the operator language and
// computed on the same inputs.
#include "base/tensor/Npy.h"
#include "compiler/pipeline/Compile.h"
#include "operators/frontend/Parser.h"
#include "operators/reference/Interpreter.h"
#include "tests/halide/HalideCases.h"
#include "workbench/run/KernelProgram.h"
#include "workbench/verify/OpJob.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include <gtest/gtest.h>

namespace lpgen::halidetest {
namespace {

/// The folder of the oracle's files; it lives as long as the program.
class OracleFiles : public testing::Environment {
public:
  void SetUp() override {
    llvm::SmallString<128> path;
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("lpgen-halide", path));
    folder = path.str().str();
    std::string message;
    const int status = llvm::sys::ExecuteAndWait(
        LPGEN_HALIDE_ORACLE, {LPGEN_HALIDE_ORACLE, folder}, std::nullopt, {},
        /*SecondsToWait=*/300, /*MemoryLimit=*/0, &message);
    ASSERT_EQ(status, 0) << LPGEN_HALIDE_ORACLE << " failed " << message;
  }
  void TearDown() override {
    EXPECT_FALSE(llvm::sys::fs::remove_directories(folder));
  }

  static std::string folder;
};
std::string OracleFiles::folder;

// NOLINTNEXTLINE(bugprone-throwing-static-initialization): GoogleTest's way
const auto *const oracleFiles =
    testing::AddGlobalTestEnvironment(new OracleFiles);

/// A case as text of the operator language.
struct TextCase {
  std::string name;
  std::string text;
};

/// The declarations of the zero points.
std::string zeroInputs(bool xZero, bool wZero, ElementType x, ElementType w,
                       const std::string &wShape) {
  std::string text;
  if (xZero) {
    text +=
        llvm::formatv(", zx: i32 in [{0}, {1}]", x.minValue(), x.maxValue());
  }
  if (wZero) {
    text += ", zw: " + w.str() + "[" + wShape + "]";
  }
  return text;
}

TextCase textOf(const GemmCase &c) {
  const std::string n = std::to_string(c.n);
  return {c.name, llvm::formatv("op {0}(x: {1}[{2}, {4}], w: {5}[{3}, {4}]{6})"
                                " -> (y: i32[{2}, {3}]) {{\n"
                                "  y[i,j] = sum(k) {7} * {8}\n}\n",
                                c.name, c.x.str(), c.m, n, c.k, c.w.str(),
                                zeroInputs(c.xZero, c.wZero, c.x, c.w, n),
                                c.xZero ? "(x[i,k] - zx)" : "x[i,k]",
                                c.wZero ? "(w[j,k] - zw[j])" : "w[j,k]")};
}

std::string paddingOf(const ConvCase &c) {
  switch (c.border) {
  case Border::None:
    return "";
  case Border::Value:
    return " pad(" + std::to_string(c.borderValue) + ")";
  case Border::XZero:
    return " pad(zx)";
  }
  return "";
}

TextCase textOf(const ConvCase &c) {
  const std::string groups = std::to_string(c.groups);
  const std::string channels = groups + ", " + std::to_string(c.outputs);
  const std::string xDecl =
      llvm::formatv("x: {0}[{1}, {2}, {3}, {4}, {5}]{6}", c.x.str(), c.batch,
                    c.height, c.width, groups, c.inputs, paddingOf(c));
  const std::string wDecl =
      llvm::formatv("w: {0}[{1}, {2}, {3}, {4}]", c.w.str(), channels,
                    c.filterHeight, c.filterWidth, c.inputs);
  const std::string read =
      llvm::formatv("x[n, {0}*h + {1}*r - {2}, {0}*v + {1}*s - {3}, g, c]",
                    c.stride, c.dilation, c.top, c.left);
  return {c.name,
          llvm::formatv(
              "op {0}({1}, {2}{3})\n  -> (y: i32[{4}, {5}, {6}, {7}]) {{\n"
              "  y[n,h,v,g,o] = sum(r, s, c) {8}\n    * {9}\n}\n",
              c.name, xDecl, wDecl,
              zeroInputs(c.xZero, c.wZero, c.x, c.w, channels), c.batch,
              c.outputHeight(), c.outputWidth(), channels,
              c.xZero ? "(" + read + " - zx)" : read,
              c.wZero ? "(w[g,o,r,s,c] - zw[g,o])" : "w[g,o,r,s,c]")};
}

std::vector<TextCase> allCases() {
  std::vector<TextCase> cases;
  for (const GemmCase &c : gemmCases()) {
    cases.push_back(textOf(c));
  }
  for (const ConvCase &c : convCases()) {
    cases.push_back(textOf(c));
  }
  return cases;
}

/// The oracle's file for tensor `name` of `op`.
HostTensor readOracle(const ast::Op &op, const ast::Tensor &tensor) {
  std::vector<int64_t> shape;
  for (const ast::Extent &extent : tensor.shape) {
    shape.push_back(extent.size);
  }
  const std::string path = llvm::formatv("{0}/{1}.{2}.npy", OracleFiles::folder,
                                         op.name, tensor.name);
  Result<HostTensor> values = readNpyTensor(path, tensor.type, shape);
  if (!values.ok()) {
    ADD_FAILURE() << values.message();
    return {};
  }
  return std::move(*values);
}

void expectEqual(const HostTensor &expected, const HostTensor &found,
                 const std::string &text) {
  ASSERT_EQ(expected.shape(), found.shape()) << text;
  for (int64_t i = 0; i < expected.numElements(); ++i) {
    ASSERT_EQ(expected.getInt(i), found.getInt(i))
        << "element " << i << " of y; the first value is Halide's\n"
        << text;
  }
}

class HalideTest : public testing::TestWithParam<TextCase> {
protected:
  void SetUp() override {
    sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBuffer(GetParam().text), llvm::SMLoc());
    file = parseFile(sources);
    ASSERT_TRUE(file.has_value()) << GetParam().text;
    tensors.resize(op().tensors.size());
    for (unsigned id = 0; id < op().numInputs(); ++id) {
      tensors[id] = readOracle(op(), op().tensors[id]);
    }
    output = op().numInputs();
    expected = readOracle(op(), op().tensors[output]);
  }
  const ast::Op &op() const { return file->ops.front(); }

  /// Runs a kernel for this machine with the given schedule ("" for the
  /// compiler's choice).
  void checkKernel(const std::string &schedule) {
    CompileOptions options;
    options.target = findTarget("host");
    options.schedule = schedule;
    const std::optional<CompiledOp> compiled =
        compileOp(op(), sources, options);
    ASSERT_TRUE(compiled.has_value()) << GetParam().text;
    const Result<KernelProgram> program =
        KernelProgram::link({compiled->object}, options.target->desc());
    ASSERT_TRUE(program.ok()) << program.message();
    const Job job = makeJob(op(), compiled->symbol, {}, tensors);
    const Result<std::vector<JobResult>> results = program->runJobs(job);
    ASSERT_TRUE(results.ok()) << results.message();
    expectEqual(expected, results->front().outputs.front(),
                GetParam().text + "schedule '" + schedule + "'");
  }

  llvm::SourceMgr sources;
  std::optional<ast::File> file;
  std::vector<HostTensor> tensors; ///< Inputs only.
  unsigned output = 0;
  HostTensor expected;
};

TEST_P(HalideTest, InterpreterAgrees) {
  Interpreter interpreter(op(), {});
  const Status status = interpreter.run(tensors);
  ASSERT_TRUE(status.ok()) << status.message();
  expectEqual(expected, tensors[output], GetParam().text);
}

TEST_P(HalideTest, ChosenKernelAgrees) { checkKernel(""); }

TEST_P(HalideTest, DirectKernelAgrees) { checkKernel("direct"); }

INSTANTIATE_TEST_SUITE_P(Cases, HalideTest, testing::ValuesIn(allCases()),
                         [](const testing::TestParamInfo<TextCase> &info) {
                           return info.param.name;
                         });

} // namespace
} // namespace lpgen::halidetest
