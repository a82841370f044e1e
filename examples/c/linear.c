/* Runs the generated kernel of linear.lp, which brings its weights: only x and
 * y are passed. Checked against the sum over the values that
 * linear.safetensors has. */
#include "linear.h"
#include "lp_easy.h"
#include <stdio.h>

_Static_assert(LP_LINEAR_BUFFERS == 2, "the weights are no buffers");

static uint8_t x[3][64]; /* u4 */
static float y[3][10];

int main(void) {
  for (int i = 0; i < 3 * 64; ++i) {
    x[i / 64][i % 64] = (uint8_t)((5 * (i / 64) + 11 * (i % 64)) % 16);
  }
  const int64_t sizes[] = {[LP_LINEAR_SIZE_N] = 3};
  void *const buffers[] = {[LP_LINEAR_X] = x, [LP_LINEAR_Y] = y};
  const int status = lp_easy_call(&lp_linear_kernel, sizes, buffers);
  int wrong = 0;
  for (int i = 0; i < 3 * 10; ++i) {
    const int o = i % 10;
    int32_t sum = 0;
    for (int k = 0; k < 64; ++k) {
      sum += x[i / 10][k] * ((7 * o + 3 * k + o * k) % 16 - 8);
    }
    wrong += y[i / 10][o] != (float)sum * (0.125f * (float)(o + 1));
  }
  printf("%s, %d of 30 elements differ\n", lp_easy_message(status), wrong);
  return status != LP_OK || wrong;
}
