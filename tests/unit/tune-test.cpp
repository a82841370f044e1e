// Tests of the tuner's parts: the order of the search, the log and its
// resumption, the merging of rules, and that a kernel that is wrong or dies is
// found and spoils no other.
#include "operators/frontend/Parser.h"
#include "schedules/RuleFile.h"
#include "tests/unit/FrontendTesting.h"
#include "workbench/tune/Measure.h"
#include "workbench/tune/Search.h"
#include "workbench/tune/TrialLog.h"
#include "workbench/tune/TuneProblem.h"
#include "llvm/Support/FileSystem.h"
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace lpgen {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

/// Numbers as schedules; one step is one more or less.
std::vector<std::string> besideNumber(const std::string &schedule) {
  const int value = std::stoi(schedule);
  return {std::to_string(value - 1), std::to_string(value + 1)};
}

/// Runs a search to its end; the order in which it tried.
std::vector<std::string> runSearch(Search &search,
                                   std::optional<double> (*costOf)(int)) {
  std::vector<std::string> order;
  while (const std::optional<std::string> next = search.next()) {
    order.push_back(*next);
    search.report(*next, costOf(std::stoi(*next)));
  }
  return order;
}

TEST(Search, ClimbsFromTheBestSeedAndRepeatsNothing) {
  Search search({"2", "9", "2"}, besideNumber, 1);
  const std::vector<std::string> order = runSearch(
      search, [](int at) { return std::optional(std::abs(at - 5) + 1.0); });
  // 2 costs 4 and 9 costs 5: up from 2 to 5, whose neighbours are both dearer.
  EXPECT_THAT(order, ElementsAre("2", "9", "1", "3", "4", "5", "6"));
  EXPECT_THAT(search.best(2), ElementsAre("5", "4"));
}

TEST(Search, PassesWhatIsOfNoUse) {
  Search search({"2", "9"}, besideNumber, 1);
  const std::vector<std::string> order = runSearch(search, [](int at) {
    return at == 2 ? std::nullopt : std::optional<double>(at);
  });
  EXPECT_THAT(order, ElementsAre("2", "9", "8", "7", "6", "5", "4", "3"));
  EXPECT_THAT(search.best(1), ElementsAre("3"));
}

TEST(Search, WiderBeamsLookBesideTheRunnersUp) {
  // A slope on which the best seed is a summit of its own.
  const auto cost = [](int at) {
    return std::optional(at == 0 ? 1.5 : std::abs(at - 23) + 1.0);
  };
  Search narrow({"0", "20"}, besideNumber, 1);
  runSearch(narrow, cost);
  EXPECT_THAT(narrow.best(1), ElementsAre("0"));
  Search wide({"0", "20"}, besideNumber, 2);
  runSearch(wide, cost);
  EXPECT_THAT(wide.best(1), ElementsAre("23"));
}

class TrialLogTest : public testing::Test {
protected:
  void SetUp() override {
    llvm::SmallString<128> name;
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("lpgen-tune-test", name));
    folder = name.str().str();
    path = folder + "/log.jsonl";
  }
  void TearDown() override {
    EXPECT_FALSE(llvm::sys::fs::remove_directories(folder));
  }

  std::string text() const {
    std::ostringstream stream;
    stream << std::ifstream(path).rdbuf();
    return stream.str();
  }
  void add(const std::string &tail) const {
    std::ofstream(path, std::ios::app) << tail;
  }
  TrialLog mustOpen() const {
    Result<TrialLog> log = TrialLog::open(path);
    EXPECT_TRUE(log.ok()) << log.message();
    return std::move(*log);
  }

  std::string folder;
  std::string path;
};

TrialRecord someRecord(const std::string &schedule) {
  TrialRecord record;
  record.problem = "0123";
  record.target = "x86_avx2";
  record.cpu = "znver3";
  record.source = "measured";
  record.schedules = {schedule, "direct"};
  record.op = "conv";
  record.params = {{"C", 64}};
  record.macs = 1000;
  record.status = "ok";
  record.seconds = 1.0 / 3;
  record.medianSeconds = 0.5;
  record.frequency = 3e9;
  return record;
}

