// The subcommands of the tools. Each lives in a file of its own, registers
// itself with its options, and leaves an exit status: 0, or 1 for a failure, 2
// for a wrong command line.
#ifndef LPGEN_TOOLS_COMMANDS_H
#define LPGEN_TOOLS_COMMANDS_H

namespace CLI {
class App;
} // namespace CLI

namespace lpgen {

/// `compile FILE.lp`: objects, headers, manifests, or IR of any stage.
void addCompileCommand(CLI::App &app, int &exitCode);

/// `explain FILE.lp`: schedule, layout, registers, operation counts, ceilings.
void addExplainCommand(CLI::App &app, int &exitCode);

/// `bench FILE.lp`: measures kernels beside other implementations.
void addBenchCommand(CLI::App &app, int &exitCode);

/// `tune FILE.lp|DIR`: searches schedules and writes rules.
void addTuneCommand(CLI::App &app, int &exitCode);

/// `train ...`, `report ...`: run programs of the training runtime.
void addProgramCommands(CLI::App &app, int &exitCode);

/// `targets`: what can be compiled for.
void addTargetsCommand(CLI::App &app, int &exitCode);

/// `completion bash|zsh`: what these shells need to complete command lines.
void addCompletionCommand(CLI::App &app, int &exitCode);

/// `doctor`: what this machine can do, and what is missing.
void addDoctorCommand(CLI::App &app, int &exitCode);

/// `verify FILE.lp`: compares generated kernels with the interpreter.
void addVerifyCommand(CLI::App &app, int &exitCode);

/// `run FILE.lp --input x=x.npy --output y=y.npy`: runs a generated kernel on
/// files.
void addRunCommand(CLI::App &app, int &exitCode);

} // namespace lpgen

#endif // LPGEN_TOOLS_COMMANDS_H
