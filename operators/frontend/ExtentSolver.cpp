// Extent equations by union-find: see ExtentSolver.h.
#include "operators/frontend/ExtentSolver.h"

using namespace lpgen;

unsigned ExtentSolver::add() {
  parents.push_back(parents.size());
  sources.emplace_back();
  return parents.back();
}

unsigned ExtentSolver::representative(unsigned id) {
  while (parents[id] != id) {
    parents[id] = parents[parents[id]];
    id = parents[id];
  }
  return id;
}

std::optional<ast::Extent> ExtentSolver::get(unsigned id) {
  const std::optional<Source> &source = sources[representative(id)];
  return source ? std::optional(source->extent) : std::nullopt;
}

void ExtentSolver::bind(unsigned id, const std::string &index, Source source) {
  std::optional<Source> &known = sources[representative(id)];
  if (!known) {
    known = std::move(source);
  } else if (known->extent != source.extent) {
    conflict(index, source.range, source, *known);
  }
}

void ExtentSolver::unify(unsigned a, unsigned b, const std::string &index,
                         llvm::SMRange range) {
  a = representative(a);
  b = representative(b);
  if (a == b) {
    return;
  }
  const std::optional<Source> &sourceA = sources[a];
  const std::optional<Source> &sourceB = sources[b];
  if (sourceA && sourceB && sourceA->extent != sourceB->extent) {
    conflict(index, range, *sourceA, *sourceB);
    return;
  }
  // The later unknown hangs below the earlier one; path halving in
  // representative() keeps the chains short.
  unsigned top = std::min(a, b);
  unsigned below = std::max(a, b);
  if (!sources[top]) {
    sources[top] = std::move(sources[below]);
  }
  parents[below] = top;
}

void ExtentSolver::conflict(const std::string &index, llvm::SMRange range,
                            const Source &found, const Source &earlier) {
  diags.error(range, "index '" + index + "' has extent " +
                         op.textOf(found.extent) + " in " + found.description +
                         " but extent " + op.textOf(earlier.extent) + " in " +
                         earlier.description);
  diags.note(earlier.range,
             "extent " + op.textOf(earlier.extent) + " comes from here");
  if (found.range.Start != range.Start) {
    diags.note(found.range,
               "extent " + op.textOf(found.extent) + " comes from here");
  }
}
