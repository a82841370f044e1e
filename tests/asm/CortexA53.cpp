// Issue rules of the Cortex-A53. See CortexA53.h.
//
// Two instructions issue together if their kinds allow it and the second does
// not need the first. The path from the first-level cache is 64 bits wide.
#include "tests/asm/CortexA53.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include <algorithm>
#include <cassert>

namespace lpgen::asmtest {

namespace {

enum class Kind {
  Vector128,
  Vector64,
  Insert, ///< A general register into an element.
  LoadVector128,
  LoadVector64,
  StoreVector,
  Scalar, ///< Arithmetic, loads and stores of general registers.
  Branch,
};

/// Cycles until a result can be used.
constexpr int kVectorLatency = 4;
constexpr int kInsertLatency = 2;
constexpr int kLoadScalarLatency = 3;
constexpr int kLoad64Latency = 3;
constexpr int kLoad128Latency = 4;

/// An instruction as the issue stage sees it.
struct Decoded {
  Kind kind = Kind::Scalar;
  int cycles = 1; ///< It keeps the issue stage, alone if more than one.
  int latency = 1;
  llvm::SmallVector<std::string, 4> writes;
  llvm::SmallVector<std::string, 2> updated; ///< Addresses, ready at once.
  llvm::SmallVector<std::string, 4> reads;
};

/// The registers named in operands, those of addresses apart.
struct Registers {
  llvm::SmallVector<std::string, 4> values;
  llvm::SmallVector<std::string, 4> addresses;
  bool hasVector = false;
  bool is128 = false;
};

Registers registersOf(llvm::StringRef operands) {
  Registers found;
  bool isAddress = false;
  while (!operands.empty()) {
    if (!llvm::isAlnum(operands.front())) {
      isAddress =
          operands.front() == '[' || (isAddress && operands.front() != ']');
      operands = operands.drop_front();
      continue;
    }
    const llvm::StringRef token = operands.take_while(
        [](char c) { return llvm::isAlnum(c) || c == '.'; });
    operands = operands.drop_front(token.size());
    const auto [name, arrangement] = token.split('.');
    const bool isVector = llvm::StringRef("vqdshb").contains(name.front());
    const bool isGeneral = name.front() == 'x' || name.front() == 'w';
    unsigned number = 0;
    const bool isNumbered =
        (isVector || isGeneral) && !name.drop_front().getAsInteger(10, number);
    if (!isNumbered && name != "sp") {
      continue; // an immediate, a shift, a condition, a label, xzr
    }
    const std::string full =
        isNumbered ? (isVector ? "v" : "x") + std::to_string(number) : "sp";
    (isAddress ? found.addresses : found.values).push_back(full);
    if (isVector && !isAddress) {
      found.hasVector = true;
      found.is128 |= name.front() == 'q' || arrangement == "16b" ||
                     arrangement == "8h" || arrangement == "4s" ||
                     arrangement == "2d";
    }
  }
  return found;
}

/// True if the instruction adds to its first operand or keeps part of it.
bool readsResult(llvm::StringRef mnemonic) {
  return mnemonic.contains("mla") || mnemonic.contains("mls") ||
         mnemonic.contains("mlal") || mnemonic.contains("mlsl") ||
         mnemonic.contains("adalp") || mnemonic.ends_with("sra") ||
         mnemonic.ends_with("dot") || mnemonic == "tbx" || mnemonic == "bsl" ||
         mnemonic == "bit" || mnemonic == "bif" || mnemonic == "sli" ||
         mnemonic == "sri";
}

Decoded decodeMemory(const Instruction &instruction,
                     const Registers &registers) {
  const llvm::StringRef operands = instruction.operands;
  const bool isLoad = instruction.mnemonic.starts_with("ld");
  const auto count = static_cast<int>(registers.values.size());
  Decoded result;
  result.reads.append(registers.addresses.begin(), registers.addresses.end());
  (isLoad ? result.writes : result.reads)
      .append(registers.values.begin(), registers.values.end());
  // [x0, #16]! or [x0], #16.
  if (operands.ends_with("!") || operands.rsplit(']').second.contains(',')) {
    result.updated.assign(registers.addresses.begin(),
                          registers.addresses.begin() + 1);
  }
  if (!registers.hasVector) {
    result.latency = isLoad ? kLoadScalarLatency : 1;
    result.cycles = count; // a pair of 64 bits each
    return result;
  }
  result.kind = !isLoad           ? Kind::StoreVector
                : registers.is128 ? Kind::LoadVector128
                                  : Kind::LoadVector64;
  result.cycles = isLoad && registers.is128 ? 2 * count : count;
  result.latency = registers.is128 ? kLoad128Latency : kLoad64Latency;
  return result;
}

Decoded decode(const Instruction &instruction) {
  const llvm::StringRef mnemonic = instruction.mnemonic;
  const Registers registers = registersOf(instruction.operands);
  if (mnemonic.starts_with("ld") || mnemonic.starts_with("st")) {
    return decodeMemory(instruction, registers);
  }
  Decoded result;
  llvm::ArrayRef<std::string> values = registers.values;
  if (mnemonic == "b" || mnemonic.starts_with("b.") || mnemonic == "cbz" ||
      mnemonic == "cbnz" || mnemonic == "tbz" || mnemonic == "tbnz") {
    result.kind = Kind::Branch;
    result.reads.assign(values.begin(), values.end());
    result.reads.push_back("flags");
    return result;
  }
  const bool onlyFlags =
      mnemonic == "cmp" || mnemonic == "cmn" || mnemonic == "tst";
  if (onlyFlags || mnemonic == "subs" || mnemonic == "adds" ||
      mnemonic == "ands") {
    result.writes.push_back("flags");
  }
  if (mnemonic.starts_with("cs") || mnemonic.starts_with("cc") ||
      mnemonic.starts_with("cin")) {
    result.reads.push_back("flags");
  }
  if (!onlyFlags && !values.empty()) {
    result.writes.push_back(values.front());
    if (!readsResult(mnemonic)) {
      values = values.drop_front();
    }
  }
  result.reads.append(values.begin(), values.end());
  if (!registers.hasVector) {
    return result;
  }
  const llvm::StringRef first =
      llvm::StringRef(instruction.operands).split(',').first;
  if (mnemonic == "ins" || (mnemonic == "mov" && first.contains('['))) {
    result.kind = Kind::Insert;
    result.latency = kInsertLatency;
    result.reads.push_back(result.writes.front());
    return result;
  }
  result.kind = registers.is128 ? Kind::Vector128 : Kind::Vector64;
  result.latency = kVectorLatency;
  return result;
}

/// True if the rules let `second` issue in the cycle of `first`.
bool mayIssueTogether(Kind first, Kind second) {
  const auto are = [&](Kind a, Kind b) {
    return (first == a && second == b) || (first == b && second == a);
  };
  if (second == Kind::Branch) {
    return first != Kind::Branch;
  }
  if (second == Kind::Scalar) { // beside vector arithmetic only behind it
    return first == Kind::Vector128 || first == Kind::Vector64 ||
           first == Kind::Insert || first == Kind::Scalar;
  }
  return are(Kind::Vector64, Kind::LoadVector64) ||
         are(Kind::Insert, Kind::LoadVector64) ||
         (first == Kind::Vector64 && second == Kind::Vector64) ||
         (first == Kind::Insert && second == Kind::Insert);
}

bool share(llvm::ArrayRef<std::string> a, llvm::ArrayRef<std::string> b) {
  return llvm::any_of(
      a, [&](const std::string &name) { return llvm::is_contained(b, name); });
}

/// Issues instructions one after the other.
class IssueStage {
public:
  explicit IssueStage(bool waits) : waits(waits) {}

