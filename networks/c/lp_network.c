/* Reading the file, and one kernel after the other. */
#include "lp_network.h"
#include "base/abi/CpuFeatures.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS = 256, MAX_BUFFERS = 16, FORMAT_VERSION = 2 };

/* An argument of a kernel: a place for values, or constants. */
typedef struct {
  int place;       /* or -1 */
  void *constants; /* as the kernel wants them */
} Buffer;

typedef struct {
  const lp_kernel *kernel;
  Buffer buffers[MAX_BUFFERS]; /* inputs, then the output */
  int numBuffers;
} Stage;

struct lp_network {
  int64_t height, width, channels, classes;
  int64_t batch; /* images of one call */
  int numStages;
  Stage *stages;
  int numPlaces;
  void **places;     /* values between stages; the first one of the images */
  uint8_t *table;    /* [channels][PIXELS], what becomes of a pixel */
  int64_t tableSize; /* bytes of an element */
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

static uint64_t takeU64(Reader *reader) {
  const uint64_t low = takeU32(reader);
  return low | (uint64_t)takeU32(reader) << 32;
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
  return takeU32(reader) == FORMAT_VERSION
             ? NULL
             : "has another version of the format";
}

/* Elements of 1 or 2 bytes, from their bits. */
static void unpackWeights(const uint8_t *packed, int64_t count, uint32_t bits,
                          int32_t lowest, int32_t step, void *logical,
                          uint32_t size) {
  uint32_t pending = 0, available = 0;
  for (int64_t i = 0; i < count; ++i) {
    while (available < bits) {
      pending |= (uint32_t)*packed++ << available;
      available += 8;
    }
    const int32_t value =
        (int32_t)(pending & ((1u << bits) - 1)) * step + lowest;
    pending >>= bits;
    available -= bits;
    if (size == 1) {
      ((uint8_t *)logical)[i] = (uint8_t)value;
    } else {
      ((uint16_t *)logical)[i] = (uint16_t)value;
    }
  }
}

/* Weights from their widths to elements, then to the form of the kernel. */
static const char *readWeights(Reader *reader, const Stage *stage, int number,
                               const int64_t *sizes, void **constants) {
  const int64_t count = takeU32(reader);
  const uint32_t bits = takeU32(reader);
  const int32_t lowest = (int32_t)takeU32(reader);
  const int32_t step = (int32_t)takeU32(reader);
  const uint32_t size = takeU32(reader);
  if (reader->bad || bits < 1 || bits > 16 || (size != 1 && size != 2)) {
    return "has weights of a width beyond 16";
  }
  const uint8_t *packed = take(reader, ((uint64_t)count * bits + 7) / 8);
  if (!packed) {
    return "ends early";
  }
  void *logical = allocate(count * size);
  if (!logical) {
    return "needs more memory than there is";
  }
  *constants = logical;
  unpackWeights(packed, count, bits, lowest, step, logical, size);
  const int64_t bytes = stage->kernel->packed_size(number, sizes);
  if (bytes == 0) {
    return NULL;
  }
  *constants = allocate(bytes);
  const int status =
      *constants ? stage->kernel->pack(number, sizes, logical, *constants)
                 : LP_ERROR_NULL;
  free(logical);
  return status == LP_OK ? NULL : "has weights that do not fit the kernel";
}

static const char *readFloats(Reader *reader, void **constants) {
  const uint32_t count = takeU32(reader);
  if (reader->bad || count > (uint64_t)(reader->end - reader->next) / 4) {
    return "ends early";
  }
  float *values = allocate((int64_t)count * 4);
  *constants = values;
  for (uint32_t k = 0; values && k < count; ++k) {
    const uint32_t bits = takeU32(reader);
    memcpy(values + k, &bits, sizeof bits);
  }
  return values ? NULL : "needs more memory than there is";
}

static const char *readBuffer(Reader *reader, const lp_network *network,
                              Stage *stage, int number) {
  enum { OF_VALUE, OF_WEIGHTS, OF_FLOATS };
  Buffer *buffer = stage->buffers + number;
  buffer->place = -1;
  switch (takeU32(reader)) {
  case OF_VALUE:
    buffer->place = (int)takeU32(reader);
    return buffer->place >= 0 && buffer->place < network->numPlaces
               ? NULL
               : "names a value that it does not have";
  case OF_WEIGHTS:
    return readWeights(reader, stage, number, &network->batch,
                       &buffer->constants);
  case OF_FLOATS:
    return readFloats(reader, &buffer->constants);
  default:
    return "has a buffer of an unknown kind";
  }
}

static const char *readStage(Reader *reader, const lp_network *network,
                             Stage *stage) {
  const uint32_t length = takeU32(reader);
  const uint8_t *name = take(reader, length);
  if (!name || strlen(stage->kernel->op) != length ||
      memcmp(name, stage->kernel->op, length) != 0) {
    return "was exported with other kernels";
  }
  const uint32_t count = takeU32(reader);
  if (count < 2 || count > MAX_BUFFERS) {
    return "has a stage without input, or with too many";
  }
  for (uint32_t i = 0; i < count; ++i) {
    stage->numBuffers = (int)i + 1;
    const char *error = readBuffer(reader, network, stage, (int)i);
    if (error) {
      return error;
    }
  }
  const int last = stage->buffers[count - 1].place;
  return reader->bad ? "ends early"
         : last < 0  ? "has a stage without output"
                     : NULL;
}

/* Memory of the values and of the kernels. */
static const char *readPlaces(Reader *reader, lp_network *network) {
  const uint32_t count = takeU32(reader);
  if (count < 1 || count > (uint64_t)(reader->end - reader->next) / 8) {
    return "ends early";
  }
  network->places = calloc(count, sizeof(void *));
  network->numPlaces = network->places ? (int)count : 0;
  for (int i = 0; i < network->numPlaces; ++i) {
    network->places[i] = allocate((int64_t)takeU64(reader));
    if (!network->places[i]) {
      return "needs more memory than there is";
    }
  }
  return network->places ? NULL : "needs more memory than there is";
}

static const char *allocateKernelMemory(lp_network *network) {
  int64_t workspace = 0, scratch = 0;
  for (int i = 0; i < network->numStages; ++i) {
    const Stage *stage = network->stages + i;
    const int64_t space = stage->kernel->workspace_size(&network->batch);
    const int64_t own = stage->kernel->scratch_size();
    workspace = space > workspace ? space : workspace;
    scratch = own > scratch ? own : scratch;
  }
  network->workspace = allocate(workspace);
  network->scratch = allocate(scratch);
  return network->workspace && network->scratch
             ? NULL
             : "needs more memory than there is";
}

/* What becomes of a pixel, in the byte order of this machine. */
static const char *readTable(Reader *reader, lp_network *network) {
  const int64_t size = takeU32(reader);
  const int64_t count = network->channels * PIXELS;
  if (size != 1 && size != 2 && size != 4) {
    return "has a table of elements of an unknown size";
  }
  const uint8_t *from = take(reader, (uint64_t)(count * size));
  network->table = from ? malloc((size_t)(count * size)) : NULL;
  network->tableSize = size;
  if (!network->table) {
    return "ends early, or needs more memory than there is";
  }
  for (int64_t i = 0; i < count; ++i, from += size) {
    uint32_t bits = 0;
    for (int64_t byte = size; byte > 0; --byte) {
      bits = bits << 8 | from[byte - 1];
    }
    const uint8_t narrow = (uint8_t)bits;
    const uint16_t half = (uint16_t)bits;
    memcpy(network->table + i * size,
           size == 1   ? (const void *)&narrow
           : size == 2 ? (const void *)&half
                       : (const void *)&bits,
           (size_t)size);
  }
  return NULL;
}

static const char *readNetwork(Reader *reader, lp_network *network,
                               const lp_kernel *const *kernels,
                               int num_kernels) {
  network->height = takeU32(reader);
  network->width = takeU32(reader);
  network->channels = takeU32(reader);
  network->classes = takeU32(reader);
  network->batch = takeU32(reader);
  const char *error = readPlaces(reader, network);
  error = error ? error : readTable(reader, network);
  if (error) {
    return error;
  }
  if (takeU32(reader) != (uint32_t)num_kernels || num_kernels < 1) {
    return "was exported with other kernels";
  }
  network->stages = calloc((size_t)num_kernels, sizeof(Stage));
  if (!network->stages) {
    return "needs more memory than there is";
  }
  network->numStages = num_kernels;
  for (int i = 0; i < num_kernels; ++i) {
    network->stages[i].kernel = kernels[i];
    if (kernels[i]->abi_version != LP_ABI_VERSION) {
      return "has kernels of another version of the interface";
    }
    error = readStage(reader, network, network->stages + i);
    if (error) {
      return error;
    }
  }
  return allocateKernelMemory(network);
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
    for (int k = 0; k < network->stages[i].numBuffers; ++k) {
      free(network->stages[i].buffers[k].constants);
    }
  }
  for (int i = 0; i < network->numPlaces; ++i) {
    free(network->places[i]);
  }
  free(network->stages);
  free(network->places);
  free(network->table);
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

/* One kernel on one batch. */
static int runStage(const lp_network *network, const Stage *stage,
                    int64_t images) {
  void *buffers[MAX_BUFFERS];
  for (int i = 0; i < stage->numBuffers; ++i) {
    const Buffer *buffer = stage->buffers + i;
    buffers[i] =
        buffer->place >= 0 ? network->places[buffer->place] : buffer->constants;
  }
  const lp_args args = {.buffers = buffers,
                        .sizes = &images,
                        .workspace = network->workspace,
                        .cpu_features = lp_cpu_features()};
  return lp_run(stage->kernel, &args, network->scratch);
}

/* Fills the first place. */
static void readPixels(const lp_network *network, const uint8_t *pixels,
                       int64_t count) {
  uint8_t *x = network->places[0];
  const int64_t size = network->tableSize;
  for (int64_t i = 0; i < count; ++i, x += size) {
    const int64_t entry = i % network->channels * PIXELS + pixels[i];
    memcpy(x, network->table + entry * size, (size_t)size);
  }
}

int lp_network_run(lp_network *network, const uint8_t *images, int64_t count,
                   float *scores) {
  const int64_t size = lp_network_image_size(network);
  const Stage *last = network->stages + network->numStages - 1;
  for (int64_t begin = 0; begin < count; begin += network->batch) {
    const int64_t now =
        count - begin < network->batch ? count - begin : network->batch;
    readPixels(network, images + begin * size, now * size);
    for (int i = 0; i < network->numStages; ++i) {
      const int status = runStage(network, network->stages + i, now);
      if (status != LP_OK) {
        return status;
      }
    }
    memcpy(scores + begin * network->classes,
           network->places[last->buffers[last->numBuffers - 1].place],
           (size_t)(now * network->classes) * sizeof(float));
  }
  return LP_OK;
}
