// Tables of text.
#ifndef LPGEN_BASE_SYSTEM_TABLE_H
#define LPGEN_BASE_SYSTEM_TABLE_H

#include <algorithm>
#include <string>
#include <vector>

namespace lpgen {

/// Rows of cells as lines of a table, two spaces before each column; the first
/// `left` columns are set to the left, the others to the right.
inline std::string
formatTable(const std::vector<std::vector<std::string>> &rows, size_t left) {
  std::vector<size_t> widths;
  for (const std::vector<std::string> &row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const std::vector<std::string> &row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      line += "  " + (i < left ? row[i] + space : space + row[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

} // namespace lpgen

#endif // LPGEN_BASE_SYSTEM_TABLE_H