  void issue(const Decoded &next) {
    int ready = 0;
    if (waits) {
      for (const std::string &name : next.reads) {
        ready = std::max(ready, readyAt.lookup(name));
      }
    }
    if (previous && ready <= cycle && next.cycles == 1 &&
        mayIssueTogether(previous->kind, next.kind) &&
        !share(previous->writes, next.reads) &&
        !share(previous->updated, next.reads) &&
        !share(previous->writes, next.writes)) {
      previous = nullptr;
    } else {
      cycle = std::max(free, ready);
      free = cycle + next.cycles;
      previous = next.cycles == 1 ? &next : nullptr;
    }
    // Registers of one load come one after the other.
    const int apart = next.writes.empty()
                          ? 0
                          : next.cycles / static_cast<int>(next.writes.size());
    for (size_t i = 0; i < next.writes.size(); ++i) {
      readyAt[next.writes[i]] =
          cycle + next.latency + static_cast<int>(i) * apart;
    }
    for (const std::string &name : next.updated) {
      readyAt[name] = cycle + 1;
    }
  }
  int now() const { return free; }

private:
  bool waits;
  int cycle = 0;
  int free = 0;
  const Decoded *previous = nullptr; ///< Alone in `cycle` so far.
  llvm::StringMap<int> readyAt;
};

double steadyCycles(llvm::ArrayRef<Decoded> body, bool waits) {
  constexpr int kTrips = 40;
  IssueStage stage(waits);
  int half = 0;
  for (int trip = 0; trip < kTrips; ++trip) {
    for (const Decoded &instruction : body) {
      stage.issue(instruction);
    }
    if (2 * (trip + 1) == kTrips) {
      half = stage.now();
    }
  }
  return 2.0 * (stage.now() - half) / kTrips;
}

} // namespace

A53Cycles cyclesOnCortexA53(llvm::ArrayRef<Instruction> body) {
  std::vector<Decoded> decoded;
  decoded.reserve(body.size());
  for (const Instruction &instruction : body) {
    decoded.push_back(decode(instruction));
  }
  return {steadyCycles(decoded, /*waits=*/false),
          steadyCycles(decoded, /*waits=*/true)};
}

} // namespace lpgen::asmtest
