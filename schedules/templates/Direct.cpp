// direct: the loop nest as written, elements one by one. Any operator, any
// type, every target; LLVM's loop vectorizer makes of it what it can.
#include "schedules/Schedules.h"

using namespace lpgen;

namespace {
class DirectTemplate : public Template {
public:
  llvm::StringRef name() const override { return "direct"; }
  llvm::StringRef summary() const override {
    return "the loop nest as written; any operator and type";
  }
  std::vector<Candidate> candidates(lp::ContractOp contract,
                                    const Machine & /*machine*/,
                                    const ScheduleRequest &request,
                                    std::string & /*whyNot*/) const override {
    // Costlier than anything packed, by a wide margin on purpose.
    constexpr double scalarCycles = 4.0;
    return {{lp::ScheduleAttr::get(contract.getContext(), "direct", "", 1, 1,
                                   request.unroll.value_or(1),
                                   request.block.value_or(1), std::nullopt),
             scalarCycles}};
  }
};
} // namespace

const Template &lpgen::directTemplate() {
  static const DirectTemplate instance;
  return instance;
}
