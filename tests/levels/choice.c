/* The kernel that a library of several levels chooses on this CPU, by name and
 * by its result; and that kernels for more than the CPU has refuse to run.
 *
 *   choice TARGET NUMBER: the target whose kernel must be chosen, and how many
 * of the library's kernels must refuse. */
#include "dot.h"

#include "base/abi/CpuFeatures.h"
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { M = 3, N = 5, K = 96, BYTES = 1 << 16 };

static alignas(LP_ALIGNMENT) unsigned char packed[2][BYTES];
static alignas(LP_ALIGNMENT) unsigned char workspace[BYTES];
static alignas(LP_ALIGNMENT) unsigned char scratch[BYTES];
static uint8_t x[M][K];
static int8_t w[N][K];
static int32_t y[M][N];

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
  return lp_run(kernel, &args, scratch);
}

static int sumsAreRight(void) {
  memset(x, 255, sizeof x);
  memset(w, -128, sizeof w);
  memset(y, 0x55, sizeof y);
  const int status = runKernel(&lp_dot_kernel);
  if (status != LP_OK) {
    printf("status %d\n", status);
    return 0;
  }
  for (int i = 0; i < M; ++i) {
    for (int j = 0; j < N; ++j) {
      if (y[i][j] != K * 255 * -128) {
        printf("y[%d][%d] is %d, expected %d\n", i, j, y[i][j], K * 255 * -128);
        return 0;
      }
    }
  }
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fputs("usage: choice TARGET NUMBER\n", stderr);
    return 2;
  }
  const lp_kernel *const all[] = {KERNELS};
  const lp_kernel *chosen = lp_dot_select(lp_cpu_features());
  if (!chosen) {
    puts("no kernel for this CPU");
    return 1;
  }
  /* lp_dot_<types>_<template>_<target>_<hash> */
  const char *found = strstr(chosen->symbol, argv[1]);
  const int isWanted = found && strlen(found) == strlen(argv[1]) + 9;
  printf("%s, expected one for %s\n", chosen->symbol, argv[1]);
  int refused = 0;
  lp_args args = {(void *[]){x, w, y}, 0, workspace, lp_cpu_features()};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
    refused += all[i]->run(&args, 0, 0, 0, scratch) == LP_ERROR_CPU;
  }
  printf("%d kernels refuse this CPU, expected %s\n", refused, argv[2]);
  return !(isWanted && refused == atoi(argv[2]) && sumsAreRight());
}
