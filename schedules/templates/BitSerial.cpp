// bitserial: operands as bit planes, products as and + population count,
// counted in byte lanes up to a proved bound (Cowan et al., arXiv 1810.11066,
// section 3).
#include "schedules/Schedules.h"

using namespace lpgen;

namespace {
class BitSerialTemplate : public Template {
public:
  llvm::StringRef name() const override { return "bitserial"; }
  llvm::StringRef summary() const override {
    return "bit planes, and + popcount in byte lanes; 1 to 8 bits";
  }
  std::vector<Candidate> candidates(lp::ContractOp contract,
                                    const Target &target,
                                    const ScheduleRequest &request,
                                    std::string &whyNot) const override {
    return packedCandidates(name(), contract, target, request, whyNot);
  }
};
} // namespace

const Template &lpgen::bitserialTemplate() {
  static const BitSerialTemplate instance;
  return instance;
}
