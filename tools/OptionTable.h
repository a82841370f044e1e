// The options of a program as data: what completion in shells is made from.
//
// lpgen asks the programs that do some of its commands for theirs, by a flag
// that no help shows; a line has command, names, values and description.
#ifndef LPGEN_TOOLS_OPTIONTABLE_H
#define LPGEN_TOOLS_OPTIONTABLE_H

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

namespace lpgen {

constexpr const char *optionTableFlag = "--option-table";

struct OptionRow {
  std::string command;
  std::string names; ///< Separated by spaces: "-o --output".
  /// "" for a flag, "*" for anything, or the values, separated by spaces.
  std::string values;
  std::string description;
};

/// The values in "TEXT:{a,b}", which CLI11 makes of a set.
inline std::string valuesOf(const CLI::Option &option) {
  if (option.get_items_expected_max() == 0) {
    return "";
  }
  const std::string type = option.get_type_name();
  const size_t begin = type.find('{');
  const size_t end = type.find('}', begin);
  if (begin == std::string::npos || end == std::string::npos) {
    return "*";
  }
  std::string values = type.substr(begin + 1, end - begin - 1);
  std::ranges::replace(values, ',', ' ');
  return values;
}

/// The options of one command that help shows.
inline void addOptionRows(const CLI::App &command, const std::string &name,
                          std::vector<OptionRow> &rows) {
  for (const CLI::Option *option : command.get_options()) {
    if (!option->nonpositional() || option->get_group().empty()) {
      continue;
    }
    std::string names;
    for (const std::string &each : option->get_snames()) {
      names += (names.empty() ? "-" : " -") + each;
    }
    for (const std::string &each : option->get_lnames()) {
      names += (names.empty() ? "--" : " --") + each;
    }
    std::string description = option->get_description();
    description.resize(std::min(description.find('\n'), description.size()));
    rows.push_back({name, names, valuesOf(*option), description});
  }
}

/// Has `app`, which does the command of the last word of its name or those of
/// its subcommands, print its rows instead of anything else when it is asked.
inline void addOptionTable(CLI::App &app) {
  app.add_flag_callback(
         optionTableFlag,
         [&app] {
           std::vector<OptionRow> rows;
           const std::string name = app.get_name();
           if (app.get_subcommands({}).empty()) {
             addOptionRows(app, name.substr(name.rfind(' ') + 1), rows);
           }
           for (const CLI::App *command : app.get_subcommands({})) {
             addOptionRows(*command, command->get_name(), rows);
           }
           for (const OptionRow &row : rows) {
             std::printf("%s\t%s\t%s\t%s\n", row.command.c_str(),
                         row.names.c_str(), row.values.c_str(),
                         row.description.c_str());
           }
           throw CLI::Success();
         })
      ->group("");
}

/// Reads what such a program prints; lines of another form are left out.
inline std::vector<OptionRow> parseOptionTable(const std::string &text) {
  std::vector<OptionRow> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    OptionRow row;
    if (std::getline(fields, row.command, '\t') &&
        std::getline(fields, row.names, '\t') &&
        std::getline(fields, row.values, '\t')) {
      std::getline(fields, row.description);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

} // namespace lpgen

#endif // LPGEN_TOOLS_OPTIONTABLE_H
