// Statements, and tensors of the program.
#include "networks/import/Emitter.h"
#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numeric>

namespace lpgen::importer {

using builder::Expression;

ElementType storageType(const Value &value) {
  if (!value.isInteger) {
    return {Encoding::Float, 32};
  }
  if (value.isOdd && value.lowest == -value.highest) {
    unsigned bits = 1;
    while ((int64_t{1} << bits) - 1 < value.highest) {
      ++bits;
    }
    if (bits <= 8) {
      return {Encoding::Bipolar, bits};
    }
  }
  return narrowestType(value.lowest, value.highest);
}

/// The factors in the order of memory, and where each stands dimension by
/// dimension.
static std::vector<size_t> placesInMemory(const std::vector<Factors> &dims,
                                          const std::vector<int> &order) {
  std::vector<size_t> starts;
  size_t start = 0;
  for (const Factors &factors : dims) {
    starts.push_back(start);
    start += factors.size();
  }
  std::vector<size_t> places;
  for (const int dim : order) {
    for (size_t i = 0; i < dims[size_t(dim)].size(); ++i) {
      places.push_back(starts[size_t(dim)] + i);
    }
  }
  return places;
}

/// Reads a tensor whose dimensions are the factors in this order.
static Reader tensorReader(const std::string &tensor,
                           std::vector<size_t> places) {
  return [tensor, places = std::move(places)](const Subscripts &subscripts) {
    if (places.empty()) {
      return Expression::scalar(tensor);
    }
    std::vector<std::string> texts;
    for (const size_t place : places) {
      texts.push_back(subscripts[place].text());
    }
    return Expression::element(tensor, texts);
  };
}

std::vector<std::string> Emitter::indexNames(const std::vector<Factors> &dims,
                                             const std::vector<int> &order) {
  // By place in memory: the images, what lies between, the channels.
  static const std::array<std::string, 8> between = {"h", "v", "d", "i",
                                                     "j", "k", "l", "m"};
  std::vector<std::string> letters(dims.size());
  for (size_t i = 0; i < order.size(); ++i) {
    letters[size_t(order[i])] = i == 0 && order.size() > 1 ? "n"
                                : i + 1 == order.size()
                                    ? "c"
                                    : between[(i - 1) % between.size()];
  }
  std::vector<std::string> names;
  for (size_t d = 0; d < dims.size(); ++d) {
    for (size_t i = 0; i < dims[d].size(); ++i) {
      names.push_back(letters[d] +
                      (i == 0 ? std::string() : std::to_string(i)));
    }
  }
  return names;
}

static Subscripts subscriptsOf(const std::vector<std::string> &names) {
  Subscripts result;
  for (const std::string &name : names) {
    result.push_back(Subscript::index(name));
  }
  return result;
}

static std::vector<builder::Extent>
extentsOf(const Extents &shape, bool &isBatchKnown, int64_t mostImages) {
  std::vector<builder::Extent> extents;
  for (const int64_t extent : shape) {
    if (extent != batchExtent) {
      extents.emplace_back(extent);
    } else if (isBatchKnown) {
      extents.push_back(builder::Extent::declared("n"));
    } else {
      extents.push_back(builder::Extent::upTo("n", mostImages));
      isBatchKnown = true;
    }
  }
  return extents;
}

Value Emitter::input(const std::string &wanted, const Extents &shape,
                     ElementType type, int64_t mostImages) {
  const std::string name = program.names.make(wanted);
  program.addInput({.name = name,
                    .type = type,
                    .extents = extentsOf(shape, isBatchKnown, mostImages)});
  Value value;
  value.isInteger = !type.isFloat();
  constexpr int64_t most = int64_t{1} << 62; // sums of two of them fit
  value.lowest = value.isInteger ? std::max(type.minValue(), -most) : 0;
  value.highest = value.isInteger ? std::min(type.maxValue(), most) : 0;
  for (size_t d = 0; d < shape.size(); ++d) {
    value.dims.push_back(shape[d] == 1 && d > 0 ? Factors{}
                                                : Factors{shape[d]});
    value.order.push_back(int(d));
  }
  // The declaration has the extents of 1, too.
  value.read = [name, shape](const Subscripts &subscripts) {
    std::vector<std::string> texts;
    texts.reserve(shape.size());
    size_t next = 0;
    for (size_t d = 0; d < shape.size(); ++d) {
      texts.push_back(shape[d] == 1 && d > 0 ? "0" : subscripts[next++].text());
    }
    return texts.empty() ? Expression::scalar(name)
                         : Expression::element(name, texts);
  };
  return value;
}

void Emitter::output(const std::string &wanted, const Value &value,
                     ElementType type) {
  const std::string name = program.names.make(wanted);
  const Extents shape = value.shape();
  program.addOutput({.name = name,
                     .type = type,
                     .extents = extentsOf(shape, isBatchKnown, 1)});
  // One index for each dimension of the file.
  Value whole = flat(value, wanted);
  std::vector<Factors> dims;
  for (const int64_t extent : shape) {
    dims.push_back({extent});
  }
  const std::vector<std::string> names = indexNames(dims, whole.order);
  Subscripts subscripts;
  for (size_t d = 0; d < dims.size(); ++d) {
    if (!whole.dims[d].empty()) {
      subscripts.push_back(Subscript::index(names[d]));
    }
  }
  const Expression target = names.empty() ? Expression::scalar(name)
                                          : Expression::element(name, names);
  program.assign(target.text(), whole.read(subscripts));
}

Value Emitter::write(const Value &value, const std::string &wanted,
                     const std::vector<int> &order, bool isDeclared) {
  const std::string name = program.names.make(wanted);
  const std::vector<std::string> names = indexNames(value.dims, order);
  const std::vector<size_t> places = placesInMemory(value.dims, order);
  Value result = value;
  result.order = order;
  result.tensor = name;
  result.operations = 0;
  result.layers = 0;
  result.beforeRelu = nullptr;
  result.read = tensorReader(name, places);
  const Subscripts subscripts = subscriptsOf(names);
  std::string target = result.read(subscripts).text();
  if (isDeclared) {
    const Factors factors = value.factors();
    Extents extents;
    for (const size_t place : places) {
      extents.push_back(factors[place]);
    }
    target += ": " + builder::Declaration{.name = "",
                                          .type = storageType(value),
                                          .extents = extentsOf(extents,
                                                               isBatchKnown, 0)}
                         .text()
                         .substr(2);
  }
  tensors[name] = {program.assign(target, value.read(subscripts)), target, ""};
  return result;
}

Value Emitter::store(const Value &value, const std::string &wanted,
                     const std::vector<int> &order) {
  return write(value, wanted, order, true);
}

Value Emitter::assign(const Value &value, const std::string &wanted) {
  return write(value, wanted, value.order, false);
}

Value Emitter::stored(const Value &value, const std::string &wanted,
                      const std::vector<int> &order) {
  const auto known = tensors.find(value.tensor);
  const bool isReadable = known != tensors.end() &&
                          known->second.isDeclared() &&
                          placesInMemory(value.dims, value.order) ==
                              placesInMemory(value.dims, order);
  if (!isReadable) {
    return store(value, wanted, order);
  }
  Value result = value;
  result.order = order;
  return result;
}

Value Emitter::padded(const Value &value, const std::string &padding) {
  const auto known = tensors.find(value.tensor);
  assert(known != tensors.end() && "only what is stored has a padding");
  Stored &stored = known->second;
  if (!stored.padding.empty() && stored.padding != padding) {
    return padded(store(value, value.tensor, value.order), padding);
  }
  if (stored.padding.empty()) {
    stored.padding = padding;
    if (!stored.isDeclared()) {
      return padded(store(value, value.tensor, value.order), padding);
    }
    program.retarget(stored.line, stored.target + " pad(" + padding + ")");
  }
  return value;
}

Reader Emitter::constantReader(const Constant &constant,
                               const std::vector<Factors> &dims) {
  const bool isInteger = constant.isInteger;
  if (constant.isUniform() &&
      (isInteger || std::isfinite(float(constant.values.front())))) {
    const double value = constant.values.front();
    return [isInteger, value](const Subscripts &) {
      return isInteger ? Expression(toInteger(value))
                       : Expression::real(float(value));
    };
  }
  // The dimensions that are not 1, cut into the factors of the others.
  const size_t skipped = dims.size() - constant.shape.size();
  Extents shape;
  std::vector<size_t> places;
  size_t place = 0;
  for (size_t d = 0; d < dims.size(); ++d) {
    const bool isWhole = d >= skipped && constant.shape[d - skipped] != 1;
    for (const int64_t factor : dims[d]) {
      if (isWhole) {
        shape.push_back(factor);
        places.push_back(place);
      }
      ++place;
    }
  }
  // It comes into the program when a statement reads it.
  return
      [this, constant, shape, places, isInteger,
       name = std::make_shared<std::string>()](const Subscripts &subscripts) {
        if (name->empty()) {
          const std::string wanted =
              constant.name.empty() ? std::string("constant") : constant.name;
          *name = isInteger
                      ? program.addIntegers(wanted, constant.integers(), shape,
                                            narrowestType(constant.integers()))
                      : program.addFloats(wanted, constant.floats(), shape);
        }
        return tensorReader(*name, places)(subscripts);
      };
}

Value Emitter::flat(const Value &value, const std::string &wanted) {
  if (std::ranges::all_of(value.dims,
                          [](const Factors &f) { return f.size() <= 1; })) {
    return value;
  }
  // The element at k of a dimension of factors [f, g] is the only one, (k - j)
  // / g and j, whose read is inside.
  const Value source = padded(
      value.tensor.empty() ? store(value, wanted, value.order) : value, "0");
  Value result = source;
  result.tensor.clear();
  std::vector<std::string> bounds;
  static const std::array<std::string, 8> letters = {"i", "j", "k", "l",
                                                     "m", "p", "q", "s"};
  size_t next = 0;
  std::vector<std::vector<std::string>> inner(value.dims.size());
  for (size_t d = 0; d < value.dims.size(); ++d) {
    const Factors &factors = value.dims[d];
    for (size_t i = 1; i < factors.size(); ++i) {
      const std::string name =
          letters[next % letters.size()] +
          (next < letters.size() ? "1"
                                 : std::to_string(next / letters.size() + 1));
      ++next;
      bounds.push_back(name + ":" + std::to_string(factors[i]));
      inner[d].push_back(name);
    }
    result.dims[d] = factors.empty() ? factors : Factors{productOf(factors)};
  }
  result.read = [=, dims = value.dims,
                 read = source.read](const Subscripts &subscripts) {
    Subscripts all;
    size_t at = 0;
    for (size_t d = 0; d < dims.size(); ++d) {
      if (dims[d].empty()) {
        continue;
      }
      Subscript outer = subscripts[at++];
      int64_t stride = 1;
      Subscripts parts;
      for (size_t i = dims[d].size(); i-- > 1;) {
        parts.insert(parts.begin(), Subscript::index(inner[d][i - 1]));
        outer = outer + Subscript::index(inner[d][i - 1]) * -stride;
        stride *= dims[d][i];
      }
      all.push_back(outer.dividedBy(stride));
      all.insert(all.end(), parts.begin(), parts.end());
    }
    return Expression::reduction("sum", bounds, read(all));
  };
  return store(result, wanted, result.order);
}

} // namespace lpgen::importer
