// What every format ends in: one operator that is the network, the constants
// that it reads, and the report of what became of each layer.
//
// A reader adds inputs, constants and statements in order, then the outputs.
// The text is written to be read: a comment with the nodes of the file stands
// before the statements that compute them.
#ifndef LPGEN_NETWORKS_IMPORT_PROGRAM_H
#define LPGEN_NETWORKS_IMPORT_PROGRAM_H

#include "base/system/Status.h"
#include "base/tensor/Tensor.h"
#include "networks/import/Names.h"
#include "networks/import/Report.h"
#include "operators/builder/Operator.h"
#include <set>
#include <span>
#include <string>
#include <vector>

namespace lpgen::importer {

/// The narrowest type that holds the integers: b1 for -1 and 1, t2 for -1, 0
/// and 1, else unsigned if none is negative, else signed; i32 and i64 beyond 16
/// bits.
ElementType narrowestType(std::span<const int64_t> values);
/// The same for all integers from `lowest` to `highest`.
ElementType narrowestType(int64_t lowest, int64_t highest);
/// f16 or bf16 if it holds all these values, else f32.
ElementType narrowestType(std::span<const float> values);

class Program {
public:
  /// `name` as the file calls the network.
  explicit Program(const std::string &name);

  Report report;
  Names names;

  const std::string &name() const { return networkName; }

  /// A constant of the file; returns the name by which statements read it.
  /// `wanted` is the tensor's name in the imported file.
  std::string addConstant(const std::string &wanted, HostTensor values);
  /// As elements of `type`, which holds them; so the integers of the next one.
  std::string addFloats(const std::string &wanted,
                        std::span<const float> values,
                        std::vector<int64_t> shape,
                        ElementType type = {Encoding::Float, 32});
  std::string addIntegers(const std::string &wanted,
                          std::span<const int64_t> values,
                          std::vector<int64_t> shape, ElementType type);

  /// Of the network. The name is one that `names` made.
  void addInput(builder::Declaration tensor);
  void addOutput(builder::Declaration tensor);

  /// What the next statement computes, for a comment before it: several are
  /// listed in one.
  void comment(const std::string &text);
  /// "target = value": `target` is an element, "acc[n,o]", or one with a
  /// declaration, "a[n,o]: u4 pad(0)". Returns the number of the line.
  size_t assign(const std::string &target, const builder::Expression &value);
  /// Puts another target in place of that of a line, which `assign` numbered:
  /// what reads a tensor later may need a padding.
  void retarget(size_t line, const std::string &target);
  /// "target = name<parameters>(arguments)", of an operator that was added or
  /// included; `parameters` "" or "S = 2".
  void call(const std::string &target, const std::string &operatorName,
            const std::string &parameters,
            const std::vector<std::string> &arguments);
  /// The text of an operator that the network calls; the same text is added
  /// once.
  void addOperator(const std::string &text);
  /// The network calls operators of this file, which comes with lpgen.
  void include(const std::string &library) { libraries.insert(library); }
  void includeLayers() { include("layers.lp"); }

  /// What is not supported; the program is then not written.
  void refuse(Finding finding) {
    report.findings.push_back(std::move(finding));
  }
  void note(const std::string &text) { report.notes.push_back(text); }

  /// The file of operators.
  std::string text() const;
  /// Writes FOLDER/NAME.lp and FOLDER/NAME.safetensors, both or none.
  Status write(const std::string &folder) const;

private:
  struct Constant {
    std::string name;
    std::string source; ///< In the file of weights.
    HostTensor values;
  };
  std::string sourceOf(const std::string &wanted, const std::string &name);

  std::string networkName;
  std::vector<Constant> constants;
  std::set<std::string> sources;
  std::vector<std::string> operators;
  std::vector<builder::Declaration> inputs;
  std::vector<builder::Declaration> outputs;
  std::vector<std::string> lines; ///< Of the network.
  std::set<std::string> libraries;
  std::string pendingComment;
  size_t addLine(std::string line);
};

} // namespace lpgen::importer

#endif // LPGEN_NETWORKS_IMPORT_PROGRAM_H
