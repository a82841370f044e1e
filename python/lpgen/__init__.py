"""lpgen: low-precision tensor operators as fast, exact CPU kernels on NumPy arrays.

    import lpgen
    kernel = lpgen.compile("conv.lp")           # an operator
    y = kernel(x=x, w=w)
    net = lpgen.load("net.onnx")                # a network
    scores = net.run(images)
    up = lpgen.load("model.gguf", tensor="blk.0.ffn_up.weight")     # a matrix of a model

`compile` and `load` run the program lpgen as a process of its own. Kernels stay in the user's
cache. What fails raises `lpgen.Error`. `lpgen.torch`, imported by itself, has layers of PyTorch.
"""

from ._errors import Error
from ._kernel import Kernel, compile, interpret
from ._native import version as __version__
from ._network import Network, Verification, load, tensors
from ._quantize import quantize
from ._table import Table
from ._targets import targets

__all__ = ["Error", "Kernel", "Network", "Table", "Verification", "compile", "interpret", "load",
           "quantize", "targets", "tensors"]
