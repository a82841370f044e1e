/* Physical pages and page tables. A page that may not be touched keeps its
 * memory: the entry has the address without the bit that says present. */
#include "machine.h"

enum {
  Present = 1,
  EntryWritable = 2,
  Kept = 1 << 9, /* has memory; the CPU ignores this bit */
};
static const uint64_t addressBits = 0x000ffffffffff000U;

static uint64_t *root;
static uint64_t nextPage, endOfMemory;
static uint64_t freePages; /* a list through their first words */
static uint64_t numFreePages;

void *memcpy(void *to, const void *from, size_t count) {
  void *next = to;
  __asm__ volatile("rep movsb"
                   : "+D"(next), "+S"(from), "+c"(count)
                   :
                   : "memory");
  return to;
}

void *memset(void *to, int byte, size_t count) {
  void *next = to;
  __asm__ volatile("rep stosb"
                   : "+D"(next), "+c"(count)
                   : "a"(byte)
                   : "memory");
  return to;
}

void startMemory(const Job *job) {
  uint64_t tables;
  __asm__ volatile("movq %%cr3, %0" : "=r"(tables));
  root = direct(tables & addressBits);
  root[0] = 0; /* the low addresses are the program's */
  __asm__ volatile("movq %0, %%cr3" : : "r"(tables) : "memory");
  nextPage = wholePages(job->end);
  endOfMemory = job->memory;
}

uint64_t freeMemory(void) {
  return endOfMemory - nextPage + numFreePages * PageBytes;
}

/* The physical address of a zeroed page; 0 if there is none. */
static uint64_t takePage(void) {
  uint64_t page = freePages;
  if (page != 0) {
    freePages = *(uint64_t *)direct(page);
    --numFreePages;
  } else if (nextPage < endOfMemory) {
    page = nextPage;
    nextPage += PageBytes;
  } else {
    return 0;
  }
  void *next = direct(page);
  uint64_t words = PageBytes / sizeof words;
  __asm__ volatile("rep stosq"
                   : "+D"(next), "+c"(words)
                   : "a"((uint64_t)0)
                   : "memory");
  return page;
}

/* The entry of a page in the last table; null if there is no table, or none
 * could be made. */
static uint64_t *entryOf(uint64_t address, int makesTables) {
  uint64_t *table = root;
  for (int shift = 39; shift > 12; shift -= 9) {
    uint64_t *entry = &table[address >> shift & 511];
    if (*entry == 0) {
      const uint64_t page = makesTables ? takePage() : 0;
      if (page == 0) {
        return NULL;
      }
      *entry = page | Present | EntryWritable;
    }
    table = direct(*entry & addressBits);
  }
  return &table[address >> 12 & 511];
}

long protectPages(uint64_t address, uint64_t bytes, int protection) {
  for (uint64_t end = address + wholePages(bytes); address < end;
       address += PageBytes) {
    uint64_t *entry = entryOf(address, protection != NoAccess);
    if (!entry) {
      if (protection == NoAccess) {
        continue;
      }
      return ErrorNoMemory;
    }
    uint64_t page = *entry & addressBits;
    if (page == 0) {
      if (protection == NoAccess) {
        continue;
      }
      page = takePage();
      if (page == 0) {
        return ErrorNoMemory;
      }
    }
    *entry = page | Kept | (protection != NoAccess ? Present : 0) |
             ((protection & Writable) != 0 ? EntryWritable : 0);
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
  }
  return 0;
}

void dropPages(uint64_t address, uint64_t bytes) {
  for (uint64_t end = address + wholePages(bytes); address < end;
       address += PageBytes) {
    uint64_t *entry = entryOf(address, 0);
    const uint64_t page = entry ? *entry & addressBits : 0;
    if (page == 0) {
      continue;
    }
    *entry = 0;
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
    *(uint64_t *)direct(page) = freePages;
    freePages = page;
    ++numFreePages;
  }
}

uint8_t *pageAt(uint64_t address) {
  const uint64_t *entry = entryOf(address, 0);
  const uint64_t page = entry ? *entry & addressBits : 0;
  return page != 0 ? direct(page) : NULL;
}
