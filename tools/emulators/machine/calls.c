/* The system calls of Linux that a program of one thread without a file system
 * makes. All others say that they are not there. */
#include "machine.h"

enum { MapFixed = 0x10, MapAnonymous = 0x20 };
enum { SetFs = 0x1002, FsBase = 0xc0000100 };
enum { StatBytes = 144, StatMode = 24, StatSize = 48, UnameBytes = 65 };
static const uint64_t highest = (uint64_t)1
                                << 47; /* of a program's addresses */
static uint64_t nextMapping = (uint64_t)1 << 40;
static uint64_t breakStart, breakEnd;

void startCalls(uint64_t breakAddress) {
  breakStart = breakEnd = wholePages(breakAddress);
}

static int isPrograms(uint64_t address, uint64_t bytes) {
  return address % PageBytes == 0 && bytes < highest &&
         address < highest - bytes;
}

/* Pages that cannot be written to are filled through the monitor's view. */
static void fillPages(uint64_t address, uint64_t bytes, long file,
                      uint64_t offset) {
  for (uint64_t done = 0; done < bytes; done += PageBytes) {
    const uint64_t left = bytes - done;
    if (readFileAt(file, pageAt(address + done),
                   left < PageBytes ? left : PageBytes, offset + done) <= 0) {
      return;
    }
  }
}

static long map(const Registers *call) {
  const uint64_t bytes = wholePages(call->b);
  const uint64_t address = (call->d & MapFixed) != 0 ? call->a : nextMapping;
  const int isOfFile = (call->d & MapAnonymous) == 0;
  if (bytes == 0 || !isPrograms(address, bytes)) {
    return ErrorInvalid;
  }
  /* Nothing is put off until it is touched, and nobody needs to reserve more
   * addresses than this. */
  const uint64_t most = (uint64_t)4 << 30;
  if (bytes > ((int)call->c == NoAccess ? most : freeMemory())) {
    return ErrorNoMemory;
  }
  if (isOfFile && fileSize((long)call->e) < 0) {
    return ErrorBadFile;
  }
  if ((call->d & MapFixed) != 0) {
    dropPages(address, bytes);
  } else {
    nextMapping += bytes + PageBytes;
  }
  const long failure = protectPages(address, bytes, (int)call->c);
  if (failure != 0) {
    dropPages(address, bytes);
    return failure;
  }
  if (isOfFile) {
    fillPages(address, call->b, (long)call->e, call->f);
  }
  return (long)address;
}

static long moveBreak(uint64_t address) {
  const uint64_t most = breakStart + ((uint64_t)1 << 30);
  if (address < breakStart || address > most) {
    return (long)breakEnd;
  }
  const uint64_t from = wholePages(breakEnd);
  const uint64_t to = wholePages(address);
  if (to > from && protectPages(from, to - from, ReadWrite) != 0) {
    dropPages(from, to - from);
    return (long)breakEnd;
  }
  if (to < from) {
    dropPages(to, from - to);
  }
  breakEnd = address;
  return (long)breakEnd;
}

static long describeFile(long number, uint8_t *facts) {
  const long size = fileSize(number);
  if (size == ErrorBadFile) {
    return ErrorBadFile;
  }
  memset(facts, 0, StatBytes);
  const uint32_t mode = size < 0 ? 0010600 : 0100600; /* pipe, file */
  memcpy(facts + StatMode, &mode, sizeof mode);
  if (size > 0) {
    memcpy(facts + StatSize, &size, sizeof size);
  }
  return 0;
}

static long nameSystem(char *names) {
  static const char *const of[6] = {"Linux", "lpgen",  "6.1.0",
                                    "1",     "x86_64", ""};
  for (int i = 0; i < 6; ++i) {
    char *to = names + (size_t)i * UnameBytes;
    for (const char *from = of[i]; (*to++ = *from) != 0; ++from) {
    }
  }
  return 0;
}

