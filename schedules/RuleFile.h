// Writing files of tuned rules, schedules/tuned/<cpu>.mlir.
#ifndef LPGEN_SCHEDULES_RULEFILE_H
#define LPGEN_SCHEDULES_RULEFILE_H

#include "base/system/Status.h"
#include "schedules/Tuned.h"
#include <string>

namespace lpgen {

/// One rule to be written.
struct TunedRule {
  TunedKey key;
  std::string schedule; ///< As --schedule takes it, with all its fields.
  std::string source;   ///< "measured" or "mca".
  std::string note;     ///< For people.
};

/// The text of a file of rules for `cpu`: those of `oldText` (the file until
/// now, "" if there is none) with `rules` added. A rule replaces the one of the
/// same key, but what was ranked never replaces what was measured. Rules are
/// sorted by key. An error if `oldText` is no file of rules.
Result<std::string> mergeRules(llvm::StringRef oldText,
                               llvm::ArrayRef<TunedRule> rules,
                               llvm::StringRef cpu);

} // namespace lpgen

#endif // LPGEN_SCHEDULES_RULEFILE_H
