// `lpgen inspect`.
#ifndef LPGEN_TOOLS_INSPECTCOMMAND_H
#define LPGEN_TOOLS_INSPECTCOMMAND_H

#include <string>
#include <vector>

namespace lpgen {

/// Runs `program`, which is lpgen-import, with `words` as the command line of
/// inspect; returns the exit status.
int inspectModel(const std::string &program,
                 const std::vector<std::string> &words);

} // namespace lpgen

#endif // LPGEN_TOOLS_INSPECTCOMMAND_H
