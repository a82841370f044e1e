"""Quantization of arrays to the element types of the language."""

from __future__ import annotations

import typing

import numpy as np

from ._errors import Error

_LETTERS = {"u": "unsigned", "s": "signed", "b": "bipolar", "t": "ternary"}
# Least and greatest width.
_WIDTHS = {"unsigned": (1, 16), "signed": (1, 16), "bipolar": (1, 8), "ternary": (2, 2)}


def _range(bits: int, encoding: str) -> tuple[int, int]:
    if encoding == "unsigned":
        return 0, 2**bits - 1
    if encoding == "signed":
        return -2**(bits - 1), 2**(bits - 1) - 1
    if encoding == "bipolar":
        return 1 - 2**bits, 2**bits - 1
    return -1, 1


def quantize(x: typing.Any, bits: int, encoding: str = "signed",
             scale: typing.Any = 1.0) -> np.ndarray:
    """The integers that stand for numbers, x = scale * q, saturated to a type.

    q = round(clamp(x / scale, lo, hi)) in binary32, to nearest, ties to even. Bipolar values are
    odd: q is the odd number nearest to x / scale, the greater one of two; with 1 bit the sign,
    where 0 is positive.

    Args:
        x: array of numbers.
        bits: width of the type.
        encoding: "unsigned", "signed", "bipolar" or "ternary", or the letter u, s, b or t.
        scale: positive number, or an array that broadcasts with x, for scales of channels.

    Gives an array of the natural type: uint8, int8, uint16 or int16. Raises Error for a type
    that there is not, a scale that is not positive, and NaN.
    """
    encoding = _LETTERS.get(encoding, encoding)
    if encoding not in _WIDTHS:
        raise Error(f"unknown encoding '{encoding}', expected one of {', '.join(_WIDTHS)}")
    least, greatest = _WIDTHS[encoding]
    if not least <= bits <= greatest:
        raise Error(f"{encoding} elements have {least} to {greatest} bits, found {bits}")
    values = np.asarray(x, dtype=np.float32)
    scales = np.asarray(scale, dtype=np.float32)
    if not (np.isfinite(scales).all() and (scales > 0).all()):
        raise Error("a scale must be finite and greater than 0")
    if np.isnan(values).any():
        index = np.argwhere(np.isnan(values))[0].tolist()
        raise Error(f"element {index} is not a number")
    lo, hi = _range(bits, encoding)
    scaled = np.clip(values / scales, np.float32(lo), np.float32(hi))
    if encoding == "bipolar":
        # The greatest value would go to the odd number beyond it.
        rounded = np.minimum(2 * np.floor(scaled / 2) + 1, np.float32(hi))
    else:
        rounded = np.rint(scaled)
    is_wide = bits > 8 or (encoding == "bipolar" and bits == 8)
    kind = "u" if encoding == "unsigned" else "i"
    return rounded.astype(f"{kind}{2 if is_wide else 1}")
