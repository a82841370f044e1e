// The page of charts of a run.
#ifndef LPGEN_TRAINING_RECORD_RUNREPORT_H
#define LPGEN_TRAINING_RECORD_RUNREPORT_H

#include "base/system/Status.h"
#include <string>

namespace lpgen::train {

/// Writes report.html into the folder of a run that has logged an epoch, by the
/// Python program train-report that is installed with this one.
Status writeRunReport(const std::string &runFolder);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_RECORD_RUNREPORT_H
