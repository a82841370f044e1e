/* The features of the CPU that this process runs on, as the bits that kernels
 * name in their descriptors. The only place that asks the hardware. */
#ifndef LPGEN_BASE_ABI_CPUFEATURES_H
#define LPGEN_BASE_ABI_CPUFEATURES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* LP_CPU_* bits of lp_kernel.h. A bit is set only if the instructions work
 * here: the CPU has them and the operating system saves the registers they
 * need. */
uint64_t lp_cpu_features(void); // NOLINT(readability-identifier-naming)

#ifdef __cplusplus
}
#endif

#endif /* LPGEN_BASE_ABI_CPUFEATURES_H */
