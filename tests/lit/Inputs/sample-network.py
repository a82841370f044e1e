"""Writes the sample network of the tests of commands: FOLDER/net.lp and its weights.

    sample-network.py FOLDER

A convolution of four channels, a depthwise one, two equal ones of sixteen with a residual
addition between them, pooling, and a linear layer.
"""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

CONSTANTS = [  # name, type, extents, DTYPE:LOW:HIGH[:DIVISOR]
    ("w1", "s4", "16,3,3,4", "I8", "-8:7"), ("g1", "f32", "16", "F32", "1:3:1000"),
    ("w2", "s4", "3,3,16", "I8", "-4:7"), ("g2", "f32", "16", "F32", "20:60:1000"),
    ("w3", "s4", "16,3,3,16", "I8", "-2:1"), ("g3", "f32", "16", "F32", "30:90:1000"),
    ("w4", "s4", "16,3,3,16", "I8", "-2:1"), ("g4", "f32", "16", "F32", "30:90:1000"),
    ("w5", "s4", "10,16", "I8", "-8:7"), ("g5", "f32", "10", "F32", "1:3:10"),
    ("o", "f32", "16", "F32", "0:4"), ("o5", "f32", "10", "F32", "-2:2"),
    ("gain", "f32", "", "F32", "1:1:2"),
]

LAYERS = """
op net(image: u8[?n <= 4, 8, 8, 4]) -> (scores: f32[?n, 10]) {
  a: u4 = conv(image, w1, g1, o)
  b: u4 = depthwise(a, w2, g2, o)
  c: u4 = conv(b, w3, g3, o)
  d: u4 = residual(a, c, gain, gain)
  e: u4 = conv(d, w4, g4, o)
  f = max_pool(e)
  p = global_average_pool(f)
  scores = linear_scores(p, w5, g5, o5)
}
"""


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    text = 'include "layers.lp"\n\n'
    specs = []
    for name, type, extents, dtype, values in CONSTANTS:
        shape = f"[{extents.replace(',', ', ')}]" if extents else ""
        text += f'const {name}: {type}{shape} = "{name}"\n'
        specs.append(f"{name}:{dtype}:{extents}:{values}")
    (folder / "net.lp").write_text(text + LAYERS)
    subprocess.run([sys.executable, HERE / "write-tensors.py", folder / "net.safetensors",
                    *specs], check=True)


main()
