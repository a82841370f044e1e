"""Kernels on NumPy arrays: compiled on demand, kept in the user's cache."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import platform
import re
import tempfile
import typing

import numpy as np

from . import _native, _program
from ._errors import Error
from ._source import (MODEL_SUFFIXES, Params, PathLike, digest, is_path, opened, options,
                      rules_digest)
from ._weights import Weights, weight_file

Array = typing.Any  # what numpy.asarray takes


def _refuse(buffer: _native.Buffer, what: str) -> typing.NoReturn:
    raise Error(f"argument '{buffer.name}': {what}")


def _element(index: tuple[int, ...]) -> str:
    return f"element {list(map(int, index))}" if index else "the value"


def _narrowed(buffer: _native.Buffer, array: np.ndarray) -> np.ndarray:
    """Integers of another type, whose values must be those of the declared one."""
    outside = (array < buffer.lo) | (array > buffer.hi)
    if outside.any():
        index = tuple(np.argwhere(outside)[0])
        _refuse(buffer, f"{_element(index)} is {array[index]}, outside [{buffer.lo}, {buffer.hi}] "
                f"of {buffer.declaration}")
    return array.astype(buffer.dtype)


def as_array(buffer: _native.Buffer, value: Array) -> np.ndarray:
    """An array of the natural type of `buffer`; its values are checked when it is run.

    It is dense, unless the operator declares strides.

    Integers of other types are converted where their values allow. Floating-point numbers are
    taken if they have no more bits than `buffer`, or are a Python number.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        _refuse(buffer, f"is no array: {error}")
    if array.dtype == buffer.dtype:
        pass
    elif buffer.dtype.kind == "f":
        exact = array.dtype.kind == "f" and array.dtype.itemsize <= buffer.dtype.itemsize
        if not exact and not (isinstance(value, (int, float)) and not isinstance(value, bool)):
            _refuse(buffer, f"expected an array of {buffer.dtype}, found {array.dtype}; remedy: "
                    f"convert it with .astype(numpy.{buffer.dtype})")
        array = array.astype(buffer.dtype)
    elif array.dtype.kind in "iub":
        array = _narrowed(buffer, array.astype(np.uint8) if array.dtype.kind == "b" else array)
    else:
        _refuse(buffer, f"expected an array of {buffer.dtype} for {buffer.declaration}, found "
                f"{array.dtype}; remedy: round it, and convert it with "
                f".astype(numpy.{buffer.dtype})")
    if buffer.is_view and all(stride % array.itemsize == 0 for stride in array.strides):
        return array  # read as it is, or copied, as its strides are
    return np.asarray(array, order="C")


