"""Layers of PyTorch whose products are integer kernels: Conv2d, Linear, whole models.

    import lpgen.torch
    model = lpgen.torch.convert(model, policy="apt")
    loss = F.cross_entropy(model(x), labels)
    loss.backward()
    optimizer.step()

Forward and both gradients are those of `lpgen train` under the same policy. `policies()` has the
names. A policy that acts between steps, on the loss or on the weights, is made with `Policy`, and
its `step` takes the place of the optimizer's.
"""

from __future__ import annotations

import copy
import os
import typing

try:
    import torch
except ImportError as _error:
    raise ImportError("lpgen.torch needs PyTorch, which this Python does not have; remedy: "
                      "apt-get install python3-torch") from _error
try:
    from . import _training
except ImportError as _error:
    raise ImportError("this lpgen was built without training, which lpgen.torch needs; remedy: "
                      "configure it with -DLPGEN_BUILD_TRAINING=ON") from _error

from . import _program, _torch_norm
from ._errors import Error
from ._torch_arrays import channels_last, channels_second, dense
from ._torch_norm import BatchNorm2d

__all__ = ["BatchNorm2d", "Conv2d", "Linear", "Policy", "convert", "export", "policies"]

policies = _training.policies


class Policy:
    """What is rounded where, and how wide; shared by the layers of a network.

    Args:
        text: as in `lpgen train --policy`, "apt" or "lsq<bits=2>".
        seed: of stochastic rounding; that of PyTorch by default.
        steps_per_epoch, total_steps: of the run; "apt" looks at its tensors once an epoch or more
            often, "pfq" divides the run into stages.
        batch_size: of the run; "accumulators" plans for it.
        target: of the kernels, a name of `lpgen.targets()`; the best one of this CPU by default.
        threads: that products run on; as many as PyTorch uses by default.

    Raises Error for an unknown policy or option.
    """

    def __init__(self, text: str, *, seed: int | None = None, steps_per_epoch: int = 500,
                 total_steps: int | None = None, batch_size: int = 64, target: str = "host",
                 threads: int | None = None) -> None:
        if "adaptive-loss-scale" in text:
            raise Error("policy 'adaptive-loss-scale' scales the gradients between layers, and "
                        "those of PyTorch have no scale; remedy: lpgen train")
        self.text = text
        self.has_plain_steps = _training.has_plain_steps(text)
        if total_steps is None:
            if text.startswith("pfq"):
                raise Error("policy 'pfq' divides a run into stages; remedy: give its total_steps")
            total_steps = steps_per_epoch
        for name, value in (("steps_per_epoch", steps_per_epoch), ("total_steps", total_steps),
                            ("batch_size", batch_size)):
            if value < 1:
                raise Error(f"{name} is {value}, expected 1 or more")
        self._arguments = (text, _program.program(), target,
                           torch.get_num_threads() if threads is None else max(threads, 1),
                           steps_per_epoch, total_steps, batch_size,
                           (torch.initial_seed() if seed is None else seed) & (2**64 - 1))
        self._native = _training.Precision(*self._arguments)
        if _training.runs_in_time(text):
            raise Error(f"policy '{text}' is of spiking networks, whose neurons and time steps are "
                        "the trainer's; remedy: lpgen train")
        self._layers = 0
        self.steps = 0

    def scale(self, loss: torch.Tensor) -> torch.Tensor:
        """The loss times the factor of the policy; `step` takes it out of the gradients."""
        return loss * self._native.loss_scale

    def step(self, optimizer: torch.optim.Optimizer, loss: torch.Tensor | float) -> bool:
        """A step of the optimizer, and what the policy does before and after it.

        `loss` is the unscaled one of this step. Returns False if the policy skips the update, as
        those do that lower their loss scale after an overflow.
        """
        parameters = [parameter for group in optimizer.param_groups
                      for parameter in group["params"] if parameter.grad is not None]
        names = [getattr(parameter, "_lpgen_name", f"parameter{i}")
                 for i, parameter in enumerate(parameters)]
        scale = self._native.loss_scale
        with torch.no_grad():
            for parameter in parameters:
                if scale != 1:
                    parameter.grad /= scale
            gradients = [(name, dense(parameter.grad).copy())
                         for name, parameter in zip(names, parameters)]
            accepted = self._native.accept_gradients(gradients)
            if not self.has_plain_steps:
                for parameter, (_, gradient) in zip(parameters, gradients):
                    parameter.grad.copy_(torch.from_numpy(gradient))
            if accepted:
                optimizer.step()
                self._after_update(names, parameters)
        self._native.after_step(float(loss), self.steps)
        self.steps += 1
        return accepted

    def _after_update(self, names: list[str], parameters: list[torch.Tensor]) -> None:
        if self.has_plain_steps:
            return
        with torch.no_grad():
            values = [(name, dense(parameter).copy())
                      for name, parameter in zip(names, parameters)]
            self._native.after_update(values, self.steps)
            for parameter, (_, value) in zip(parameters, values):
                parameter.copy_(torch.from_numpy(value))

    def state_dict(self) -> dict[str, typing.Any]:
        """What later steps depend on, beside the state of the model."""
        return {"steps": self.steps, "state": self._native.state()}

    def load_state_dict(self, state: typing.Mapping[str, typing.Any]) -> None:
        """Raises Error for the state of another policy."""
        self._native.restore(state["state"])
        self.steps = state["steps"]

    def _layer_name(self) -> str:
        self._layers += 1
        return f"layer{self._layers}"

    def __repr__(self) -> str:
        return f"<lpgen.torch.Policy {self.text}>"


