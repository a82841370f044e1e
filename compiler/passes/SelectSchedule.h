// Schedule selection as a pass, for lpgen-opt.
#ifndef LPGEN_COMPILER_PASSES_SELECTSCHEDULE_H
#define LPGEN_COMPILER_PASSES_SELECTSCHEDULE_H

namespace lpgen {

/// `lp-select-schedule{schedule=TEXT}`: attaches #lp.schedule to every
/// contraction, for the target that the module names.
void registerSelectSchedulePass();

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_SELECTSCHEDULE_H