TEST_F(TrialLogTest, KeepsRecordsOfEveryKind) {
  TrialRecord ranked = someRecord("a");
  ranked.source = "mca";
  ranked.cyclesPerMac = 0.25;
  TrialRecord wrong = someRecord("b");
  wrong.status = "wrong";
  wrong.message = "output 'y' differs";
  {
    TrialLog log = mustOpen();
    for (const TrialRecord &record : {someRecord("a"), ranked, wrong}) {
      ASSERT_TRUE(log.append(record).ok());
    }
  }
  const TrialLog log = mustOpen();
  EXPECT_EQ(log.size(), 3u);
  const TrialRecord *found = log.find(someRecord("a").key());
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->cost(), 1.0 / 3);
  EXPECT_EQ(found->frequency, 3e9);
  EXPECT_EQ(found->params.at("C"), 64);
  EXPECT_EQ(log.find(ranked.key())->cost(), 0.25);
  EXPECT_EQ(log.find(wrong.key())->message, "output 'y' differs");
  EXPECT_FALSE(log.find(wrong.key())->ok());
  EXPECT_EQ(log.find(someRecord("c").key()), nullptr);
}

TEST_F(TrialLogTest, CutsATornLineOff) {
  ASSERT_TRUE(mustOpen().append(someRecord("a")).ok());
  const std::string whole = text();
  add(whole.substr(0, whole.size() / 2));
  TrialLog log = mustOpen();
  EXPECT_EQ(log.size(), 1u);
  EXPECT_EQ(text(), whole);
  ASSERT_TRUE(log.append(someRecord("b")).ok());
  EXPECT_EQ(mustOpen().size(), 2u);
}

TEST_F(TrialLogTest, NamesTheLineThatIsNoTrial) {
  ASSERT_TRUE(mustOpen().append(someRecord("a")).ok());
  const std::string whole = text();
  add("{\"op\": 3}\n" + whole);
  const Result<TrialLog> log = TrialLog::open(path);
  ASSERT_FALSE(log.ok());
  EXPECT_THAT(log.message(), HasSubstr("log.jsonl', line 2: expected a trial"));
}

TEST_F(TrialLogTest, SaysWhyItCannotBeWritten) {
  const Result<TrialLog> log = TrialLog::open(folder);
  ASSERT_FALSE(log.ok());
  EXPECT_THAT(log.message(), HasSubstr("'" + folder + "'"));
}

TEST(TrialRecord, SpeedHasItsUnit) {
  TrialRecord record = someRecord("a");
  record.macs = 300'000'000;
  record.seconds = 0.001;
  EXPECT_EQ(record.speed(), "100.00 MAC/cycle");
  record.frequency.reset();
  EXPECT_EQ(record.speed(), "300.00 GMAC/s");
}

TunedRule someRule(int64_t rows, const std::string &schedule,
                   const std::string &source) {
  return {{"x86_avx2", "u2", "s2", rows, 64, 128}, schedule, source, "a note"};
}

std::string mustMerge(const std::string &old,
                      const std::vector<TunedRule> &rules) {
  const Result<std::string> merged = mergeRules(old, rules, "znver3");
  EXPECT_TRUE(merged.ok()) << merged.message();
  return *merged;
}

/// The lines that are no comments.
std::vector<std::string> rulesIn(const std::string &text) {
  std::vector<std::string> rules;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with("//")) {
      rules.push_back(line);
    }
  }
  return rules;
}

TEST(RuleFile, AddsReplacesAndSorts) {
  const std::string first = mustMerge(
      "", {someRule(9, "widen<cell=c,tile=[4,2],unroll=2,block=8>", "measured"),
           someRule(8, "direct", "mca")});
  EXPECT_THAT(first, HasSubstr("for znver3"));
  const std::string second = mustMerge(
      first,
      {someRule(9, "widen<cell=c,tile=[3,1],unroll=1,block=1,prefetch=64>",
                "measured")});
  EXPECT_THAT(rulesIn(second),
              ElementsAre(HasSubstr("rows 8 columns 64 reduction 128 -> "
                                    "<\"direct\", cell = \"\""),
                          HasSubstr("rows 9 columns 64 reduction 128 -> "
                                    "<\"widen\", cell = \"c\", tile = [3, 1], "
                                    "unroll = 1, block = 1, prefetch = 64>")));
  EXPECT_EQ(mustMerge(second, {}), second);
}

TEST(RuleFile, RankingNeverReplacesMeasuring) {
  const std::string measured =
      mustMerge("", {someRule(9, "direct", "measured")});
  const TunedRule ranked =
      someRule(9, "widen<cell=c,tile=[3,1],unroll=1,block=1>", "mca");
  EXPECT_EQ(mustMerge(measured, {ranked}), measured);
  const std::string before = mustMerge("", {ranked});
  EXPECT_THAT(rulesIn(before), ElementsAre(EndsWith("source = \"mca\"}")));
  EXPECT_EQ(mustMerge(before, {someRule(9, "direct", "measured")}), measured);
}

