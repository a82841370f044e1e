// Costs of schedules with channels in the lanes; see CostModel.h.
#ifndef LPGEN_SCHEDULES_LANECOSTS_H
#define LPGEN_SCHEDULES_LANECOSTS_H

#include "ir/analysis/LaneForm.h"
#include "schedules/CostModel.h"

namespace lpgen {

/// How often `schedule` does what has a price, in the whole contraction.
CostTerms countLaneTerms(const LaneForm &form, const Cell &cell,
                         lp::ScheduleAttr schedule, const Machine &machine);

} // namespace lpgen

#endif // LPGEN_SCHEDULES_LANECOSTS_H
