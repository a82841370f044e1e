"""Writes tensors of numbers that look random and are the same every time.

    write-tensors.py FILE.safetensors NAME:DTYPE:EXTENT,EXTENT:LOW:HIGH[:DIVISOR] ...
    write-tensors.py FILE.npy NAME:DTYPE:EXTENT,EXTENT:LOW:HIGH[:DIVISOR]

DTYPE is that of safetensors. LOW and HIGH, whole numbers, occur; floats are divided by
DIVISOR.
"""
import json
import math
import struct
import sys

CODES = {"I8": ("b", "|i1"), "U8": ("B", "|u1"), "I16": ("h", "<i2"), "U16": ("H", "<u2"),
         "I32": ("i", "<i4"), "I64": ("q", "<i8"), "F32": ("f", "<f4")}


def valuesOf(count, low, high, seed):
    state = seed
    values = [low, high][:count]
    while len(values) < count:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append(low + (state >> 33) % (high - low + 1))
    return values


def main():
    path, *specs = sys.argv[1:]
    header, data = {}, b""
    for seed, spec in enumerate(specs):
        name, dtype, extents, low, high, *divisor = spec.split(":")
        shape = [int(extent) for extent in extents.split(",") if extent]
        values = valuesOf(math.prod(shape), int(low), int(high), seed)
        if divisor:
            values = [value / int(divisor[0]) for value in values]
        elements = struct.pack(f"<{len(values)}{CODES[dtype][0]}", *values)
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(elements)]}
        data += elements
    if path.endswith(".npy"):
        text = str({"descr": CODES[dtype][1], "fortran_order": False, "shape": tuple(shape)})
        start = b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text.encode()
    else:
        text = json.dumps(header).encode()
        start = struct.pack("<Q", len(text)) + text
    with open(path, "wb") as file:
        file.write(start + data)


main()
