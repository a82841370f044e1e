/* Guarded memory of the kernel runner: every buffer, workspace and scratch area
 * is mapped for itself, ends where an inaccessible page begins and has another
 * one in front, so that a kernel that reads or writes outside dies at that
 * instruction. */
#ifndef LPGEN_RUNTIME_RUNNER_REGIONS_H
#define LPGEN_RUNTIME_RUNNER_REGIONS_H

#include "base/abi/lp_kernel.h"
#include "runtime/runner/job.h"
#include "runtime/runner/syscalls.h"

typedef struct Region {
  RegionKind kind;
  uint64_t index;
  uint64_t mapped;      /* start of the mapping, its guard page */
  uint64_t mappedBytes; /* with both guard pages */
  uint8_t *data;
  uint64_t size;
} Region;

/* Enough for two regions per buffer of any operator. */
enum { MaxRegions = 1024 };

static Region regions[MaxRegions];
static uint64_t numRegions;
static uint64_t pageBytes = 4096;

static uint64_t roundUp(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

static void fillBytes(uint8_t *to, uint8_t value, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    to[i] = value;
  }
}

/* Bytes from `data` to the guard page; those beyond `size` are padding. */
static uint64_t roomOf(const Region *region) {
  return region->mapped + region->mappedBytes - pageBytes -
         (uint64_t)region->data;
}

/* Maps `size` bytes whose start is a multiple of `alignment`, filled with
 * LPGEN_JOB_FILL. Returns null if there is no memory. */
static Region *addRegion(RegionKind kind, uint64_t index, uint64_t size,
                         uint64_t alignment) {
  if (numRegions == MaxRegions || size > UINT64_MAX / 4) {
    return 0;
  }
  const uint64_t room = roundUp(size, alignment);
  const uint64_t inner = roundUp(room, pageBytes);
  const uint64_t mappedBytes = inner + 2 * pageBytes;
  const long mapped = sysMap(mappedBytes, -1);
  if (mapped < 0 && mapped > -4096) {
    return 0;
  }
  const uint64_t first = (uint64_t)mapped + pageBytes;
  if (inner != 0 && sysProtect(first, inner, ProtReadWrite) != 0) {
    sysUnmap((uint64_t)mapped, mappedBytes);
    return 0;
  }
  Region *region = &regions[numRegions++];
  region->kind = kind;
  region->index = index;
  region->mapped = (uint64_t)mapped;
  region->mappedBytes = mappedBytes;
  region->data = (uint8_t *)(first + inner - room);
  region->size = size;
  fillBytes((uint8_t *)first, LPGEN_JOB_FILL, inner);
  return region;
}

/* From here on a write into the region is a fault. */
static void makeReadOnly(const Region *region) {
  sysProtect(region->mapped + pageBytes, region->mappedBytes - 2 * pageBytes,
             ProtRead);
}

/* True if every accessible byte around the region's own still holds the fill.
 */
static int isPaddingIntact(const Region *region) {
  const uint8_t *first = (const uint8_t *)(region->mapped + pageBytes);
  for (const uint8_t *byte = first; byte < region->data; ++byte) {
    if (*byte != LPGEN_JOB_FILL) {
      return 0;
    }
  }
  const uint64_t room = roomOf(region);
  for (uint64_t i = region->size; i < room; ++i) {
    if (region->data[i] != LPGEN_JOB_FILL) {
      return 0;
    }
  }
  return 1;
}

/* The region whose mapping, guard pages included, holds the address; or null.
 */
static const Region *findRegion(uint64_t address) {
  for (uint64_t i = 0; i < numRegions; ++i) {
    if (address - regions[i].mapped < regions[i].mappedBytes) {
      return &regions[i];
    }
  }
  return 0;
}

static void removeRegions(void) {
  while (numRegions != 0) {
    --numRegions;
    sysUnmap(regions[numRegions].mapped, regions[numRegions].mappedBytes);
  }
}

#endif /* LPGEN_RUNTIME_RUNNER_REGIONS_H */
