// Names of an imported file as names of the operator language.
#ifndef LPGEN_NETWORKS_IMPORT_NAMES_H
#define LPGEN_NETWORKS_IMPORT_NAMES_H

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace lpgen::importer {

/// Gives each thing of a file a name that the language takes and that no other
/// thing has, also in C, which tells capital letters from small ones only in
/// some places.
///
/// Words of the language and single letters with at most one digit, which stand
/// for indices in what is written, are no names; but `w` to `z` are.
class Names {
public:
  Names();

  /// As near to `wanted` as can be: "features.3.weight" gives
  /// "features_3_weight", "75" gives "t75".
  std::string make(std::string_view wanted);

private:
  // In small letters.
  std::set<std::string> taken;
  std::map<std::string, int> lastNumbers; ///< Behind a name.
};

/// `text` without line ends and other control characters, for a comment.
std::string oneLine(std::string_view text);

} // namespace lpgen::importer

#endif // LPGEN_NETWORKS_IMPORT_NAMES_H
