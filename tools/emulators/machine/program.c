/* Where the monitor begins: loads the program as execve does and enters it. */
#include "machine.h"

enum { Load = 1, StackBytes = 1 << 20, MaxWords = 256 };
static const uint64_t stackEnd = 0x7ffffffff000U;

typedef struct ElfHeader {
  uint8_t identity[16];
  uint16_t kind, machine;
  uint32_t version;
  uint64_t entry, programHeaders, sectionHeaders;
  uint32_t flags;
  uint16_t headerBytes, programHeaderBytes, numProgramHeaders;
} ElfHeader;

typedef struct ProgramHeader {
  uint32_t kind, flags;
  uint64_t offset, address, physical, stored, bytes, alignment;
} ProgramHeader;

void startMonitor(const Job *job);
extern const uint8_t enterSystem[];

static _Noreturn void refuse(const char *why) {
  uint64_t size = 0;
  while (why[size] != 0) {
    ++size;
  }
  writeFile(2, why, size);
  endMachine(127 << 8);
}

/* Vector registers of every width that the CPU has, SSE's exceptions as Linux
 * has them, write protection of the monitor's own accesses too. */
static void startCpu(void) {
  uint32_t a = 13, b = 0, c = 0, d = 0;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  const uint32_t vectors = 0xe7; /* x87, SSE, AVX, three of AVX-512 */
  uint64_t control;
  __asm__ volatile("movq %%cr4, %0" : "=r"(control));
  control |= 1 << 9 | 1 << 10 | 1 << 18;
  __asm__ volatile("movq %0, %%cr4" : : "r"(control));
  __asm__ volatile("movq %%cr0, %0" : "=r"(control));
  control = (control & ~(uint64_t)(1 << 2)) | 1 << 1 | 1 << 5 | 1 << 16;
  __asm__ volatile("movq %0, %%cr0" : : "r"(control));
  __asm__ volatile("xsetbv" : : "c"(0), "a"(a & vectors), "d"(0));
  writeMsr(0xc0000080, 1 << 8 | 1 << 10 | 1); /* long mode, syscall */
  writeMsr(0xc0000081, (uint64_t)8 << 32);    /* its segments */
  writeMsr(0xc0000082, (uint64_t)enterSystem);
  writeMsr(0xc0000084, 1 << 8 | 1 << 9 | 1 << 10); /* flags that it clears */
}

/* Bytes of the program at an address of its own, whatever its protection. */
static void place(uint64_t address, const uint8_t *from, uint64_t count) {
  while (count != 0) {
    const uint64_t within = address % PageBytes;
    const uint64_t left = PageBytes - within;
    const uint64_t now = count < left ? count : left;
    memcpy(pageAt(address - within) + within, from, now);
    address += now;
    from += now;
    count -= now;
  }
}

/* Loads the segments; where their memory ends. */
static uint64_t load(const ElfHeader *elf) {
  const uint8_t *file = (const uint8_t *)elf;
  const ProgramHeader *header =
      (const ProgramHeader *)(file + elf->programHeaders);
  uint64_t end = 0;
  for (int i = 0; i < elf->numProgramHeaders; ++i, ++header) {
    if (header->kind != Load) {
      continue;
    }
    const uint64_t first = header->address & ~(uint64_t)(PageBytes - 1);
    const uint64_t last = header->address + header->bytes;
    /* Two segments may share a page: it can then do what either wants. */
    const int protection =
        (header->flags & 2) != 0 || pageAt(first) ? ReadWrite : 1;
    if (protectPages(first, last - first, protection) != 0) {
      refuse("the program does not fit the emulated machine\n");
    }
    place(header->address, file + header->offset, header->stored);
    end = last > end ? last : end;
  }
  return end;
}

/* Words, an empty environment and the auxiliary vector on the stack, which
 * begins below the words' bytes; the stack pointer. */
static uint64_t makeStack(const Job *job, const ElfHeader *elf) {
  if (protectPages(stackEnd - StackBytes, StackBytes, ReadWrite) != 0) {
    refuse("no memory for the stack of the program\n");
  }
  const char *words = direct(job->words);
  uint64_t starts[MaxWords];
  uint64_t bytes = 0;
  const uint64_t count = job->numWords < MaxWords ? job->numWords : MaxWords;
  for (uint64_t i = 0; i < count; ++i) {
    starts[i] = bytes;
    while (words[bytes++] != 0) {
    }
  }
  const uint64_t text = (stackEnd - bytes) & ~(uint64_t)63;
  memcpy((void *)text, words, bytes);
  const uint8_t *file = (const uint8_t *)elf;
  const ProgramHeader *first =
      (const ProgramHeader *)(file + elf->programHeaders);
  const uint64_t headers = first->kind == 6 /* their own address */
                               ? first->address
                               : first->address + elf->programHeaders;
  uint32_t a = 1, b = 0, c = 0, d = 0;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  const uint64_t facts[] = {3,  headers,
                            4,  sizeof(ProgramHeader),
                            5,  elf->numProgramHeaders,
                            6,  PageBytes,
                            9,  elf->entry,
                            16, d,
                            17, 100,
                            23, 0,
                            25, text,
                            0,  0};
  const uint64_t size = 8 * (1 + count + 2) + sizeof facts;
  uint64_t *stack = (uint64_t *)((text - size) & ~(uint64_t)15);
  uint64_t *next = stack;
  *next++ = count;
  for (uint64_t i = 0; i < count; ++i) {
    *next++ = text + starts[i];
  }
  *next++ = 0;
  *next++ = 0;
  memcpy(next, facts, sizeof facts);
  return (uint64_t)stack;
}

void startMonitor(const Job *job) {
  startCpu();
  startMemory(job);
  startFaults();
  startFiles(job);
  const ElfHeader *elf = direct(job->program);
  const uint8_t magic[] = {0x7f, 'E', 'L', 'F', 2};
  for (uint64_t i = 0; i < sizeof magic; ++i) {
    if (elf->identity[i] != magic[i]) {
      refuse("the program is no ELF file of 64 bits\n");
    }
  }
  if (elf->kind != 2 || elf->machine != 62) {
    refuse("the program is not static code for x86-64 at fixed addresses\n");
  }
  startCalls(load(elf) + PageBytes);
  enterProgram(elf->entry, makeStack(job, elf), 0, 0, 0);
}
