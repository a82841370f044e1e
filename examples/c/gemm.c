/* Runs the generated kernel of ../gemm_w4a4.lp from plain C: y = (x - zx) * w'
 * on 5 rows of 4-bit values, checked against the same sum in two loops. */
#include "gemm_w4a4.h"
#include "lp_easy.h"
#include <stdio.h>

enum { ROWS = 5, DEPTH = 256, COLUMNS = 64 };

static uint8_t x[ROWS][DEPTH];   /* u4 */
static int8_t w[COLUMNS][DEPTH]; /* s4 */
static float scale[COLUMNS], y[ROWS][COLUMNS];
static int32_t zx = 7, acc[ROWS][COLUMNS];

static int checkElement(int i, int j) {
  int32_t sum = 0;
  for (int k = 0; k < DEPTH; ++k) {
    sum += (x[i][k] - zx) * w[j][k];
  }
  return acc[i][j] == sum && y[i][j] == (float)sum * scale[j];
}

int main(void) {
  for (int k = 0; k < DEPTH; ++k) {
    for (int i = 0; i < COLUMNS; ++i) {
      x[i % ROWS][k] = (uint8_t)((k * k + i) % 16);
      w[i][k] = (int8_t)((k + i * i) % 16 - 8);
      scale[i] = 0.125f * (float)(i + 1);
    }
  }
  const int64_t sizes[LP_GEMM_W4A4_SIZES] = {[LP_GEMM_W4A4_SIZE_M] = ROWS};
  lp_easy gemm;
  lp_easy_open(&gemm, &lp_gemm_w4a4_kernel, sizes);
  lp_easy_set(&gemm, LP_GEMM_W4A4_X, x);
  lp_easy_set(&gemm, LP_GEMM_W4A4_W, w); /* packed here */
  lp_easy_set(&gemm, LP_GEMM_W4A4_ZX, &zx);
  lp_easy_set(&gemm, LP_GEMM_W4A4_SCALE, scale);
  lp_easy_set(&gemm, LP_GEMM_W4A4_ACC, acc);
  lp_easy_set(&gemm, LP_GEMM_W4A4_Y, y);
  const int status = lp_easy_run(&gemm); /* any number of times */
  lp_easy_close(&gemm);

  int good = 0;
  for (int i = 0; i < ROWS * COLUMNS; ++i) {
    good += checkElement(i / COLUMNS, i % COLUMNS);
  }
  printf("%s: %s, %d of %d elements agree\n", lp_gemm_w4a4_kernel.symbol,
         lp_easy_message(status), good, ROWS * COLUMNS);
  return status == LP_OK && good == ROWS * COLUMNS ? 0 : 1;
}
