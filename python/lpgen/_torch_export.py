"""Models of PyTorch as networks in the operator language.

The model is traced. From its result back to its images each step is found that lies between; the
steps of a residual block are two such ways. Then they are handed to the runtime in order.
"""

from __future__ import annotations

import operator
import typing

import numpy as np
import torch
import torch.fx
import torch.nn.functional as F

from . import _training
from ._errors import Error
from ._torch_arrays import dense
from ._torch_norm import BatchNorm2d

Node = torch.fx.Node
# Names that the written network has itself.
_TAKEN = ("net", "image", "input", "scores")


class _Tracer(torch.fx.Tracer):
    def is_leaf_module(self, module: torch.nn.Module, name: str) -> bool:
        return (hasattr(module, "_products") or isinstance(module, BatchNorm2d)
                or super().is_leaf_module(module, name))


class _Shapes(torch.fx.Interpreter):
    """Runs a model and keeps the shapes of all tensors."""

    def run_node(self, node: Node) -> typing.Any:
        value = super().run_node(node)
        if isinstance(value, torch.Tensor):
            node.meta["shape"] = tuple(value.shape)
        return value


class _Branches(typing.NamedTuple):
    node: Node
    ways: list[list[typing.Any]]


def _inputs(node: Node) -> list[Node]:
    """The tensors that a node takes."""
    return [each for each in node.all_input_nodes if "shape" in each.meta]


def _ancestors(node: Node) -> set[Node]:
    found, waiting = set(), [node]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += _inputs(each)
    return found


def _way(end: Node, start: Node, order: dict[Node, int]) -> list[typing.Any]:
    """The steps after `start` up to `end`."""
    steps: list[typing.Any] = []
    node = end
    while node is not start:
        before = _inputs(node)
        if len(before) == 1:
            steps.append(node)
            node = before[0]
        elif len(before) == 2:
            fork = max(_ancestors(before[0]) & _ancestors(before[1]), key=lambda x: order[x])
            steps.append(_Branches(node, [_way(each, fork, order) for each in before]))
            node = fork
        else:
            raise Error(f"'{node.name}' of the model takes {len(before)} tensors, which cannot "
                        "be exported")
    return steps[::-1]


def _one(value: typing.Any) -> int | None:
    """What stands for rows and columns, if it is the same."""
    values = set(value) if isinstance(value, (tuple, list)) else {value}
    return values.pop() if len(values) == 1 else None


