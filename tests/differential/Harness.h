// Compiles many operators, runs all of them in few processes and compares with
// the interpreter; every test of this folder goes through here.
#ifndef LPGEN_TESTS_DIFFERENTIAL_HARNESS_H
#define LPGEN_TESTS_DIFFERENTIAL_HARNESS_H

#include "compiler/pipeline/Compile.h"
#include "operators/frontend/Ast.h"
#include "targets/Target.h"
#include "llvm/Support/SourceMgr.h"
#include <cstdint>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lpgen::difftest {

/// An operator of the language with the schedule it is compiled with.
struct TestCase {
  std::string text;     ///< A file of one operator; names are unique in a test.
  std::string schedule; ///< "" leaves it to the cost model.
  std::map<std::string, int64_t> defines = {};
  /// Whether the schedule applies, as far as that is known beforehand: another
  /// outcome is a failure.
  std::optional<bool> applies = {};
  /// Where the schedule does not apply, the cost model's takes its place: for
  /// texts that no other case has.
  bool runsAnyway = false;
};

/// A case after the front end and the compiler. Owns what the tree points into.
struct PreparedCase {
  const TestCase *source = nullptr;
  std::unique_ptr<llvm::SourceMgr> sources;
  std::string messages; ///< What was reported, errors and warnings.
  ast::File file;
  CompiledOp compiled;
  std::string scheduleUsed;
  /// The operator under test, which those before it serve.
  const ast::Op &op() const { return file.ops.back(); }
};

/// True if kernels of `target` run on the emulated machine of AVX-512, which is
/// slow and holds little.
bool runsOnBochs(const Target &target);

/// Text, -D, schedule and target of a case, for failures.
std::string describe(const TestCase &test, const Target &target);

/// What became of a list of cases.
struct Summary {
  size_t compiled = 0;
  /// Texts that the front end refuses, where that is allowed, by its first
  /// message.
  std::map<std::string, size_t> rejected;
  size_t failed = 0;
  /// Requested schedules that cannot be applied, by the reason given.
  std::map<std::string, size_t> notApplicable;
  /// Cases to which a requested schedule was applied, by its text without the
  /// tile.
  std::map<std::string, size_t> applied;
  int64_t runs = 0;
  int64_t elements = 0;
  size_t numRejected() const;
  std::string str() const;
};

/// Compiles and verifies cases, reports failures to GoogleTest and counts.
class Harness {
public:
  Harness(const Target &target, uint64_t seed) : target(target), seed(seed) {}

  /// Texts that the front end refuses are counted instead of failing.
  void allowRejected() { rejectedAllowed = true; }
  /// Compiles `test` and verifies it with the next full batch.
  void add(TestCase test);
  /// Verifies what was added; to be called at the end. Fails for each schedule
  /// of `mustHaveApplied` that no case was compiled with.
  void finish(const std::vector<std::string> &mustHaveApplied = {});
  /// Only parses and compiles. Null after a failure, which is reported, after
  /// an allowed rejection, and where the schedule does not apply.
  std::unique_ptr<PreparedCase> prepare(const TestCase &test);
  const Summary &summary() const { return counts; }

private:
  bool parse(PreparedCase &prepared);
  void noteApplied(const TestCase &test);
  void noteCompiled(const PreparedCase &prepared);
  void noteRefused(const TestCase &test, const std::string &reason);
  bool compile(PreparedCase &prepared, const std::string &schedule);
  void verify(llvm::ArrayRef<std::unique_ptr<PreparedCase>> cases);
  void fail(const TestCase &test, const std::string &what);

  const Target &target;
  uint64_t seed;
  bool rejectedAllowed = false;
  std::vector<std::unique_ptr<TestCase>> tests; ///< Stable addresses.
  std::vector<std::unique_ptr<PreparedCase>> batch;
  Summary counts;
};

/// Names the tests of a target.
std::string nameOf(const testing::TestParamInfo<const Target *> &info);

/// Empty if programs for the target run here, natively or emulated; else why
/// not.
std::string whyNotRunnable(const Target &target);

/// True if LPGEN_TEST_FULL is set: whole products in place of selections.
bool fullRun();
/// LPGEN_TEST_SEED, or the fixed default.
uint64_t testSeed();

} // namespace lpgen::difftest

#endif // LPGEN_TESTS_DIFFERENTIAL_HARNESS_H
