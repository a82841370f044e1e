// Tables for people.
#ifndef LPGEN_NETWORKS_IMPORT_TABLETEXT_H
#define LPGEN_NETWORKS_IMPORT_TABLETEXT_H

#include <algorithm>
#include <string>
#include <vector>

namespace lpgen::importer {

/// A line for each row, with columns as wide as what they hold. Rows have as
/// many cells as the first one.
template <typename Rows>
std::string tableText(const Rows &rows) {
  std::vector<size_t> widths(rows.empty() ? 0 : rows[0].size());
  for (const auto &row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const auto &row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

} // namespace lpgen::importer

#endif // LPGEN_NETWORKS_IMPORT_TABLETEXT_H