class _Exporter:
    def __init__(self, traced: torch.fx.GraphModule, native: _training.ModelExport) -> None:
        self.modules = dict(traced.named_modules())
        self.native = native
        self.names: set[str] = set(_TAKEN)
        self.pixels = 1  # of each channel of a flattened image, until a linear layer takes it

    def module(self, step: typing.Any) -> torch.nn.Module | None:
        is_module = isinstance(step, Node) and step.op == "call_module"
        return self.modules[step.target] if is_module else None

    def name(self, node: Node) -> str:
        name = str(node.target) if node.op == "call_module" else node.name
        name = "layer" + name if name[0].isdigit() else name
        while name in self.names:
            name += "_"
        self.names.add(name)
        return name

    def refuse(self, node: Node, reason: str) -> typing.NoReturn:
        module = self.module(node)
        kind = type(module).__name__ if module is not None else str(node.target)
        name = node.target if module is not None else node.name
        raise Error(f"layer '{name}' of the model ({kind}) cannot be exported: {reason}")

    def add_all(self, steps: list[typing.Any]) -> None:
        for i, step in enumerate(steps):
            if isinstance(step, _Branches):
                self.add_branches(step)
            elif self.is_part(step) and i + 1 < len(steps) and self.is_part(steps[i + 1]):
                continue  # the next step is made with it
            elif self.is_part(step):
                self.add_part(step, steps[i - 1] if i > 0 and self.is_part(steps[i - 1]) else None)
            else:
                self.add(step)

    def add_branches(self, step: _Branches) -> None:
        if step.node.target not in (operator.add, operator.iadd, torch.add) or len(
                step.node.args) != 2:
            self.refuse(step.node, "expected a sum of two tensors")
        # The way with a layer is the main one.
        main, shortcut = sorted(step.ways, key=lambda way: -sum(
            hasattr(self.module(each), "_products") for each in way))
        self.native.add_branches(self.name(step.node), lambda: self.add_all(main),
                                 lambda: self.add_all(shortcut))

    @staticmethod
    def is_part(step: typing.Any) -> bool:
        """Every other pixel, or more channels."""
        return isinstance(step, Node) and step.target in (operator.getitem, F.pad)

    def add_part(self, node: Node, before: Node | None) -> None:
        stride = 1
        for each in (before, node):
            if each is not None and each.target is operator.getitem:
                subscripts = each.args[1]
                whole, some = slice(None, None, None), subscripts[-1]
                stride = some.step if isinstance(some, slice) and some.step else 0
                expected = (whole, whole, slice(None, None, stride), slice(None, None, stride))
                if not stride or subscripts != expected:
                    self.refuse(each, "expected x[:, :, ::stride, ::stride]")
            elif each is not None and (list(each.args[1][:5]) != [0] * 5 or each.kwargs or
                                       len(each.args) > 2):
                self.refuse(each, "expected zeros behind the last channel")
        self.native.add_padded_pixels(self.name(node), stride, node.meta["shape"][1])

    def add(self, node: Node) -> None:
        module = self.module(node)
        relus = (torch.relu, F.relu, "relu")
        if isinstance(module, (torch.nn.Identity, torch.nn.Dropout, torch.nn.Dropout2d)):
            return
        if hasattr(module, "_products"):
            self.add_product(node, module)
        elif isinstance(module, (torch.nn.BatchNorm2d, torch.nn.BatchNorm1d)):
            self.add_batch_norm(node, module)
        elif isinstance(module, torch.nn.ReLU) or node.target in relus:
            self.native.add_relu(self.name(node))
        elif isinstance(module, torch.nn.Flatten) or node.target in (torch.flatten, "flatten",
                                                                     "view", "reshape"):
            self.add_flatten(node)
        elif isinstance(module, (torch.nn.MaxPool2d, torch.nn.AvgPool2d)):
            self.add_pool(node, module)
        elif isinstance(module, torch.nn.AdaptiveAvgPool2d) or node.target in (
                F.adaptive_avg_pool2d,):
            self.add_global_pool(node)
        else:
            self.refuse(node, "it is of no known kind; remedy: modules of torch.nn, or convert "
                        "it with the model")

    def add_product(self, node: Node, module: typing.Any) -> None:
        name = self.name(node)
        self.native.add_product(name, module._products, self.pixels)
        self.pixels = 1
        if module.bias is not None:
            self.native.add_bias(name, dense(module.bias))

    def add_batch_norm(self, node: Node, module: typing.Any) -> None:
        if module.running_mean is None or self.pixels > 1:
            self.refuse(node, "it has no running statistics of channels")
        # In the order of PyTorch.
        factor = 1 / torch.sqrt(module.running_var + module.eps)
        gains = factor if module.weight is None else factor * module.weight
        offsets = -(module.running_mean * gains)
        offsets = offsets if module.bias is None else module.bias - module.running_mean * gains
        self.native.add_affine(self.name(node), dense(gains), dense(offsets))
        if getattr(module, "relu", False):
            self.native.add_relu(self.name(node))

    def add_flatten(self, node: Node) -> None:
        before, after = _inputs(node)[0].meta["shape"], node.meta["shape"]
        if len(after) != 2 or after[0] != before[0]:
            self.refuse(node, f"it makes {list(after)} of {list(before)}, expected one row of "
                        "each image")
        if len(before) == 4:
            self.pixels = before[2] * before[3]
            self.native.flatten()

    def add_pool(self, node: Node, module: typing.Any) -> None:
        kernel, stride = _one(module.kernel_size), _one(module.stride)
        if (None in (kernel, stride) or _one(module.padding) != 0 or module.ceil_mode
                or _one(getattr(module, "dilation", 1)) != 1
                or getattr(module, "divisor_override", None)):
            self.refuse(node, "expected square windows without padding, dilation or a divisor")
        add = (self.native.add_max_pool if isinstance(module, torch.nn.MaxPool2d)
               else self.native.add_average_pool)
        add(self.name(node), kernel, stride)

    def add_global_pool(self, node: Node) -> None:
        height, width = _inputs(node)[0].meta["shape"][2:]
        if node.meta["shape"][2:] != (1, 1) or height != width:
            self.refuse(node, f"it makes {list(node.meta['shape'][2:])} of {height} x {width} "
                        "pixels, expected 1 x 1 of a square")
        self.native.add_average_pool(self.name(node), height, height)


def write(model: torch.nn.Module, example: torch.Tensor, path: str, mean: typing.Sequence[float],
          std: typing.Sequence[float], title: str) -> None:
    """Of a model in evaluation; `mean` and `std` have a number for each channel."""
    graph = _Tracer().trace(model)
    traced = torch.fx.GraphModule(model, graph)
    with torch.no_grad():
        result = _Shapes(traced).run(example)
    if not isinstance(result, torch.Tensor) or result.dim() != 2:
        raise Error("the model gives no scores of [N, classes], which alone can be exported")
    images, channels, height, width = example.shape
    native = _training.ModelExport(height, width, channels, result.shape[1],
                                   np.asarray(mean, np.float32), np.asarray(std, np.float32),
                                   images)
    nodes = list(graph.nodes)
    order = {node: i for i, node in enumerate(nodes)}
    start = next(node for node in nodes if node.op == "placeholder")
    end = nodes[-1].args[0]
    _Exporter(traced, native).add_all(_way(end, start, order))
    native.finish(path, title)
