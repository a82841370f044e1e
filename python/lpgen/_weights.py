"""Files of constants: safetensors, also of arrays that are passed by name."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import pathlib
import tempfile
import typing

import numpy as np

from ._errors import Error
from ._source import PathLike

Weights = typing.Union[PathLike, typing.Mapping[str, "np.typing.ArrayLike"]]

# The names that the format has for types of NumPy.
_TYPES = {"int8": "I8", "uint8": "U8", "int16": "I16", "uint16": "U16", "int32": "I32",
          "uint32": "U32", "int64": "I64", "uint64": "U64", "float16": "F16", "float32": "F32"}


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Lasts as long as the process."""
    return tempfile.TemporaryDirectory(prefix="lpgen-weights-")


def _content(arrays: typing.Mapping[str, np.typing.ArrayLike]) -> bytes:
    """The bytes of a file: the length of its header, the header, the tensors."""
    header, parts, end = {}, [], 0
    for name, values in arrays.items():
        array = np.asarray(values)
        if array.dtype.name not in _TYPES:
            raise Error(f"weights '{name}': an array of {array.dtype} holds no weights, expected "
                        f"one of {', '.join(_TYPES)}")
        parts.append(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        begin, end = end, end + len(parts[-1])
        header[name] = {"dtype": _TYPES[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(parts)


def weight_file(weights: Weights | None) -> PathLike | None:
    """The file itself, or one in a temporary folder for arrays by name."""
    if not isinstance(weights, typing.Mapping):
        return weights
    content = _content(weights)
    path = pathlib.Path(_folder().name, hashlib.sha256(content).hexdigest() + ".safetensors")
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(content)
        part.replace(path)
    return path
