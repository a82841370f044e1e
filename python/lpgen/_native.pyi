"""The runtime of lpgen: kernels from shared objects on arrays, and the cache of them."""

import typing

import numpy as np

class Buffer:
    """An input or output of a kernel."""
    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str:
        """As in the language: "u4"."""
    @property
    def declaration(self) -> str:
        """Type and shape: "u4[?m <= 64, 256]"."""
    @property
    def dtype(self) -> np.dtype[typing.Any]: ...
    @property
    def shape(self) -> list[int]:
        """Constants, or bounds of run-time sizes."""
    @property
    def sizes(self) -> list[int]:
        """For each dimension the number of its run-time size, or -1."""
    @property
    def is_view(self) -> bool:
        """Whether the operator declares strides."""
    @property
    def lo(self) -> int:
        """The least value that an integer input may have."""
    @property
    def hi(self) -> int: ...

class Kernel:
    @staticmethod
    def load(library: str, manifest: str, threads: int) -> Kernel:
        """Raises Error if the two files do not fit each other or this CPU."""
    @property
    def op(self) -> str: ...
    @property
    def symbol(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def inputs(self) -> list[Buffer]: ...
    @property
    def outputs(self) -> list[Buffer]: ...
    @property
    def kept(self) -> list[str]:
        """Names of the inputs that it keeps."""
    def pack(self, arrays: list[np.ndarray | None]) -> Kernel: ...
    def run(self, arrays: list[np.ndarray | None]) -> list[np.ndarray]:
        """All outputs. Arrays are of the types of the inputs, dense unless the operator declares
        strides; None where one is kept."""

class WorkFolder:
    """A folder that is removed with its owner."""
    @property
    def path(self) -> str: ...

class KernelCache:
    @staticmethod
    def user_folder() -> str: ...
    @staticmethod
    def open(folder: str) -> KernelCache: ...
    def find(self, name: str) -> str:
        """The path of a file, or "" if there is none that can be trusted."""
    def read(self, name: str) -> bytes | None: ...
    def add(self, name: str, content: bytes) -> str: ...
    def make_work_folder(self) -> WorkFolder: ...

version: str

def parse_interface(text: str) -> tuple[list[Buffer], list[Buffer]]:
    """Inputs and outputs, from what `lpgen run --interface` prints."""

def cpu_features() -> int: ...
