// Views of larger tensors. See Strides.h.
#include "base/tensor/Strides.h"
#include <algorithm>
#include <cstring>
#include <optional>

namespace lpgen {

int64_t spanOf(std::span<const int64_t> shape,
               std::span<const int64_t> strides) {
  int64_t last = 0;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0) {
      return 0;
    }
    last += (shape[d] - 1) * strides[d];
  }
  return last + 1;
}

bool areNested(std::span<const int64_t> shape,
               std::span<const int64_t> strides) {
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] <= 1) {
      continue;
    }
    int64_t within = 0; // of the dimensions in this one, the last position
    for (size_t e = 0; e < shape.size(); ++e) {
      if (e != d && shape[e] > 1 && strides[e] <= strides[d]) {
        within += (shape[e] - 1) * strides[e];
      }
    }
    if (strides[d] <= within) {
      return false;
    }
  }
  return true;
}

std::vector<int64_t> denseStrides(std::span<const int64_t> shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0;) {
    strides[d] = stride;
    stride *= shape[d];
  }
  return strides;
}

bool areStridesAlike(std::span<const int64_t> shape, std::span<const int64_t> a,
                     std::span<const int64_t> b) {
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] > 1 && a[d] != b[d]) {
      return false;
    }
  }
  return true;
}

void copyView(std::span<const int64_t> shape, int64_t bytes, const void *from,
              std::span<const int64_t> fromStrides, void *to,
              std::span<const int64_t> toStrides) {
  if (shape.empty()) {
    std::memcpy(to, from, size_t(bytes));
    return;
  }
  const auto *source = static_cast<const unsigned char *>(from);
  auto *target = static_cast<unsigned char *>(to);
  if (shape.size() == 1 && fromStrides[0] == 1 && toStrides[0] == 1) {
    if (shape[0] > 0) {
      std::memcpy(target, source, size_t(shape[0] * bytes));
    }
    return;
  }
  for (int64_t i = 0; i < shape[0]; ++i) {
    copyView(shape.subspan(1), bytes, source + i * fromStrides[0] * bytes,
             fromStrides.subspan(1), target + i * toStrides[0] * bytes,
             toStrides.subspan(1));
  }
}

namespace {
/// The state of chooseStrides.
struct Chooser {
  std::span<const ComputedSize> computed;
  std::span<const int64_t> bounds;
  int64_t slack;
  std::vector<int64_t> &given;
  std::vector<bool> &known;

  std::optional<int64_t> valueAt(size_t size) const {
    if (size < given.size()) {
      return known[size] ? std::optional(given[size]) : std::nullopt;
    }
    const ComputedSize &from = computed[size - given.size()];
    int64_t sum = from.constant;
    for (const SizeTerm &term : from.terms) {
      const auto value = valueAt(positionOf(term.size, given.size()));
      if (!value) {
        return std::nullopt;
      }
      sum += term.coefficient * *value;
    }
    return sum / from.divisor;
  }
  std::optional<int64_t> valueOf(const SizeOrConstant &size) const {
    return size.size < 0 ? std::optional(size.constant)
                         : valueAt(size_t(size.size));
  }
  void set(size_t size, int64_t value) {
    given[size] = std::min(value, bounds[size] - slack) + slack;
    given[size] = std::clamp<int64_t>(given[size], 0, bounds[size]);
    known[size] = true;
  }
  /// Makes `size` at least `least`, by the one that is open in it.
  void makeAtLeast(size_t size, int64_t least) {
    if (size < given.size()) {
      return set(size, least);
    }
    const ComputedSize &from = computed[size - given.size()];
    // Divisors go up to 2^60.
    __int128 need = __int128{least} * from.divisor - from.constant;
    const SizeTerm *open = nullptr;
    for (const SizeTerm &term : from.terms) {
      const auto value = valueAt(positionOf(term.size, given.size()));
      if (value) {
        need -= __int128{term.coefficient} * *value;
      } else if (!open) {
        open = &term;
      }
    }
    if (open && open->coefficient > 0) {
      constexpr __int128 most = __int128{1} << 62;
      need = (need + open->coefficient - 1) / open->coefficient;
      makeAtLeast(positionOf(open->size, given.size()),
                  int64_t(std::clamp<__int128>(need, 0, most)));
    }
  }
};
} // namespace

void chooseStrides(std::span<const StridedTensor> tensors,
                   std::span<const ComputedSize> computed,
                   std::span<const int64_t> bounds, int64_t slack,
                   std::vector<int64_t> &given, std::vector<bool> known) {
  Chooser chooser{computed, bounds, slack, given, known};
  for (const StridedTensor &tensor : tensors) {
    int64_t span = 1;
    const auto add = [&](size_t d) {
      const int64_t extent = chooser.valueOf(tensor.shape[d]).value_or(1);
      const int64_t stride = chooser.valueOf(tensor.strides[d]).value_or(1);
      span += std::max<int64_t>(extent - 1, 0) * stride;
    };
    const size_t rank = tensor.strides.size();
    std::vector<size_t> open;
    for (size_t d = 0; d < rank; ++d) {
      if (chooser.valueOf(tensor.strides[d])) {
        add(d);
      } else {
        open.push_back(d);
      }
    }
    for (size_t i = open.size(); i-- > 0;) {
      const size_t d = open[i];
      if (!chooser.valueOf(tensor.strides[d])) {
        chooser.makeAtLeast(size_t(tensor.strides[d].size), span);
      }
      add(d);
    }
  }
}

} // namespace lpgen
