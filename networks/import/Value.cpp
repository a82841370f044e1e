// Reading one tensor through another shape.
#include "networks/import/Value.h"
#include <algorithm>
#include <cassert>
#include <numeric>
#include <set>

namespace lpgen::importer {

Subscript Subscript::operator*(int64_t factor) const {
  Subscript result = *this;
  assert((divisor == 1 || factor == 1) && "a quotient is the whole subscript");
  result.constant *= factor;
  for (auto &term : result.terms) {
    term.second *= factor;
  }
  return result;
}

Subscript Subscript::operator+(const Subscript &other) const {
  Subscript result = *this;
  assert(divisor == 1 && other.divisor == 1 && "quotients are not added");
  result.constant += other.constant;
  result.isPartial = isPartial || other.isPartial;
  for (const auto &term : other.terms) {
    result.terms.push_back(term);
  }
  return result;
}

Subscript Subscript::dividedBy(int64_t number) const {
  Subscript result = *this;
  result.divisor *= number;
  return result;
}

Subscript Subscript::partial() const {
  Subscript result = *this;
  result.isPartial = true;
  return result;
}

std::string Subscript::text() const {
  std::string text;
  for (const auto &[name, factor] : terms) {
    const int64_t size = std::abs(factor);
    text += text.empty() ? (factor < 0 ? "-" : "") : factor < 0 ? " - " : " + ";
    text += (size == 1 ? "" : std::to_string(size) + "*") + name;
  }
  if (text.empty()) {
    text = std::to_string(constant);
  } else if (constant != 0) {
    text += (constant < 0 ? " - " : " + ") + std::to_string(std::abs(constant));
  } else if (isPartial && terms.size() == 1 && divisor == 1) {
    text += " + 0";
  }
  return divisor == 1 ? text : "(" + text + ") / " + std::to_string(divisor);
}

int64_t productOf(const Factors &factors) {
  return std::accumulate(factors.begin(), factors.end(), int64_t{1},
                         std::multiplies<>());
}

size_t Value::firstFactor(size_t dim) const {
  size_t place = 0;
  for (size_t d = 0; d < dim; ++d) {
    place += dims[d].size();
  }
  return place;
}

int64_t Value::extent(size_t dim) const { return productOf(dims[dim]); }

Extents Value::shape() const {
  Extents shape;
  for (size_t d = 0; d < dims.size(); ++d) {
    shape.push_back(extent(d));
  }
  return shape;
}

Factors Value::factors() const {
  Factors all;
  for (const Factors &factors : dims) {
    all.insert(all.end(), factors.begin(), factors.end());
  }
  return all;
}

std::vector<int> channelsLast(size_t rank) {
  std::vector<int> order(rank);
  std::iota(order.begin(), order.end(), 0);
  if (rank > 2) {
    std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  }
  return order;
}

static std::vector<int> plainOrder(size_t rank) {
  std::vector<int> order(rank);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

Value constantValue(Constant constant) {
  Value value;
  for (const int64_t extent : constant.shape) {
    value.dims.push_back(extent == 1 ? Factors{} : Factors{extent});
  }
  value.order = plainOrder(value.rank());
  value.isInteger = constant.isInteger;
  if (value.isInteger && !constant.values.empty()) {
    const auto [lowest, highest] = rangeOf(constant);
    value.lowest = toInteger(lowest);
    value.highest = toInteger(highest);
  }
  value.constant = std::move(constant);
  return value;
}

std::optional<Factors> refinement(const std::vector<Factors> &lists) {
  if (std::ranges::all_of(
          lists, [&](const Factors &f) { return f == lists.front(); })) {
    return lists.front();
  }
  // The products of the factors behind each boundary.
  std::set<int64_t> boundaries;
  for (const Factors &factors : lists) {
    int64_t product = 1;
    for (size_t i = factors.size(); i-- > 0;) {
      product *= factors[i];
      boundaries.insert(product);
    }
  }
  Factors result;
  int64_t inner = 1;
  for (const int64_t product : boundaries) {
    if (product < 1 || product % inner != 0) {
      return std::nullopt;
    }
    result.insert(result.begin(), product / inner);
    inner = product;
  }
  return result;
}

Subscripts coarsened(const Factors &coarse, const Factors &fine,
                     std::span<const Subscript> subscripts) {
  Subscripts result;
  size_t next = 0;
  for (const int64_t factor : coarse) {
    Subscript sum = 0;
    int64_t product = 1;
    if (factor == 1) {
      const bool hasIndex = next < fine.size() && fine[next] == 1;
      result.push_back(hasIndex ? subscripts[next++] : sum);
      continue;
    }
    bool isFirst = true;
    while (product != factor && next < fine.size()) {
      sum = isFirst ? subscripts[next] : sum * fine[next] + subscripts[next];
      isFirst = false;
      product *= fine[next++];
    }
    result.push_back(sum);
  }
  return result;
}

/// Takes the factors of one dimension of `extent` from the front of `rest`.
static std::optional<Factors> takeFactors(Factors &rest, int64_t extent) {
  Factors taken;
  while (extent != 1) {
    if (rest.empty()) {
      return std::nullopt;
    }
    const int64_t factor = rest.front();
    if (factor == extent ||
        (factor > 0 && extent > 0 && extent % factor == 0)) {
      taken.push_back(factor);
      extent = factor == extent ? 1 : extent / factor;
      rest.erase(rest.begin());
    } else if (factor > 0 && extent > 0 && factor % extent == 0) {
      taken.push_back(extent);
      rest.front() = factor / extent;
      extent = 1;
    } else {
      return std::nullopt;
    }
  }
  return taken;
}

std::optional<Value> reshape(const Value &value, const Extents &shape) {
  Value result = value;
  if (result.constant) {
    const Constant &constant = *result.constant;
    Value reshaped = constantValue(constant.reshaped(shape));
    reshaped.quantization = value.quantization;
    return reshaped;
  }
  const Factors old = value.factors();
  Factors rest;
  // The images stay what they are.
  const bool keepsFirst = !shape.empty() && !value.dims.empty() &&
                          shape[0] == value.extent(0) &&
                          value.dims[0].size() == 1;
  for (size_t i = keepsFirst ? 1 : 0; i < old.size(); ++i) {
    if (old[i] != 1) {
      rest.push_back(old[i]);
    }
  }
  result.dims.clear();
  Factors fine;
  for (size_t d = 0; d < shape.size(); ++d) {
    std::optional<Factors> factors = keepsFirst && d == 0
                                         ? std::optional(value.dims[0])
                                         : takeFactors(rest, shape[d]);
    if (!factors) {
      return std::nullopt;
    }
    fine.insert(fine.end(), factors->begin(), factors->end());
    result.dims.push_back(std::move(*factors));
  }
  if (!rest.empty()) {
    return std::nullopt;
  }
  const auto through = [old, fine](const Reader &read) -> Reader {
    if (!read) {
      return read;
    }
    return [old, fine, read](const Subscripts &subscripts) {
      return read(coarsened(old, fine, subscripts));
    };
  };
  result.read = through(value.read);
  result.beforeRelu = through(value.beforeRelu);
  result.order = channelsLast(shape.size());
  result.tensor.clear();
  ++result.layers;
  return result;
}

Value transpose(const Value &value, const std::vector<int> &order) {
  Value result = value;
  if (value.constant) {
    const std::optional<Quantization> quantization = value.quantization;
    result = constantValue(value.constant->transposed(order));
    result.quantization = quantization;
  } else {
    std::vector<size_t> starts; // of the factors of each dimension
    size_t start = 0;
    for (const Factors &factors : value.dims) {
      starts.push_back(start);
      start += factors.size();
    }
    std::vector<size_t> from(start); // by factor: its place in the result
    size_t place = 0;
    for (size_t d = 0; d < order.size(); ++d) {
      const size_t old = size_t(order[d]);
      result.dims[d] = value.dims[old];
      for (size_t i = 0; i < value.dims[old].size(); ++i) {
        from[starts[old] + i] = place++;
      }
    }
    const auto through = [from](const Reader &read) -> Reader {
      if (!read) {
        return read;
      }
      return [from, read](const Subscripts &subscripts) {
        Subscripts moved;
        for (const size_t place : from) {
          moved.push_back(subscripts[place]);
        }
        return read(moved);
      };
    };
    result.read = through(value.read);
    result.beforeRelu = through(value.beforeRelu);
    ++result.layers;
    for (size_t d = 0; d < value.order.size(); ++d) {
      const auto place = std::ranges::find(order, value.order[d]);
      result.order[d] = int(place - order.begin());
    }
  }
  if (result.quantization) {
    for (Constant *each :
         {&result.quantization->scale, &result.quantization->zero}) {
      if (each->shape.size() == order.size()) {
        *each = each->transposed(order);
      }
    }
  }
  return result;
}

Reader leavingOut(size_t place, Reader read) {
  return [place, read = std::move(read)](const Subscripts &subscripts) {
    Subscripts fewer = subscripts;
    fewer.erase(fewer.begin() + int64_t(place));
    return read(fewer);
  };
}

Value withIndex(const Value &value, size_t dim) {
  if (!value.dims[dim].empty()) {
    return value;
  }
  Value result = value;
  result.dims[dim] = {1};
  result.tensor.clear();
  result.beforeRelu = nullptr;
  result.read = leavingOut(value.firstFactor(dim), value.read);
  return result;
}

} // namespace lpgen::importer
