/* Instructions of AVX-VNNI in VEX encoding, and code of AVX2 that does the
 * same. See avxvnni-code.h; encodings: Intel SDM, volume 2. */
#include "tools/emulators/avxvnni-code.h"
#include <string.h>

/* --- decoding --- */

enum { bytesUnsignedSigned = 0x50, wordsSigned = 0x52 };

/* sum += first * second. Registers are numbers of vector registers. */
typedef struct {
  unsigned opcode; /* 0x50 or 0x52 */
  unsigned is256;
  unsigned sum, first;
  const unsigned char *operand; /* second: ModRM, SIB, displacement */
  unsigned operandLength;
  unsigned char bits; /* X and B of the prefix, as they stand there */
} Instruction;

/* Bytes of ModRM and what belongs to it. */
static unsigned operandLength(const unsigned char *modrm) {
  const unsigned mode = modrm[0] >> 6;
  const unsigned base = modrm[0] & 7;
  if (mode == 3) {
    return 1;
  }
  const unsigned beforeDisplacement = base == 4 ? 2 : 1;
  const unsigned low = base == 4 ? modrm[1] & 7 : base;
  return beforeDisplacement + (mode == 1 ? 1 : mode == 2 || low == 5 ? 4 : 0);
}

/* Whether the bytes are VEX.66.0F38.W0 50 or 52 /r. Only the form of VEX with
 * three bytes can say 0F38. */
static int decode(const unsigned char *code, Instruction *found) {
  if (code[0] != 0xC4 || (code[1] & 0x1F) != 2 || (code[2] & 0x83) != 1 ||
      (code[3] != bytesUnsignedSigned && code[3] != wordsSigned)) {
    return 0;
  }
  found->opcode = code[3];
  found->is256 = code[2] >> 2 & 1;
  found->sum = (code[4] >> 3 & 7) | (code[1] & 0x80 ? 0 : 8);
  found->first = ~code[2] >> 3 & 15;
  found->operand = code + 4;
  found->operandLength = operandLength(code + 4);
  found->bits = code[1] & 0x60;
  return 1;
}

/* --- code in its place --- */

enum { saveArea = -256 /* from rsp, below the red zone */ };

enum Prefix { p66 = 1, pF3 = 2 };

static void put(Code *code, const void *bytes, unsigned count) {
  memcpy(code->bytes + code->size, bytes, count);
  code->size += count;
}

/* VEX of map 0F with three bytes, and the opcode. Of reg it holds bit 3, of
 * what ModRM's other part names `bits`, X and B. */
static void putVex(Code *code, unsigned is256, enum Prefix prefix,
                   unsigned opcode, unsigned reg, unsigned first,
                   unsigned char bits) {
  const unsigned char bytes[] = {
      0xC4, (unsigned char)((reg & 8 ? 0 : 0x80) | bits | 1),
      (unsigned char)((~first & 15) << 3 | is256 << 2 | (unsigned)prefix),
      (unsigned char)opcode};
  put(code, bytes, sizeof bytes);
}

/* opcode reg, first, rm: registers of 256 bits, or 128. */
static void putRegisters(Code *code, unsigned is256, unsigned opcode,
                         unsigned reg, unsigned first, unsigned rm) {
  putVex(code, is256, p66, opcode, reg, first, rm & 8 ? 0x40 : 0x60);
  const unsigned char modrm = (unsigned char)(0xC0 | (reg & 7) << 3 | (rm & 7));
  put(code, &modrm, 1);
}

/* Shifts of words by 8 bits: vpsrlw, vpsraw, vpsllw are 71 /2, /4, /6. */
enum Shift { right = 2, rightSigned = 4, left = 6 };
static void putShift(Code *code, enum Shift shift, unsigned to, unsigned from) {
  const unsigned char eight = 8;
  putRegisters(code, 1, 0x71, (unsigned)shift, to, from);
  put(code, &eight, 1);
}

enum { load = 0x6F, store = 0x7F }; /* vmovdqu */

