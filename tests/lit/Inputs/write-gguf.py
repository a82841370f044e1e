#!/usr/bin/env python3
"""Writes a small GGUF file: write-gguf.py FILE NAME:TYPE:INPUTS:OUTPUTS ...

TYPE is one of those below; a tensor of 0 outputs has one dimension. The weights are made from
their place.
"""

import struct
import sys

# Code, elements of a block, bytes before and behind its scale of 16 bits.
TYPES = {"F32": (0, 1, 4, None), "Q4_0": (2, 32, 0, 16), "Q4_1": (3, 32, 0, 18),
         "Q8_0": (8, 32, 0, 32), "Q6_K": (14, 256, 208, 0), "TQ2_0": (35, 256, 64, 0),
         "IQ4_NL": (20, 32, 0, 16)}


def string(text):
    return struct.pack("<Q", len(text)) + text.encode()


def block(kind, number):
    _, _, before, behind = TYPES[kind]
    if behind is None:
        return struct.pack("<f", number % 7 - 3)
    codes = bytes((37 * number + 11 * i) % 171 for i in range(before + behind))
    return codes[:before] + struct.pack("<e", 0.25 + number % 3) + codes[before:]


def main():
    infos, content = b"", b""
    for text in sys.argv[2:]:
        name, kind, inputs, outputs = text.split(":")
        shape = [int(inputs)] + ([int(outputs)] if int(outputs) else [])
        content += b"\0" * (-len(content) % 32)
        infos += string(name) + struct.pack("<I", len(shape))
        infos += b"".join(struct.pack("<Q", extent) for extent in shape)
        infos += struct.pack("<IQ", TYPES[kind][0], len(content))
        blocks = int(inputs) * max(int(outputs), 1) // TYPES[kind][1]
        content += b"".join(block(kind, i) for i in range(blocks))
    header = b"GGUF" + struct.pack("<IQQ", 3, len(sys.argv) - 2, 1)
    header += string("general.architecture") + struct.pack("<I", 8) + string("llama") + infos
    with open(sys.argv[1], "wb") as file:
        file.write(header + b"\0" * (-len(header) % 32) + content)


main()
