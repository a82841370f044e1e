/* Runs the generated kernel of ../gemm_w4a4.lp from plain C: (x - zx) * w' on
 * 5 rows of 4-bit values, checked against the same sum in a loop. */
#include "gemm_w4a4.h"
#include "lp_easy.h"
#include <stdio.h>

static uint8_t x[5][256]; /* u4 */
static int8_t w[64][256]; /* s4 */
static int32_t zx = 7, acc[5][64];
static float scale[64], y[5][64];

int main(void) {
  for (int i = 0; i < 64 * 256; ++i) {
    const int row = i / 256;
    x[row % 5][i % 256] = (uint8_t)(i / 3 % 16);
    w[row][i % 256] = (int8_t)(i * 7 / 5 % 16 - 8);
    scale[row] = 0.125f * (float)row;
  }
  const int64_t sizes[] = {[LP_GEMM_W4A4_SIZE_M] = 5};
  void *const buffers[] = {
      [LP_GEMM_W4A4_X] = x,     [LP_GEMM_W4A4_W] = w,
      [LP_GEMM_W4A4_ZX] = &zx,  [LP_GEMM_W4A4_SCALE] = scale,
      [LP_GEMM_W4A4_ACC] = acc, [LP_GEMM_W4A4_Y] = y};
  const int status = lp_easy_call(&lp_gemm_w4a4_kernel, sizes, buffers);
  int wrong = 0;
  for (int i = 0; i < 5 * 64; ++i) {
    int32_t sum = 0;
    for (int k = 0; k < 256; ++k) {
      sum += (x[i / 64][k] - zx) * w[i % 64][k];
    }
    wrong += acc[i / 64][i % 64] != sum ||
             y[i / 64][i % 64] != (float)sum * scale[i % 64];
  }
  printf("%s, %d of 320 elements differ\n", lp_easy_message(status), wrong);
  return status != LP_OK || wrong;
}
