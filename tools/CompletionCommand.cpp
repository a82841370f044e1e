// `lpgen completion`: what bash and zsh complete, from the tables of options of
// lpgen and of the programs beside it.
#include "base/system/Subprocess.h"
#include "targets/Target.h"
#include "tools/Commands.h"
#include "tools/CommonOptions.h"
#include "tools/OptionChecks.h"
#include "tools/OptionTable.h"
#include "tools/OtherPrograms.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>
#include <memory>
#include <set>

namespace lpgen {

/// What another program prints; "" if it cannot be asked.
static std::string optionTableOf(const std::string &program) {
  Result<ProgramOutcome> outcome =
      runProgram({program, optionTableFlag}, ProgramKind::Question);
  return outcome.ok() ? std::move(outcome->messages) : "";
}

/// All rows; a command's stand together.
static std::vector<OptionRow> collectRows(const CLI::App &app) {
  std::vector<OptionRow> rows;
  for (const CLI::App *command : app.get_subcommands({})) {
    addOptionRows(*command, command->get_name(), rows);
  }
  std::set<std::string> asked;
  for (const OtherProgram &program : otherPrograms()) {
    const std::string path = besideProgram(program.path);
    if (asked.insert(path).second && llvm::sys::fs::can_execute(path)) {
      const std::vector<OptionRow> others =
          parseOptionTable(optionTableOf(path));
      rows.insert(rows.end(), others.begin(), others.end());
    }
  }
  std::string targets = "host";
  for (const Target *target : allTargets()) {
    targets += " " + target->desc().name;
  }
  for (OptionRow &row : rows) {
    if (row.names == "--target" || row.names == "--kernel-target") {
      row.values = targets;
    }
  }
  return rows;
}

static std::string commandList(const CLI::App &app) {
  std::string list;
  for (const CLI::App *command : app.get_subcommands({})) {
    list += (list.empty() ? "" : " ") + command->get_name();
  }
  return list;
}

/// Words that are one of a set are completed here, all else are files.
static std::string bashScript(const CLI::App &app,
                              const std::vector<OptionRow> &rows) {
  std::string text =
      R"(# bash completion of lpgen, written by 'lpgen completion bash'.
_lpgen() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W ")" +
      commandList(app) + R"( --help --version" -- "$word")
    return
  fi
  case "${COMP_WORDS[1]} $before" in
)";
  for (const OptionRow &row : rows) {
    if (row.values.empty()) {
      continue;
    }
    std::string patterns;
    for (const llvm::StringRef name : llvm::split(row.names, ' ')) {
      patterns += (patterns.empty() ? "" : " | ") + ("'" + row.command + " ") +
                  name.str() + "'";
    }
    text += "  " + patterns + ") words='" +
            (row.values == "*" ? "" : row.values) + "' ;;\n";
  }
  text += "  *)\n    [[ $word == -* ]] || return\n"
          "    case ${COMP_WORDS[1]} in\n";
  for (const CLI::App *command : app.get_subcommands({})) {
    std::string names;
    for (const OptionRow &row : rows) {
      names += row.command == command->get_name() ? " " + row.names : "";
    }
    text += "    " + command->get_name() + ") words='" +
            llvm::StringRef(names).ltrim().str() + "' ;;\n";
  }
  return text + R"(    esac
    ;;
  esac
  [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _lpgen lpgen
)";
}

/// Without what means something in a specification of zsh, and quotes.
static std::string plain(std::string text) {
  for (char &letter : text) {
    letter = llvm::StringRef("[]:'\\").contains(letter) ? ' ' : letter;
  }
  return text;
}

static std::string zshScript(const CLI::App &app,
                             const std::vector<OptionRow> &rows) {
  std::string text = "#compdef lpgen\n"
                     "# zsh completion of lpgen, written by 'lpgen completion "
                     "zsh'.\nlocal -a commands\ncommands=(\n";
  for (const CLI::App *command : app.get_subcommands({})) {
    text += "  '" + command->get_name() + ":" +
            plain(command->get_description()) + "'\n";
  }
  text += ")\nif ((CURRENT == 2)); then\n  _describe command commands\n"
          "  return\nfi\nlocal command=$words[2]\nshift words\n((CURRENT--))\n"
          "case $command in\n";
  for (const CLI::App *command : app.get_subcommands({})) {
    text += command->get_name() + ")\n  _arguments \\\n";
    for (const OptionRow &row : rows) {
      if (row.command != command->get_name()) {
        continue;
      }
      for (const llvm::StringRef name : llvm::split(row.names, ' ')) {
        text += "    '*" + name.str() + "[" + plain(row.description) + "]";
        if (!row.values.empty()) {
          text += row.values == "*" ? ":value:_files"
                                    : ":value:(" + row.values + ")";
        }
        text += "' \\\n";
      }
    }
    text += "    '*:file:_files'\n  ;;\n";
  }
  return text + "esac\n";
}

void addCompletionCommand(CLI::App &app, int &exitCode) {
  CLI::App *command = app.add_subcommand(
      "completion", "Print what bash or zsh needs to complete command lines");
  const auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash or zsh")
      ->required()
      ->check(isOneOf({"bash", "zsh"}));
  command->footer("Example: source <(lpgen completion bash)");
  command->callback([&app, shell, &exitCode] {
    const std::vector<OptionRow> rows = collectRows(app);
    llvm::outs() << (*shell == "bash" ? bashScript(app, rows)
                                      : zshScript(app, rows));
    exitCode = ExitSuccess;
  });
}

} // namespace lpgen
