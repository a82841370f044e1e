// Schedule selection as a pass, for lpgen-opt.
#ifndef LPGEN_SCHEDULES_SELECTPASS_H
#define LPGEN_SCHEDULES_SELECTPASS_H

namespace lpgen {

/// `lp-select-schedule{schedule=TEXT}`: attaches #lp.schedule to every
/// contraction, for the target that the module names.
void registerSelectSchedulePass();

} // namespace lpgen

#endif // LPGEN_SCHEDULES_SELECTPASS_H
