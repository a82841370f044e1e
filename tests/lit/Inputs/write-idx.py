"""Writes an IDX file of bytes.

    write-idx.py FILE EXTENT,EXTENT [VALUES]

VALUES is a file of numbers; without it bytes look random and are the same every time.
"""
import math
import pathlib
import struct
import sys


def main():
    path, extents, *values = sys.argv[1:]
    shape = [int(extent) for extent in extents.split(",")]
    if values:
        data = [int(number) for number in pathlib.Path(values[0]).read_text().split()]
    else:
        data, state = [], 1
        while len(data) < math.prod(shape):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            data.append(state >> 56)
    with open(path, "wb") as file:
        file.write(bytes([0, 0, 8, len(shape)]))
        file.write(struct.pack(f">{len(shape)}I", *shape) + bytes(data))


main()