class Kernel:
    """A compiled operator. Calls take arrays by name, or in declared order.

    An output is an array of the natural type: u1 to u8 are uint8, s1 to s8, b1 to b7 and t2
    int8, then 16 bits; i32 is int32, i64 int64, f32 float32. An operator with several outputs
    gives a dict of them.

    Inputs are arrays of the same types, or of others whose values fit. Sizes that are known at
    run time follow from their shapes. A call runs without the GIL, and several threads may call
    one kernel at once.

    Raises Error, naming argument and element, for an array of another shape, for a value that
    the declared type or range does not allow, and for an argument that is missing or unknown.
    """

    def __init__(self, native: _native.Kernel) -> None:
        self._native = native
        self._inputs = native.inputs
        self._outputs = native.outputs
        self._kept = frozenset(native.kept)

    @property
    def op(self) -> str:
        """The name of the operator."""
        return self._native.op

    @property
    def symbol(self) -> str:
        """The long name: element types, template, target, hash."""
        return self._native.symbol

    @property
    def target(self) -> str:
        """The name of the target, as in `lpgen.targets()`."""
        return self._native.target

    @property
    def inputs(self) -> dict[str, str]:
        """Inputs by name, each as declared, "u8[?m <= 512, 64]"."""
        return {buffer.name: buffer.declaration for buffer in self._inputs}

    @property
    def outputs(self) -> dict[str, str]:
        """Outputs by name, each as declared."""
        return {buffer.name: buffer.declaration for buffer in self._outputs}

    def _bound(self, positional: tuple[Array, ...],
               named: dict[str, Array]) -> list[np.ndarray | None]:
        """An array for each input, None for those that are not given."""
        free = [buffer.name for buffer in self._inputs if buffer.name not in self._kept]
        if len(positional) > len(free):
            raise Error(f"operator '{self.op}' takes {len(free)} inputs, found "
                        f"{len(positional)}")
        for name, value in zip(free, positional):
            if name in named:
                raise Error(f"argument '{name}' is given twice, by place and by name")
            named[name] = value
        for name in named:
            if name not in self.inputs:
                have = ", ".join(f"'{each}'" for each in self.inputs) or "none"
                raise Error(f"operator '{self.op}' has no input '{name}'; it has {have}")
        return [as_array(buffer, named[buffer.name]) if buffer.name in named else None
                for buffer in self._inputs]

    def __call__(self, *positional: Array, **named: Array) -> typing.Any:
        """Runs the kernel on all inputs that are not kept: the output, or a dict of several."""
        arrays = self._bound(positional, named)
        for buffer, array in zip(self._inputs, arrays):
            if array is None and buffer.name not in self._kept:
                raise Error(f"operator '{self.op}' needs an array for input '{buffer.name}', "
                            f"{buffer.declaration}")
        outputs = self._native.run(arrays)
        if len(outputs) == 1:
            return outputs[0]
        return {buffer.name: array for buffer, array in zip(self._outputs, outputs)}

    def pack(self, **named: Array) -> Kernel:
        """A kernel that keeps these inputs, packed where it wants that; for weights.

        The values are copied. The new kernel takes the other inputs; the old one stays as it is.
        Raises Error as a call does.
        """
        return Kernel(self._native.pack(self._bound((), named)))

    def __repr__(self) -> str:
        def listed(buffers: typing.Sequence[_native.Buffer]) -> str:
            return ", ".join(f"{each.name}: {each.declaration}" +
                             (" (kept)" if each.name in self._kept else "") for each in buffers)

        return (f"<lpgen.Kernel {self.op}({listed(self._inputs)}) -> "
                f"({listed(self._outputs)}) for {self.target}>")


def _compile_into(folder: str, path: str, arguments: list[str]) -> tuple[bytes, bytes]:
    """Shared object and manifest of the one operator that is meant."""
    _program.run("compile", path, "--emit", "shared,manifest", "--quiet", "-o", folder, *arguments)
    made = sorted(pathlib.Path(folder).glob("*.so"))
    if len(made) != 1:
        names = ", ".join(file.stem for file in made) or "none"
        raise Error(f"expected one operator, found several ({names}); remedy: choose one with "
                    "op=NAME")
    return made[0].read_bytes(), made[0].with_suffix(".json").read_bytes()


def compile_file(path: str, op: str | None, target: str | None, params: Params | None,
                 weights: PathLike | None, schedule: str | None, threads: int) -> Kernel:
    """The kernel from the cache, or compiled into it."""
    if threads < 1:
        raise Error(f"a kernel needs 1 thread or more, found {threads}")
    arguments = options(op, params, weights, target, schedule)
    key = hashlib.sha256(repr((
        _program.program_digest(), digest(path, weights), rules_digest(), _native.cpu_features(),
        op, target, sorted((params or {}).items()), schedule)).encode()).hexdigest()[:32]
    prefix = op if op and re.fullmatch(r"\w+", op, re.A) else "kernel"
    cache = _native.KernelCache.open(_native.KernelCache.user_folder())
    library = cache.find(f"{prefix}-{key}.so")
    manifest = cache.read(f"{prefix}-{key}.json")
    if not library or manifest is None:
        work = cache.make_work_folder()
        shared, manifest = _compile_into(work.path, path, arguments)
        cache.add(f"{prefix}-{key}.json", manifest)
        library = cache.add(f"{prefix}-{key}.so", shared)
    facts = json.loads(manifest)
    if facts["triple"].split("-")[0] != platform.machine():
        raise Error(f"target '{facts['target']}' is of {facts['triple']}, and this machine is "
                    f"{platform.machine()}; remedy: lpgen.targets() shows what runs here, and "
                    "'lpgen compile' writes kernels for other machines")
    return Kernel(_native.Kernel.load(library, manifest.decode(), threads))


