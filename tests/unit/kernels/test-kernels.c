/* Kernels written by hand, in the form of generated ones, to test what runs
 * kernels: two good ones and some that break a rule each. Freestanding; built
 * as an object per architecture, as a shared object, and linked into tests. */
#include "base/abi/lp_kernel.h"

#define EXPORT __attribute__((visibility("default")))

/* Places the descriptor's address where the kernel runner looks for it. */
#define REGISTER(name)                                                         \
  __attribute__((section("lp_kernels"), used, retain))                         \
  const lp_kernel *const name##_entry = &lp_##name##_kernel;

static int64_t noBytes(void) { return 0; }
static int64_t noWorkspace(const int64_t *sizes) { return 0; }
static int64_t nothingPacked(int buffer, const int64_t *sizes) { return 0; }
static int cannotPack(int buffer, const int64_t *sizes, const void *logical,
                      void *packed) {
  return LP_ERROR_PHASE;
}

/* twice(x: i32[?m]) -> (y: i32[?m]): y[i] = 2 * x[i]; a task per element. */
static int64_t twiceTasks(const lp_args *args, int phase) {
  return args->sizes[0] < 0 || args->sizes[0] > 100 ? -1 : args->sizes[0];
}

static int twiceRun(const lp_args *args, int phase, int64_t begin, int64_t end,
                    void *scratch) {
  if (phase != 0 || begin < 0 || end > twiceTasks(args, 0)) {
    return LP_ERROR_PHASE;
  }
  const int32_t *x = args->buffers[0];
  int32_t *y = args->buffers[1];
  for (int64_t i = begin; i < end; ++i) {
    y[i] = 2 * x[i];
  }
  return LP_OK;
}

EXPORT const lp_kernel lp_twice_kernel = {LP_ABI_VERSION,
                                          2,
                                          1,
                                          1,
                                          1,
                                          0,
                                          0,
                                          1,
                                          "twice",
                                          "twice_i32_test",
                                          twiceRun,
                                          twiceTasks,
                                          noBytes,
                                          noWorkspace,
                                          nothingPacked,
                                          cannotPack};
REGISTER(twice)

/* prefix(x: u8[10]) -> (y: i32[10]): y[i] = x[0] + ... + x[i]. Wants x packed,
 * one i32 per element and a layout mark; phase 0 copies through scratch to the
 * workspace, a task per element; phase 1 sums. */
enum { PrefixSize = 10, PrefixMark = 0x4C50 };

static int64_t prefixBytes(int buffer, const int64_t *sizes) {
  return buffer == 0 ? ((int64_t)PrefixSize + 1) * 4 : 0;
}

static int prefixPack(int buffer, const int64_t *sizes, const void *logical,
                      void *packed) {
  const uint8_t *from = logical;
  int32_t *to = packed;
  if (buffer != 0) {
    return LP_ERROR_PHASE;
  }
  to[0] = PrefixMark;
  for (int i = 0; i < PrefixSize; ++i) {
    to[i + 1] = from[i];
  }
  return LP_OK;
}

static int64_t prefixTasks(const lp_args *args, int phase) {
  return PrefixSize;
}
static int64_t prefixScratch(void) { return 4; }
static int64_t prefixWorkspace(const int64_t *sizes) {
  return (int64_t)4 * PrefixSize;
}

static int prefixRun(const lp_args *args, int phase, int64_t begin, int64_t end,
                     void *scratch) {
  const int32_t *x = args->buffers[0];
  int32_t *copy = args->workspace;
  int32_t *cell = scratch;
  if (x[0] != PrefixMark) {
    return LP_ERROR_LAYOUT;
  }
  for (int64_t i = begin; i < end; ++i) {
    if (phase == 0) {
      *cell = x[i + 1];
      copy[i] = *cell;
      continue;
    }
    int32_t sum = 0;
    for (int64_t j = 0; j <= i; ++j) {
      sum += copy[j];
    }
    ((int32_t *)args->buffers[1])[i] = sum;
  }
  return LP_OK;
}

EXPORT const lp_kernel lp_prefix_kernel = {LP_ABI_VERSION,
                                           2,
                                           1,
                                           0,
                                           2,
                                           0,
                                           0,
                                           2,
                                           "prefix",
                                           "prefix_u8_test",
                                           prefixRun,
                                           prefixTasks,
                                           prefixScratch,
                                           prefixWorkspace,
                                           prefixBytes,
                                           prefixPack};
REGISTER(prefix)

/* Kernels that break a rule, all (x: u8[16]) -> (y: u8[16]) in one task. */
static int64_t oneTask(const lp_args *args, int phase) { return 1; }
static int64_t someWorkspace(const int64_t *sizes) { return 10; }

static int readPastInput(const lp_args *args, int phase, int64_t begin,
                         int64_t end, void *scratch) {
  const volatile uint8_t *x = args->buffers[0];
  *(uint8_t *)args->buffers[1] = x[16];
  return LP_OK;
}

static int writeInput(const lp_args *args, int phase, int64_t begin,
                      int64_t end, void *scratch) {
  ((volatile uint8_t *)args->buffers[0])[3] = 1;
  return LP_OK;
}

static int writePastWorkspace(const lp_args *args, int phase, int64_t begin,
                              int64_t end, void *scratch) {
  ((volatile uint8_t *)args->workspace)[10] = 1;
  return LP_OK;
}

static int writeBeforeOutput(const lp_args *args, int phase, int64_t begin,
                             int64_t end, void *scratch) {
  ((volatile uint8_t *)args->buffers[1])[-1] = 1;
  return LP_OK;
}

static int wildPointer(const lp_args *args, int phase, int64_t begin,
                       int64_t end, void *scratch) {
  *(volatile uint8_t *)8 = 1;
  return LP_OK;
}

static int refuse(const lp_args *args, int phase, int64_t begin, int64_t end,
                  void *scratch) {
  return LP_ERROR_CPU;
}

/* Runs without end on the stack, where no signal handler can run. */
static int overflowStack(const lp_args *args, int phase, int64_t begin,
                         int64_t end, void *scratch) {
  volatile uint8_t frame[4096];
  frame[0] = (uint8_t)begin;
  const int status =
      begin < 0 ? LP_OK : overflowStack(args, phase, begin + 1, end, scratch);
  return status + frame[0];
}

#define BREAKER(name, function, version)                                       \
  EXPORT const lp_kernel lp_##name##_kernel = {version,                        \
                                               2,                              \
                                               1,                              \
                                               0,                              \
                                               1,                              \
                                               0,                              \
                                               0,                              \
                                               3,                              \
                                               #name,                          \
                                               #name "_test",                  \
                                               function,                       \
                                               oneTask,                        \
                                               noBytes,                        \
                                               someWorkspace,                  \
                                               nothingPacked,                  \
                                               cannotPack};                    \
  REGISTER(name)

BREAKER(read_past_input, readPastInput, LP_ABI_VERSION)
BREAKER(write_input, writeInput, LP_ABI_VERSION)
BREAKER(write_past_workspace, writePastWorkspace, LP_ABI_VERSION)
BREAKER(write_before_output, writeBeforeOutput, LP_ABI_VERSION)
BREAKER(wild_pointer, wildPointer, LP_ABI_VERSION)
BREAKER(refuse, refuse, LP_ABI_VERSION)
BREAKER(overflow_stack, overflowStack, LP_ABI_VERSION)
BREAKER(other_abi, refuse, LP_ABI_VERSION + 1)
