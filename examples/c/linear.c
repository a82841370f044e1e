/* Runs the generated kernel of linear.lp, which brings its weights: there is
 * nothing to pack, and only x and y are passed. Checked against three loops
 * over the values that linear.safetensors has. */
#include "linear.h"

#include "base/abi/CpuFeatures.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 3, DEPTH = 64, COLUMNS = 10 };
_Static_assert(LP_LINEAR_BUFFERS == 2, "the weights are no buffers");

static uint8_t x[ROWS][DEPTH]; /* u4 */
static float y[ROWS][COLUMNS];

/* LP_ALIGNMENT-aligned bytes, at least one. */
static void *allocate(int64_t bytes) {
  const size_t mask = LP_ALIGNMENT - 1;
  return aligned_alloc(LP_ALIGNMENT, ((size_t)bytes + 1 + mask) & ~mask);
}

static int countDifferences(void) {
  int differences = 0;
  for (int i = 0; i < ROWS; ++i) {
    for (int o = 0; o < COLUMNS; ++o) {
      int32_t sum = 0;
      for (int k = 0; k < DEPTH; ++k) {
        sum += x[i][k] * ((7 * o + 3 * k + o * k) % 16 - 8);
      }
      differences += y[i][o] != (float)sum * (0.125f * (float)(o + 1));
    }
  }
  return differences;
}

int main(void) {
  for (int i = 0; i < ROWS; ++i) {
    for (int k = 0; k < DEPTH; ++k) {
      x[i][k] = (uint8_t)((5 * i + 11 * k) % 16);
    }
  }
  void *buffers[] = {[LP_LINEAR_X] = x, [LP_LINEAR_Y] = y};
  const int64_t sizes[] = {[LP_LINEAR_SIZE_N] = ROWS};
  void *workspace = allocate(lp_linear_workspace_size(sizes));
  void *scratch = allocate(lp_linear_scratch_size());
  if (!workspace || !scratch) {
    fprintf(stderr, "out of memory\n");
    return 1;
  }
  const lp_args args = {.buffers = buffers,
                        .sizes = sizes,
                        .workspace = workspace,
                        .cpu_features = lp_cpu_features()};
  const int status = lp_run(&lp_linear_kernel, &args, scratch);
  free(workspace);
  free(scratch);
  if (status != LP_OK) {
    fprintf(stderr, "kernel failed with status %d, see enum lp_status\n",
            status);
    return 1;
  }
  const int differences = countDifferences();
  printf("%d of %d elements differ\n", differences, ROWS * COLUMNS);
  return differences != 0;
}
