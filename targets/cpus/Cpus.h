// How fast CPUs are: pipes, caches, distances. Decides among schedules and
// never about what is right; a kernel for one CPU runs on every CPU of its
// target.
#ifndef LPGEN_TARGETS_CPUS_CPUS_H
#define LPGEN_TARGETS_CPUS_CPUS_H

#include "targets/cpus/Costs.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <vector>

namespace lpgen {

class Target;

/// What a CPU does with vectors of one width.
struct VectorUnit {
  unsigned bits = 128;
  double pipes = 1;    ///< Vector instructions a cycle, at most.
  double fmaPipes = 1; ///< Of those that multiply and add f32.
  /// Steps of a trip of the innermost loop, as far as temporaries of several
  /// find registers.
  int64_t unroll = 2;
  /// Small tiles of several planes of w, in strips of so many steps at most,
  /// have no loop within a strip; 0: all have.
  int64_t unloopedSteps = 0;
  /// Planes of w side by side pay in tiles of several rows.
  bool joinsPlanesOfW = true;
  /// How far ahead w is fetched into the second level, in bytes, by tiles of
  /// one row, and by others where w is large; 0: the hardware does better.
  int64_t prefetchOneRow = 0;
  int64_t prefetchLarge = 0;
  Costs costs; ///< Of Costs.inc.
};

struct Cpu {
  llvm::StringRef name; ///< As LLVM calls it.
  int64_t l1Bytes = int64_t{32} * 1024;
  int64_t l2Bytes = int64_t{512} * 1024;
  std::vector<VectorUnit> units; ///< One for each width of vectors.

  /// The unit for vectors of `bits` bits; null if there is none.
  const VectorUnit *unit(unsigned bits) const;
};

llvm::ArrayRef<Cpu> allCpus();
/// The record of a CPU; null if there is none.
const Cpu *findCpu(llvm::StringRef name);
/// The CPU called `name` if its record knows vectors of the target's width,
/// else the one that the target names.
const Cpu &cpuFor(const Target &target, llvm::StringRef name);

} // namespace lpgen

#endif // LPGEN_TARGETS_CPUS_CPUS_H
