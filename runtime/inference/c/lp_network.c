/* Reading the file, and one kernel after the other over two buffers. */
#include "lp_network.h"
#include "runtime/core/CpuFeatures.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FLOATS = 4, PIXELS = 256 };

typedef struct {
  const lp_kernel *kernel;
  int64_t outputs; /* elements of each image */
  void *weights;   /* as the kernel wants them; null for a pool */
  float *floats[MAX_FLOATS];
  int numFloats;
} Stage;

struct lp_network {
  int64_t height, width, channels, classes;
  int64_t batch; /* images of one call */
  int numStages;
  Stage *stages;
  uint8_t *table;      /* [channels][PIXELS], the codes of pixels */
  uint8_t *buffers[2]; /* codes between stages, in turn */
  void *workspace;
  void *scratch;
};

/* What is left of the file. A read beyond the end marks it as bad. */
typedef struct {
  const uint8_t *next;
  const uint8_t *end;
  int bad;
} Reader;

static const uint8_t *take(Reader *reader, uint64_t count) {
  const uint8_t *at = reader->next;
  if (reader->bad || count > (uint64_t)(reader->end - at)) {
    reader->bad = 1;
    return NULL;
  }
  reader->next += count;
  return at;
}

static uint32_t takeU32(Reader *reader) {
  const uint8_t *b = take(reader, 4);
  return b ? (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
                 (uint32_t)b[3] << 24
           : 0;
}

static void *allocate(int64_t bytes) {
  const size_t mask = LP_ALIGNMENT - 1;
  return aligned_alloc(LP_ALIGNMENT, ((size_t)bytes + LP_ALIGNMENT) & ~mask);
}

/* FNV-1a, 64 bits. */
static uint64_t digest(const uint8_t *bytes, int64_t count) {
  uint64_t sum = UINT64_C(0xcbf29ce484222325);
  for (int64_t i = 0; i < count; ++i) {
    sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
  }
  return sum;
}

static uint8_t *readFile(const char *path, int64_t *count) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    return NULL;
  }
  uint8_t *bytes = NULL;
  if (fseek(file, 0, SEEK_END) == 0 && (*count = ftell(file)) > 0) {
    rewind(file);
    bytes = malloc((size_t)*count);
    if (bytes && fread(bytes, 1, (size_t)*count, file) != (size_t)*count) {
      free(bytes);
      bytes = NULL;
    }
  }
  fclose(file);
  return bytes;
}

/* The file without its digest, if it is complete. */
static const char *checkFile(const uint8_t *bytes, int64_t count,
                             Reader *reader) {
  if (count < 16 || memcmp(bytes, "LPGENNET", 8) != 0) {
    return "is no exported network";
  }
  uint64_t stored = 0;
  for (int i = 8; i > 0; --i) {
    stored = stored << 8 | bytes[count - 9 + i];
  }
  if (stored != digest(bytes, count - 8)) {
    return "is damaged or incomplete";
  }
  *reader = (Reader){bytes + 8, bytes + count - 8, 0};
  return takeU32(reader) == 1 ? NULL : "has another version of the format";
}

/* Weights from their widths to bytes, then to the form of the kernel. */
static const char *readWeights(Reader *reader, int64_t count, Stage *stage,
                               const int64_t *sizes) {
  const uint32_t bits = takeU32(reader);
  const int32_t lowest = (int32_t)takeU32(reader);
  if (bits < 1 || bits > 8) {
    return "has weights of a width beyond 8";
  }
  const uint8_t *packed = take(reader, ((uint64_t)count * bits + 7) / 8);
  if (!packed) {
    return "ends early";
  }
  int8_t *logical = allocate(count);
  if (!logical) {
    return "needs more memory than there is";
  }
  uint32_t pending = 0, available = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (available < bits) {
      pending |= (uint32_t)*packed++ << available;
      available += 8;
    }
    logical[i] = (int8_t)((int32_t)(pending & ((1u << bits) - 1)) + lowest);
    pending >>= bits;
    available -= bits;
  }
  const int64_t size = stage->kernel->packed_size(1, sizes);
  if (size == 0) {
    stage->weights = logical;
    return NULL;
  }
  stage->weights = allocate(size);
  const int status =
      stage->weights ? stage->kernel->pack(1, sizes, logical, stage->weights)
                     : LP_ERROR_NULL;
  free(logical);
  return status == LP_OK ? NULL : "has weights that do not fit the kernel";
}

static const char *readStage(Reader *reader, Stage *stage,
                             const int64_t *sizes) {
  const uint32_t length = takeU32(reader);
  const uint8_t *name = take(reader, length);
  if (!name || strlen(stage->kernel->op) != length ||
      memcmp(name, stage->kernel->op, length) != 0) {
    return "was exported with other kernels";
  }
  stage->outputs = (int64_t)takeU32(reader) * takeU32(reader);
  const int64_t weights = takeU32(reader);
  const char *error =
      weights ? readWeights(reader, weights, stage, sizes) : NULL;
  const uint32_t floats = takeU32(reader);
  for (uint32_t i = 0; !error && i < floats; ++i) {
    const uint32_t count = takeU32(reader);
    if (i >= MAX_FLOATS || reader->bad ||
        count > (uint64_t)(reader->end - reader->next) / 4) {
      return "ends early";
    }
    float *values = allocate((int64_t)count * 4);
    stage->floats[i] = values;
    stage->numFloats = (int)i + 1;
    for (uint32_t k = 0; values && k < count; ++k) {
      const uint32_t bits = takeU32(reader);
      memcpy(values + k, &bits, sizeof bits);
    }
    error = values ? NULL : "needs more memory than there is";
  }
  return error ? error : reader->bad ? "ends early" : NULL;
}

