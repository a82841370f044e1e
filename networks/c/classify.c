/* Classifies the images of an IDX file with an exported network and counts how
 * many are right.
 *
 *   classify network.lpn test-images.idx test-labels.idx [predictions.txt] */
#include "lp_network.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The bytes of an IDX file, its first extent and the product of the others;
 * exits on errors. */
static uint8_t *readIdx(const char *path, int64_t *images, int64_t *size) {
  uint8_t head[4];
  FILE *file = fopen(path, "rb");
  if (!file || fread(head, 1, 4, file) != 4 || head[2] != 8 || head[3] < 1) {
    fprintf(stderr, "classify: '%s' is no IDX file of bytes\n", path);
    exit(1);
  }
  *images = 0;
  *size = 1;
  for (int i = 0; i < head[3]; ++i) {
    uint8_t b[4];
    if (fread(b, 1, 4, file) != 4) {
      fprintf(stderr, "classify: '%s' ends early\n", path);
      exit(1);
    }
    const int64_t extent = (int64_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
    if (i == 0) {
      *images = extent;
    } else {
      *size *= extent;
    }
  }
  const size_t count = (size_t)(*images * *size);
  uint8_t *bytes = malloc(count + 1);
  if (!bytes || fread(bytes, 1, count, file) != count) {
    fprintf(stderr, "classify: '%s' ends early\n", path);
    exit(1);
  }
  fclose(file);
  return bytes;
}

/* The first of the greatest. */
static int64_t greatest(const float *scores, int64_t count) {
  int64_t best = 0;
  for (int64_t i = 1; i < count; ++i) {
    best = scores[i] > scores[best] ? i : best;
  }
  return best;
}

int main(int argc, char **argv) {
  if (argc != 4 && argc != 5) {
    fprintf(stderr,
            "usage: %s network.lpn IMAGES.idx LABELS.idx "
            "[PREDICTIONS.txt]\n",
            argv[0]);
    return 2;
  }
  char message[256];
  lp_network *network =
      lp_network_open(argv[1], lp_network_kernels, lp_network_num_kernels,
                      message, sizeof message);
  if (!network) {
    fprintf(stderr, "classify: %s\n", message);
    return 1;
  }
  int64_t count = 0, size = 0, labelled = 0, one = 0;
  uint8_t *images = readIdx(argv[2], &count, &size);
  uint8_t *labels = readIdx(argv[3], &labelled, &one);
  if (size != lp_network_image_size(network) || labelled != count || one != 1) {
    fprintf(stderr, "classify: the files do not fit the network\n");
    return 1;
  }
  const int64_t classes = lp_network_num_classes(network);
  float *scores = malloc((size_t)(count * classes) * sizeof(float) + 1);
  const int status =
      scores ? lp_network_run(network, images, count, scores) : LP_ERROR_NULL;
  if (status != LP_OK) {
    fprintf(stderr, "classify: a kernel failed with status %d, see lp_status\n",
            status);
    return 1;
  }
  FILE *predictions = argc == 5 ? fopen(argv[4], "w") : NULL;
  if (argc == 5 && !predictions) {
    fprintf(stderr, "classify: cannot write '%s'\n", argv[4]);
    return 1;
  }
  int64_t correct = 0;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t class = greatest(scores + i * classes, classes);
    correct += class == labels[i];
    if (predictions) {
      fprintf(predictions, "%" PRId64 "\n", class);
    }
  }
  if (predictions && fclose(predictions) != 0) {
    fprintf(stderr, "classify: cannot write '%s'\n", argv[4]);
    return 1;
  }
  printf("%" PRId64 " of %" PRId64 " test images right, %.2f %%\n", correct,
         count, count ? 100.0 * (double)correct / (double)count : 0.0);
  free(scores);
  free(labels);
  free(images);
  lp_network_close(network);
  return 0;
}
