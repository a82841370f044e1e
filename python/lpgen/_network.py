"""Networks: files of other tools, or of operators, as one kernel and tables about it."""

from __future__ import annotations

import functools
import os
import pathlib
import shutil
import tempfile
import typing
import weakref

import numpy as np

from . import _native, _program
from ._errors import Error
from ._kernel import Array, Kernel, as_array, compile_file
from ._source import MODEL_SUFFIXES, TENSOR_SUFFIX, Params, PathLike, options
from ._table import Row, Table
from ._weights import Weights, weight_file


class Verification(Table):
    """How a kernel compares with the interpreter, or with outputs of another runtime.

    Attributes:
        ok: nothing differs.
    """

    def __init__(self, title: str, rows: typing.Iterable[Row], data: typing.Any,
                 ok: bool, notes: typing.Iterable[str] = ()) -> None:
        super().__init__(title, rows, notes, data)
        self.ok = ok


def _products(layer: typing.Any, x: str, w: str) -> str:
    return ", ".join(f"{each[x]} x {each[w]}" for each in layer["contractions"])


def _layer_row(layer: typing.Any) -> Row:
    contractions = layer["contractions"]
    templates = ", ".join(f"{each['template']} {each.get('cell') or ''}".strip()
                          for each in contractions)
    is_own = layer.get("computedIn", layer["name"]) == layer["name"]
    return {
        "layer": layer["name"],
        "result": f"{layer['type']}{layer['shape']}",
        "bits": _products(layer, "x", "w"),
        "used": _products(layer, "xUsedBits", "wUsedBits"),
        "kernel": templates or ("loops" if is_own else f"in {layer['computedIn']}"),
        "MAC": layer["macs"],
        "cycles": layer.get("cycles"),
        "weight bytes": layer["weightBytes"] if contractions else None,
    }


def _file_row(layer: typing.Any) -> Row:
    return {
        "layer": layer["name"],
        "operator": layer["operator"],
        "shape": layer["shape"],
        "MAC": layer["macs"],
        "weights": layer["weights"],
        "types": layer["types"],
        "used bits": f"{layer['usedWeightBits'] or '-'} x {layer['usedInputBits'] or '-'}",
        "scales": layer["scales"],
        "sum bits": layer["accumulatorBits"] or None,
        "packed bytes": layer["packedBytes"],
        "kernel": layer.get("kernel"),
        "cycles": layer.get("expectedCycles"),
    }


