// Forms of run-time sizes. See SizeForm.h.
//
// A quotient that is rounded down has numerators from 0 on: whole multiples of
// the divisor stand outside of it. So it is never negative, and quotients of
// one value are one size.
#include "base/types/SizeForm.h"
#include <algorithm>
#include <map>

namespace lpgen {

using Int128 = __int128;
/// The numerator of a form.
struct Sum {
  std::map<SizeId, Int128> terms;
  Int128 constant = 0;
};
static constexpr Int128 most = Int128{1} << 60;

static Int128 floorDivide(Int128 a, Int128 b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

static Int128 gcd(Int128 a, Int128 b) {
  a = a < 0 ? -a : a;
  b = b < 0 ? -b : b;
  while (b != 0) {
    std::swap(a, b);
    b %= a;
  }
  return a;
}

static Sum sumOf(const std::vector<SizeTerm> &terms, int64_t constant) {
  Sum sum;
  sum.constant = constant;
  for (const SizeTerm &term : terms) {
    sum.terms[term.size] = term.coefficient;
  }
  return sum;
}

/// sum / divisor in lowest terms.
static std::optional<SizeForm> reduce(const Sum &sum, Int128 divisor) {
  Int128 common = gcd(divisor, sum.constant);
  for (const auto &[size, coefficient] : sum.terms) {
    common = gcd(common, coefficient);
  }
  SizeForm form;
  bool fits = divisor / common <= most;
  const auto take = [&](Int128 number) {
    number /= common;
    fits &= number <= most && number >= -most;
    return int64_t(number);
  };
  form.divisor = int64_t(divisor / common);
  form.constant = take(sum.constant);
  for (const auto &[size, coefficient] : sum.terms) {
    if (coefficient != 0) {
      form.terms.push_back({size, take(coefficient)});
    }
  }
  return fits ? std::optional(std::move(form)) : std::nullopt;
}

SizeForm SizeForms::of(SizeId size) {
  if (size >= 0) {
    return {{{size, 1}}, 0, 1};
  }
  // A copy: dividing can add to the list.
  const ComputedSize known = computed[computedNumber(size)];
  SizeForm sum{known.terms, known.constant, 1};
  // It was made of a form, so that this one fits.
  return *(known.isFloor ? floorDivide(sum, known.divisor)
                         : divide(sum, known.divisor));
}

SizeForms::Maybe SizeForms::add(const SizeForm &a, const SizeForm &b,
                                int64_t factor) {
  const Int128 divisor =
      Int128{a.divisor} / gcd(a.divisor, b.divisor) * b.divisor;
  const Int128 ofA = divisor / a.divisor;
  const Int128 ofB = divisor / b.divisor * factor;
  if (divisor > most || ofB > most || ofB < -most) {
    return std::nullopt;
  }
  Sum sum;
  const auto include = [&](const SizeForm &form, Int128 by) {
    sum.constant += form.constant * by;
    for (const SizeTerm &term : form.terms) {
      sum.terms[term.size] += term.coefficient * by;
    }
  };
  include(a, ofA);
  include(b, ofB);
  return reduce(sum, divisor);
}

SizeForms::Maybe SizeForms::divide(const SizeForm &form, int64_t divisor) {
  return reduce(sumOf(form.terms, form.constant),
                Int128{form.divisor} * divisor);
}

/// The number of a computed size, which is added if it is new.
SizeId SizeForms::find(ComputedSize size) {
  const auto known = std::ranges::find(computed, size);
  const auto number = SizeId(known - computed.begin());
  if (known == computed.end()) {
    computed.push_back(std::move(size));
  }
  return ~number;
}

SizeForms::Maybe SizeForms::floorDivide(const SizeForm &form, int64_t by) {
  Int128 divisor = Int128{form.divisor} * by;
  Sum whole;
  Sum rest;
  Int128 common = divisor;
  for (const SizeTerm &term : form.terms) {
    whole.terms[term.size] = lpgen::floorDivide(term.coefficient, divisor);
    rest.terms[term.size] = term.coefficient - whole.terms[term.size] * divisor;
    common = gcd(common, rest.terms[term.size]);
  }
  whole.constant = lpgen::floorDivide(form.constant, divisor);
  rest.constant =
      lpgen::floorDivide(form.constant - whole.constant * divisor, common);
  for (auto &[size, coefficient] : rest.terms) {
    coefficient /= common;
  }
  divisor /= common;
  Maybe outside = reduce(whole, 1);
  const Maybe inside = reduce(rest, 1);
  if (!outside || !inside || divisor > most) {
    return std::nullopt;
  }
  if (inside->isConstant()) {
    return outside; // less than the divisor
  }
  const SizeTerm &first = inside->terms.front();
  if (inside->terms.size() == 1 && first.coefficient == 1 && first.size < 0) {
    // floor((floor(n / d) + c) / e) = floor((n + c * d) / (d * e))
    const ComputedSize inner = computed[computedNumber(first.size)];
    Sum sum = sumOf(inner.terms, inner.constant);
    sum.constant += Int128{inside->constant} * inner.divisor;
    const Maybe numerator = reduce(sum, 1);
    const Int128 product = divisor * inner.divisor;
    const Maybe quotient = numerator && product <= most
                               ? floorDivide(*numerator, int64_t(product))
                               : std::nullopt;
    return quotient ? add(*outside, *quotient) : std::nullopt;
  }
  const SizeId quotient = find(
      {inside->terms, inside->constant, int64_t(divisor), /*isFloor=*/true});
  return add(*outside, SizeForm{{{quotient, 1}}, 0, 1});
}

SizeId SizeForms::sizeOf(const SizeForm &form) {
  const bool isOne = form.divisor == 1 && form.terms.size() == 1 &&
                     form.terms[0].coefficient == 1;
  if (isOne && form.constant == 0) {
    return form.terms[0].size;
  }
  if (isOne && form.terms[0].size < 0) {
    // A quotient and a constant are one quotient.
    ComputedSize quotient = computed[computedNumber(form.terms[0].size)];
    int64_t more = 0;
    if (!__builtin_mul_overflow(form.constant, quotient.divisor, &more) &&
        !__builtin_add_overflow(quotient.constant, more, &quotient.constant) &&
        quotient.constant >= -most && quotient.constant <= most) {
      return find(std::move(quotient));
    }
  }
  return find({form.terms, form.constant, form.divisor, /*isFloor=*/false});
}

bool SizeForms::isNonNegative(const SizeForm &form) const {
  Sum sum = sumOf(form.terms, form.constant);
  const auto isPlain = [&] {
    return sum.constant >= 0 && std::ranges::all_of(sum.terms, [](auto &term) {
             return term.second >= 0;
           });
  };
  // A quotient q = floor(n / d) lies between (n - d + 1) / d and n / d. First
  // those that are subtracted, whose least values are needed, then others.
  for (const bool isSubtracted : {true, false}) {
    while (!isPlain()) {
      const auto quotient =
          std::ranges::find_if(sum.terms, [&](const auto &term) {
            return term.first < 0 && term.second != 0 &&
                   (term.second < 0) == isSubtracted;
          });
      if (quotient == sum.terms.end()) {
        break;
      }
      const ComputedSize &inner = computed[computedNumber(quotient->first)];
      const Int128 factor = quotient->second;
      quotient->second = 0;
      for (auto &[size, coefficient] : sum.terms) {
        coefficient *= inner.divisor;
      }
      sum.constant *= inner.divisor;
      for (const SizeTerm &term : inner.terms) {
        sum.terms[term.size] += factor * term.coefficient;
      }
      sum.constant +=
          factor * (inner.constant - (isSubtracted ? 0 : inner.divisor - 1));
      const auto isLarge = [](Int128 number) {
        return number > most || number < -most;
      };
      if (isLarge(sum.constant) ||
          std::ranges::any_of(
              sum.terms, [&](auto &term) { return isLarge(term.second); })) {
        return false;
      }
    }
  }
  return isPlain();
}

/// The greatest numerator, where computed sizes have the bounds `bounds`.
static Int128 mostOfSum(const std::vector<SizeTerm> &terms, int64_t constant,
                        const std::function<int64_t(size_t)> &boundOf,
                        const std::vector<int64_t> &bounds) {
  constexpr Int128 limit = most << 60;
  Int128 sum = constant;
  for (const SizeTerm &term : terms) {
    const int64_t bound = term.size >= 0 ? boundOf(size_t(term.size))
                                         : bounds[computedNumber(term.size)];
    // The least value of a size is 0.
    sum += Int128{std::max<int64_t>(term.coefficient, 0)} * bound;
    sum = std::min(sum, limit);
  }
  return sum;
}

int64_t SizeForms::mostOf(const SizeForm &form,
                          const std::function<int64_t(size_t)> &boundOf) const {
  const auto divided = [](Int128 sum, int64_t divisor) {
    return int64_t(
        std::clamp(lpgen::floorDivide(sum, divisor), Int128{-most}, most));
  };
  std::vector<int64_t> bounds;
  bounds.reserve(computed.size());
  for (const ComputedSize &size : computed) {
    bounds.push_back(divided(
        mostOfSum(size.terms, size.constant, boundOf, bounds), size.divisor));
  }
  return divided(mostOfSum(form.terms, form.constant, boundOf, bounds),
                 form.divisor);
}

} // namespace lpgen
