// Tests of the file arguments of `lpgen run`: binding names, deducing run-time
// sizes, checking values.
#include "base/tensor/Npy.h"
#include "operators/frontend/Parser.h"
#include "tests/unit/TestTypes.h"
#include "workbench/run/TensorFiles.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lpgen {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char *gemmText = R"(
op gemm(x: s4[?m <= 8, ?k <= 8] in [-5, 5], w: u2[3, ?k]) -> (y: i32[?m, 3]) {
  y[i, o] = sum(k) x[i, k] * w[o, k]
}
)";

class TensorFilesTest : public testing::Test {
protected:
  void SetUp() override {
    sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(gemmText),
                               llvm::SMLoc());
    std::optional<ast::File> parsed = parseFile(sources);
    if (!parsed) {
      FAIL() << "the operator does not parse";
    }
    file = std::move(*parsed);
    ASSERT_FALSE(
        llvm::sys::fs::createUniqueDirectory("lpgen-tensor-files", folder));
  }
  void TearDown() override {
    EXPECT_FALSE(llvm::sys::fs::remove_directories(folder));
  }

  const ast::Op &op() const { return file.ops.front(); }

  /// Writes a tensor of `value`s and returns its path.
  std::string write(const std::string &name, ElementType type,
                    std::vector<int64_t> shape, int64_t value) {
    HostTensor tensor(type, std::move(shape));
    for (int64_t i = 0; i < tensor.numElements(); ++i) {
      tensor.setInt(i, value);
    }
    std::string path = (folder + "/" + name).str();
    EXPECT_TRUE(writeNpy(path, tensor).ok());
    return path;
  }

  std::string loadError(const std::string &x, const std::string &w) {
    const Result<LoadedInputs> inputs = loadInputs(op(), {{0, x}, {1, w}});
    return inputs.ok() ? "no error" : inputs.message();
  }

  std::string bindError(llvm::ArrayRef<std::string> assignments) {
    const Result<TensorPaths> paths =
        bindTensorPaths(op(), ast::Role::Input, assignments, "--input");
    return paths.ok() ? "no error" : paths.message();
  }

  llvm::SourceMgr sources;
  ast::File file;
  llvm::SmallString<128> folder;
};

TEST_F(TensorFilesTest, BindsNamesToIds) {
  const Result<TensorPaths> inputs = bindTensorPaths(
      op(), ast::Role::Input, {"w=b=c.npy", "x=a.npy"}, "--input");
  ASSERT_TRUE(inputs.ok());
  EXPECT_THAT(*inputs, ElementsAre(std::pair(0u, std::string("a.npy")),
                                   std::pair(1u, std::string("b=c.npy"))));
  const Result<TensorPaths> outputs =
      bindTensorPaths(op(), ast::Role::Output, {"y=y.npy"}, "--output");
  ASSERT_TRUE(outputs.ok());
  EXPECT_EQ(outputs->begin()->first, 2u);
}

TEST_F(TensorFilesTest, NamesWhatExists) {
  EXPECT_EQ(bindError({"y=a.npy"}), "--input 'y=a.npy': operator 'gemm' has no "
                                    "input 'y'; it has 'x', 'w'");
  EXPECT_EQ(bindError({"x"}),
            "--input 'x': expected NAME=FILE.npy with the name of an input of "
            "'gemm'; it has 'x', 'w'");
  EXPECT_THAT(bindError({"x="}), HasSubstr("expected NAME=FILE.npy"));
  EXPECT_THAT(bindError({"=x.npy"}), HasSubstr("expected NAME=FILE.npy"));
  EXPECT_EQ(bindError({"x=a.npy", "x=b.npy"}),
            "--input 'x=b.npy': input 'x' is given twice, first as 'a.npy'");
}

TEST_F(TensorFilesTest, DeducesSizes) {
  const std::string x = write("x.npy", s4, {2, 7}, -5);
  const std::string w = write("w.npy", u2, {3, 7}, 3);
  const Result<LoadedInputs> inputs = loadInputs(op(), {{0, x}, {1, w}});
  ASSERT_TRUE(inputs.ok()) << inputs.message();
  EXPECT_THAT(inputs->sizes, ElementsAre(2, 7));
  ASSERT_EQ(inputs->tensors.size(), 2u);
  EXPECT_EQ(inputs->tensors[0].type(), s4);
  EXPECT_EQ(inputs->tensors[0].getInt(13), -5);
  EXPECT_EQ(inputs->tensors[1].getInt(20), 3);
}

