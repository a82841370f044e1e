/* The monitor of the emulated machine: it loads one static x86-64 program and
 * is the kernel that the program knows, as far as one process without threads
 * needs one. Program and monitor both run at the highest privilege; what the
 * program may touch is up to the page tables. No interrupt is ever enabled.
 *
 * The host (lpgen-emulate-avx512) lays monitor, program and files into the RAM
 * that Bochs starts with. Physical memory lies a second time, from DIRECT on,
 * where the monitor is linked. */
#ifndef LPGEN_TOOLS_EMULATORS_MACHINE_MACHINE_H
#define LPGEN_TOOLS_EMULATORS_MACHINE_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#define DIRECT 0xffffffff80000000U

enum {
  PageBytes = 4096,
  NoAccess = 0, /* protections, as mmap has them */
  Writable = 2,
  ReadWrite = 3,
};

/* What -errno programs can get. */
enum {
  ErrorNoEntry = -2,
  ErrorBadFile = -9,
  ErrorNoMemory = -12,
  ErrorAccess = -13,
  ErrorInvalid = -22,
  ErrorNoTerminal = -25,
  ErrorNoCall = -38,
};

enum { SigIll = 4, SigTrap = 5, SigBus = 7, SigFpe = 8, SigSegv = 11 };

/* A file among the words: where its name and its bytes lie, physically. */
typedef struct JobFile {
  uint64_t name;
  uint64_t data;
  uint64_t size;
} JobFile;

/* What there is to do, at the physical address that the monitor starts with. */
typedef struct Job {
  uint64_t end;    /* of what the host laid into the RAM */
  uint64_t memory; /* bytes of RAM */
  uint64_t program;
  uint64_t numWords;
  uint64_t words; /* one after the other, each ended by a zero byte */
  uint64_t numFiles;
  uint64_t files;
} Job;

static inline void *direct(uint64_t address) {
  return (void *)(DIRECT + address);
}

static inline uint64_t wholePages(uint64_t bytes) {
  return (bytes + PageBytes - 1) & ~(uint64_t)(PageBytes - 1);
}

/* memory.c: pages of the program and of files. */
void startMemory(const Job *job);
uint64_t freeMemory(void);
/* Gives whole pages at `address` a protection, and zeroed memory where they
 * have none and it is not NoAccess; 0, or ErrorNoMemory. */
long protectPages(uint64_t address, uint64_t bytes, int protection);
void dropPages(uint64_t address, uint64_t bytes);
/* Where the page at `address` is seen by the monitor whatever its protection;
 * null if it has no memory. */
uint8_t *pageAt(uint64_t address);
void *memcpy(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);

/* files.c: the files of the job, and what is sent to the host. */
void startFiles(const Job *job);
long openFile(const char *name, int flags);
long closeFile(long number);
long readFile(long number, void *bytes, uint64_t count);
long readFileAt(long number, void *bytes, uint64_t count, uint64_t offset);
long writeFile(long number, const void *bytes, uint64_t count);
long seekFile(long number, int64_t offset, int whence);
/* The size of a file; -1 of a stream, ErrorBadFile if it is not open. */
long fileSize(long number);
/* Sends the files that changed and `status`, as wait() gives it, and ends the
 * machine. */
_Noreturn void endMachine(int status);

/* faults.c: exceptions of the CPU as signals. */
void startFaults(void);
long setHandler(long signal, const uint64_t *action, uint64_t *before);

/* calls.c */
typedef struct Registers {
  uint64_t number, a, b, c, d, e, f;
} Registers;
long callSystem(const Registers *call);
void startCalls(uint64_t breakAddress);

/* entry.S: leaves the monitor for good. */
_Noreturn void enterProgram(uint64_t address, uint64_t stack, uint64_t a,
                            uint64_t b, uint64_t c);

static inline uint64_t readCr2(void) {
  uint64_t value;
  __asm__ volatile("movq %%cr2, %0" : "=r"(value));
  return value;
}

static inline void writeMsr(uint32_t number, uint64_t value) {
  __asm__ volatile("wrmsr"
                   :
                   : "c"(number), "a"((uint32_t)value),
                     "d"((uint32_t)(value >> 32)));
}

#endif /* LPGEN_TOOLS_EMULATORS_MACHINE_MACHINE_H */
