// widen: widening multiply-add of whole elements; 16-bit accumulators where the
// bound on the operands allows, else 32-bit ones.
#include "schedules/Schedules.h"

using namespace lpgen;

namespace {
class WidenTemplate : public Template {
public:
  llvm::StringRef name() const override { return "widen"; }
  llvm::StringRef summary() const override {
    return "widening multiply-add of 8- or 16-bit elements";
  }
  std::vector<Candidate> candidates(lp::ContractOp contract,
                                    const Target &target,
                                    const ScheduleRequest &request,
                                    std::string &whyNot) const override {
    return packedCandidates(name(), contract, target, request, whyNot);
  }
};
} // namespace

const Template &lpgen::widenTemplate() {
  static const WidenTemplate instance;
  return instance;
}
