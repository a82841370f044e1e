"""Tensors of PyTorch as arrays in the trainer's order of dimensions, and back."""

from __future__ import annotations

import typing

import torch


def dense(tensor: torch.Tensor) -> typing.Any:
    """An array in the order of the tensor; no copy of dense ones."""
    return tensor.detach().contiguous().numpy()


def channels_last(tensor: torch.Tensor) -> torch.Tensor:
    """Dense, of [N, H, W, C]; no copy of tensors in that memory format."""
    tensor = tensor.detach()
    return (tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor).contiguous()


def channels_second(array: typing.Any) -> torch.Tensor:
    """A tensor of [N, C, H, W] over an array of [N, H, W, C]."""
    tensor = torch.from_numpy(array)
    return tensor.permute(0, 3, 1, 2) if tensor.dim() == 4 else tensor
