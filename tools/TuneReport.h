// What `lpgen tune` says: a line of progress on stderr, results on stdout.
#ifndef LPGEN_TOOLS_TUNEREPORT_H
#define LPGEN_TOOLS_TUNEREPORT_H

#include "workbench/tune/Tuner.h"

namespace lpgen {

/// Says how far the search is, and why a trial was of no use. On a terminal one
/// line is written again and again, else there is one a trial.
void printTuneProgress(const TuneProgress &progress);

/// Says which schedules are best, how fast they are, and how that is known.
void printTuneOutcome(const TuneProblem &problem, const TuneOutcome &outcome,
                      const TuneOptions &options);

} // namespace lpgen

#endif // LPGEN_TOOLS_TUNEREPORT_H
