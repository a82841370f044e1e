// Every sample operator, parsed and interpreted on every kind of input.
//
// The interpreter re-checks each proved range, so the extreme inputs test the
// range analysis of the front end on all of the language; on-demand evaluation
// is compared with the whole run.
#include "base/types/Scalar.h"
#include "operators/frontend/Parser.h"
#include "operators/reference/Interpreter.h"
#include "operators/reference/RandomInputs.h"
#include <algorithm>
#include <bit>
#include <filesystem>
#include <gtest/gtest.h>

using namespace lpgen;
namespace fs = std::filesystem;

namespace {

/// Above this the whole run takes seconds: only sampled elements are computed.
constexpr int64_t maxSteps = 300000;

std::vector<std::string> sampleFiles() {
  std::vector<std::string> files;
  for (const char *folder : {"tests/operators", "examples"}) {
    for (const auto &entry :
         fs::directory_iterator(fs::path(LPGEN_SOURCE_DIR) / folder)) {
      if (entry.path().extension() == ".lp") {
        files.push_back(entry.path().string());
      }
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

class Operators : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override {
    auto buffer = llvm::MemoryBuffer::getFile(GetParam());
    ASSERT_TRUE(buffer) << GetParam();
    sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
    std::optional<ast::File> parsed = parseFile(sources);
    if (!parsed) {
      FAIL() << GetParam() << " does not parse";
    }
    file = *std::move(parsed);
  }

  llvm::SourceMgr sources;
  ast::File file;
};

bool sameBits(const HostTensor &tensor, int64_t position, ElementValue value) {
  if (!tensor.type().isFloat()) {
    return tensor.getInt(position) == value.intValue;
  }
  return std::bit_cast<uint32_t>(tensor.getFloat(position)) ==
         std::bit_cast<uint32_t>(value.floatValue);
}

/// Inputs at which data alone decides whether the op has a meaning (a divisor
/// of 0, a factor out of range) need declared ranges; a sample must not fail on
/// any input.
void runOn(const ast::Op &op, const std::vector<int64_t> &symbols,
           InputKind kind) {
  auto inputs = makeInputs(op, symbols, kind, 11);
  ASSERT_TRUE(inputs.ok()) << inputs.message();
  std::vector<HostTensor> whole = *inputs;
  const bool runsWhole = interpreterSteps(op, symbols) <= maxSteps;
  if (runsWhole) {
    const Status status = Interpreter(op, symbols).run(whole);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  Interpreter onDemand(op, symbols);
  const Status bound = onDemand.bindInputs(*inputs);
  ASSERT_TRUE(bound.ok()) << bound.message();
  for (unsigned id = op.numInputs(); id < op.tensors.size(); ++id) {
    const HostTensor shaped(op.tensors[id].type, onDemand.shapeOf(id));
    for (uint64_t i = 0; i < 20 && shaped.numElements() != 0; ++i) {
      const auto position =
          int64_t(scalar::hash(id, i) % uint64_t(shaped.numElements()));
      const auto value = onDemand.evaluateAt(id, shaped.indicesAt(position));
      ASSERT_TRUE(value.ok()) << value.message();
      EXPECT_TRUE(!runsWhole || sameBits(whole[id], position, *value))
          << op.tensors[id].name << " at " << position;
    }
  }
}

TEST_P(Operators, haveAMeaningOnEveryInput) {
  for (const ast::Op &op : file.ops) {
    for (InputKind kind : allInputKinds) {
      SCOPED_TRACE(op.name + " on " + inputKindName(kind));
      std::vector<int64_t> atBound;
      std::vector<int64_t> small;
      for (const ast::Symbol &symbol : op.symbols) {
        atBound.push_back(symbol.bound);
        small.push_back(1);
      }
      // Sizes from which others follow.
      while (!op.whyNotSizes(small).empty() && small != atBound) {
        for (size_t i = 0; i < small.size(); ++i) {
          small[i] = std::min(small[i] + 1, atBound[i]);
        }
      }
      runOn(op, small, kind);
      if (!op.symbols.empty()) {
        runOn(op, atBound, kind);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Samples, Operators, testing::ValuesIn(sampleFiles()),
                         [](const auto &info) {
                           return fs::path(info.param).stem().string();
                         });

} // namespace