TEST_F(TensorFilesTest, RejectsShapesThatDisagree) {
  const std::string x = write("x.npy", s4, {2, 7}, 1);
  const std::string w = write("w.npy", u2, {3, 7}, 1);
  EXPECT_THAT(loadError(x, write("w6.npy", u2, {3, 6}, 1)),
              testing::AllOf(HasSubstr("w6.npy': size ?k is 6 here but 7 in "
                                       "dimension 1 of '"),
                             HasSubstr("x.npy'")));
  EXPECT_THAT(loadError(x, write("w4.npy", u2, {4, 7}, 1)),
              HasSubstr("expected shape [3, ?k <= 8] for input 'w', found "
                        "[4, 7]"));
  EXPECT_THAT(loadError(x, write("w1.npy", u2, {21}, 1)),
              HasSubstr("found [21]"));
  EXPECT_THAT(loadError(write("x9.npy", s4, {9, 7}, 1), w),
              HasSubstr("dimension 0 of '"));
  EXPECT_THAT(loadError(write("x9.npy", s4, {9, 7}, 1), w),
              HasSubstr("size ?m is 9, above its bound 8"));
}

TEST_F(TensorFilesTest, RejectsValuesThatAreNotAllowed) {
  const std::string x = write("x.npy", s4, {2, 7}, 1);
  const std::string w = write("w.npy", u2, {3, 7}, 1);
  EXPECT_THAT(loadError(write("x6.npy", s4, {2, 7}, 6), w),
              HasSubstr("input 'x': element [0, 0] is 6, outside [-5, 5]"));
  EXPECT_THAT(loadError(x, write("w5.npy", {Encoding::Unsigned, 8}, {3, 7}, 5)),
              HasSubstr("element [0, 0] is 5, which u2 cannot hold"));
  EXPECT_THAT(loadError(x, (folder + "/none.npy").str()),
              HasSubstr("none.npy"));
}

TEST_F(TensorFilesTest, GivenSizesAgreeWithShapes) {
  const TensorPaths paths = {{0, write("x.npy", s4, {2, 7}, 1)},
                             {1, write("w.npy", u2, {3, 7}, 1)}};
  EXPECT_TRUE(loadInputs(op(), paths, {{"m", 2}}).ok());
  EXPECT_THAT(loadInputs(op(), paths, {{"m", 3}}).message(),
              HasSubstr("size ?m is 2 here but 3 in --size m"));
  EXPECT_THAT(loadInputs(op(), paths, {{"p", 3}}).message(),
              HasSubstr("--size p: operator 'gemm' has no run-time size ?p"));
  EXPECT_THAT(parseSizes({"m"}).message(),
              HasSubstr("--size 'm': expected NAME=VALUE"));
}

TEST_F(TensorFilesTest, SizesFollowFromOthers) {
  llvm::SourceMgr text;
  text.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBuffer(
          "op f(x: s4[?m <= 9], z: s4[?m - 2] pad(0))\n"
          "  -> (y: i32[(?m - 1) / 2]) { y[i] = x[2*i + 1] + z[0] }"),
      llvm::SMLoc());
  const std::optional<ast::File> parsed = parseFile(text);
  if (!parsed) {
    FAIL() << "the operator does not parse";
  }
  const auto load = [&](int64_t m, int64_t z) {
    const auto inputs =
        loadInputs(parsed->ops.front(), {{0, write("x.npy", s4, {m}, 1)},
                                         {1, write("z.npy", s4, {z}, 1)}});
    return inputs.ok() ? "" : inputs.message();
  };
  EXPECT_EQ(load(9, 7), "");
  EXPECT_THAT(load(9, 6), HasSubstr("expected ?m - 2 = 7, found 6"));
  EXPECT_THAT(load(8, 6), HasSubstr("?m is 8, for which the size (?m - 1) / 2 "
                                    "is negative or no integer"));
}

TEST(TensorFiles, SizesThatNoInputHasAreAnError) {
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBuffer(
          "op f(x: u8) -> (y: u8[?m <= 4]) { y[i] = x }"),
      llvm::SMLoc());
  const std::optional<ast::File> file = parseFile(sources);
  if (!file) {
    FAIL() << "the operator does not parse";
  }
  const ast::Op &op = file->ops.front();
  EXPECT_THAT(loadInputs(op, {}).message(),
              HasSubstr("size ?m of operator 'f' is in no input's shape"));
}

} // namespace
} // namespace lpgen