TEST(RuleFile, RefusesWhatItCannotKeep) {
  const Result<std::string> merged =
      mergeRules("// a comment\nlp.tuned 3\n", {}, "znver3");
  ASSERT_FALSE(merged.ok());
  EXPECT_THAT(merged.message(), HasSubstr("no file of tuned rules: line 2: "));
}

/// An operator on the host's target.
struct HostProblem {
  explicit HostProblem(llvm::StringRef text) : parsed(parseClean(text)) {
    options.target = findTarget("generic");
    problem = TuneProblem::create(parsed.op(), *parsed.sources, options);
    EXPECT_NE(problem, nullptr);
  }
  CompiledOp compile() const {
    std::optional<CompiledOp> compiled =
        problem->compile({problem->ranked(0).front()});
    EXPECT_TRUE(compiled.has_value());
    return *compiled;
  }
  Parsed parsed;
  CompileOptions options;
  std::unique_ptr<TuneProblem> problem;
};

constexpr const char *sumText = R"(
op f(x: u2[16, 32], w: s2[8, 32]) -> (y: i32[16, 8]) {
  y[m, n] = sum(k) x[m, k] * w[n, k]
}
)";
/// As sumText but for operands that are all-max: 3 * 1 * 32 is 96.
constexpr const char *cappedText = R"(
op f(x: u2[16, 32], w: s2[8, 32]) -> (y: i32[16, 8]) {
  y[m, n] = min(sum(k) x[m, k] * w[n, k], 95)
}
)";

TEST(TuneProblem, RanksAndStepsWithinTheRegisterFile) {
  const HostProblem host(sumText);
  EXPECT_EQ(host.problem->numContractions(), 1u);
  const std::vector<std::string> ranked = host.problem->ranked(0);
  EXPECT_THAT(ranked, Contains("direct"));
  EXPECT_THAT(
      host.problem->neighbours(
          0, "bitserial<cell=ctpop,tile=[1,1],unroll=2,block=4,prefetch=0>"),
      ElementsAre(
          "bitserial<cell=ctpop,tile=[1,2],unroll=2,block=4,prefetch=0>",
          "bitserial<cell=ctpop,tile=[2,1],unroll=2,block=4,prefetch=0>",
          "bitserial<cell=ctpop,tile=[2,2],unroll=2,block=4,prefetch=0>",
          "bitserial<cell=ctpop,tile=[1,1],unroll=4,block=4,prefetch=0>",
          "bitserial<cell=ctpop,tile=[1,1],unroll=1,block=4,prefetch=0>",
          "bitserial<cell=ctpop,tile=[1,1],unroll=2,block=8,prefetch=0>",
          "bitserial<cell=ctpop,tile=[1,1],unroll=2,block=2,prefetch=0>"));
  EXPECT_THAT(host.problem->neighbours(0, "direct"), ElementsAre());
}

TEST(KernelMeter, FindsWrongAndDyingKernelsAmongOthers) {
  const HostProblem host(sumText);
  const CompiledOp good = host.compile();
  const CompiledOp wrong = HostProblem(cappedText).compile();
  const Result<KernelMeter> meter = KernelMeter::create(
      host.parsed.op(), host.options.target->desc(), "", 0.001);
  ASSERT_TRUE(meter.ok()) << meter.message();
  const auto measured = meter->measure({good, wrong}, 2);
  ASSERT_TRUE(measured.ok()) << measured.message();
  EXPECT_TRUE((*measured)[0].timing.has_value());
  EXPECT_TRUE((*measured)[1].isWrong);
  EXPECT_FALSE((*measured)[1].timing.has_value());
  EXPECT_THAT((*measured)[1].message, HasSubstr("expected 96, found 95"));
  EXPECT_THAT((*measured)[1].message, HasSubstr("all-max inputs"));

  CompiledOp missing = wrong;
  missing.symbol = "no_such_kernel";
  const auto alone = meter->measure({good, missing}, 2);
  ASSERT_TRUE(alone.ok()) << alone.message();
  EXPECT_TRUE((*alone)[0].timing.has_value());
  EXPECT_FALSE((*alone)[1].isWrong);
  EXPECT_FALSE((*alone)[1].timing.has_value());
  EXPECT_THAT((*alone)[1].message, HasSubstr("no_such_kernel"));
}

} // namespace
} // namespace lpgen
