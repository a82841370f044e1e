// What the templates share that compute with cells: each cell of the target
// that a template takes is tried with its register tiles.
#ifndef LPGEN_SCHEDULES_TEMPLATES_CELLTEMPLATE_H
#define LPGEN_SCHEDULES_TEMPLATES_CELLTEMPLATE_H

#include "schedules/Schedules.h"

namespace lpgen {

class CellTemplate : public Template {
public:
  std::vector<Candidate> candidates(lp::ContractOp contract,
                                    const Machine &machine,
                                    const ScheduleRequest &request,
                                    std::string &whyNot) const final;

protected:
  virtual bool takes(const CellFacts &facts) const = 0;
  /// The tiles of one cell; in `reason` why one that was asked for is none.
  virtual void addTiles(lp::ContractOp contract, const Cell &cell,
                        const Machine &machine, const ScheduleRequest &request,
                        std::vector<Candidate> &found,
                        std::string &reason) const = 0;
  static bool isAllowed(const std::optional<int64_t> &wish, int64_t value) {
    return !wish || *wish == value;
  }
};

} // namespace lpgen

#endif // LPGEN_SCHEDULES_TEMPLATES_CELLTEMPLATE_H
