// generic: any CPU that LLVM knows, through the vector dialect only. The
// fallback, and the oracle for the other targets' cells.
#include "targets/Cell.h"
#include "targets/Targets.h"
#include "llvm/TargetParser/Host.h"

using namespace lpgen;

static TargetDesc describe() {
  TargetDesc desc;
  desc.name = "generic";
  desc.triple = llvm::sys::getDefaultTargetTriple();
  desc.cpu = "generic";
  desc.hasRounding = false;
  desc.vectorBits = 128;
  desc.vectorRegisters = 16;
  desc.summary = "any CPU LLVM knows; here the baseline of this one";
  return desc;
}

namespace {
class GenericTarget : public Target {
public:
  GenericTarget() : Target(describe()) {}
  llvm::ArrayRef<const Cell *> cells() const override {
    static const BytePopcountCell popcount(
        {.name = "ctpop", .lanes = 16, .stepOps = 12});
    static const Cell *const list[] = {&popcount};
    return list;
  }
};
} // namespace

const Target &lpgen::genericTarget() {
  static const GenericTarget target;
  return target;
}
