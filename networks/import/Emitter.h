// Writes values as statements of a program, and composes elements of several
// values.
#ifndef LPGEN_NETWORKS_IMPORT_EMITTER_H
#define LPGEN_NETWORKS_IMPORT_EMITTER_H

#include "networks/import/Program.h"
#include "networks/import/Value.h"
#include <map>

namespace lpgen::importer {

class Emitter {
public:
  explicit Emitter(Program &program) : program(program) {}
  Program &program;

  /// An input of the network, in the layout of the file. Extents of
  /// `batchExtent` are the run-time size n, of at most `mostImages`.
  Value input(const std::string &wanted, const Extents &shape, ElementType type,
              int64_t mostImages);
  /// An output: all elements of the value in the layout of the file.
  void output(const std::string &wanted, const Value &value, ElementType type);

  /// The value as a tensor of the program; one that is a tensor already, with
  /// its dimensions in this order, stays what it is. `type` of the elements
  /// is the narrowest one if it is not given.
  Value stored(const Value &value, const std::string &wanted,
               const std::vector<int> &order);
  Value stored(const Value &value, const std::string &wanted) {
    return stored(value, wanted, value.order);
  }
  /// A new tensor whose elements are those of the value.
  Value store(const Value &value, const std::string &wanted,
              const std::vector<int> &order);
  /// The sums of `reduction`, which reads the subscripts that are given, as an
  /// integer or f32 whose type follows from it.
  Value assign(const Value &value, const std::string &wanted);
  /// Reads of the stored value outside its extents yield `padding` ("0",
  /// "lowest"): the tensor itself, or a copy where other reads want another.
  Value padded(const Value &value, const std::string &padding);

  /// A known value as one whose elements statements read.
  Value readable(const Value &value);
  /// The number that an element stands for: scale * (code - zero).
  Value real(const Value &value);
  /// Elements of a known value in the program, whose dimensions are those of
  /// `dims` or of extent 1.
  Reader constantReader(const Constant &constant,
                        const std::vector<Factors> &dims);

  using Combine =
      std::function<builder::Expression(std::span<const builder::Expression>)>;
  /// Elements made of those of several values, which are broadcast. Nothing if
  /// their dimensions do not go together.
  std::optional<Value> elementwise(std::span<const Value> operands,
                                   const Combine &combine);

  /// The value with a known number, in binary32 unless both are integers; a
  /// reader that it has is one of a chain. Nothing if the number has dimensions
  /// that the value has not.
  std::optional<Value> applied(const Value &value, ChainOperation operation,
                               const Constant &number);

  /// One dimension of one factor each: merged ones are written anew.
  Value flat(const Value &value, const std::string &wanted);

  /// The subscripts with which a statement names the elements of `dims`.
  static std::vector<std::string> indexNames(const std::vector<Factors> &dims,
                                             const std::vector<int> &order);

private:
  struct Stored {
    size_t line;
    std::string target;
    std::string padding;

    /// With extents and a type, so that a window can read it.
    bool isDeclared() const { return target.find(": ") != std::string::npos; }
  };
  Value write(const Value &value, const std::string &wanted,
              const std::vector<int> &order, bool isDeclared);

  std::map<std::string, Stored> tensors;
  bool isBatchKnown = false; ///< An input has declared n.
};

/// The type in which a value is stored.
ElementType storageType(const Value &value);

} // namespace lpgen::importer

#endif // LPGEN_NETWORKS_IMPORT_EMITTER_H