class Network:
    """A network as one kernel. Made by `lpgen.load`."""

    def __init__(self, path: str, import_options: list[str], op: str | None,
                 target: str | None, params: Params | None, weights: PathLike | None,
                 threads: int) -> None:
        self._model: list[str] | None = None
        if path.endswith((*MODEL_SUFFIXES, TENSOR_SUFFIX)):
            folder = tempfile.mkdtemp(prefix="lpgen-")
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            self._model = [path, *import_options]
            _program.run("import", *self._model, "--quiet", "-o", folder)
            path = str(next(pathlib.Path(folder).glob("*.lp")))
        self._path = path
        self._op, self._target, self._params = op, target, params
        self._weights, self._threads = weights, threads
        self._options = options(op, params, weights)
        outcome = _program.run("run", path, *self._options, "--interface")
        self._inputs, self._outputs = _native.parse_interface(outcome.results)

    @property
    def _target_option(self) -> list[str]:
        return ["--target", self._target] if self._target else []

    @property
    def _arguments(self) -> list[str]:
        """Of commands that compile it."""
        return [self._path, *self._options, *self._target_option]

    @property
    def name(self) -> str:
        """The name of the file, without its suffix."""
        return pathlib.Path(self._path).stem

    @property
    def text(self) -> str:
        """The network in the operator language."""
        return pathlib.Path(self._path).read_text(encoding="utf-8")

    @property
    def inputs(self) -> dict[str, str]:
        """Inputs by name, each as declared, "u8[?n <= 64, 28, 28, 1]"."""
        return {buffer.name: buffer.declaration for buffer in self._inputs}

    @property
    def outputs(self) -> dict[str, str]:
        """Outputs by name, each as declared."""
        return {buffer.name: buffer.declaration for buffer in self._outputs}

    @functools.cached_property
    def kernel(self) -> Kernel:
        """The kernel of the whole network, compiled when it is first asked for."""
        return self.compiled(None)

    def compiled(self, schedule: str | None) -> Kernel:
        """The kernel with a schedule for all contractions, or with those that are chosen."""
        return compile_file(self._path, self._op, self._target, self._params, self._weights,
                            schedule, self._threads)

    def _images(self) -> int | None:
        """How many images a call takes at most; None if not all tensors begin with them."""
        buffers = [*self._inputs, *self._outputs]
        firsts = {(each.shape[0], each.sizes[0]) if each.shape else None for each in buffers}
        return next(iter(firsts))[0] if len(firsts) == 1 and None not in firsts else None

    def run(self, *positional: Array, **named: Array) -> typing.Any:
        """Runs the network on arrays, in declared order or by name, as a Kernel does.

        Where the first extent of all inputs and outputs is the number of images, there can be
        any number of them: they are run in calls of as many as one takes. Gives the output, or
        a dict of several outputs. Raises Error as a call of Kernel does.
        """
        arrays = dict(zip(self.inputs, positional)) if len(positional) <= len(self.inputs) else {}
        most = self._images()
        if not arrays or most is None or set(arrays) & set(named):
            return self.kernel(*positional, **named)
        arrays.update(named)
        if set(arrays) != set(self.inputs):
            return self.kernel(**arrays)
        for buffer in self._inputs:
            arrays[buffer.name] = as_array(buffer, arrays[buffer.name])
        counts = {len(array) if array.ndim else None for array in arrays.values()}
        count = next(iter(counts))
        if len(counts) != 1 or count is None or count <= most:
            return self.kernel(**arrays)
        parts = [self.kernel(**{name: array[i:i + most] for name, array in arrays.items()})
                 for i in range(0, count, most)]
        if isinstance(parts[0], dict):
            return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return np.concatenate(parts)

    @functools.cached_property
    def layers(self) -> Table:
        """What each layer computes, in which kernel, with the cycles that are expected.

        Cycles and multiply-accumulates are those of the bounds of run-time sizes.
        """
        data = _program.run_json("explain", *self._arguments, "--json")
        rows = [_layer_row(layer) for op in data["ops"] for layer in op["layers"]]
        return Table(f"layers of {self.name} for {data['target']}", rows, data=data)

    def inspect(self) -> Table:
        """The layers as the file has them: bits declared and used, kernels, expected cycles.

        Multiply-accumulates and cycles are those of one image.

        For a file of operators the same as `layers`.
        """
        if not self._model:
            return self.layers
        data = _program.run_json("inspect", *self._model, *self._target_option, "--json")
        total = (f"{data['macs']} MAC, {data['weights']} weights, {data['packedBytes']} bytes "
                 "when packed")
        return Table(f"{data['file']} ({data['format']})", map(_file_row, data["layers"]),
                     [total, *data["notes"]], data)

    def verify(self, golden: tuple[Array, Array] | None = None, *, tolerance: float = 0,
               seed: int = 1, cases: int | None = None) -> Verification:
        """Compares the kernel with the interpreter, layer by layer, bit for bit.

        With `golden`, arrays of inputs and of outputs of another runtime, it compares with
        these instead, within `tolerance`. A difference is no exception: see `ok`.
        """
        command = ["verify", *self._arguments, "--json"]
        if golden is None:
            command += ["--seed", str(seed)]
            command += ["--cases", str(cases)] if cases is not None else []
            data = _program.run_json(*command, may_fail=True)
            rows = [{"layer": layer["name"], "elements": layer["elements"],
                     "compared": layer["compared"], "different": layer["mismatches"]}
                    for op in data["ops"] for layer in op["layers"] or [
                        {**op, "name": op["op"], "compared": op["elements"]}]]
            ok = all(op["ok"] for op in data["ops"])
            messages = [message for op in data["ops"] for message in op["messages"]]
            return Verification(f"{self.name}: " + ("equal to the interpreter" if ok
                                                    else "DIFFERS from the interpreter"),
                                rows, data, ok, messages)
        with tempfile.TemporaryDirectory(prefix="lpgen-") as folder:
            paths = []
            for name, array in zip(("in", "out"), golden):
                paths.append(os.path.join(folder, name + ".npy"))
                np.save(paths[-1], np.ascontiguousarray(array))
            data = _program.run_json(*command, "--golden", *paths, "--tolerance",
                                     repr(float(tolerance)), may_fail=True)
        row = {"outputs": data["elements"], "equal": data["equal"], "runs": data["runs"],
               "greatest difference": data["greatestDifference"]}
        ok = data["ok"]
        return Verification(f"{self.name}: " + ("near the golden outputs" if ok
                                                else "DIFFERS from the golden outputs"),
                            [row], data, ok)

    def bench(self, *, sizes: typing.Mapping[str, int] | None = None, threads: int = 1,
              min_time: float | None = None) -> Table:
        """Measures the kernel on this machine, layer by layer.

        `sizes` are run-time sizes by name, their bounds by default; `min_time` is in seconds.
        Needs an lpgen that was built with benchmarks.
        """
        command = ["bench", *self._arguments, "--threads", str(threads), "--json", "-"]
        for name, size in (sizes or {}).items():
            command += ["--size", f"{name}={size}"]
        if min_time is not None:
            command += ["--min-time", repr(float(min_time))]
        data = _program.run_json(*command)
        rows, notes = [], []
        for op in data["ops"]:
            for layer in op["layers"] or []:
                rows.append({"layer": layer["name"], "result": layer["result"],
                             "ms": layer["ms"], "share": f"{layer['share']:.1%}",
                             "MAC/cycle": layer["macPerCycle"]})
            total = op["withPacking"]
            rows.append({"layer": op["op"], "result": "", "ms": total["minMs"],
                         "share": "100.0%", "MAC/cycle": total["macPerCycle"]})
            if op["imagesPerSecond"]:
                notes.append(f"{op['imagesPerSecond']:.0f} images a second")
        return Table(f"{self.name} on {data['cpu']}, {data['threads']} thread(s)", rows, notes,
                     data)

    def export(self, folder: PathLike,
               emit: typing.Sequence[str] = ("obj", "header", "manifest")) -> list[str]:
        """Writes operators and weights, and what `lpgen compile --emit` makes of them.

        "program" in `emit` adds a program in C that classifies images. Gives the paths of the
        files, in order.
        """
        folder = os.fspath(folder)
        with tempfile.TemporaryDirectory(prefix="lpgen-") as work:
            _program.run("compile", *self._arguments, "--quiet", "--emit", ",".join(emit), "-o",
                         work)
            source = pathlib.Path(self._path)
            weights = (pathlib.Path(os.fspath(self._weights)) if self._weights
                       else source.with_suffix(".safetensors"))
            shutil.copy(source, work)
            if weights.exists():
                shutil.copy(weights, os.path.join(work, source.stem + ".safetensors"))
            made = sorted(path.relative_to(work) for path in pathlib.Path(work).rglob("*")
                          if path.is_file())
            try:
                shutil.copytree(work, folder, dirs_exist_ok=True)
            except OSError as error:
                raise Error(f"cannot write into '{folder}': {error}") from None
        return [os.path.join(folder, path) for path in made]

    def __repr__(self) -> str:
        def listed(buffers: typing.Mapping[str, str]) -> str:
            return ", ".join(f"{name}: {declared}" for name, declared in buffers.items())

        return f"<lpgen.Network {self.name}({listed(self.inputs)}) -> ({listed(self.outputs)})>"


