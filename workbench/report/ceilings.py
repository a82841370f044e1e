"""How many multiply-accumulates a core can do in a cycle, by counting vector instructions.

Each technique is a few instructions for so many products; a narrow accumulator must be
widened after `steps` additions, which is derived from the largest operands. The figures
are those of cores with four vector pipes of 256 bits (Zen 3, Zen 4), two of which
multiply, shuffle or shift, and of cores with two pipes of 512 bits. They are bounds, not
predictions: loads, dependencies and epilogues come on top.
"""


def _widened(rate, steps, widening):
    """`rate` slowed down by `widening` extra steps' worth of work after every `steps`."""
    return rate * steps / (steps + widening) if steps else 0.0


def _lookup(rate, entries, a):
    """Tables of the sums of `entries` activations: 8-bit ones take two, of a nibble each."""
    tables = 1 if a <= 6 else 2
    largest = entries * ((1 << (a if tables == 1 else 4)) - 1)
    return _widened(rate / tables, 255 // largest, 2)


def ceilings(isa, a, w):
    """Techniques and their MAC/cycle for activations of `a` and weights of `w` bits.

    `isa` is "avx2" or "avx512"; other instruction sets have no entry.
    """
    largest_weight = 1 << (w - 1)
    mad_steps = 32767 // (2 * largest_weight * ((1 << a) - 1))
    if isa == "avx2":
        return {
            "bit planes and popcount": 171 / (a * w),
            "table lookup": _lookup(256 / w, 4, a),
            "maddubs, 16-bit sums": _widened(64, mad_steps, 1),
            "vpmaddwd": 32.0,
        }
    if isa == "avx512":
        return {
            "vpopcnt": 341 / (a * w),
            "table lookup, vpermb": _lookup(384 / w, 6, a),
            "VNNI": 128.0,
        }
    return {}


def ceiling(isa, a, w):
    """The best technique and its MAC/cycle, or None."""
    rates = ceilings(isa, a, w)
    return max(rates.items(), key=lambda item: item[1]) if rates else None
