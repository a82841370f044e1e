/* VPDPBUSD and VPDPWSSD of AVX-VNNI, and code of AVX2 that does the same. */
#ifndef LPGEN_SCRIPTS_EMULATION_AVXVNNI_CODE_H
#define LPGEN_SCRIPTS_EMULATION_AVXVNNI_CODE_H

#include <stdint.h>

typedef struct {
  unsigned char bytes[256];
  unsigned size;
} Code;

/* Bytes of the instruction at `bytes`, of which 16 are readable; 0 if it is
 * neither of the two. */
unsigned lengthOfAvxVnni(const unsigned char *bytes);

/* Code to stand at `here` that does what this instruction does and goes on at
 * `behind`, the address behind the instruction. Keeps all registers but the
 * sum, and the flags. */
Code avx2For(const unsigned char *bytes, uint64_t here, uint64_t behind);

/* A jump of five bytes, no more than the instruction has, from `here`. */
Code jumpTo(uint64_t to, uint64_t here);

#endif /* LPGEN_SCRIPTS_EMULATION_AVXVNNI_CODE_H */