def _tensor_row(tensor: typing.Any) -> Row:
    return {"tensor": tensor["name"], "shape": str(tensor["shape"]), "type": tensor["type"],
            "bits per weight": tensor["bitsPerWeight"], "bytes": tensor["bytes"],
            "can be loaded": tensor["reason"] or "yes"}


def _existing(path: PathLike) -> str:
    name = os.fspath(path)
    if not os.path.exists(name):
        raise Error(f"there is no file '{name}'")
    return os.path.abspath(name)


def tensors(path: PathLike) -> Table:
    """Lists the tensors of a GGUF file, and which of them `lpgen.load` takes.

    Raises Error if the file cannot be read or is no GGUF file.
    """
    name = _existing(path)
    data = _program.run_json("inspect", name, "--json", may_fail=True)
    if "tensors" not in data:
        raise Error(f"'{os.fspath(path)}' is no GGUF file")
    return Table(f"tensors of {data['file']}", map(_tensor_row, data["tensors"]), data=data)


def load(path: PathLike, op: str | None = None, target: str | None = None,
         params: Params | None = None, weights: Weights | None = None, *,
         tensor: str | None = None, most_images: int | None = None,
         float_activations: bool = False,
         input_types: typing.Mapping[str, str] | None = None, threads: int = 1) -> Network:
    """Loads a network: .onnx (plain, QONNX, QDQ), .tflite, or .lp with its weights.

    Of a .gguf file it loads the product of rows of x with one tensor.

    Args:
        path: the file.
        op, target, params, weights: as for `lpgen.compile`; the first three where they apply.
        tensor: of a .gguf file, by its name; `lpgen.tensors` lists them.
        most_images: images, or rows, of one call, where an imported file leaves their number
            open; 64 by default. With 1 the kernel is one for single rows.
        float_activations: products of weights with scales of groups take x as it is instead of
            quantizing it to 8 bits: exact, and slow.
        input_types: integers that inputs of floats hold, {"image": "u8"}.
        threads: that a call runs on.

    Raises Error if the file cannot be read, and for what is not supported: with every node,
    reason and remedy.
    """
    name = _existing(path)
    if (tensor is not None) != name.endswith(TENSOR_SUFFIX):
        raise Error(f"'{os.fspath(path)}' is no GGUF file, from which tensor chooses"
                    if tensor is not None else
                    f"'{os.fspath(path)}' is a GGUF file, which has tensors but no network; choose "
                    "one with tensor, lpgen.tensors lists them")
    import_options = [] if most_images is None else ["--most-images", str(most_images)]
    import_options += ["--float-activations"] if float_activations else []
    for input_name, element in (input_types or {}).items():
        import_options += ["--input-type", f"{input_name}={element}"]
    if import_options and name.endswith(".lp"):
        raise Error("most_images, float_activations and input_types go with files that are "
                    f"imported, not '{name}'")
    if tensor is not None:
        import_options += ["--tensor", tensor]
    return Network(name, import_options, op, target, params, weight_file(weights), threads)
