// How programs for a target are run on this machine: natively, or under an
// emulator.
#ifndef LPGEN_WORKBENCH_RUN_EMULATOR_H
#define LPGEN_WORKBENCH_RUN_EMULATOR_H

#include "base/system/Status.h"
#include "targets/Target.h"
#include <string>
#include <vector>

namespace lpgen {

/// The command that runs `program` for the target, emulator first if one is
/// needed: on another CPU, or if the environment variable LPGEN_EMULATE names
/// it. An error says what to install, or that nothing here can run such a
/// program.
Result<std::vector<std::string>> commandFor(const TargetDesc &target,
                                            const std::string &program);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_RUN_EMULATOR_H