class _Products(torch.autograd.Function):
    """y = x w, and the gradients that the policy makes of dy."""

    @staticmethod
    def forward(context: typing.Any, layer: _Layer, x: torch.Tensor, weight: torch.Tensor,
                *learned: torch.Tensor) -> torch.Tensor:
        context.layer, context.step = layer, layer._steps
        x, weight = channels_last(x), channels_last(weight)
        y, context.before = layer._products.forward(
            x.numpy(), weight.numpy(), [dense(each) for each in learned], layer.training,
            layer._steps)
        layer._calls += 1
        context.call = layer._calls
        context.is_training = layer.training
        if layer.training:
            layer._steps += 1
            for parameter, (_, value) in zip(learned, layer._products.learned()):
                chosen = torch.from_numpy(value)  # by the first call of all
                if not torch.equal(parameter, chosen):
                    parameter.copy_(chosen)
        context.save_for_backward(x, weight, *learned)
        return channels_second(y)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context: typing.Any, dy: torch.Tensor) -> typing.Any:
        layer = context.layer
        if not context.is_training:
            raise Error(f"layer '{layer.layer_name}' has no gradients in evaluation; remedy: "
                        "model.train() before the forward call")
        x, weight, *learned = context.saved_tensors
        if context.call != layer._calls:  # it was called again, and keeps one call's operands
            layer._products.repeat(x.numpy(), weight.numpy(), [dense(each) for each in learned],
                                   context.step, context.before)
            layer._calls += 1
            context.call = layer._calls
        dx, dw, learned = layer._products.backward(
            x.numpy(), weight.numpy(), channels_last(dy).numpy(), context.needs_input_grad[1])
        return (None, None if dx is None else channels_second(dx), channels_second(dw),
                *(torch.from_numpy(each) for each in learned))


