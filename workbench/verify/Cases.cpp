// The plan of a verification: sizes, kinds of inputs, splits of tasks.
#include "workbench/verify/Cases.h"
#include "operators/reference/Interpreter.h"
#include <algorithm>

namespace lpgen {

std::string describeCase(const ast::Op &op, const VerifyCase &verifyCase) {
  std::string text = std::string(inputKindName(verifyCase.kind)) +
                     " inputs, seed " + std::to_string(verifyCase.seed);
  for (size_t i = 0; i < op.symbols.size(); ++i) {
    text +=
        ", " + op.symbols[i].name + " = " + std::to_string(verifyCase.sizes[i]);
  }
  return text;
}

/// Sizes from `sizes` on with which the operator can run, where others follow
/// from them: each is the next one for which as many as possible do.
static std::vector<int64_t> nextPossible(const ast::Op &op,
                                         std::vector<int64_t> sizes) {
  constexpr int64_t mostTried = 4096;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const auto count = [&] { return valuesOf(op.computedSizes, sizes).size(); };
    int64_t best = sizes[i];
    size_t most = count();
    const int64_t end = std::min(op.symbols[i].bound, best + mostTried);
    while (most < op.computedSizes.size() && sizes[i] < end) {
      ++sizes[i];
      if (const size_t found = count(); found > most) {
        most = found;
        best = sizes[i];
      }
    }
    sizes[i] = best;
  }
  return sizes;
}

std::vector<std::vector<int64_t>> chooseSizes(const ast::Op &op,
                                              int64_t maxSteps) {
  if (op.symbols.empty()) {
    return {{}};
  }
  static constexpr int64_t smallSizes[] = {1, 2, 3, 5, 8, 17};
  constexpr size_t count = std::size(smallSizes);
  const std::vector<bool> isStride = op.strideSymbols();
  std::vector<std::vector<int64_t>> choices;
  const auto add = [&](std::vector<int64_t> sizes) {
    if (op.whyNotSizes(sizes).empty() && !llvm::is_contained(choices, sizes)) {
      choices.push_back(std::move(sizes));
    }
  };
  for (size_t i = 0; i < count; ++i) {
    std::vector<int64_t> sizes;
    for (size_t symbol = 0; symbol < op.symbols.size(); ++symbol) {
      // A stride of 5, which 6 choices share no factor with, so that two sizes
      // take different values.
      const int64_t size = smallSizes[(i + 5 * symbol) % count];
      sizes.push_back(std::min(size, op.symbols[symbol].bound));
    }
    sizes = nextPossible(op, std::move(sizes));
    for (size_t symbol = 0; symbol < op.symbols.size(); ++symbol) {
      sizes[symbol] = isStride[symbol] ? -1 : sizes[symbol];
    }
    // Views without gaps, and with some.
    add(op.withStrides(std::move(sizes), int64_t(i)));
  }
  std::vector<int64_t> bounds = op.largestSizes();
  if (interpreterSteps(op, bounds) <= maxSteps) {
    add(std::move(bounds));
  }
  return choices;
}

static bool hasFloatInput(const ast::Op &op) {
  return llvm::any_of(op.tensors, [](const ast::Tensor &tensor) {
    return tensor.role == ast::Role::Input && tensor.type.isFloat();
  });
}

/// The kinds of inputs worth trying besides Random.
static std::vector<InputKind> extremeKinds(const ast::Op &op, bool isLarge) {
  if (isLarge) {
    return {InputKind::AllMax, InputKind::MixedExtremes};
  }
  std::vector<InputKind> kinds;
  for (InputKind kind : allInputKinds) {
    if (kind != InputKind::Random &&
        (kind != InputKind::FloatExtremes || hasFloatInput(op))) {
      kinds.push_back(kind);
    }
  }
  return kinds;
}

std::vector<VerifyCase> planCases(const ast::Op &op, uint64_t seed,
                                  unsigned randomCases, int64_t maxSteps) {
  static constexpr JobSplit splits[] = {JobSplitWhole, JobSplitReverse,
                                        JobSplitChunks};
  std::vector<VerifyCase> cases;
  for (const std::vector<int64_t> &sizes : chooseSizes(op, maxSteps)) {
    for (unsigned i = 0; i < randomCases; ++i) {
      VerifyCase random = {sizes, InputKind::Random, seed + i, {}};
      // All splits once; they cost runs of the kernel, not of the interpreter.
      if (i == 0) {
        random.splits.assign(std::begin(splits), std::end(splits));
      } else {
        random.splits = {splits[cases.size() % std::size(splits)]};
      }
      cases.push_back(std::move(random));
    }
    const bool isLarge = interpreterSteps(op, sizes) > maxSteps;
    for (InputKind kind : extremeKinds(op, isLarge)) {
      cases.push_back(
          {sizes, kind, seed, {splits[cases.size() % std::size(splits)]}});
    }
  }
  return cases;
}

} // namespace lpgen
