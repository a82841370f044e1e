"""The layers of the trainer: a policy, and the products that it makes of each layer."""

import typing

import numpy as np

State = typing.Mapping[str, bytes]
NamedArrays = list[tuple[str, np.ndarray]]

class Precision:
    """A policy with its kernels and threads, shared by the layers of a network."""
    def __init__(self, text: str, program: str, target: str, threads: int, steps_per_epoch: int,
                 total_steps: int, batch_size: int, seed: int) -> None: ...
    @property
    def loss_scale(self) -> float: ...
    @property
    def takes_signs(self) -> bool:
        """Networks of it have no relu."""
    def accept_gradients(self, gradients: NamedArrays) -> bool:
        """Changes the arrays. False if this step must not update."""
    def after_update(self, values: NamedArrays, step: int) -> None:
        """Changes the arrays."""
    def after_step(self, loss: float, step: int) -> None: ...
    def state(self) -> dict[str, bytes]: ...
    def restore(self, state: State) -> None: ...

class Snapshot:
    """The state of a layer at a call."""

class Contraction:
    """Arrays are float32 and dense: x [N, H, W, C] or [N, C], weights [O, K, K, C / groups]."""
    def __init__(self, precision: Precision, name: str, place: str, channels: int, outputs: int,
                 kernel: int = 1, stride: int = 1, padding: int = 0, groups: int = 1) -> None: ...
    def learned(self) -> NamedArrays:
        """What the policy learns of this layer, with the values of now."""
    def forward(self, x: np.ndarray, weight: np.ndarray, learned: list[np.ndarray],
                is_training: bool, step: int) -> tuple[np.ndarray, Snapshot]:
        """y, and the state before the call."""
    def repeat(self, x: np.ndarray, weight: np.ndarray, learned: list[np.ndarray], step: int,
               before: Snapshot) -> None:
        """Makes an earlier call of forward in training the last one."""
    def backward(self, x: np.ndarray, weight: np.ndarray, dy: np.ndarray, wants_input: bool) \
            -> tuple[np.ndarray | None, np.ndarray, list[np.ndarray]]:
        """Gradients of the last forward call, that of x and weight: of x, weights and what is
        learned."""
    def state(self) -> dict[str, bytes]: ...
    def restore(self, state: State) -> None: ...
    def report(self) -> dict[str, typing.Any]: ...

class BatchNormCall:
    """Batch normalization in training. Arrays are float32 and dense: x [..., C], others [C]."""
    def __init__(self, precision: Precision, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray,
                 shift: np.ndarray, epsilon: float, relu: bool) -> None: ...
    def take_result(self) -> np.ndarray:
        """y, once."""
    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and biased variances of the channels, float64."""
    def backward(self, x: np.ndarray, dy: np.ndarray) \
            -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """dx, dgamma and dbeta; x is that of the call."""

class ModelExport:
    """The layers of a model in order; they become a network in the operator language."""
    def __init__(self, height: int, width: int, channels: int, classes: int, mean: np.ndarray,
                 deviation: np.ndarray, images_per_call: int) -> None: ...
    def add_product(self, name: str, layer: Contraction, pixels: int) -> None:
        """`pixels` is that of the flattened images which a linear layer takes."""
    def add_bias(self, name: str, biases: np.ndarray) -> None: ...
    def add_affine(self, name: str, gains: np.ndarray, offsets: np.ndarray) -> None: ...
    def add_relu(self, name: str) -> None: ...
    def add_max_pool(self, name: str, kernel: int, stride: int) -> None: ...
    def add_average_pool(self, name: str, kernel: int, stride: int) -> None: ...
    def flatten(self) -> None: ...
    def add_padded_pixels(self, name: str, stride: int, channels: int) -> None: ...
    def add_branches(self, name: str, main: typing.Callable[[], None],
                     shortcut: typing.Callable[[], None]) -> None: ...
    def finish(self, path: str, title: str) -> None:
        """Writes NAME.lp and NAME.safetensors."""

def has_plain_steps(text: str) -> bool:
    """Whether a policy needs no calls between the products of two steps."""

def runs_in_time(text: str) -> bool:
    """Whether networks of a policy have time steps, which only the trainer gives them."""

def policies() -> list[str]: ...
