// lp.unpack undoes lp.pack, for the layouts of every cell.
//
// No operator of the language unpacks, so the kernels are put together here: an
// operator is compiled to stage `packed`, the pack of one of its operands is
// taken from there, and put with its inverse into a kernel that writes what
// comes back.
#include "compiler/pipeline/Compile.h"
#include "operators/frontend/Parser.h"
#include "operators/reference/RandomInputs.h"
#include "targets/Cell.h"
#include "tests/differential/Harness.h"
#include "tests/differential/Operators.h"
#include "workbench/run/KernelProgram.h"
#include "workbench/verify/OpJob.h"
#include "llvm/Support/MemoryBuffer.h"
#include <gtest/gtest.h>
#include <regex>

namespace lpgen::difftest {
namespace {

/// One checked operator and what it was parsed from.
struct Parsed {
  llvm::SourceMgr sources;
  std::string messages;
  std::optional<ast::File> file;
  const ast::Op &op() const { return file->ops.front(); }
};

std::unique_ptr<Parsed> parse(const std::string &text) {
  auto parsed = std::make_unique<Parsed>();
  parsed->sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text),
                                     llvm::SMLoc());
  parsed->sources.setDiagHandler(
      [](const llvm::SMDiagnostic &diagnostic, void *to) {
        *static_cast<std::string *>(to) += diagnostic.getMessage().str() + "\n";
      },
      &parsed->messages);
  parsed->file = parseFile(parsed->sources);
  EXPECT_TRUE(parsed->file.has_value()) << text << parsed->messages;
  return parsed;
}

/// The operand of a pack: its type, bytes of its packed form, and all that the
/// op says after that.
struct Pack {
  std::string type;
  std::string bytes;
  std::string rest;
};

/// The first pack of `kind` in IR of stage `packed`.
std::optional<Pack> findPack(const std::string &mlir, const std::string &kind) {
  const std::regex pattern("lp\\.pack %\\w+ : (memref<[^>]*>) into %\\w+ : "
                           "memref<(\\d+)xi8> (<" +
                           kind + ",[^\n]*)");
  std::smatch found;
  if (!std::regex_search(mlir, found, pattern)) {
    return std::nullopt;
  }
  return Pack{found[1], found[2], found[3]};
}

/// A kernel that packs `tensor` as `pack` does and unpacks it again.
struct RoundTrip {
  std::unique_ptr<Parsed> source;
  CompiledOp compiled;
  std::string what;
};

std::optional<RoundTrip> compileRoundTrip(size_t number, const Pack &pack,
                                          const std::string &tensor,
                                          const std::string &indices,
                                          const CompileOptions &options) {
  RoundTrip trip;
  trip.source =
      parse("op trip" + std::to_string(number) + "(a: " + tensor +
            ") -> (packed: u8[" + pack.bytes + "], z: " + tensor + ") {\n" +
            "  packed[i] = 0\n  z[" + indices + "] = a[" + indices + "]\n}\n");
  CompileOptions toPacked = options;
  toPacked.schedule = "";
  toPacked.stopAfter = Stage::Packed;
  auto outer = compileOp(trip.source->op(), trip.source->sources, toPacked);
  if (!outer) {
    return std::nullopt;
  }
  std::string text = outer->mlir;
  const size_t begin = text.find("lp.compute");
  const size_t end = text.rfind("return");
  const std::string buffer = "%arg1 : memref<" + pack.bytes + "xi8>";
  text.replace(begin, end - begin,
               "lp.pack %arg0 : " + pack.type + " into " + buffer + " " +
                   pack.rest + "\n    lp.unpack " + buffer +
                   " into %arg2 : " + pack.type + " " + pack.rest + "\n    ");
  CompileOptions toObject = options;
  toObject.schedule = "";
  auto compiled =
      compileFrom(Stage::Packed, text, trip.source->sources, toObject);
  EXPECT_TRUE(compiled.has_value()) << trip.source->messages << text;
  if (!compiled) {
    return std::nullopt;
  }
  trip.compiled = std::move(*compiled);
  trip.what = tensor + ": " + pack.rest;
  return trip;
}

