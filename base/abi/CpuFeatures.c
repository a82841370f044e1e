/* Asks the CPU (x86: cpuid and xgetbv; AArch64 Linux: the auxiliary vector) for
 * the features that kernels can need. Needs no library but getauxval on
 * AArch64, so that the freestanding kernel runner can use this file too. */
#include "base/abi/CpuFeatures.h"
#include "base/abi/lp_kernel.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* XCR0: which register files the operating system saves. */
static uint64_t readXcr0(void) {
  uint32_t low;
  uint32_t high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

/* `feature` if bit `bit` of a cpuid register is set. */
static uint64_t pick(uint32_t reg, unsigned bit, uint64_t feature) {
  return reg >> bit & 1 ? feature : 0;
}

uint64_t lp_cpu_features(void) {
  uint32_t a;
  uint32_t b;
  uint32_t c;
  uint32_t d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) {
    return 0;
  }
  uint64_t features = pick(c, 20, LP_CPU_SSE42) | pick(c, 23, LP_CPU_POPCNT);
  const uint64_t xcr0 = c >> 27 & 1 ? readXcr0() : 0;
  const int savesYmm = (xcr0 & 0x06) == 0x06; /* xmm and ymm */
  const int savesZmm = (xcr0 & 0xE6) == 0xE6; /* and masks and zmm */
  if (savesYmm) {
    features |= pick(c, 12, LP_CPU_FMA);
  }
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    features |= pick(b, 8, LP_CPU_BMI2) | pick(c, 8, LP_CPU_GFNI);
    if (savesYmm) {
      features |= pick(b, 5, LP_CPU_AVX2);
    }
    if (savesZmm) {
      features |= pick(b, 16, LP_CPU_AVX512F) | pick(b, 17, LP_CPU_AVX512DQ) |
                  pick(b, 30, LP_CPU_AVX512BW) | pick(b, 31, LP_CPU_AVX512VL) |
                  pick(c, 1, LP_CPU_AVX512VBMI) |
                  pick(c, 11, LP_CPU_AVX512VNNI) |
                  pick(c, 12, LP_CPU_AVX512BITALG) |
                  pick(c, 14, LP_CPU_AVX512VPOPCNTDQ);
    }
  }
  if (savesYmm && __get_cpuid_count(7, 1, &a, &b, &c, &d)) {
    features |= pick(a, 4, LP_CPU_AVXVNNI);
  }
  return features;
}

#elif defined(__aarch64__) && defined(__linux__)
/* Declared here, not included, since a freestanding build has no sys/auxv.h;
 * the numbers are the kernel's interface to programs (asm/hwcap.h). */
unsigned long getauxval(unsigned long type);

uint64_t lp_cpu_features(void) {
  const unsigned long hwcap = getauxval(16);  /* AT_HWCAP */
  const unsigned long hwcap2 = getauxval(26); /* AT_HWCAP2 */
  uint64_t features = 0;
  features |= hwcap >> 1 & 1 ? LP_CPU_NEON : 0;     /* HWCAP_ASIMD */
  features |= hwcap >> 20 & 1 ? LP_CPU_DOTPROD : 0; /* HWCAP_ASIMDDP */
  features |= hwcap2 >> 13 & 1 ? LP_CPU_I8MM : 0;   /* HWCAP2_I8MM */
  return features;
}

#else
/* No kernel target needs features of other CPUs: portable kernels run. */
uint64_t lp_cpu_features(void) { return 0; }
#endif
