/* The C interface of generated kernels.
 *
 * A generated object is freestanding: it allocates nothing, keeps no state,
 * calls nothing outside itself. It exports one descriptor, lp_<op>_kernel, and
 * the same functions under names of their own (lp_<op>, lp_<op>_tasks, ...).
 *
 * To run a kernel:
 *   1. pack every buffer that wants it (is_packed) with `pack`, once;
 *   2. allocate `workspace_size` bytes, shared, and `scratch_size` bytes per
 * worker, both LP_ALIGNMENT-aligned;
 *   3. call lp_run with the scratch of the calling thread; or lp_run_with,
 * where several workers share the tasks of a phase.
 */
#ifndef LPGEN_BASE_ABI_LP_KERNEL_H
#define LPGEN_BASE_ABI_LP_KERNEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this interface; a descriptor of another version must not be
 * called. */
#define LP_ABI_VERSION 1
/* Alignment in bytes of workspace, scratch and packed buffers. */
#define LP_ALIGNMENT 64

/* What a kernel function returns. */
typedef enum lp_status {
  LP_OK = 0,
  LP_ERROR_NULL = 1, /* a required pointer is null */
  LP_ERROR_ALIGNMENT =
      2,               /* a pointer is not aligned as required: logical
                          tensors to their element, the rest to LP_ALIGNMENT */
  LP_ERROR_ALIAS = 3,  /* an output overlaps another buffer or the workspace */
  LP_ERROR_SHAPE = 4,  /* a run-time size is negative or above its bound, or
                          strides let elements share places */
  LP_ERROR_LAYOUT = 5, /* a packed buffer was not packed for this kernel */
  LP_ERROR_CPU = 6,    /* cpu_features lacks what the kernel needs */
  LP_ERROR_PHASE = 7,  /* phase, task range or buffer number out of range */
} lp_status;

/* CPU features as bits of a uint64_t; filled in by lp_cpu_features(). */
#define LP_CPU_FEATURE(name, bit) LP_CPU_##name = UINT64_C(1) << (bit),
#if defined(__GNUC__) && !defined(__cplusplus)
__extension__ /* C11 has enumerators of type int only; Arm's bits are beyond it
               */
#endif
    enum lp_cpu_feature {
#include "lp_cpu_features.def"
      LP_CPU_NONE = 0
    };
#undef LP_CPU_FEATURE

/* Arguments of every kernel function. */
typedef struct lp_args {
  /* Inputs, then outputs, in declared order; logical tensors are dense
     row-major, or have the strides that the operator declares, with one element
     per smallest C integer, packed ones as `pack` wrote them. */
  void *const *buffers;
  /* The run-time sizes (`?m`), in order of first mention; may be null if none.
   */
  const int64_t *sizes;
  /* workspace_size bytes, shared by all workers; may be null if that is 0. */
  void *workspace;
  /* The features of this CPU, from lp_cpu_features(). */
  uint64_t cpu_features;
} lp_args;

/* Everything a caller can know about a kernel without its header. */
typedef struct lp_kernel {
  int32_t abi_version; /* LP_ABI_VERSION of the compiler */
  int32_t num_buffers; /* inputs and outputs */
  int32_t num_inputs;
  int32_t num_sizes; /* run-time sizes */
  int32_t num_phases;
  int32_t reserved;
  uint64_t cpu_features; /* features the kernel needs */
  uint64_t layout_id;    /* identity of op, schedule and packed layouts */
  const char *op;        /* name of the operator in its file */
  const char
      *symbol; /* long name: types, accumulator, template, target, hash */
  /* Runs tasks [begin, end) of a phase. scratch: scratch_size bytes of this
   * worker. */
  int (*run)(const lp_args *args, int phase, int64_t begin, int64_t end,
             void *scratch);
  /* Number of independent tasks of a phase; -1 if the phase or a size is wrong.
   */
  int64_t (*tasks)(const lp_args *args, int phase);
  int64_t (*scratch_size)(void);                   /* bytes per worker */
  int64_t (*workspace_size)(const int64_t *sizes); /* bytes, shared */
  /* Bytes of buffer `buffer` when packed; 0 if this kernel takes it logical. */
  int64_t (*packed_size)(int buffer, const int64_t *sizes);
  /* Packs logical buffer `buffer` (args->buffers is not read) into packed. */
  int (*pack)(int buffer, const int64_t *sizes, const void *logical,
              void *packed);
} lp_kernel;

