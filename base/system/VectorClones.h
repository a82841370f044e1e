// Loops over memory in the best vectors of the CPU at hand, from one source.
//
// The runtime is built for the baseline of its architecture. A function that is
// marked gets more bodies on x86-64, for AVX2 and AVX-512, and the loader takes
// the best one that the CPU runs. All give the same numbers: files with such
// functions are compiled without contraction of multiplications and additions.
#ifndef LPGEN_BASE_SYSTEM_VECTORCLONES_H
#define LPGEN_BASE_SYSTEM_VECTORCLONES_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LPGEN_HAS_SANITIZER 1 // Its functions cannot run while loading.
#endif
#endif

#if defined(__x86_64__) && defined(__ELF__) && !defined(LPGEN_HAS_SANITIZER)
#define LPGEN_VECTOR_CLONES                                                    \
  __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define LPGEN_VECTOR_CLONES
#endif

/// For templates that marked functions call: a body of its own would be one of
/// the baseline.
#define LPGEN_INLINE inline __attribute__((always_inline))

#endif // LPGEN_BASE_SYSTEM_VECTORCLONES_H
