"""Makes a static x86-64 program one that Bochs 2.7 runs right.

Bochs gets these instructions of AVX-512 wrong (found with the operands that
tests/emulation/avx512.c tries, against Intel's SDM, volume 2):

  KSHIFTLW, KSHIFTRW by 15   give 0 instead of the last or first bit of the mask
  gathers and scatters       refuse an index in zmm16 to zmm31 (SIGILL)
  VPINSRB from memory        scales a displacement of 8 bits by 4 instead of 1
  VPEXTRW to memory          scales it wrongly, too

Not mended: VCVTPS2PH rounds ties away from 0, not to even; kernels that store f16
can differ there. VPMOVSXBD from memory under a mask reads the bytes that the mask
leaves out, and faults behind a buffer.

All others become a jump to code that does the same in other words, in a segment added
to the program's file."""
import re
import struct

LOADED, STACK = 1, 0x6474E551  # kinds of segments in ELF
EXECUTABLE = 1
PAGE = 0x1000


class Unmendable(Exception):
    """A program with faulty instructions that has no room for others."""


def shiftTwice(code):
    """Bytes of the instruction, and what replaces it: by 14, then by 1."""
    to = code[4] >> 3 & 7
    return 6, code[:5] + b"\x0e" + code[:4] + bytes([0xC0 | to << 3 | to]) + b"\x01"


def exchange(a, b):
    """Exchanges two registers zmm, without memory or a third one: VPXORQ thrice."""

    def xor(to, other):
        bits = (~to >> 3 & 1) << 7 | (~other >> 4 & 1) << 6 | (~other >> 3 & 1) << 5
        bits |= (~to >> 4 & 1) << 4 | 1
        return bytes([0x62, bits, 0x85 | (~to & 15) << 3, 0x40 | (~to >> 4 & 1) << 3,
                      0xEF, 0xC0 | (to & 7) << 3 | other & 7])

    return xor(a, b) + xor(b, a) + xor(a, b)


def indexBelow16(code):
    """A gather or scatter whose index is in a register below 16 for the time."""
    mode, base = code[5] >> 6, code[6] & 7
    size = 7 + (1 if mode == 1 else 4 if mode == 2 or base == 5 else 0)
    index = 16 | (~code[1] >> 6 & 1) << 3 | code[6] >> 3 & 7
    register = (~code[1] >> 4 & 1) << 4 | (~code[1] >> 7 & 1) << 3 | code[5] >> 3 & 7
    if mode == 3 or register == index:
        return size, None  # other bytes; no compiler scatters indices to themselves
    low = 1 if register == 0 else 0
    changed = bytearray(code[:size])
    changed[1] |= 0x40
    changed[3] |= 0x08
    changed[6] = changed[6] & ~0x38 | low << 3
    swap = exchange(low, index)
    return size, swap + bytes(changed) + swap


def withWideDisplacement(scale):
    """The same instruction with a displacement of 32 bits, which is not scaled."""

    def rewrite(code):
        at = 7 if code[5] & 7 == 4 else 6  # behind ModRM and SIB
        offset = scale * int.from_bytes(code[at:at + 1], "little", signed=True)
        modrm = bytes([code[5] & 0x3F | 0x80])
        return at + 2, (code[:5] + modrm + code[6:at] + struct.pack("<i", offset) +
                        code[at + 1:at + 2])

    return rewrite


def pattern(*bytesInBits):
    """A regular expression of bytes given bit by bit; '.' stands for either bit."""

    def fits(byte, bits):
        return all(bit in (".", wanted) for bit, wanted in zip(bits, f"{byte:08b}"))

    classes = [[re.escape(bytes([byte])) for byte in range(256) if fits(byte, bits)]
               for bits in bytesInBits]
    return re.compile(b"".join(b"[" + b"".join(found) + b"]" for found in classes),
                      re.DOTALL)


# The first bytes of faulty instructions, and what to do about them. Prefixes: VEX is
# C4, two bytes; EVEX is 62, three bytes, of which the last has the fifth bit of the
# index, inverted, at 4.
EVEX = "01100010"
FAULTS = [
    (pattern("11000100", "11100011", "11111001", "001100.0", "11......", "00001111"),
     shiftTwice),
    (pattern(EVEX, "....0010", ".1111101", "0..00...", "100100..", ".....100"),
     indexBelow16),
    (pattern(EVEX, "....0010", ".1111101", "0..00...", "101000..", ".....100"),
     indexBelow16),
    (pattern(EVEX, "....0011", ".....101", "0000.000", "00100000", "01......"),
     withWideDisplacement(1)),
    (pattern(EVEX, "....0011", ".1111101", "00001000", "00010101", "01......"),
     withWideDisplacement(2)),
]
LONGEST = 15  # bytes of an instruction


def faultyInstructions(program, segments):
    """(place in the file, address, bytes, replacement) of each."""
    for _, flags, begin, address, _, stored, _, _ in segments:
        if not flags & EXECUTABLE:
            continue
        for bytesOfFault, rewrite in FAULTS:
            for found in bytesOfFault.finditer(program[begin:begin + stored]):
                place = begin + found.start()
                size, instead = rewrite(program[place:place + LONGEST])
                if instead is not None:
                    yield place, address + found.start(), size, instead


def mended(program):
    """The program's file without the faulty instructions."""
    if program[:5] != b"\x7fELF\x02":
        return program
    headers, = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    places = [headers + size * number for number in range(count)]
    kinds = [struct.unpack_from("<I", program, place)[0] for place in places]
    segments = [struct.unpack_from("<IIQQQQQQ", program, place)
                for place, kind in zip(places, kinds) if kind == LOADED]
    faults = list(faultyInstructions(program, segments))
    if not faults:
        return program
    if STACK not in kinds:
        raise Unmendable("Bochs gets instructions of this program wrong, and to mend them "
                         "takes a header GNU_STACK; link it with -z noexecstack")
    out = bytearray(program + bytes(-len(program) % PAGE))
    begin = len(out)
    end = max(address + needed for _, _, _, address, _, _, needed, _ in segments)
    base = end + -end % PAGE
    code = bytearray()

    def jump(fromAddress, to):
        return b"\xe9" + struct.pack("<i", to - (fromAddress + 5))

    for place, address, size, instead in faults:
        out[place:place + size] = jump(address, base + len(code)) + b"\x90" * (size - 5)
        code += instead
        code += jump(base + len(code), address + size)
    # Its header takes the place of the one that says whether the stack may hold
    # code, on which nothing here depends.
    struct.pack_into("<IIQQQQQQ", out, places[kinds.index(STACK)], LOADED, 4 | EXECUTABLE,
                     begin, base, base, len(code), len(code), PAGE)
    return bytes(out + code)