/* Buffers for the largest stage, and the memory of the kernels. */
static const char *allocateMemory(lp_network *network) {
  int64_t codes = lp_network_image_size(network), workspace = 0, scratch = 0;
  for (int i = 0; i < network->numStages; ++i) {
    const Stage *stage = network->stages + i;
    const int64_t space = stage->kernel->workspace_size(&network->batch);
    const int64_t own = stage->kernel->scratch_size();
    codes = stage->outputs > codes ? stage->outputs : codes;
    workspace = space > workspace ? space : workspace;
    scratch = own > scratch ? own : scratch;
  }
  network->buffers[0] = allocate(codes * network->batch);
  network->buffers[1] = allocate(codes * network->batch);
  network->workspace = allocate(workspace);
  network->scratch = allocate(scratch);
  return network->buffers[0] && network->buffers[1] && network->workspace &&
                 network->scratch
             ? NULL
             : "needs more memory than there is";
}

static const char *readNetwork(Reader *reader, lp_network *network,
                               const lp_kernel *const *kernels,
                               int num_kernels) {
  network->height = takeU32(reader);
  network->width = takeU32(reader);
  network->channels = takeU32(reader);
  network->classes = takeU32(reader);
  network->batch = takeU32(reader);
  if (takeU32(reader) != (uint32_t)num_kernels || num_kernels < 1) {
    return "was exported with other kernels";
  }
  const int64_t codes = network->channels * PIXELS;
  const uint8_t *table = take(reader, (uint64_t)codes);
  network->table = table ? malloc((size_t)codes) : NULL;
  network->stages = calloc((size_t)num_kernels, sizeof(Stage));
  if (!network->table || !network->stages) {
    return "ends early, or needs more memory than there is";
  }
  memcpy(network->table, table, (size_t)codes);
  network->numStages = num_kernels;
  for (int i = 0; i < num_kernels; ++i) {
    network->stages[i].kernel = kernels[i];
    if (kernels[i]->abi_version != LP_ABI_VERSION) {
      return "has kernels of another version of the interface";
    }
    const char *error = readStage(reader, network->stages + i, &network->batch);
    if (error) {
      return error;
    }
  }
  return allocateMemory(network);
}

lp_network *lp_network_open(const char *path, const lp_kernel *const *kernels,
                            int num_kernels, char *message, int size) {
  int64_t count = 0;
  uint8_t *bytes = readFile(path, &count);
  lp_network *network = calloc(1, sizeof(lp_network));
  const char *error = "cannot be read";
  if (bytes && network) {
    Reader reader;
    error = checkFile(bytes, count, &reader);
    if (!error) {
      error = readNetwork(&reader, network, kernels, num_kernels);
    }
  }
  free(bytes);
  if (error) {
    snprintf(message, (size_t)size, "'%s' %s", path, error);
    lp_network_close(network);
    return NULL;
  }
  return network;
}

void lp_network_close(lp_network *network) {
  if (!network) {
    return;
  }
  for (int i = 0; i < network->numStages; ++i) {
    free(network->stages[i].weights);
    for (int k = 0; k < network->stages[i].numFloats; ++k) {
      free(network->stages[i].floats[k]);
    }
  }
  free(network->stages);
  free(network->table);
  free(network->buffers[0]);
  free(network->buffers[1]);
  free(network->workspace);
  free(network->scratch);
  free(network);
}

int64_t lp_network_image_size(const lp_network *network) {
  return network->height * network->width * network->channels;
}

int64_t lp_network_num_classes(const lp_network *network) {
  return network->classes;
}

/* One kernel on one batch. Buffers are x, w, the floats and y, as far as the
 * stage has them. */
static int runStage(const lp_network *network, const Stage *stage,
                    int64_t images, void *x, void *y) {
  void *buffers[MAX_FLOATS + 3];
  int count = 0;
  buffers[count++] = x;
  if (stage->weights) {
    buffers[count++] = stage->weights;
  }
  for (int i = 0; i < stage->numFloats; ++i) {
    buffers[count++] = stage->floats[i];
  }
  buffers[count++] = y;
  const lp_args args = {.buffers = buffers,
                        .sizes = &images,
                        .workspace = network->workspace,
                        .cpu_features = lp_cpu_features()};
  for (int phase = 0; phase < stage->kernel->num_phases; ++phase) {
    const int64_t tasks = stage->kernel->tasks(&args, phase);
    const int status = tasks < 0 ? LP_ERROR_SHAPE
                                 : stage->kernel->run(&args, phase, 0, tasks,
                                                      network->scratch);
    if (status != LP_OK) {
      return status;
    }
  }
  return LP_OK;
}

int lp_network_run(lp_network *network, const uint8_t *images, int64_t count,
                   float *scores) {
  const int64_t size = lp_network_image_size(network);
  for (int64_t begin = 0; begin < count; begin += network->batch) {
    const int64_t now =
        count - begin < network->batch ? count - begin : network->batch;
    uint8_t *x = network->buffers[0];
    for (int64_t i = 0; i < now * size; ++i) {
      x[i] = network->table[i % network->channels * PIXELS +
                            images[begin * size + i]];
    }
    for (int i = 0; i < network->numStages; ++i) {
      uint8_t *y = network->buffers[(i + 1) % 2];
      const int status = runStage(network, network->stages + i, now, x, y);
      if (status != LP_OK) {
        return status;
      }
      x = y;
    }
    memcpy(scores + begin * network->classes, x,
           (size_t)(now * network->classes) * sizeof(float));
  }
  return LP_OK;
}
