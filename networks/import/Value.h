// What a tensor of an imported network is while the network is written: not
// always a tensor of the program. An elementwise chain is an expression until a
// quantizer or a reader of windows stores it; a transposed, reshaped or sliced
// tensor is another way to read the one that it comes from.
//
// A dimension of the file is a product of factors, of which each has an index:
// flattening [channels, rows, columns] makes one dimension of three factors,
// and nothing is moved. Dimensions of extent 1 have no factor, but the first
// one (the images) keeps its own.
#ifndef LPGEN_NETWORKS_IMPORT_VALUE_H
#define LPGEN_NETWORKS_IMPORT_VALUE_H

#include "networks/import/Chain.h"
#include "operators/builder/Expression.h"
#include <functional>
#include <memory>
#include <span>

namespace lpgen::importer {

/// A sum of indices times constants plus a constant, exactly divided.
class Subscript {
public:
  Subscript(int64_t constant = 0) : constant(constant) {}
  static Subscript index(const std::string &name) {
    Subscript result;
    result.terms.emplace_back(name, 1);
    return result;
  }

  Subscript operator*(int64_t factor) const;
  Subscript operator+(const Subscript &other) const;
  /// Where this does not come out even, the read is outside.
  Subscript dividedBy(int64_t number) const;
  /// The same for an index that does not go over all of the dimension: alone,
  /// it would take its extent.
  Subscript partial() const;
  std::string text() const;

private:
  std::vector<std::pair<std::string, int64_t>> terms;
  int64_t constant;
  int64_t divisor = 1;
  bool isPartial = false;
};

using Factors = std::vector<int64_t>;
/// One for each factor, dimension by dimension.
using Subscripts = std::vector<Subscript>;
/// Gives the element at subscripts.
using ElementAt = std::function<builder::Expression(const Subscripts &)>;

struct SumChain;
struct Spread;
struct Repetition;

/// Reads elements. What is known of how they are computed goes with the
/// function that computes them, so that another function has it not.
class Reader {
public:
  Reader(std::nullptr_t = nullptr) {}
  template <typename Function>
    requires std::invocable<const Function &, const Subscripts &> &&
             (!std::same_as<std::remove_cvref_t<Function>, Reader>)
  Reader(Function function) : function(std::move(function)) {}

  builder::Expression operator()(const Subscripts &subscripts) const {
    return function(subscripts);
  }
  explicit operator bool() const { return bool(function); }

  /// What is done with an exact sum, or null.
  std::shared_ptr<const SumChain> chain;
  /// Where the elements lie in the channels of another value, or null.
  std::shared_ptr<const Spread> spread;
  /// Of which value the elements are repetitions, or null.
  std::shared_ptr<const Repetition> repetition;

private:
  ElementAt function;
};

/// A chain of operations, and the sums at its begin.
struct SumChain {
  Reader sum;
  Chain chain;
};

/// real = scale * (code - zero); both have as many dimensions as the value, or
/// none.
struct Quantization {
  Constant scale;
  Constant zero;
};

struct Value {
  std::vector<Factors> dims;
  /// The dimensions in the order in which they would lie in memory.
  std::vector<int> order;
  Reader read; ///< Of a code, if it is quantized.
  /// Elements are integers from `lowest` to `highest`, odd ones only.
  bool isInteger = false;
  int64_t lowest = 0;
  int64_t highest = 0;
  bool isOdd = false;
  std::optional<Quantization> quantization;
  /// The elements of which this one takes the positive ones.
  Reader beforeRelu;
  std::optional<Constant> constant; ///< Codes, if it is quantized.
  std::string tensor;      ///< Whose elements `read` reads in `order`, or "".
  unsigned operations = 0; ///< Of an element.
  unsigned layers = 0;     ///< Of readers, each of which calls the next.

  Extents shape() const;
  size_t rank() const { return dims.size(); }
  int64_t extent(size_t dim) const;
  /// The number of its first factor among all.
  size_t firstFactor(size_t dim) const;
  /// All factors, dimension by dimension.
  Factors factors() const;
};

/// Each element of `value` so many times in the dimensions behind the channels.
struct Repetition {
  Value value;
  std::vector<int64_t> factors;
};

/// As many dimensions, the images first and channels, dimension 1, last.
std::vector<int> channelsLast(size_t rank);

/// A known value.
Value constantValue(Constant constant);

int64_t productOf(const Factors &factors);
/// The factors of which all lists, of one product, consist; nothing if no list
/// divides the other.
std::optional<Factors> refinement(const std::vector<Factors> &lists);
/// Subscripts of `coarse` from those of `fine`, which refines it.
Subscripts coarsened(const Factors &coarse, const Factors &fine,
                     std::span<const Subscript> subscripts);

/// As another shape of as many elements; nothing if a factor would have to be
/// cut where it does not divide.
std::optional<Value> reshape(const Value &value, const Extents &shape);
/// Dimension i of the result is dimension order[i] of the value.
Value transpose(const Value &value, const std::vector<int> &order);

/// Reads as before through subscripts with one more, at `place`.
Reader leavingOut(size_t place, Reader read);
/// The value with an index for a dimension of extent 1, so that it can be read
/// outside.
Value withIndex(const Value &value, size_t dim);

} // namespace lpgen::importer

#endif // LPGEN_NETWORKS_IMPORT_VALUE_H