def compile(source: PathLike, op: str | None = None, target: str | None = None,
            params: Params | None = None, weights: Weights | None = None, *,
            schedule: str | None = None, threads: int = 1) -> Kernel:
    """Compiles an operator to a kernel that is called on arrays.

    Args:
        source: text in the operator language, or the path of a file (.lp, .onnx, .tflite).
        op: the operator, where there are several.
        target: a name of `lpgen.targets()` that this CPU runs; the best one by default.
        params: values of parameters of the file or of a generic operator.
        weights: the constants' values: a file (.safetensors), or arrays by name; by default the
            file beside the operator file.
        schedule: for all contractions, instead of the one that is chosen.
        threads: that a call runs on.

    The compiler runs as a process, and what it makes stays in the user's cache, in
    $XDG_CACHE_HOME/lpgen or ~/.cache/lpgen. Raises Error with its diagnostics.
    """
    if is_path(source) and os.fspath(source).endswith(MODEL_SUFFIXES):
        # Such files can have others beside them; what is made of them says all.
        from ._network import load
        network = load(source, op, target, params, weights, threads=threads)
        return network.compiled(schedule)
    with opened(source) as file:
        return compile_file(file.path, op, target, params, weight_file(weights), schedule, threads)


def interpret(source: PathLike, inputs: typing.Mapping[str, Array] | None = None, *,
              op: str | None = None, params: Params | None = None,
              weights: Weights | None = None, **named: Array) -> typing.Any:
    """Computes an operator by its definition, without a kernel. Exact, and slow.

    Takes arrays by name, in `inputs` or as keywords, and gives what a kernel gives, to the bit:
    an array, or a dict of several outputs. Raises Error as `compile` and a call of Kernel do.
    """
    values = {**(inputs or {}), **named}
    with opened(source) as file, tempfile.TemporaryDirectory(prefix="lpgen-") as folder:
        arguments = [file.path, *options(op, params, weight_file(weights))]
        outcome = _program.run("run", *arguments, "--interface")
        takes, gives = _native.parse_interface(outcome.results)
        for name in values:
            if name not in (buffer.name for buffer in takes):
                raise Error(f"the operator has no input '{name}'; it has "
                            f"{[buffer.name for buffer in takes]}")
        command = ["run", *arguments, "--interpret"]
        for buffer in takes:
            if buffer.name not in values:
                raise Error(f"the operator needs an array for input '{buffer.name}', "
                            f"{buffer.declaration}")
            path = os.path.join(folder, f"in-{buffer.name}.npy")
            np.save(path, as_array(buffer, values[buffer.name]))
            command += ["--input", f"{buffer.name}={path}"]
        results = {buffer.name: os.path.join(folder, f"out-{buffer.name}.npy")
                   for buffer in gives}
        for name, path in results.items():
            command += ["--output", f"{name}={path}"]
        try:
            _program.run(*command)
        except Error as error:
            text = re.sub(r"'[^']*/in-(\w+)\.npy'(, input '\w+')?", r"argument '\1'", str(error))
            raise Error(text, error.status) from None
        arrays = {name: np.load(path) for name, path in results.items()}
    return next(iter(arrays.values())) if len(arrays) == 1 else arrays
