// Where tuned rules lie: one file per CPU, NAME.mlir, those that the user's own
// `lpgen tune` wrote and those that come with lpgen.
#ifndef LPGEN_SCHEDULES_TUNEDFILES_H
#define LPGEN_SCHEDULES_TUNEDFILES_H

#include "targets/Target.h"
#include <string>
#include <vector>

namespace lpgen {

/// The CPU whose rules apply, in LLVM's naming: `asked` if given; else this
/// machine's if it runs the target's code, or the one that the target is
/// scheduled for. "" for `none`.
std::string tunedCpu(const Target &target, const std::string &asked);

/// $XDG_CONFIG_HOME/lpgen/tuned/CPU.mlir, by default below ~/.config; what
/// `lpgen tune` writes. "" if there is no home.
std::string userTunedFile(const std::string &cpu);

/// The files of rules for `cpu` that exist: the user's, then the one in
/// ../share/lpgen/tuned beside the program. None for "".
std::vector<std::string> tunedFiles(const std::string &cpu);

} // namespace lpgen

#endif // LPGEN_SCHEDULES_TUNEDFILES_H
