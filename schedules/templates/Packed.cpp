// Templates whose cells share the packed GEMM form: they differ in how elements
// are packed and multiplied, which the cells say.
#include "schedules/Schedules.h"

using namespace lpgen;

namespace {
class PackedTemplate : public Template {
public:
  PackedTemplate(llvm::StringRef name, llvm::StringRef summary)
      : templateName(name), text(summary) {}
  llvm::StringRef name() const override { return templateName; }
  llvm::StringRef summary() const override { return text; }
  std::vector<Candidate> candidates(lp::ContractOp contract,
                                    const Machine &machine,
                                    const ScheduleRequest &request,
                                    std::string &whyNot) const override {
    return packedCandidates(name(), contract, machine, request, whyNot);
  }

private:
  llvm::StringRef templateName;
  llvm::StringRef text;
};
} // namespace

// Operands as bit planes, products as and + population count, counted in byte
// lanes up to a proved bound (Cowan et al., arXiv 1810.11066, section 3).
const Template &lpgen::bitserialTemplate() {
  static const PackedTemplate instance(
      "bitserial", "bit planes, and + popcount in byte lanes; 1 to 8 bits");
  return instance;
}

// Four bits of x name a table, four bits of w its entry: no multiplication, and
// one instruction less than a population count.
const Template &lpgen::lutTemplate() {
  static const PackedTemplate instance(
      "lut", "table look-up of products of bits; 1 to 8 bits");
  return instance;
}

// 16-bit accumulators where the bound on the operands allows, else 32-bit ones.
const Template &lpgen::widenTemplate() {
  static const PackedTemplate instance(
      "widen", "widening multiply-add of 8- or 16-bit elements");
  return instance;
}
