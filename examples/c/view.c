/* Runs the generated kernel of view.lp on a part of a picture, without a copy:
 * the pointer to its first pixel and the strides say where it is. Checked
 * against the same sum in a loop. */
#include "view.h"
#include "lp_easy.h"
#include <stdio.h>

enum { HEIGHT = 48, WIDTH = 64, TOP = 5, LEFT = 7, H = 16, V = 20 };

static uint8_t picture[3][HEIGHT][WIDTH];
static int8_t w[8][3][3][3]; /* s4 */
static int32_t y[H][V][8];

/* A pixel of the part; outside it is 0, whatever the picture has there. */
static int pixel(int i, int j, int c) {
  return i >= 0 && i < H && j >= 0 && j < V ? picture[c][TOP + i][LEFT + j] : 0;
}

int main(void) {
  for (int i = 0; i < 3 * HEIGHT * WIDTH; ++i) {
    picture[i % 3][i / 3 / WIDTH][i / 3 % WIDTH] = (uint8_t)(i * 7 / 3);
  }
  for (int i = 0; i < 8 * 27; ++i) {
    w[i / 27][i % 27 / 9][i % 9 / 3][i % 3] = (int8_t)(i * 5 / 3 % 16 - 8);
  }
  int64_t sizes[] = {[LP_VIEW_SIZE_H] = H,
                     [LP_VIEW_SIZE_V] = V,
                     [LP_VIEW_SIZE_ROW] = WIDTH,
                     [LP_VIEW_SIZE_PLANE] = (int64_t)HEIGHT * WIDTH};
  void *const buffers[] = {
      [LP_VIEW_X] = &picture[0][TOP][LEFT], [LP_VIEW_W] = w, [LP_VIEW_Y] = y};
  const int status = lp_easy_call(&lp_view_kernel, sizes, buffers);
  int wrong = 0;
  for (int i = 0; i < H * V * 8; ++i) {
    const int h = i / 8 / V;
    const int v = i / 8 % V;
    int32_t sum = 0;
    for (int k = 0; k < 27; ++k) {
      const int r = k / 9;
      const int s = k % 9 / 3;
      sum += pixel(h + r - 1, v + s - 1, k % 3) * w[i % 8][r][s][k % 3];
    }
    wrong += y[h][v][i % 8] != sum;
  }
  printf("%s, %d of %d elements differ\n", lp_easy_message(status), wrong,
         H * V * 8);
  /* Rows that run into each other are refused, and nothing is written. */
  sizes[LP_VIEW_SIZE_ROW] = V - 1;
  const int refused = lp_easy_call(&lp_view_kernel, sizes, buffers);
  printf("rows of %d: %s\n", V - 1, lp_easy_message(refused));
  return status != LP_OK || wrong || refused != LP_ERROR_SHAPE;
}