class _Layer(torch.nn.Module):
    """What Conv2d and Linear have beside their module of PyTorch."""

    def _attach(self, policy: Policy | str, place: str, name: str | None,
                **geometry: int) -> None:
        if place not in ("first", "inner", "last"):
            raise Error(f"a layer is 'first', 'inner' or 'last' of its network, found '{place}'")
        if isinstance(policy, str):
            if not _training.has_plain_steps(policy):
                Policy(policy, total_steps=1)  # an unknown one is that error
                raise Error(f"policy '{policy}' acts between steps; remedy: make it with "
                            f"lpgen.torch.Policy('{policy}', ...), and call its step")
            policy = Policy(policy)
        self.policy = policy
        self.place = place
        self.layer_name = name or policy._layer_name()
        self._geometry = geometry
        self._products = self._make()
        self._calls = 0  # forward calls, of which the last one has its operands here
        self._steps = 0  # forward calls in training
        self._seen: tuple[int, int] | None = None  # steps of the policy, version of the weights
        self._learned = []
        for full_name, value in self._products.learned():
            parameter = torch.nn.Parameter(torch.from_numpy(value))
            local = full_name.removeprefix(self.layer_name + ".").replace(".", "_")
            self.register_parameter(local, parameter)
            self._learned.append(local)

    def _make(self) -> _training.Contraction:
        return _training.Contraction(self.policy._native, self.layer_name, self.place,
                                     **self._geometry)

    def _multiply(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        for what, tensor in (("input", x), ("weight", weight)):
            if tensor.dtype != torch.float32 or tensor.device.type != "cpu":
                raise Error(f"layer '{self.layer_name}': its {what} is {tensor.dtype} on "
                            f"{tensor.device}, expected torch.float32 on the CPU")
        self.weight._lpgen_name = f"{self.layer_name}.weight"
        if self.training and not self.policy.has_plain_steps:
            self._check_steps()
        return _Products.apply(self, x, weight,
                               *(getattr(self, name) for name in self._learned))

    def _check_steps(self) -> None:
        """The policy has seen every update of the weights."""
        if self._seen is None:
            self.policy._after_update([self.weight._lpgen_name], [self.weight])
        elif self.weight._version != self._seen[1] and self.policy.steps == self._seen[0]:
            raise Error(f"policy '{self.policy.text}' acts between steps, and the optimizer made "
                        "one without it; remedy: policy.step(optimizer, loss) instead of "
                        "optimizer.step()")
        self._seen = (self.policy.steps, self.weight._version)

    def precision(self) -> dict[str, typing.Any]:
        """Of each tensor its width and counts, of each product its kernel."""
        return self._products.report()

    def get_extra_state(self) -> dict[str, typing.Any]:
        return {"steps": self._steps, "state": self._products.state()}

    def set_extra_state(self, state: typing.Any) -> None:
        self._products.restore(state["state"])
        self._steps = state["steps"]
        self._seen = None

    def __deepcopy__(self, memo: dict[int, typing.Any]) -> _Layer:
        made = self.__class__.__new__(self.__class__)
        memo[id(self)] = made
        shared = {"policy": self.policy, "_products": None}
        made.__dict__.update({name: shared[name] if name in shared else copy.deepcopy(value, memo)
                              for name, value in self.__dict__.items()})
        made._products = made._make()
        made._products.restore(self._products.state())
        return made


class Conv2d(torch.nn.Conv2d, _Layer):
    """torch.nn.Conv2d with the products of a policy.

    x is float32 [N, C, H, W], the weight [O, C / groups, K, K], y [N, O, H', W']. Kernels are
    square, with one stride and one padding of zeros for rows and columns, and no dilation.

    Args, beside those of torch.nn.Conv2d:
        policy: a Policy, which layers of a network share, or the text of one.
        place: "first", "inner" or "last": policies treat the ends of a network with more care.
        name: of the layer in messages; its random numbers follow from it.

    Raises Error for what the products cannot compute, and in the forward call for a tensor that
    is not float32 or lies elsewhere than on the CPU.
    """

    def __init__(self, *positional: typing.Any, policy: Policy | str = "apt",
                 place: str = "inner", name: str | None = None, **named: typing.Any) -> None:
        torch.nn.Conv2d.__init__(self, *positional, **named)
        reason = _unfit(self)
        if reason:
            raise Error(f"Conv2d with {reason}")
        self.weight.data = self.weight.data.to(memory_format=torch.channels_last)
        self._attach(policy, place, name, channels=self.in_channels, outputs=self.out_channels,
                     kernel=self.kernel_size[0], stride=self.stride[0],
                     padding=_padding(self), groups=self.groups)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() != 4 or x.shape[1] != self.in_channels or x.shape[0] == 0:
            raise Error(f"layer '{self.layer_name}': expected an input of [N, "
                        f"{self.in_channels}, H, W], found {list(x.shape)}")
        y = self._multiply(x, self.weight)
        return y if self.bias is None else y + self.bias.view(1, -1, 1, 1)


class Linear(torch.nn.Linear, _Layer):
    """torch.nn.Linear with the products of a policy.

    x is float32 [..., C], the weight [O, C], y [..., O]. `policy`, `place` and `name` are those of
    Conv2d, as are the errors.
    """

    def __init__(self, *positional: typing.Any, policy: Policy | str = "apt",
                 place: str = "inner", name: str | None = None, **named: typing.Any) -> None:
        torch.nn.Linear.__init__(self, *positional, **named)
        self._attach(policy, place, name, channels=self.in_features, outputs=self.out_features)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() < 1 or x.shape[-1] != self.in_features or x.numel() == 0:
            raise Error(f"layer '{self.layer_name}': expected an input of [..., "
                        f"{self.in_features}], found {list(x.shape)}")
        y = self._multiply(x.reshape(-1, self.in_features), self.weight[:, :, None, None])
        y = y.reshape(*x.shape[:-1], self.out_features)
        return y if self.bias is None else y + self.bias


def _padding(conv: torch.nn.Conv2d) -> int:
    if conv.padding == "valid":
        return 0
    return conv.kernel_size[0] // 2 if conv.padding == "same" else conv.padding[0]


def _unfit(conv: torch.nn.Conv2d) -> str | None:
    """Why a policy cannot compute the products of a convolution."""
    if conv.kernel_size[0] != conv.kernel_size[1]:
        return f"a kernel of {conv.kernel_size[0]} x {conv.kernel_size[1]}, expected a square one"
    if conv.stride[0] != conv.stride[1]:
        return f"strides {conv.stride}, expected one for rows and columns"
    if conv.dilation != (1, 1):
        return f"dilation {conv.dilation}, expected none"
    if conv.padding_mode != "zeros":
        return f"padding mode '{conv.padding_mode}', expected 'zeros'"
    if conv.padding == "same":
        return None if conv.kernel_size[0] % 2 else "padding 'same' and an even kernel"
    if conv.padding != "valid" and conv.padding[0] != conv.padding[1]:
        return f"paddings {conv.padding}, expected one for rows and columns"
    return None


def _made_from(module: torch.nn.Module, policy: Policy, place: str, name: str) -> _Layer:
    """The layer of a policy with the parameters of `module`."""
    bias = module.bias is not None
    if isinstance(module, torch.nn.Conv2d):
        made: typing.Any = Conv2d(module.in_channels, module.out_channels, module.kernel_size,
                                  module.stride, module.padding, module.dilation, module.groups,
                                  bias, policy=policy, place=place, name=name)
    else:
        made = Linear(module.in_features, module.out_features, bias, policy=policy, place=place,
                      name=name)
    with torch.no_grad():
        made.weight.copy_(module.weight)
        if bias:
            made.bias.copy_(module.bias)
    for parameter, before in ((made.weight, module.weight), (made.bias, module.bias)):
        if before is not None:
            parameter.requires_grad_(before.requires_grad)
    return made.train(module.training)


def convert(model: torch.nn.Module, policy: Policy | str = "apt", *,
            keep: typing.Collection[str] = ()) -> torch.nn.Module:
    """A copy of a model in which a policy computes all convolutions and linear layers.

    Batch normalization is that of the runtime, which is faster, with a relu that follows in the
    same Sequential. Weights, biases and statistics are those of the model. The first layer in the order of
    `model.named_modules()` is the first of the network, the last one the last. `keep` has names
    of layers that stay as they are.

    Raises Error, with all of them, for layers that no policy can compute, and for a relu in a
    network whose policy takes signs. Make optimizers afterwards: the parameters are new.
    """
    named = [(name, module) for name, module in model.named_modules()
             if type(module) in (torch.nn.Conv2d, torch.nn.Linear) and name not in keep]
    unknown = set(keep) - {name for name, _ in model.named_modules()}
    if unknown:
        raise Error(f"the model has no layer '{sorted(unknown)[0]}'")
    if not named:
        raise Error(f"the model, a {type(model).__name__}, has no layer of torch.nn.Conv2d or "
                    "torch.nn.Linear to convert")
    reasons = [f"layer '{name}' has {_unfit(module)}" for name, module in named
               if isinstance(module, torch.nn.Conv2d) and _unfit(module)]
    if reasons:
        names = [reason.split("'")[1] for reason in reasons]
        raise Error("; ".join(reasons) + f"; remedy: keep={names} leaves them as they are")
    if isinstance(policy, str):
        probe = Conv2d(1, 1, 1, policy=policy)  # refuses what acts between steps
        policy = probe.policy
    relus = [name for name, module in model.named_modules() if isinstance(module, torch.nn.ReLU)]
    if policy._native.takes_signs and relus:
        raise Error(f"policy '{policy.text}' takes signs, and behind a relu all are the same "
                    f"('{relus[0]}'); remedy: a model without torch.nn.ReLU")
    places = {named[-1][0]: "last", named[0][0]: "first"}
    made = {id(module): _made_from(module, policy, places.get(name, "inner"), name or "layer")
            for name, module in named}
    made.update((id(module), _torch_norm.made_from(module, policy))
                for name, module in model.named_modules()
                if type(module) is torch.nn.BatchNorm2d and name not in keep)
    copied = copy.deepcopy(model, dict(made))
    _torch_norm.take_relus(copied)
    return copied


def export(model: torch.nn.Module, example: torch.Tensor, path: str | os.PathLike[str], *,
           mean: float | typing.Sequence[float] = 0.0,
           std: float | typing.Sequence[float] = 1.0) -> None:
    """Writes a trained model as operators and weights: NAME.lp and NAME.safetensors.

    The network takes images as bytes, [N, H, W, C], and gives what the model in evaluation gives
    for (pixels / 255 - mean) / std. `example` is a batch as the model sees it, float32
    [N, C, H, W]; N is the most images of one call. `lpgen.load(path)` reads what is written.

    Raises Error for a layer that cannot be exported.
    """
    from . import _torch_export
    name = os.fspath(path)
    if not name.endswith(".lp"):
        raise Error(f"expected the name of a file of operators, NAME.lp, found '{name}'")
    if example.dim() != 4 or example.shape[0] == 0:
        raise Error(f"expected an example of [N, C, H, W], found {list(example.shape)}")
    per_channel = []
    for what, value in (("mean", mean), ("std", std)):
        values = [value] * example.shape[1] if isinstance(value, (int, float)) else list(value)
        if len(values) != example.shape[1]:
            raise Error(f"{what} has {len(values)} numbers for {example.shape[1]} channels")
        per_channel.append(values)
    policies_of = {layer.policy.text for layer in model.modules() if isinstance(layer, _Layer)}
    if not policies_of:
        raise Error("the model has no layer of lpgen.torch; remedy: lpgen.torch.convert(model)")
    was_training = model.training
    model.eval()
    try:
        _torch_export.write(model, example, os.path.abspath(name), *per_channel,
                            f"Model {type(model).__name__}, trained under "
                            f"{', '.join(sorted(policies_of))}")
    finally:
        model.train(was_training)
