// What a CPU is to the compiler: a name for LLVM, a few facts, and emitters for
// the register tiles it is good at. A target is a folder; see
// docs/guide/add-a-target.md.
#ifndef LPGEN_TARGETS_TARGET_H
#define LPGEN_TARGETS_TARGET_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace lpgen {

class Cell;

/// Facts about a CPU, plain constants.
struct TargetDesc {
  std::string name;         ///< generic, x86_avx2, ...
  std::string triple;       ///< LLVM triple.
  std::string cpu;          ///< LLVM CPU name, for scheduling.
  std::string features;     ///< LLVM feature string.
  uint64_t cpuFeatures = 0; ///< LP_CPU_* bits a kernel of this target needs.
  bool hasRounding = true;  ///< Instructions for floor, round, ... of f32.
  unsigned vectorBits = 128;
  unsigned vectorRegisters = 16;
  double vectorPipes = 1; ///< Vector instructions a cycle, at most.
  /// Vector instructions a cycle that loops of dependent multiply-adds sustain.
  double sustainedPipes = 1;
  double loadCycles = 0.15; ///< Cycles that a vector load takes from these.
  /// Instructions a cycle of any kind that such loops sustain; 0: the others
  /// decide before.
  double sustainedIssue = 0;
  /// Steps of a trip of the innermost loop, as far as temporaries of several
  /// find registers.
  unsigned unroll = 2;
  int64_t l1Bytes = int64_t{32} * 1024;
  int64_t l2Bytes = int64_t{512} * 1024;
  std::string mcaCpu; ///< CPU whose scheduling model `explain` reports.
  std::string
      emulator; ///< qemu-user program name for foreign hosts, "" if none.
  std::string emulatorCpu;
  std::string summary; ///< One line for `lpgen targets`.
};

/// A target: facts and cells.
class Target {
public:
  virtual ~Target();
  const TargetDesc &desc() const { return description; }
  /// The register-tile cells this target implements, best first.
  virtual llvm::ArrayRef<const Cell *> cells() const = 0;

protected:
  explicit Target(TargetDesc description)
      : description(std::move(description)) {}
  TargetDesc description;
};

/// All targets by name, generic first.
llvm::ArrayRef<const Target *> allTargets();
/// The target called `name`; "host" is the best one this CPU runs. Null if
/// none.
const Target *findTarget(llvm::StringRef name);
/// True if this CPU has the target's architecture and all features it needs.
bool hostRuns(const TargetDesc &target);

} // namespace lpgen

#endif // LPGEN_TARGETS_TARGET_H
