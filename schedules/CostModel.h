// What a packed schedule costs: counts of what it does, each with a price that
// the CPU's record has. The counts are those of CostTerms.def; their sum ranks
// schedules and promises nothing.
//
// Prices are fitted to measurements (bench/cost/fit) or set by hand
// (targets/cpus/Costs.inc). Nothing here knows a CPU or a price.
#ifndef LPGEN_SCHEDULES_COSTMODEL_H
#define LPGEN_SCHEDULES_COSTMODEL_H

#include "ir/analysis/PackedForm.h"
#include "targets/cpus/Costs.h"

namespace lpgen {

/// How often `schedule` does what has a price, in the whole contraction.
CostTerms countTerms(const PackedForm &form, const Cell &cell,
                     lp::ScheduleAttr schedule, const Machine &machine);

/// The cycles of these counts for `cell`.
double cyclesOf(const CostTerms &counts, const Cell &cell,
                const Machine &machine);

/// Estimated cycles per multiply-accumulate of the contraction.
double estimateCycles(const PackedForm &form, const Cell &cell,
                      lp::ScheduleAttr schedule, const Machine &machine);

} // namespace lpgen

#endif // LPGEN_SCHEDULES_COSTMODEL_H
