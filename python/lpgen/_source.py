"""Operators as text or file, and the options that name what of them is meant."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import re
import tempfile
import typing

from ._errors import Error
from ._program import program

Params = typing.Mapping[str, int]
PathLike = typing.Union[str, "os.PathLike[str]"]

MODEL_SUFFIXES = (".onnx", ".tflite")
TENSOR_SUFFIX = ".gguf"
_SUFFIXES = (".lp", *MODEL_SUFFIXES, TENSOR_SUFFIX)
_STRING = re.compile(r'"([^"\n]*)"')


def is_path(source: PathLike) -> bool:
    """Text of operators has lines or braces, a path ends in the suffix of a file."""
    if not isinstance(source, str):
        return True
    return source.endswith(_SUFFIXES) and "\n" not in source and "{" not in source


class Source:
    """A file of operators; text that was passed as a string is in a temporary one."""

    def __init__(self, source: PathLike, folder: str) -> None:
        self.is_text = not is_path(source)
        if self.is_text:
            self.path = os.path.join(folder, "source.lp")
            pathlib.Path(self.path).write_text(typing.cast(str, source), encoding="utf-8")
        else:
            self.path = os.path.abspath(os.fspath(source))
            if not os.path.exists(self.path):
                raise Error(f"there is no file '{os.fspath(source)}'")

    @contextlib.contextmanager
    def named_in_errors(self) -> typing.Iterator[None]:
        """Errors say "<source>" for the temporary file."""
        try:
            yield
        except Error as error:
            if not self.is_text:
                raise
            raise Error(str(error).replace(self.path, "<source>"), error.status) from None


@contextlib.contextmanager
def opened(source: PathLike) -> typing.Iterator[Source]:
    """The operators of a source, for programs that read them."""
    if is_path(source) and os.fspath(source).endswith(TENSOR_SUFFIX):
        raise Error(f"'{os.fspath(source)}' has tensors but no operators; load one of them: "
                    "lpgen.load(path, tensor=NAME), lpgen.tensors(path) lists them")
    with tempfile.TemporaryDirectory(prefix="lpgen-") as folder:
        file = Source(source, folder)
        with file.named_in_errors():
            yield file


def options(op: str | None = None, params: Params | None = None,
            weights: PathLike | None = None, target: str | None = None,
            schedule: str | None = None) -> list[str]:
    """Options of the command line that the commands of operator files share."""
    result: list[str] = []
    for option, value in (("--op", op), ("--target", target), ("--schedule", schedule)):
        if value is not None:
            result += [option, value]
    if weights is not None:
        result += ["--weights", os.path.abspath(os.fspath(weights))]
    for name, value in (params or {}).items():
        result += ["-D", f"{name}={int(value)}"]
    return result


def _bytes_of(path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def digest(path: str, weights: PathLike | None) -> bytes:
    """A digest of a file and of all that it may read: files that it includes, constants.

    Every string of a text counts as a name; one that names nothing adds nothing.
    """
    library = pathlib.Path(program()).resolve().parent.parent / "share/lpgen/operators"
    total = hashlib.sha256()
    seen: set[pathlib.Path] = set()
    waiting = [pathlib.Path(path)]
    if weights is not None:
        waiting.append(pathlib.Path(os.path.abspath(os.fspath(weights))))
    while waiting:
        file = waiting.pop()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        content = _bytes_of(file)
        total.update(hashlib.sha256(content).digest())
        if file.suffix != ".lp":
            continue
        waiting.append(file.with_suffix(".safetensors"))
        for name in _STRING.findall(content.decode(errors="replace")):
            if name.endswith((".lp", ".npy")):
                waiting += [file.parent / name, library / name]
    return total.digest()


def rules_digest() -> bytes:
    """A digest of the tuned rules, which decide what kernel is made."""
    config = pathlib.Path(os.environ.get("XDG_CONFIG_HOME") or pathlib.Path.home() / ".config")
    shipped = pathlib.Path(program()).resolve().parent.parent / "share/lpgen/tuned"
    total = hashlib.sha256()
    for folder in (config / "lpgen/tuned", shipped):
        for file in sorted(folder.glob("*.mlir")):
            total.update(file.name.encode() + b"\0" + hashlib.sha256(_bytes_of(file)).digest())
    return total.digest()
