// What a CPU's instruction set is to the compiler: a name for LLVM, a few
// facts, and emitters for the register tiles it is good at. A family of targets
// is a folder with a table; see docs/guide/add-a-target.md. How fast a CPU of a
// target is, stands in targets/cpus.
#ifndef LPGEN_TARGETS_TARGET_H
#define LPGEN_TARGETS_TARGET_H

#include "mlir/IR/Builders.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

class Cell;
class CellTable;
struct Cpu;

/// Emits the bytes of `table`, a memref of 16 to 256 bytes, at a vector of
/// indices of 8 bits, all of which lie in it.
using ByteLookup = mlir::Value (*)(mlir::OpBuilder &b, mlir::Location loc,
                                   mlir::Value table, mlir::Value indices);

/// Emits the nearest integers to a vector of f32, ties to even, as unsigned
/// bytes from 0 to `high`, a vector of one number up to 255. What is beyond is
/// the nearer bound, a NaN 0. Null for vectors of sizes that it has no
/// instructions for.
using RoundToBytes = mlir::Value (*)(mlir::OpBuilder &b, mlir::Location loc,
                                     mlir::Value floats, mlir::Value high);

/// Emits (x * multiplier + 2^shift) / 2^(shift + 1), rounded down, of vectors
/// of i32; that fits 32 bits, and shifts are `leastShift`, 30 or more, to 61.
using Rescale = mlir::Value (*)(mlir::OpBuilder &b, mlir::Location loc,
                                mlir::Value x, mlir::Value multiplier,
                                mlir::Value shift, int64_t leastShift);

/// Facts about a target, plain constants.
struct TargetDesc {
  std::string name;         ///< generic, x86_avx2, ...
  std::string triple;       ///< LLVM triple.
  std::string cpu;          ///< LLVM CPU name, for scheduling.
  std::string features;     ///< LLVM feature string.
  uint64_t cpuFeatures = 0; ///< LP_CPU_* bits a kernel of this target needs.
  bool hasRounding = true;  ///< Instructions for floor, round, ... of f32.
  bool hasFma = true;       ///< Fused multiply-add of f32.
  bool hasHalf = true;      ///< Conversions between f16 and f32.
  /// Null if there are no instructions for it.
  ByteLookup lookUpBytes = nullptr;
  RoundToBytes roundToBytes = nullptr; ///< Likewise.
  Rescale rescale = nullptr;           ///< Null: in 64 bits.
  unsigned vectorBits = 128;
  unsigned vectorRegisters = 16;
  /// The CPU of targets/cpus whose speed decides about schedules, unless
  /// another one is named.
  std::string model;
  std::string mcaCpu; ///< CPU whose scheduling model `explain` reports.
  std::string
      emulator; ///< qemu-user program name for foreign hosts, "" if none.
  std::string emulatorCpu;
  std::string summary; ///< One line for `lpgen targets`.
};

/// A target: facts and cells.
class Target {
public:
  /// The LP_CPU_* bits are those of the features of `given`; the cells are
  /// those of `family` that need no others.
  Target(TargetDesc given, const CellTable &family);
  const TargetDesc &desc() const { return description; }
  /// The register-tile cells this target implements.
  llvm::ArrayRef<const Cell *> cells() const { return cellList; }
  /// The CPU `model`.
  const Cpu &cpu() const { return *model; }

private:
  TargetDesc description;
  std::vector<const Cell *> cellList;
  const Cpu *model;
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