/// Types of the operands.
struct Case {
  const char *x;
  const char *w;
};
constexpr Case cases[] = {{"u2", "s2"},  {"u1", "b1"}, {"s8", "s8"},
                          {"u8", "s3"},  {"b4", "t2"}, {"u4", "b1"},
                          {"s11", "s11"}};

class Unpack : public testing::TestWithParam<const Target *> {};

/// A padded convolution in two groups, whose reduction has a tail for every
/// cell.
std::string convText(const std::string &x, const std::string &w) {
  std::string text = "op conv(x: ";
  text += x;
  text += " pad(0), w: ";
  text += w;
  text += ") -> (y: i32[2, 5, 6, 2, 21]) {\n"
          "  y[n,h,v,g,o] = sum(r, s, c) "
          "x[n, h + r - 1, v + s - 1, g, c] * w[g,o,r,s,c]\n}\n";
  return text;
}

/// The round trips of both operands with one cell; none if it cannot store
/// these types.
void addTrips(const Cell &cell, const Case &c, const Target &target,
              std::vector<RoundTrip> &trips) {
  const std::string x = std::string(c.x) + "[2, 5, 6, 2, 11]";
  const std::string w = std::string(c.w) + "[2, 21, 3, 3, 11]";
  auto conv = parse(convText(x, w));
  CompileOptions options;
  options.target = &target;
  options.wantsAssembly = false;
  options.schedule =
      (cell.facts().templateName + "<cell=" + cell.facts().name + ">").str();
  options.stopAfter = Stage::Packed;
  auto packed = compileOp(conv->op(), conv->sources, options);
  if (!packed) {
    return;
  }
  options.stopAfter = Stage::Object;
  for (const auto &[kind, tensor, indices] :
       {std::tuple("activations", x, "n,h,v,g,c"),
        std::tuple("weights", w, "g,o,r,s,c")}) {
    auto pack = findPack(packed->mlir, kind);
    ASSERT_TRUE(pack.has_value()) << packed->mlir;
    auto trip = compileRoundTrip(trips.size(), *pack, tensor, indices, options);
    ASSERT_TRUE(trip.has_value());
    trips.push_back(std::move(*trip));
  }
}

void expectSame(const std::vector<RoundTrip> &trips, const Target &target) {
  std::vector<llvm::StringRef> objects;
  std::vector<std::vector<HostTensor>> inputs;
  std::vector<Job> jobs; // they refer to the inputs
  objects.reserve(trips.size());
  inputs.reserve(trips.size());
  jobs.reserve(trips.size());
  for (const RoundTrip &trip : trips) {
    const ast::Op &op = trip.source->op();
    objects.emplace_back(trip.compiled.object);
    auto made = makeInputs(op, {}, InputKind::Random, testSeed());
    ASSERT_TRUE(made.ok()) << made.message();
    made->resize(1);
    inputs.push_back(std::move(*made));
    jobs.push_back(makeJob(op, trip.compiled.symbol, {}, inputs.back()));
  }
  auto program = KernelProgram::link(objects, target.desc());
  ASSERT_TRUE(program.ok()) << program.message();
  auto results = program->runJobs(jobs);
  ASSERT_TRUE(results.ok()) << results.message();
  for (size_t i = 0; i < trips.size(); ++i) {
    const HostTensor &found = (*results)[i].outputs[1];
    for (int64_t at = 0; at < found.numElements(); ++at) {
      ASSERT_EQ(found.getInt(at), inputs[i].front().getInt(at))
          << "element " << at << " of " << trips[i].what;
    }
  }
}

TEST_P(Unpack, GivesBackWhatWasPacked) {
  const Target &target = *GetParam();
  if (const std::string why = whyNotRunnable(target); !why.empty()) {
    GTEST_SKIP() << why;
  }
  std::vector<RoundTrip> trips;
  for (const Cell *cell : cellsOf(target)) {
    for (const Case &c : cases) {
      ASSERT_NO_FATAL_FAILURE(addTrips(*cell, c, target, trips));
    }
  }
  EXPECT_EQ(trips.empty(), cellsOf(target).empty());
  if (!trips.empty()) {
    expectSame(trips, target);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Targets, Unpack, testing::ValuesIn(allTargets().vec()),
    [](const testing::TestParamInfo<const Target *> &info) {
      return info.param->desc().name;
    });

} // namespace
} // namespace lpgen::difftest