/* The time of a CPU of 2.4192 GHz, which the host asks Bochs for. */
static long tellTime(uint64_t *seconds) {
  const uint64_t khz = 2419200;
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  const uint64_t ticks = (uint64_t)high << 32 | low;
  seconds[0] = ticks / (khz * 1000);
  seconds[1] = ticks % (khz * 1000) * 1000000 / khz;
  return 0;
}

static long writeParts(long file, const uint64_t *parts, uint64_t count) {
  long written = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const long more =
        writeFile(file, (const void *)parts[2 * i], parts[2 * i + 1]);
    if (more < 0) {
      return written > 0 ? written : more;
    }
    written += more;
  }
  return written;
}

static long giveRandom(uint8_t *bytes, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    bytes[i] = (uint8_t)(i * 37 + 11); /* the same each time, as all else */
  }
  return (long)count;
}

static long callMemory(const Registers *call) {
  switch (call->number) {
  case 9:
    return map(call);
  case 12:
    return moveBreak(call->a);
  case 28: /* madvise */
    return 0;
  default:
    if (!isPrograms(call->a, call->b)) {
      return ErrorInvalid;
    }
    if (call->number == 10) {
      return protectPages(call->a, call->b, (int)call->c);
    }
    dropPages(call->a, call->b);
    return 0;
  }
}

static long callFiles(const Registers *call) {
  const long file = (long)call->a;
  switch (call->number) {
  case 0:
    return readFile(file, (void *)call->b, call->c);
  case 1:
    return writeFile(file, (const void *)call->b, call->c);
  case 2:
    return openFile((const char *)call->a, (int)call->b);
  case 3:
    return closeFile(file);
  case 5: /* fstat */
    return describeFile(file, (uint8_t *)call->b);
  case 8:
    return seekFile(file, (int64_t)call->b, (int)call->c);
  case 16: /* ioctl */
    return ErrorNoTerminal;
  case 17: /* pread64 */
    return readFileAt(file, (void *)call->b, call->c, call->d);
  case 20: /* writev */
    return writeParts(file, (const uint64_t *)call->b, call->c);
  case 257: /* openat */
    return openFile((const char *)call->b, (int)call->c);
  case 262: /* newfstatat, of a file that is open */
    return *(const char *)call->b == 0 ? describeFile(file, (uint8_t *)call->c)
                                       : ErrorNoEntry;
  default:
    return ErrorNoCall;
  }
}

long callSystem(const Registers *call) {
  switch (call->number) {
  case 9:
  case 10: /* mprotect */
  case 11: /* munmap */
  case 12: /* brk */
  case 28:
    return callMemory(call);
  case 13:
    return setHandler((long)call->a, (const uint64_t *)call->b,
                      (uint64_t *)call->c);
  case 14:  /* rt_sigprocmask */
  case 24:  /* sched_yield */
  case 157: /* prctl */
  case 202: /* futex: nobody else holds one */
  case 273: /* set_robust_list */
    return 0;
  case 15: /* rt_sigreturn: see faults.c */
    endMachine(SigSegv);
  case 39:  /* getpid */
  case 186: /* gettid */
  case 218: /* set_tid_address */
    return 1;
  case 60:
  case 231:
    endMachine((int)(call->a & 255) << 8);
  case 62: /* kill */
    endMachine((int)call->b & 127);
  case 234: /* tgkill */
    endMachine((int)call->c & 127);
  case 63:
    return nameSystem((char *)call->a);
  case 102: /* user and group ids */
  case 104:
  case 107:
  case 108:
    return 0;
  case 158: /* arch_prctl */
    if (call->a != SetFs) {
      return ErrorInvalid;
    }
    writeMsr(FsBase, call->b);
    return 0;
  case 228:
    return tellTime((uint64_t *)call->b);
  case 318:
    return giveRandom((uint8_t *)call->a, call->b);
  default:
    return callFiles(call);
  }
}
