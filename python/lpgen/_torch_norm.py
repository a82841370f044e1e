"""Batch normalization of PyTorch by the loops of the trainer, in float32."""

from __future__ import annotations

import collections
import copy
import typing

import torch

from . import _training
from ._torch_arrays import channels_last, channels_second, dense

if typing.TYPE_CHECKING:
    from .torch import Policy


class _Normalization(torch.autograd.Function):
    @staticmethod
    def forward(context: typing.Any, norm: BatchNorm2d, x: torch.Tensor, weight: torch.Tensor,
                bias: torch.Tensor) -> torch.Tensor:
        x = channels_last(x)
        mean = norm.running_mean
        shift = torch.zeros_like(weight) if mean is None else mean
        context.call = _training.BatchNormCall(norm.policy._native, x.numpy(), dense(weight),
                                               dense(bias), dense(shift), norm.eps, norm.relu)
        context.save_for_backward(x, weight)
        norm._follow(*map(torch.from_numpy, context.call.statistics()), x.numel() // x.shape[-1])
        return channels_second(context.call.take_result())

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context: typing.Any, dy: torch.Tensor) -> typing.Any:
        x, _ = context.saved_tensors
        dx, *others = context.call.backward(x.numpy(), channels_last(dy).numpy())
        return (None, channels_second(dx), *map(torch.from_numpy, others))


class BatchNorm2d(torch.nn.BatchNorm2d):
    """torch.nn.BatchNorm2d whose training is one pass over memory each for statistics and result.

    What it computes is the same, in float32 with sums in float64; the result has the channels
    last. In evaluation, and without weight and bias, it is PyTorch's.

    Args, beside those of torch.nn.BatchNorm2d:
        policy: a Policy, whose threads and memory it shares.
        relu: whether a relu follows in the same pass.
    """

    def __init__(self, *positional: typing.Any, policy: Policy, relu: bool = False,
                 **named: typing.Any) -> None:
        super().__init__(*positional, **named)
        self.policy, self.relu = policy, relu

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if (self.training and self.affine and x.dim() == 4 and x.numel() > x.shape[1]
                and x.shape[1] == self.num_features and x.dtype == torch.float32
                and self.weight.dtype == torch.float32 and x.device.type == "cpu"):
            return _Normalization.apply(self, x, self.weight, self.bias)
        y = super().forward(x)
        return torch.relu(y) if self.relu else y

    def _follow(self, mean: torch.Tensor, variance: torch.Tensor, rows: int) -> None:
        """Moves the running statistics as PyTorch does."""
        if not self.track_running_stats or self.running_mean is None:
            return
        self.num_batches_tracked.add_(1)
        weight = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.float(), weight)
        self.running_var.lerp_((variance * (rows / (rows - 1))).float(), weight)

    def extra_repr(self) -> str:
        return super().extra_repr() + (", relu=True" if self.relu else "")

    def __deepcopy__(self, memo: dict[int, typing.Any]) -> BatchNorm2d:
        memo[id(self.policy)] = self.policy
        made = self.__class__.__new__(self.__class__)
        memo[id(self)] = made
        made.__dict__.update({name: copy.deepcopy(value, memo)
                              for name, value in self.__dict__.items()})
        return made


def made_from(module: torch.nn.BatchNorm2d, policy: Policy) -> BatchNorm2d:
    """The layer with copies of parameters and statistics of `module`."""
    made = BatchNorm2d(module.num_features, module.eps, module.momentum, module.affine,
                       module.track_running_stats, policy=policy)
    made.load_state_dict(module.state_dict())
    for parameter, before in zip(made.parameters(), module.parameters()):
        parameter.requires_grad_(before.requires_grad)
    return made.train(module.training)


def take_relus(model: torch.nn.Module) -> None:
    """In a Sequential, a relu behind a BatchNorm2d of above becomes part of it."""
    uses = collections.Counter(id(each) for parent in model.modules()
                               for each in parent._modules.values())
    for parent in model.modules():
        if type(parent) is not torch.nn.Sequential:
            continue
        for i in range(len(parent) - 1):
            norm, relu = parent[i], parent[i + 1]
            if (isinstance(norm, BatchNorm2d) and type(relu) is torch.nn.ReLU
                    and uses[id(norm)] == 1):
                norm.relu = True
                parent[i + 1] = torch.nn.Identity()
