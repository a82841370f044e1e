"""Writes an ONNX file of a network with one layer of signs.

    write-onnx.py FILE [OPERATOR]

x: float [N, 4] becomes y = sign(x) * w, w of 2 x 4 ones and minus ones; OPERATOR is
one more node behind it, which makes y.
"""
import struct
import sys


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value):
    data = b""
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def node(operation, inputs, outputs, domain=""):
    return field(1, b"".join([field(1, name) for name in inputs] +
                             [field(2, name) for name in outputs] +
                             [field(3, operation + ".node"), field(4, operation),
                              field(7, domain)]))


def tensor(name, shape, values):
    return field(5, b"".join(field(1, extent) for extent in shape) + field(2, 1) +
                 field(8, name) + field(9, struct.pack(f"<{len(values)}f", *values)))


def value(number, name, shape):
    dims = b"".join(field(1, field(2, "N") if extent is None else field(1, extent))
                    for extent in shape)
    return field(number, field(1, name) + field(2, field(1, field(1, 1) + field(2, dims))))


def main():
    path, *operations = sys.argv[1:]
    last = "p" if operations else "y"
    graph = node("BipolarQuant", ["x", "one"], ["q"], "onnx.brevitas")
    graph += node("MatMul", ["q", "w"], [last])
    for operation in operations:
        graph += node(operation, ["p"], ["y"])
    graph += tensor("one", [], [1.0])
    graph += tensor("w", [4, 2], [1, 1, 1, -1, 1, 1, -1, 1])
    graph += value(11, "x", [None, 4]) + value(12, "y", [None, 2])
    model = field(1, 8) + field(2, "tests") + field(7, graph) + field(8, field(2, 13))
    with open(path, "wb") as file:
        file.write(model)


main()
