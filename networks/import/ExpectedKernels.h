// What the compiler says of the layers of a file: it runs elsewhere, as it has
// LLVM in it, which importers have not.
#ifndef LPGEN_NETWORKS_IMPORT_EXPECTEDKERNELS_H
#define LPGEN_NETWORKS_IMPORT_EXPECTEDKERNELS_H

#include "base/system/Status.h"
#include "networks/import/Report.h"
#include <string>

namespace lpgen::importer {

/// Gives the layers of a report their kernels. `json` has for statements of the
/// program their kernels, and the cycles that the cost model expects of them or
/// null: {"conv1": {"kernel": "widen maddubs16", "cycles": 1200}}.
Status addKernels(Report &report, const std::string &json);

} // namespace lpgen::importer

#endif // LPGEN_NETWORKS_IMPORT_EXPECTEDKERNELS_H