static void putSaved(Code *code, unsigned opcode, unsigned reg, int slot) {
  const int32_t displacement = saveArea + 32 * slot;
  const unsigned char operand[] = {(unsigned char)(0x84 | (reg & 7) << 3),
                                   0x24};
  putVex(code, 1, pF3, opcode, reg, 0, 0x60);
  put(code, operand, sizeof operand);
  put(code, &displacement, sizeof displacement);
}

/* to = second. `behind` is the address behind the instruction that is replaced,
 * `here` that of the code: an operand relative to one becomes relative to the
 * other. */
static void putSecond(Code *code, const Instruction *instruction, unsigned to,
                      uint64_t here, uint64_t behind) {
  unsigned char operand[8];
  const int relative = (instruction->operand[0] & 0xC7) == 5;
  memcpy(operand, instruction->operand, instruction->operandLength);
  operand[0] = (unsigned char)((operand[0] & 0xC7) | (to & 7) << 3);
  putVex(code, instruction->is256, pF3, load, to, 0, instruction->bits);
  if (relative) {
    int32_t displacement;
    memcpy(&displacement, operand + 1, sizeof displacement);
    displacement += (int32_t)(behind - (here + code->size + 5));
    memcpy(operand + 1, &displacement, sizeof displacement);
  }
  put(code, operand, instruction->operandLength);
}

static void putJump(Code *code, uint64_t here, uint64_t to) {
  const unsigned char jump = 0xE9;
  const int32_t distance = (int32_t)(to - (here + code->size + 5));
  put(code, &jump, 1);
  put(code, &distance, sizeof distance);
}

/* Three registers that the instruction does not name. */
static void chooseFree(const Instruction *instruction, unsigned *chosen) {
  const unsigned second =
      (instruction->operand[0] & 7) | (instruction->bits & 0x20 ? 0 : 8);
  unsigned count = 0;
  for (unsigned reg = 0; count < 3; ++reg) {
    if (reg != instruction->sum && reg != instruction->first && reg != second) {
      chosen[count++] = reg;
    }
  }
}

static Code codeOf(const Instruction *instruction, uint64_t here,
                   uint64_t behind) {
  enum { vpmaddwd = 0xF5, vpaddd = 0xFE };
  Code code = {.size = 0};
  unsigned temporary[3];
  chooseFree(instruction, temporary);
  const unsigned odd = temporary[0];
  const unsigned even = temporary[1];
  const unsigned other = temporary[2];
  const unsigned first = instruction->first;
  for (int i = 0; i < 3; ++i) {
    putSaved(&code, store, temporary[i], i);
  }
  putSecond(&code, instruction, odd, here, behind);
  if (instruction->opcode == wordsSigned) {
    putRegisters(&code, 1, vpmaddwd, odd, first, odd);
  } else { /* bytes of odd and of even number, as words */
    putShift(&code, left, even, odd);
    putShift(&code, rightSigned, even, even);
    putShift(&code, rightSigned, odd, odd);
    putShift(&code, right, other, first);
    putRegisters(&code, 1, vpmaddwd, odd, odd, other);
    putShift(&code, left, other, first);
    putShift(&code, right, other, other);
    putRegisters(&code, 1, vpmaddwd, even, even, other);
    putRegisters(&code, 1, vpaddd, odd, odd, even);
  }
  putRegisters(&code, instruction->is256, vpaddd, instruction->sum,
               instruction->sum, odd);
  for (int i = 0; i < 3; ++i) {
    putSaved(&code, load, temporary[i], i);
  }
  putJump(&code, here, behind);
  return code;
}

unsigned lengthOfAvxVnni(const unsigned char *bytes) {
  Instruction instruction;
  return decode(bytes, &instruction) ? 4 + instruction.operandLength : 0;
}

Code avx2For(const unsigned char *bytes, uint64_t here, uint64_t behind) {
  Instruction instruction;
  decode(bytes, &instruction);
  return codeOf(&instruction, here, behind);
}

Code jumpTo(uint64_t to, uint64_t here) {
  Code code = {.size = 0};
  putJump(&code, here, to);
  return code;
}
