// What a user can say about a file that is imported.
#ifndef LPGEN_NETWORKS_IMPORT_IMPORTOPTIONS_H
#define LPGEN_NETWORKS_IMPORT_IMPORTOPTIONS_H

#include "base/types/ElementType.h"
#include <map>
#include <string>

namespace lpgen::importer {

struct ImportOptions {
  int64_t mostImages = 64; ///< Where the file leaves their number open.
  /// Products of weights in groups with scales take x as it is, in f32, instead
  /// of quantizing it to 8 bits in the same groups.
  bool hasFloatActivations = false;
  /// Types of inputs that hold integers as floats, by name.
  std::map<std::string, ElementType> inputTypes;
};

} // namespace lpgen::importer

#endif // LPGEN_NETWORKS_IMPORT_IMPORTOPTIONS_H
