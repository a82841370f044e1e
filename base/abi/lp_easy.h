/* A kernel with the memory that it needs, for programs of one thread that can
 * use malloc. One call:
 *
 *   void *const buffers[] = {[LP_GEMM_X] = x, [LP_GEMM_W] = w, ...};
 *   int status = lp_easy_call(&lp_gemm_kernel, sizes, buffers);
 *
 * Many calls, between which weights stay packed:
 *
 *   lp_easy easy;
 *   int status = lp_easy_open(&easy, &lp_gemm_kernel, sizes);
 *   lp_easy_set(&easy, LP_GEMM_X, x);      each input and output
 *   lp_easy_set(&easy, LP_GEMM_W, w);      packed here if the kernel wants it
 *   ...
 *   if (status == LP_OK)
 *     status = lp_easy_run(&easy);         any number of times
 *   lp_easy_close(&easy);
 *
 * A failure is kept: later calls do nothing and return it, so that the status
 * of lp_easy_run is enough. lp_kernel.h has what this stands on, for other
 * memory and for threads. */
#ifndef LPGEN_BASE_ABI_LP_EASY_H
#define LPGEN_BASE_ABI_LP_EASY_H

#include "CpuFeatures.h"
#include "lp_kernel.h"
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Beside those of enum lp_status. */
enum lp_easy_status {
  LP_EASY_ERROR_VERSION = 100, /* the kernel is of another LP_ABI_VERSION */
  LP_EASY_ERROR_MEMORY = 101,  /* there is no memory */
  LP_EASY_ERROR_BUFFER = 102,  /* no buffer has this number */
};

typedef struct lp_easy {
  const lp_kernel *kernel;
  lp_args args;
  void **buffers; /* what the kernel reads and writes */
  void **packed;  /* those of them that are packed here, else null */
  int64_t *sizes;
  void *scratch;
  int status; /* LP_OK, or the first failure */
} lp_easy;

/* LP_ALIGNMENT-aligned bytes, to be freed; null if there are none. */
static inline void *lp_easy_allocate(lp_easy *easy, int64_t bytes) {
  void *memory = NULL;
  const size_t mask = LP_ALIGNMENT - 1;
  if (bytes > 0) { /* C11 wants a multiple of the alignment */
    memory = aligned_alloc(LP_ALIGNMENT, ((size_t)bytes + mask) & ~mask);
    if (!memory) {
      easy->status = LP_EASY_ERROR_MEMORY;
    }
  }
  return memory;
}

/* A kernel for these run-time sizes, which are copied; null if it has none. To
 * be closed whatever it returns. */
static inline int lp_easy_open(lp_easy *easy, const lp_kernel *kernel,
                               const int64_t *sizes) {
  memset(easy, 0, sizeof *easy);
  easy->kernel = kernel;
  if (kernel->abi_version != LP_ABI_VERSION) {
    easy->status = LP_EASY_ERROR_VERSION;
    return easy->status;
  }
  const size_t buffers = (size_t)kernel->num_buffers;
  const size_t numSizes = (size_t)kernel->num_sizes;
  easy->buffers = (void **)calloc(2 * buffers + 1, sizeof(void *));
  easy->sizes = (int64_t *)calloc(numSizes + 1, sizeof(int64_t));
  if (!easy->buffers || !easy->sizes) {
    easy->status = LP_EASY_ERROR_MEMORY;
    return easy->status;
  }
  easy->packed = easy->buffers + buffers;
  for (size_t i = 0; i < numSizes; ++i) {
    easy->sizes[i] = sizes ? sizes[i] : -1;
  }
  const int64_t workspace = kernel->workspace_size(easy->sizes);
  if (workspace < 0) {
    easy->status = LP_ERROR_SHAPE;
    return easy->status;
  }
  easy->args.buffers = easy->buffers;
  easy->args.sizes = easy->sizes;
  easy->args.workspace = lp_easy_allocate(easy, workspace);
  easy->args.cpu_features = lp_cpu_features();
  easy->scratch = lp_easy_allocate(easy, kernel->scratch_size());
  return easy->status;
}

/* Gives an input or output, which is used where it lies; one that the kernel
 * wants packed is packed now, and not used again. */
static inline int lp_easy_set(lp_easy *easy, int buffer, void *data) {
  if (easy->status != LP_OK) {
    return easy->status;
  }
  if (buffer < 0 || buffer >= easy->kernel->num_buffers) {
    easy->status = LP_EASY_ERROR_BUFFER;
    return easy->status;
  }
  const int64_t bytes = easy->kernel->packed_size(buffer, easy->sizes);
  easy->buffers[buffer] = data;
  if (bytes > 0) {
    if (!easy->packed[buffer]) {
      easy->packed[buffer] = lp_easy_allocate(easy, bytes);
    }
    easy->buffers[buffer] = easy->packed[buffer];
    if (easy->status == LP_OK) {
      easy->status =
          easy->kernel->pack(buffer, easy->sizes, data, easy->packed[buffer]);
    }
  }
  return easy->status;
}

static inline int lp_easy_run(lp_easy *easy) {
  if (easy->status == LP_OK) {
    easy->status = lp_run(easy->kernel, &easy->args, easy->scratch);
  }
  return easy->status;
}

static inline void lp_easy_close(lp_easy *easy) {
  for (int i = 0; easy->packed && i < easy->kernel->num_buffers; ++i) {
    free(easy->packed[i]);
  }
  free(easy->buffers);
  free(easy->sizes);
  free(easy->args.workspace);
  free(easy->scratch);
  easy->packed = easy->buffers = NULL;
  easy->sizes = NULL;
  easy->args.workspace = easy->scratch = NULL;
}

/* Runs a kernel once on its inputs and outputs, in declared order. */
static inline int lp_easy_call(const lp_kernel *kernel, const int64_t *sizes,
                               void *const *buffers) {
  lp_easy easy;
  lp_easy_open(&easy, kernel, sizes);
  for (int i = 0; easy.status == LP_OK && i < kernel->num_buffers; ++i) {
    lp_easy_set(&easy, i, buffers[i]);
  }
  const int status = lp_easy_run(&easy);
  lp_easy_close(&easy);
  return status;
}

/* What a status means, for people. */
static inline const char *lp_easy_message(int status) {
  switch (status) {
  case LP_OK:
    return "done";
  case LP_ERROR_NULL:
    return "an input or output was not set";
  case LP_ERROR_ALIGNMENT:
    return "a buffer is not aligned to its element";
  case LP_ERROR_ALIAS:
    return "an output overlaps another buffer";
  case LP_ERROR_SHAPE:
    return "a run-time size is negative or above its bound, or strides let "
           "elements share places";
  case LP_ERROR_LAYOUT:
    return "a buffer was packed for another kernel";
  case LP_ERROR_CPU:
    return "this CPU lacks features that the kernel needs";
  case LP_ERROR_PHASE:
    return "the kernel does not have this phase, task or buffer";
  case LP_EASY_ERROR_VERSION:
    return "the kernel was compiled for another version of the interface";
  case LP_EASY_ERROR_MEMORY:
    return "there is no memory";
  case LP_EASY_ERROR_BUFFER:
    return "the kernel has no buffer of this number";
  default:
    return "unknown status";
  }
}

#ifdef __cplusplus
}
#endif

#endif /* LPGEN_BASE_ABI_LP_EASY_H */