/* Has all tasks [0, tasks) of one phase run, by lp_run_tasks, in any split and
 * order, and returns when all of them are done and what they wrote is visible:
 * LP_OK, or the status of one that failed. */
typedef int (*lp_run_phase)(void *context, const lp_kernel *kernel,
                            const lp_args *args, int phase, int64_t tasks);

/* Gives the calling thread the floating-point mode that kernels need: rounding
 * to nearest, ties to even; denormal numbers kept; no traps. Returns the mode
 * before, for lp_restore_float_mode. On other CPUs than x86-64 and AArch64 it
 * does nothing. */
static inline uint64_t lp_set_float_mode(void) {
#if defined(__x86_64__)
  /* Of MXCSR: bits 13 and 14 round, 15 and 6 flush denormal results and
   * operands to 0, 7 to 12 mask the exceptions; the rest are flags. */
  uint32_t before;
  __asm__ volatile("stmxcsr %0" : "=m"(before));
  const uint32_t mode = (before & ~(uint32_t)0xe040) | 0x1f80;
  if (mode != before) {
    __asm__ volatile("ldmxcsr %0" : : "m"(mode));
  }
  return before;
#elif defined(__aarch64__)
  uint64_t before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  if (before != 0) {
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
  }
  return before;
#else
  return 0;
#endif
}

/* The mode that lp_set_float_mode found. */
static inline void lp_restore_float_mode(uint64_t before) {
#if defined(__x86_64__)
  const uint32_t mode = (uint32_t)before;
  if ((mode & 0xffc0) != 0x1f80) {
    __asm__ volatile("ldmxcsr %0" : : "m"(mode));
  }
#elif defined(__aarch64__)
  if (before != 0) {
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
  }
#else
  (void)before;
#endif
}

/* Runs a kernel: one phase after the other. LP_OK, or the status of the phase
 * with which it ended; LP_ERROR_SHAPE if that one has no number of tasks, and
 * then run_phase is not called for it. */
static inline int lp_run_with(const lp_kernel *kernel, const lp_args *args,
                              lp_run_phase run_phase, void *context) {
  for (int phase = 0; phase < kernel->num_phases; ++phase) {
    const int64_t tasks = kernel->tasks(args, phase);
    const int status = tasks < 0
                           ? (int)LP_ERROR_SHAPE
                           : run_phase(context, kernel, args, phase, tasks);
    if (status != LP_OK) {
      return status;
    }
  }
  return LP_OK;
}

/* Runs tasks [begin, end) of a phase in the floating-point mode that they need,
 * whatever that of the calling thread is. */
static inline int lp_run_tasks(const lp_kernel *kernel, const lp_args *args,
                               int phase, int64_t begin, int64_t end,
                               void *scratch) {
  const uint64_t mode = lp_set_float_mode();
  const int status = kernel->run(args, phase, begin, end, scratch);
  lp_restore_float_mode(mode);
  return status;
}

/* An lp_run_phase of the calling thread alone; context: its scratch. */
static inline int lp_run_phase_alone(void *context, const lp_kernel *kernel,
                                     const lp_args *args, int phase,
                                     int64_t tasks) {
  return lp_run_tasks(kernel, args, phase, 0, tasks, context);
}

/* Runs a kernel in the calling thread. scratch: scratch_size bytes. */
static inline int lp_run(const lp_kernel *kernel, const lp_args *args,
                         void *scratch) {
  return lp_run_with(kernel, args, lp_run_phase_alone, scratch);
}

#ifdef __cplusplus
}
#endif

#endif /* LPGEN_BASE_ABI_LP_KERNEL_H */
