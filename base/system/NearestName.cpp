// The distance of Damerau and Levenshtein (optimal string alignment), row by
// row.
#include "base/system/NearestName.h"
#include "base/system/Text.h"
#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

namespace lpgen {

/// The fewest letters to insert, remove or change, or neighbours to swap.
static size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> beforeLast(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    beforeLast = std::exchange(last, row);
    row[0] = i;
    for (size_t k = 1; k <= b.size(); ++k) {
      const size_t changed = last[k - 1] + (a[i - 1] == b[k - 1] ? 0 : 1);
      row[k] = std::min({row[k - 1] + 1, last[k] + 1, changed});
      if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1]) {
        row[k] = std::min(row[k], beforeLast[k - 2] + 1);
      }
    }
  }
  return row.back();
}

std::string quoteWithNearest(const std::string &name,
                             std::span<const std::string> known) {
  constexpr size_t longest = 64; // Of a name that someone means.
  size_t least = std::max<size_t>(name.size() / 2, 1) + 1;
  std::string nearest;
  for (const std::string &candidate : known) {
    const size_t steps =
        name.size() > longest ? least : distance(name, candidate);
    if (steps < least) {
      least = steps;
      nearest = "'" + candidate + "'";
    }
  }
  return "'" + name.substr(0, longest) + "', expected " +
         (nearest.empty() ? "one of " + joinNames(known) : nearest);
}

} // namespace lpgen
