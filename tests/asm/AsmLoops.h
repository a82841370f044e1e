// Loops of an assembly listing: enough to find the hot loop of a kernel and to
// see what stands in it. Knows the AT&T syntax of x86 and AArch64's.
#ifndef LPGEN_TESTS_ASM_ASMLOOPS_H
#define LPGEN_TESTS_ASM_ASMLOOPS_H

#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace lpgen::asmtest {

struct Instruction {
  std::string mnemonic;
  std::string operands;
  std::string str() const { return mnemonic + " " + operands; }
};

/// A loop without a loop inside, from its label to the branch back.
using Loop = std::vector<Instruction>;

/// All innermost loops, in the order of the listing.
std::vector<Loop> innermostLoops(llvm::StringRef assembly);

/// The innermost loop with the most instructions of one mnemonic, and the rest
/// of the loop around it, empty if there is none.
struct HotNest {
  Loop hot;
  Loop before;
  Loop behind;
};
HotNest findHotNest(llvm::StringRef assembly, llvm::StringRef mnemonic);

/// How many vector instructions of `loop` have the mnemonic, or it followed by
/// a digit (smlal and smlal2). On x86 only those on whole 256-bit registers
/// count: code that packs operands works on halves.
size_t countOf(const Loop &loop, llvm::StringRef mnemonic);

/// True if the instruction computes on vector registers: no load, store, move
/// or broadcast from memory.
bool isVectorOperation(const Instruction &instruction);

/// True if the instruction stores to the stack frame.
bool storesToStack(const Instruction &instruction);

} // namespace lpgen::asmtest

#endif // LPGEN_TESTS_ASM_ASMLOOPS_H
