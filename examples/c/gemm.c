/* Runs the generated kernel of ../gemm_w4a4.lp from plain C: y = (x - zx) * w'
 * on 5 rows of 4-bit values, checked against the same sum in three loops.
 *
 * All that the kernel needs is here: its memory belongs to the caller. Several
 * threads would share the tasks of a phase by lp_run_with, each with a scratch
 * of its own. */
#include "gemm_w4a4.h"

#include "base/abi/CpuFeatures.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 5, DEPTH = 256, COLUMNS = 64 };

/* What the kernel of one call needs besides the tensors. */
struct Memory {
  void *packed[LP_GEMM_W4A4_BUFFERS]; /* null where the kernel reads logical */
  void *workspace;
  void *scratch;
};

/* LP_ALIGNMENT-aligned bytes; null for none. C11 wants a multiple. */
static void *allocate(int64_t bytes) {
  const size_t mask = LP_ALIGNMENT - 1;
  void *memory = NULL;
  if (bytes > 0) {
    memory = aligned_alloc(LP_ALIGNMENT, ((size_t)bytes + mask) & ~mask);
    if (!memory) {
      fprintf(stderr, "out of memory: cannot allocate %" PRId64 " bytes\n",
              bytes);
      exit(1);
    }
  }
  return memory;
}

static void release(struct Memory *memory) {
  for (int i = 0; i < LP_GEMM_W4A4_BUFFERS; ++i) {
    free(memory->packed[i]);
  }
  free(memory->workspace);
  free(memory->scratch);
}

/* Packs every buffer that the kernel wants packed; a program with constant
 * weights does this once. */
static int pack(const int64_t *sizes, void **buffers, struct Memory *memory) {
  for (int i = 0; i < LP_GEMM_W4A4_BUFFERS; ++i) {
    const int64_t bytes = lp_gemm_w4a4_packed_size(i, sizes);
    if (bytes > 0) {
      memory->packed[i] = allocate(bytes);
      const int status =
          lp_gemm_w4a4_pack(i, sizes, buffers[i], memory->packed[i]);
      if (status != LP_OK) {
        return status;
      }
      buffers[i] = memory->packed[i];
    }
  }
  return LP_OK;
}

static uint8_t x[ROWS][DEPTH];   /* u4 */
static int8_t w[COLUMNS][DEPTH]; /* s4 */
static float scale[COLUMNS];
static int32_t acc[ROWS][COLUMNS];
static float y[ROWS][COLUMNS];

static void fill(void) {
  uint32_t state = 1;
  for (int k = 0; k < DEPTH; ++k) {
    for (int i = 0; i < ROWS; ++i) {
      state = state * 1664525u + 1013904223u;
      x[i][k] = (uint8_t)(state >> 28);
    }
    for (int j = 0; j < COLUMNS; ++j) {
      state = state * 1664525u + 1013904223u;
      w[j][k] = (int8_t)((int)(state >> 28) - 8);
    }
  }
  for (int j = 0; j < COLUMNS; ++j) {
    scale[j] = 0.125f * (float)(j + 1);
  }
}

static int countDifferences(int32_t zx) {
  int differences = 0;
  for (int i = 0; i < ROWS; ++i) {
    for (int j = 0; j < COLUMNS; ++j) {
      int32_t sum = 0;
      for (int k = 0; k < DEPTH; ++k) {
        sum += (x[i][k] - zx) * w[j][k];
      }
      if (acc[i][j] != sum || y[i][j] != (float)sum * scale[j]) {
        ++differences;
      }
    }
  }
  return differences;
}

int main(void) {
  int32_t zx = 7;
  const int64_t sizes[LP_GEMM_W4A4_SIZES] = {[LP_GEMM_W4A4_SIZE_M] = ROWS};
  void *buffers[LP_GEMM_W4A4_BUFFERS] = {
      [LP_GEMM_W4A4_X] = x,     [LP_GEMM_W4A4_W] = w,
      [LP_GEMM_W4A4_ZX] = &zx,  [LP_GEMM_W4A4_SCALE] = scale,
      [LP_GEMM_W4A4_ACC] = acc, [LP_GEMM_W4A4_Y] = y,
  };
  fill();

  struct Memory memory = {{NULL}, NULL, NULL};
  int status = pack(sizes, buffers, &memory);
  if (status == LP_OK) {
    memory.workspace = allocate(lp_gemm_w4a4_workspace_size(sizes));
    memory.scratch = allocate(lp_gemm_w4a4_scratch_size());
    const lp_args args = {.buffers = buffers,
                          .sizes = sizes,
                          .workspace = memory.workspace,
                          .cpu_features = lp_cpu_features()};
    status = lp_run(&lp_gemm_w4a4_kernel, &args, memory.scratch);
  }
  release(&memory);
  if (status != LP_OK) {
    fprintf(stderr, "kernel failed with status %d, see enum lp_status\n",
            status);
    return 1;
  }

  /* Of several targets in one library, "dispatch" takes the best for this CPU.
   */
  printf("kernel %s\n", lp_gemm_w4a4_kernel.symbol);
  printf("acc[0][0] = %" PRId32 ", y[0][0] = %g\n", acc[0][0], (double)y[0][0]);
  const int differences = countDifferences(zx);
  if (differences != 0) {
    printf("%d of %d elements differ\n", differences, ROWS * COLUMNS);
    return 1;
  }
  printf("all %d elements agree\n", ROWS * COLUMNS);
  return 0;
}
