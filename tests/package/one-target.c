/* Both operators of dots.lp on constant operands: every sum is N x w. Then the
 * status codes of wrong calls. */
#include "dot_s4s4.h"
#include "dot_u2b1.h"

#include "base/abi/CpuFeatures.h"
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { M = 3, N = 40, COLUMNS = 4, BYTES = 1 << 16 };

static alignas(LP_ALIGNMENT) unsigned char packed[2][BYTES];
static alignas(LP_ALIGNMENT) unsigned char workspace[BYTES];
static alignas(LP_ALIGNMENT) unsigned char scratch[BYTES];
static int8_t x[M][N];
static int8_t w[COLUMNS][N];
static int32_t y[M][COLUMNS];

/* Fits the static memory above, and all buffers are there. */
static int runKernel(const lp_kernel *kernel) {
  void *buffers[] = {x, w, y};
  for (int i = 0; i < 2; ++i) {
    const int64_t bytes = kernel->packed_size(i, 0);
    if (bytes > BYTES) {
      return -1;
    }
    if (bytes > 0) {
      const int status = kernel->pack(i, 0, buffers[i], packed[i]);
      if (status != LP_OK) {
        return status;
      }
      buffers[i] = packed[i];
    }
  }
  if (kernel->workspace_size(0) > BYTES || kernel->scratch_size() > BYTES) {
    return -1;
  }
  lp_args args = {buffers, 0, workspace, lp_cpu_features()};
  const int status = lp_run(kernel, &args, scratch);
  if (status != LP_OK) {
    return status;
  }
  if (kernel->run(&args, kernel->num_phases, 0, 0, scratch) != LP_ERROR_PHASE) {
    return -2;
  }
  buffers[2] = 0;
  return kernel->run(&args, 0, 0, 0, scratch) == LP_ERROR_NULL ? LP_OK : -3;
}

static int check(const lp_kernel *kernel, int xValue, int wValue) {
  memset(x, xValue, sizeof x);
  memset(w, wValue, sizeof w);
  memset(y, 0x55, sizeof y);
  const int status = runKernel(kernel);
  int wrong = 0;
  for (int i = 0; i < M; ++i) {
    for (int j = 0; j < COLUMNS; ++j) {
      wrong += y[i][j] != N * xValue * wValue;
    }
  }
  printf("%s: status %d, %d wrong\n", kernel->symbol, status, wrong);
  return status != LP_OK || wrong != 0;
}

int main(void) {
  return check(&lp_dot_u2b1_kernel, 3, -1) | check(&lp_dot_s4s4_kernel, -8, -8);
}
