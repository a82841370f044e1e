// Included files: what they make known, and which ones are refused.
#include "tests/unit/FrontendTesting.h"

using namespace lpgen;

namespace {

const char *const half = R"(param K = 2
op half<N>(x: u4[N]) -> (y: u4[N / K]) { y[i] = x[K*i] }
)";

TEST(FrontendIncludes, OperatorsAndParametersAreKnown) {
  Parsed parsed = parseFiles({{"test.lp", R"(include "lib/half.lp"
include "lib/half.lp"
op f(x: u4[8]) -> (y: u4[8 / K]) {
  y = half(x)
})"},
                              {"lib/half.lp", half}});
  EXPECT_EQ(parsed.messages, std::vector<std::string>());
  EXPECT_EQ(parsed.op().name, "f");
  EXPECT_EQ(parsed.op().statements[0].indices[0].extent.size, 4);
  using Parameters = std::vector<std::pair<std::string, int64_t>>;
  EXPECT_EQ(parsed.op().parameters, (Parameters{{"K", 2}}));
  ASSERT_EQ(parsed.file->generic.size(), 1U);
  EXPECT_TRUE(parsed.file->generic[0].isIncluded);
}

TEST(FrontendIncludes, DefinesReachIncludedParameters) {
  Parsed parsed = parseFiles({{"test.lp", R"(include "half.lp"
op f(x: u4[8]) -> (y: u4[2]) { y = half(x) })"},
                              {"half.lp", half}},
                             {{"K", 4}});
  EXPECT_EQ(parsed.messages, std::vector<std::string>());
}

TEST(FrontendIncludes, EachFileOnce) {
  Parsed parsed = parseFiles({{"test.lp", R"(include "a.lp"
include "b.lp"
op f(x: u4[8]) -> (y: u4[4]) { y = half(x) })"},
                              {"a.lp", "include \"half.lp\""},
                              {"b.lp", "include \"./half.lp\""},
                              {"half.lp", half}});
  EXPECT_EQ(parsed.messages, std::vector<std::string>());
  EXPECT_EQ(parsed.file->ops.size(), 1U);
}

TEST(FrontendIncludes, BesideTheIncludingFileBeforeTheFolders) {
  Parsed parsed = parseFiles({{"test.lp", R"(include "lib/all.lp"
op f(x: u4[8]) -> (y: u4[4]) { y = half(x) })"},
                              {"lib/all.lp", "include \"half.lp\""},
                              {"lib/half.lp", half},
                              {"share/half.lp", "op wrong"}});
  EXPECT_EQ(parsed.messages, std::vector<std::string>());
  Parsed shared = parseFiles({{"test.lp", R"(include "half.lp"
op f(x: u4[8]) -> (y: u4[4]) { y = half(x) })"},
                              {"share/half.lp", half}});
  EXPECT_EQ(shared.messages, std::vector<std::string>());
}

TEST(FrontendIncludes, FaultsNameTheirFile) {
  Parsed parsed = parseFiles({{"test.lp", R"(include "bad.lp"
op f(x: u4[8]) -> (y: u4[8]) {
  y = bad(x)
})"},
                              {"bad.lp", R"(op bad<N>(x: u4[N]) -> (y: u4[N]) {
  y[i] = x[i + 1]
})"}});
  EXPECT_EQ(
      llvm::join(parsed.messages, "\n"),
      R"(bad.lp:2:12: error: subscript ranges over [1, 8] but dimension 0 of 'x' has extent 8
3:7: note: in this call of 'bad'
bad.lp:1:11: note: 'x' is declared without padding; add 'pad(VALUE)' to read outside it)");
}

TEST(FrontendIncludes, Cycle) {
  Parsed parsed = parseFiles({{"test.lp", R"(include "a.lp"
op f(x: u4) -> (y: u4) { y = x })"},
                              {"a.lp", "\ninclude \"b.lp\""},
                              {"b.lp", "\n\ninclude \"a.lp\""}});
  EXPECT_EQ(llvm::join(parsed.messages, "\n"),
            R"(b.lp:3:9: error: 'a.lp' includes itself
a.lp:2:9: note: 'b.lp' is included here)");
  Parsed itself = parseFiles({{"test.lp", R"(include "test.lp"
op f(x: u4) -> (y: u4) { y = x })"}});
  EXPECT_EQ(llvm::join(itself.messages, "\n"),
            "1:9: error: 'test.lp' includes itself");
}

TEST(FrontendIncludes, MissingAndMalformed) {
  Parsed parsed = parseFiles({{"test.lp", R"(include "missing.lp"
include ""
include missing
include "open
op f(x: u4) -> (y: u4) { y = x })"}});
  EXPECT_EQ(llvm::join(parsed.messages, "\n"),
            R"(4:9: error: a string ends with '"' on its line
1:9: error: no file 'missing.lp' beside the file that includes it or in share
2:9: error: no file '' beside the file that includes it or in share
3:1: error: expected 'op', 'param', 'const' or 'include', found 'include')");
}

TEST(FrontendIncludes, StringThatTheEndOfTheFileCuts) {
  for (const char *text : {"include \"", "include \"half.lp"}) {
    expectDiagnostics(
        text, "1:9: error: a string ends with '\"' on its line\n"
              "1:1: error: expected 'op', 'param', 'const' or 'include', "
              "found 'include'");
  }
}

TEST(FrontendIncludes, NamesDeclaredTwice) {
  Parsed parsed = parseFiles({{"test.lp", R"(include "half.lp"
param K = 3
op half(x: u4) -> (y: u4) { y = x })"},
                              {"half.lp", half}});
  EXPECT_EQ(llvm::join(parsed.messages, "\n"),
            R"(2:7: error: parameter 'K' is declared twice
half.lp:1:7: note: first declared here
3:4: error: operator 'half' is declared twice
half.lp:2:4: note: first declared here)");
}

TEST(FrontendIncludes, NamesOfTheCallerAreNotThoseOfTheCallee) {
  Parsed parsed = parseFiles({{"test.lp", R"(include "half.lp"
param x = 8
param y = 4
op f(i: u4[x]) -> (N: u4[y]) { N = half(i) })"},
                              {"half.lp", half}});
  EXPECT_EQ(parsed.messages, std::vector<std::string>());
}

} // namespace
