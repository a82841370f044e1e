// What a program says of arguments that it does not know: what was meant.
#ifndef LPGEN_TOOLS_MISSPELLING_H
#define LPGEN_TOOLS_MISSPELLING_H

#include "base/system/NearestName.h"
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace lpgen {

/// "--target", "-D": the options of a command.
inline std::vector<std::string> optionNames(const CLI::App &command) {
  std::vector<std::string> names;
  for (const CLI::Option *option : command.get_options()) {
    for (const std::string &name : option->get_lnames()) {
      names.push_back("--" + name);
    }
    for (const std::string &name : option->get_snames()) {
      names.push_back("-" + name);
    }
  }
  return names;
}

inline std::vector<std::string> commandNames(const CLI::App &app) {
  std::vector<std::string> names;
  for (const CLI::App *command : app.get_subcommands({})) {
    names.push_back(command->get_name());
  }
  return names;
}

/// For CLI::App::failure_message.
inline std::string describeFailure(const CLI::App *app,
                                   const CLI::Error &error) {
  const std::vector<CLI::App *> parsed = app->get_subcommands();
  const CLI::App &command = parsed.empty() ? *app : *parsed.front();
  const std::vector<std::string> unknown = app->remaining(/*recurse=*/true);
  std::string what = error.what();
  if (!unknown.empty() && unknown.front().starts_with('-')) {
    what =
        "unknown option " +
        quoteWithNearest(unknown.front().substr(0, unknown.front().find('=')),
                         optionNames(command));
  } else if (!unknown.empty() && parsed.empty() &&
             !commandNames(*app).empty()) {
    what = "unknown command " +
           quoteWithNearest(unknown.front(), commandNames(*app));
  }
  std::string help = app->get_name();
  if (!parsed.empty()) {
    help += " " + command.get_name();
  }
  return help.substr(0, help.find(' ')) + ": error: " + what + "\nRun '" +
         help + " --help' for more information.\n";
}

} // namespace lpgen

#endif // LPGEN_TOOLS_MISSPELLING_H
