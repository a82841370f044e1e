/* Instructions of AVX-512 that an emulator is known to get wrong, each with
 * operands that show it, against plain C. Prints what differs; exit status 1 if
 * anything did. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int failures;

static void expect(const char *what, const void *got, const void *wanted,
                   size_t size) {
  if (memcmp(got, wanted, size) != 0) {
    printf("wrong: %s\n", what);
    ++failures;
  }
}

static uint8_t memory[1024];
static uint8_t source[64];

enum { middle = 512 };

/* --- shifts of masks --- */

#define SHIFT(NAME, COUNT, VALUE)                                              \
  do {                                                                         \
    uint32_t got;                                                              \
    const uint32_t wanted = (VALUE);                                           \
    __asm__ volatile("kmovd %1, %%k3\n\t" NAME " $" #COUNT ", %%k3, %%k5\n\t"  \
                     "kmovd %%k5, %0"                                          \
                     : "=r"(got)                                               \
                     : "r"(mask)                                               \
                     : "k3", "k5");                                            \
    expect(NAME " by " #COUNT, &got, &wanted, sizeof got);                     \
  } while (0)

static void testShifts(uint32_t mask) {
  SHIFT("kshiftlw", 14, mask << 14 & 0xFFFF);
  SHIFT("kshiftlw", 15, mask << 15 & 0xFFFF);
  SHIFT("kshiftrw", 14, (mask & 0xFFFF) >> 14);
  SHIFT("kshiftrw", 15, (mask & 0xFFFF) >> 15);
  SHIFT("kshiftrd", 31, mask >> 31);
}

/* --- gathers and scatters --- */

#define GATHER(INDEX, TO)                                                      \
  do {                                                                         \
    int32_t got[16];                                                           \
    __asm__ volatile("vmovdqu64 %2, %%zmm" #INDEX "\n\t"                       \
                     "kxnorw %%k0, %%k0, %%k1\n\t"                             \
                     "vpgatherdd 8(%1,%%zmm" #INDEX ",4), %%zmm" #TO           \
                     "%{%%k1%}\n\t"                                            \
                     "vmovdqu64 %%zmm" #TO ", %0"                              \
                     : "=m"(got)                                               \
                     : "r"(memory), "m"(indices)                               \
                     : "k1", "xmm" #INDEX, "xmm" #TO);                         \
    int32_t wanted[16];                                                        \
    for (size_t i = 0; i < 16; ++i) {                                          \
      memcpy(wanted + i, memory + 8 + 4 * (size_t)indices[i], 4);              \
    }                                                                          \
    expect("vpgatherdd, index in zmm" #INDEX " to zmm" #TO, got, wanted,       \
           sizeof got);                                                        \
  } while (0)

#define SCATTER(INDEX, FROM)                                                   \
  do {                                                                         \
    int32_t got[256] = {0};                                                    \
    int32_t wanted[256] = {0};                                                 \
    __asm__ volatile("vmovdqu64 %2, %%zmm" #INDEX "\n\t"                       \
                     "vmovdqu64 %3, %%zmm" #FROM "\n\t"                        \
                     "kxnorw %%k0, %%k0, %%k1\n\t"                             \
                     "vpscatterdd %%zmm" #FROM ", (%1,%%zmm" #INDEX            \
                     ",4)%{%%k1%}"                                             \
                     : "+m"(got)                                               \
                     : "r"(got), "m"(indices), "m"(source)                     \
                     : "k1", "xmm" #INDEX, "xmm" #FROM);                       \
    for (size_t i = 0; i < 16; ++i) {                                          \
      memcpy(wanted + indices[i], source + 4 * i, 4);                          \
    }                                                                          \
    expect("vpscatterdd, index in zmm" #INDEX " from zmm" #FROM, got, wanted,  \
           sizeof got);                                                        \
  } while (0)

static void testGathers(void) {
  int32_t indices[16];
  for (int i = 0; i < 16; ++i) {
    indices[i] = (i * 37 + 11) % 240;
  }
  GATHER(5, 24);
  GATHER(18, 3);
  GATHER(26, 25);
  GATHER(31, 0);
  SCATTER(5, 24);
  SCATTER(18, 3);
  SCATTER(26, 0);
}

/* --- elements in memory, with displacements --- */

/* As text, for the assembler scales displacements by itself. */
#define INSERT(ADDRESS, OFFSET)                                                \
  do {                                                                         \
    uint8_t got[16];                                                           \
    uint8_t wanted[16];                                                        \
    __asm__ volatile("vmovdqu64 %3, %%xmm20\n\t"                               \
                     "vpinsrb $5, " ADDRESS ", %%xmm20, %%xmm22\n\t"           \
                     "vmovdqu64 %%xmm22, %0"                                   \
                     : "=m"(got)                                               \
                     : "r"(memory + middle), "r"((int64_t)middle), "m"(source) \
                     : "xmm20", "xmm22");                                      \
    memcpy(wanted, source, 16);                                                \
    wanted[5] = memory[middle + (OFFSET)];                                     \
    expect("vpinsrb " ADDRESS, got, wanted, sizeof got);                       \
  } while (0)

#define EXTRACT(OFFSET)                                                        \
  do {                                                                         \
    uint8_t got[1024] = {0};                                                   \
    uint8_t wanted[1024] = {0};                                                \
    __asm__ volatile("vmovdqu64 %2, %%xmm20\n\t"                               \
                     "vpextrw $3, %%xmm20, " #OFFSET "(%1)"                    \
                     : "+m"(got)                                               \
                     : "r"(got + middle), "m"(source)                          \
                     : "xmm20");                                               \
    memcpy(wanted + middle + (OFFSET), source + 6, 2);                         \
    expect("vpextrw " #OFFSET "(base)", got, wanted, sizeof got);              \
  } while (0)

static void testElements(void) {
  INSERT("(%1)", 0);
  INSERT("1(%1)", 1);
  INSERT("-128(%1)", -128);
  INSERT("127(%1)", 127);
  INSERT("200(%1)", 200);
  INSERT("-7(%1,%2)", 512 - 7);
  EXTRACT(0);
  EXTRACT(2);
  EXTRACT(-2);
  EXTRACT(3);
  EXTRACT(254);
}

int main(void) {
  uint32_t state = 1;
  for (int i = 0; i < (int)sizeof memory; ++i) {
    state = state * 1664525 + 1013904223;
    memory[i] = (uint8_t)(state >> 24);
  }
  memcpy(source, memory + 700, sizeof source);
  testShifts(0x80008001);
  testShifts(0x7FFE7FFE);
  testElements();
  testGathers();
  return failures > 0;
}
