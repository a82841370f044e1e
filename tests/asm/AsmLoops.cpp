// See AsmLoops.h.
#include "tests/asm/AsmLoops.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include <algorithm>

namespace lpgen::asmtest {

namespace {

/// The listing without directives and comments, labels resolved.
struct Listing {
  std::vector<Instruction> instructions;
  llvm::StringMap<size_t> labels; ///< Number of the instruction that follows.
};

llvm::StringRef withoutComment(llvm::StringRef line) {
  // '#' begins a comment on x86 and an immediate on AArch64, where it has no
  // blank behind it.
  for (llvm::StringRef mark : {"//", "# ", "##"}) {
    line = line.substr(0, line.find(mark));
  }
  return line.trim();
}

Listing readListing(llvm::StringRef assembly) {
  Listing listing;
  llvm::SmallVector<llvm::StringRef> lines;
  assembly.split(lines, '\n');
  for (llvm::StringRef line : lines) {
    line = withoutComment(line);
    if (line.consume_front("{vex}")) { // asks the assembler for an encoding
      line = line.ltrim();
    }
    if (line.ends_with(":")) {
      listing.labels[line.drop_back()] = listing.instructions.size();
    } else if (!line.empty() && !line.starts_with(".")) {
      const size_t end = line.find_first_of(" \t");
      listing.instructions.push_back(
          {line.substr(0, end).str(),
           end == llvm::StringRef::npos ? "" : line.substr(end).trim().str()});
    }
  }
  return listing;
}

bool isBranch(llvm::StringRef mnemonic) {
  return mnemonic.starts_with("j") || mnemonic == "b" ||
         mnemonic.starts_with("b.") || mnemonic == "cbz" ||
         mnemonic == "cbnz" || mnemonic == "tbz" || mnemonic == "tbnz";
}

/// The first instruction of a loop and the one behind its last.
using Range = std::pair<size_t, size_t>;

/// Branches backwards, in the order of the listing.
std::vector<Range> loopRanges(const Listing &listing) {
  std::vector<Range> ranges;
  for (size_t i = 0; i < listing.instructions.size(); ++i) {
    const Instruction &instruction = listing.instructions[i];
    if (!isBranch(instruction.mnemonic)) {
      continue;
    }
    const llvm::StringRef operands = instruction.operands;
    const llvm::StringRef last = operands.rsplit(' ').second;
    const auto label = listing.labels.find(last.empty() ? operands : last);
    if (label != listing.labels.end() && label->second <= i) {
      ranges.emplace_back(label->second, i + 1);
    }
  }
  return ranges;
}

bool isWithin(const Range &inner, const Range &outer) {
  return inner != outer && inner.first >= outer.first &&
         inner.second <= outer.second;
}

std::vector<Range> innermostRanges(llvm::ArrayRef<Range> ranges) {
  std::vector<Range> innermost;
  llvm::copy_if(ranges, std::back_inserter(innermost), [&](const Range &range) {
    return llvm::none_of(
        ranges, [&](const Range &other) { return isWithin(other, range); });
  });
  return innermost;
}

Loop instructionsOf(const Listing &listing, const Range &range) {
  return {listing.instructions.begin() + long(range.first),
          listing.instructions.begin() + long(range.second)};
}

} // namespace

std::vector<Loop> innermostLoops(llvm::StringRef assembly) {
  const Listing listing = readListing(assembly);
  std::vector<Loop> loops;
  for (const Range &range : innermostRanges(loopRanges(listing))) {
    loops.push_back(instructionsOf(listing, range));
  }
  return loops;
}

HotNest findHotNest(llvm::StringRef assembly, llvm::StringRef mnemonic) {
  const Listing listing = readListing(assembly);
  const std::vector<Range> ranges = loopRanges(listing);
  HotNest nest;
  size_t most = 0;
  for (const Range &range : innermostRanges(ranges)) {
    const Loop loop = instructionsOf(listing, range);
    const size_t count = countOf(loop, mnemonic);
    if (count <= most) {
      continue;
    }
    most = count;
    nest = {loop, {}, {}};
    const Range *around = nullptr; // the smallest one
    for (const Range &other : ranges) {
      if (isWithin(range, other) && (!around || isWithin(other, *around))) {
        around = &other;
      }
    }
    if (around) {
      nest.before = instructionsOf(listing, {around->first, range.first});
      nest.behind = instructionsOf(listing, {range.second, around->second});
    }
  }
  return nest;
}

size_t countOf(const Loop &loop, llvm::StringRef mnemonic) {
  return size_t(llvm::count_if(loop, [&](const Instruction &instruction) {
    llvm::StringRef found = instruction.mnemonic;
    const llvm::StringRef operands = instruction.operands;
    const bool isWide = operands.contains("%ymm") || operands.contains("%zmm");
    return found.consume_front(mnemonic) &&
           (found.empty() || llvm::isDigit(found.front())) &&
           (isWide || !operands.contains("%xmm"));
  }));
}

bool isVectorOperation(const Instruction &instruction) {
  const llvm::StringRef mnemonic = instruction.mnemonic;
  const llvm::StringRef operands = instruction.operands;
  if (operands.contains("%ymm") || operands.contains("%zmm")) {
    const bool isBroadcast = mnemonic.starts_with("vpbroadcast") ||
                             mnemonic.starts_with("vbroadcast");
    return !mnemonic.starts_with("vmov") &&
           !(isBroadcast && operands.contains('('));
  }
  // AArch64: v0.16b, or a list of them first.
  const llvm::StringRef first = operands.ltrim("{ ");
  return !mnemonic.starts_with("ld") && !mnemonic.starts_with("st") &&
         first.starts_with("v") && first.contains('.');
}

bool storesToStack(const Instruction &instruction) {
  const llvm::StringRef mnemonic = instruction.mnemonic;
  const llvm::StringRef operands = instruction.operands;
  if (mnemonic.starts_with("st")) { // AArch64: str, stp, stur, st1
    return operands.contains("[sp") || operands.contains("[x29");
  }
  // x86, AT&T: the destination is written last.
  return operands.ends_with("(%rsp)") && mnemonic.contains("mov");
}

} // namespace lpgen::asmtest
