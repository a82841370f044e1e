// Which inputs and run-time sizes a kernel is tried with.
#ifndef LPGEN_WORKBENCH_VERIFY_CASES_H
#define LPGEN_WORKBENCH_VERIFY_CASES_H

#include "operators/frontend/Ast.h"
#include "operators/reference/RandomInputs.h"
#include "runtime/runner/job.h"
#include <cstdint>
#include <string>
#include <vector>

namespace lpgen {

/// One set of inputs for one choice of run-time sizes.
struct VerifyCase {
  std::vector<int64_t> sizes;
  InputKind kind = InputKind::Random;
  uint64_t seed = 0;
  /// The splits of tasks with which the kernel runs on these inputs.
  std::vector<JobSplit> splits;
};

/// "random inputs, seed 1, m = 3".
std::string describeCase(const ast::Op &op, const VerifyCase &verifyCase);

/// The choices of run-time sizes: small ones around vector and tile lengths,
/// different for different sizes, and the bounds themselves where the
/// interpreter can do them in `maxSteps` steps. One empty choice for an op
/// without run-time sizes.
std::vector<std::vector<int64_t>> chooseSizes(const ast::Op &op,
                                              int64_t maxSteps);

/// All cases of an op: every kind of inputs for every choice of sizes,
/// `randomCases` of the random kind with seeds from `seed` on. Ops of more than
/// `maxSteps` steps get the kinds that find most: random, all-max, mixed
/// extremes.
std::vector<VerifyCase> planCases(const ast::Op &op, uint64_t seed,
                                  unsigned randomCases, int64_t maxSteps);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_VERIFY_CASES_H
