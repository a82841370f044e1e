/* Classifies the images of an IDX file with the kernel of this folder.
 *
 *   classify IMAGES.idx              prints the class of each image, a line
 * each classify IMAGES.idx LABELS.idx   prints how many classes are right
 *
 * An IDX file holds bytes of several dimensions, of which the first is the
 * number of images. program.h has what this program knows of the kernel. */
#include "program.h"

#include "base/abi/CpuFeatures.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int64_t count; /* the first extent */
  int64_t size;  /* bytes of each image: the product of the others */
  uint8_t *bytes;
} Idx;

static void fail(const char *path, const char *what) {
  fprintf(stderr, "classify: '%s' %s\n", path, what);
  exit(1);
}

/* Zeros, at least one byte, aligned as kernels want their memory. */
static void *allocate(int64_t bytes) {
  const size_t mask = LP_ALIGNMENT - 1;
  const size_t size = ((size_t)bytes + LP_ALIGNMENT) & ~mask;
  void *memory = aligned_alloc(LP_ALIGNMENT, size);
  if (!memory) {
    fprintf(stderr,
            "classify: out of memory: cannot allocate %" PRId64 " bytes\n",
            bytes);
    exit(1);
  }
  return memset(memory, 0, size);
}

/* Sizes of a file that no computer holds are not multiplied. */
static int64_t product(const char *path, int64_t a, int64_t b) {
  const int64_t most = INT64_C(1) << 40;
  if (b != 0 && a > most / b) {
    fail(path, "claims more bytes than a file can have");
  }
  return a * b;
}

static void readHeader(const char *path, FILE *file, Idx *idx) {
  uint8_t head[4], extent[4];
  if (fread(head, 1, 4, file) != 4 || head[0] != 0 || head[1] != 0 ||
      head[2] != 8 || head[3] < 1) {
    fail(path, "is no IDX file of bytes");
  }
  idx->size = 1;
  for (int i = 0; i < head[3]; ++i) {
    if (fread(extent, 1, 4, file) != 4) {
      fail(path, "ends inside its header");
    }
    const int64_t value = (int64_t)extent[0] << 24 | (int64_t)extent[1] << 16 |
                          (int64_t)extent[2] << 8 | (int64_t)extent[3];
    if (i == 0) {
      idx->count = value;
    } else {
      idx->size = product(path, idx->size, value);
    }
  }
}

/* Room for `multiple` images more or less, so that they fill whole batches. */
static Idx readIdx(const char *path, int64_t multiple) {
  Idx idx;
  FILE *file = fopen(path, "rb");
  if (!file) {
    fprintf(stderr, "classify: cannot read '%s': %s\n", path, strerror(errno));
    exit(1);
  }
  readHeader(path, file, &idx);
  const int64_t images = (idx.count + multiple - 1) / multiple * multiple;
  const size_t bytes = (size_t)product(path, idx.count, idx.size);
  idx.bytes = allocate(product(path, images, idx.size));
  if (fread(idx.bytes, 1, bytes, file) != bytes) {
    fail(path, "ends before its last byte");
  }
  if (fgetc(file) != EOF) {
    fail(path, "has more bytes than its header says");
  }
  fclose(file);
  return idx;
}

/* A kernel without a run-time size computes BATCH images at a time. */
static const int64_t multiple = HAS_SIZE ? 1 : BATCH;

/* Scores [images, CLASSES]. */
static Score *run(const Idx *images) {
  const int64_t room = (images->count + multiple - 1) / multiple * multiple;
  Score *scores = allocate(room * CLASSES * (int64_t)sizeof(Score));
  int64_t size = BATCH;
  void *workspace = allocate(KERNEL.workspace_size(&size));
  void *scratch = allocate(KERNEL.scratch_size());
  for (int64_t begin = 0; begin < images->count; begin += BATCH) {
    void *const buffers[] = {images->bytes + begin * IMAGE_SIZE,
                             scores + begin * CLASSES};
    const lp_args args = {.buffers = buffers,
                          .sizes = &size,
                          .workspace = workspace,
                          .cpu_features = lp_cpu_features()};
    if (room - begin < BATCH) {
      size = room - begin;
    }
    const int status = lp_run(&KERNEL, &args, scratch);
    if (status != LP_OK) {
      fprintf(stderr,
              status == LP_ERROR_CPU
                  ? "classify: this CPU lacks what the kernel needs (%d)\n"
                  : "classify: the kernel failed with status %d, see "
                    "lp_status\n",
              status);
      exit(1);
    }
  }
  free(workspace);
  free(scratch);
  return scores;
}

/* The first of the greatest. */
static int64_t greatest(const Score *scores) {
  int64_t best = 0;
  for (int64_t i = 1; i < CLASSES; ++i) {
    best = scores[i] > scores[best] ? i : best;
  }
  return best;
}

int main(int argc, char **argv) {
  if (argc != 2 && argc != 3) {
    fprintf(stderr, "usage: %s IMAGES.idx [LABELS.idx]\n", argv[0]);
    return 2;
  }
  Idx images = readIdx(argv[1], multiple);
  if (images.size != IMAGE_SIZE) {
    fprintf(stderr,
            "classify: '%s' has images of %" PRId64
            " bytes, the network takes %" PRId64 "\n",
            argv[1], images.size, (int64_t)IMAGE_SIZE);
    return 1;
  }
  Idx labels = {0, 1, NULL};
  if (argc == 3) {
    labels = readIdx(argv[2], 1);
    if (labels.size != 1 || labels.count != images.count) {
      fail(argv[2], "does not have one label for each image");
    }
  }
  Score *scores = run(&images);
  int64_t right = 0;
  for (int64_t i = 0; i < images.count; ++i) {
    const int64_t class = greatest(scores + i * CLASSES);
    if (labels.bytes) {
      right += class == labels.bytes[i];
    } else {
      printf("%" PRId64 "\n", class);
    }
  }
  if (labels.bytes) {
    printf("%" PRId64 " of %" PRId64 " test images right, %.2f %%\n", right,
           images.count,
           images.count ? 100.0 * (double)right / (double)images.count : 0.0);
  }
  free(scores);
  free(labels.bytes);
  free(images.bytes);
  if (fflush(stdout) != 0) {
    fprintf(stderr, "classify: cannot write the results: %s\n",
            strerror(errno));
    return 1;
  }
  return 0;
}
