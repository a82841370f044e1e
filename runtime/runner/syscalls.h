/* The Linux system calls of the kernel runner, without a C library: x86-64 and
 * AArch64. Functions return what the kernel returns, -errno on failure. */
#ifndef LPGEN_RUNTIME_RUNNER_SYSCALLS_H
#define LPGEN_RUNTIME_RUNNER_SYSCALLS_H

#include <stdint.h>

#if defined(__x86_64__)
enum {
  SysWrite = 1,
  SysClose = 3,
  SysLseek = 8,
  SysMmap = 9,
  SysMprotect = 10,
  SysMunmap = 11,
  SysSigaction = 13,
  SysPrctl = 157,
  SysClockGettime = 228,
  SysExitGroup = 231,
  SysOpenat = 257,
};

static inline long rawSyscall(long number, long a, long b, long c, long d,
                              long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
                     "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
enum {
  SysOpenat = 56,
  SysClose = 57,
  SysLseek = 62,
  SysWrite = 64,
  SysExitGroup = 94,
  SysClockGettime = 113,
  SysSigaction = 134,
  SysPrctl = 167,
  SysMunmap = 215,
  SysMmap = 222,
  SysMprotect = 226,
};

static inline long rawSyscall(long number, long a, long b, long c, long d,
                              long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory");
  return x0;
}
#else
#error "the kernel runner knows x86-64 and AArch64 Linux only"
#endif

enum {
  OpenRead = 0,
  OpenWriteNew = 01 | 0100 | 01000, /* O_WRONLY | O_CREAT | O_TRUNC */
  SeekEnd = 2,
  ProtNone = 0,
  ProtRead = 1,
  ProtReadWrite = 3,
  MapPrivate = 0x02,
  MapAnonymous = 0x20,
};

static inline long sysOpen(const char *path, int flags) {
  const long atFdCwd = -100;
  return rawSyscall(SysOpenat, atFdCwd, (long)path, flags, 0600, 0, 0);
}

static inline long sysFileSize(long file) {
  return rawSyscall(SysLseek, file, 0, SeekEnd, 0, 0, 0);
}

static inline long sysWrite(long file, const void *bytes, uint64_t count) {
  return rawSyscall(SysWrite, file, (long)bytes, (long)count, 0, 0, 0);
}

/* Maps `bytes` bytes: of `file`, read-only, or fresh inaccessible memory if
 * that is -1. Negative small values are errors. */
static inline long sysMap(uint64_t bytes, long file) {
  return rawSyscall(SysMmap, 0, (long)bytes, file < 0 ? ProtNone : ProtRead,
                    file < 0 ? MapPrivate | MapAnonymous : MapPrivate, file, 0);
}

static inline long sysProtect(uint64_t address, uint64_t bytes,
                              int protection) {
  return rawSyscall(SysMprotect, (long)address, (long)bytes, protection, 0, 0,
                    0);
}

static inline long sysUnmap(uint64_t address, uint64_t bytes) {
  return rawSyscall(SysMunmap, (long)address, (long)bytes, 0, 0, 0, 0);
}

_Noreturn static inline void sysExit(int status) {
  while (1) {
    rawSyscall(SysExitGroup, status, 0, 0, 0, 0, 0);
  }
}

/* Has the kernel end this process when its parent dies. */
static inline void sysDieWithParent(void) {
  const long setParentDeathSignal = 1;
  const long sigKill = 9;
  rawSyscall(SysPrctl, setParentDeathSignal, sigKill, 0, 0, 0, 0);
}

/* Nanoseconds of the monotonic clock. */
static inline uint64_t sysNanoseconds(void) {
  const long clockMonotonic = 1;
  int64_t time[2] = {0, 0}; /* seconds, nanoseconds */
  rawSyscall(SysClockGettime, clockMonotonic, (long)time, 0, 0, 0, 0);
  return (uint64_t)time[0] * 1000000000U + (uint64_t)time[1];
}

/* The head of the kernel's siginfo_t, as far as faults use it. */
typedef struct SignalInfo {
  int signal;
  int error;
  int code;
  int padding;
  uint64_t address;
} SignalInfo;

/* The kernel's struct sigaction. */
typedef struct SignalAction {
  void (*handler)(int signal, SignalInfo *info, void *context);
  unsigned long flags;
#if defined(__x86_64__)
  void (*restorer)(void);
#endif
  uint64_t mask;
} SignalAction;

/* Calls `handler`, which must not return, on `signal`. */
static inline void sysOnSignal(int signal,
                               void (*handler)(int, SignalInfo *, void *)) {
  const unsigned long saSigInfo = 4;
  SignalAction action = {0};
  action.handler = handler;
  action.flags = saSigInfo;
#if defined(__x86_64__)
  /* x86-64 refuses to deliver without a restorer; it runs only on return. */
  const unsigned long saRestorer = 0x04000000;
  action.flags |= saRestorer;
  action.restorer = (void (*)(void))handler;
#endif
  rawSyscall(SysSigaction, signal, (long)&action, 0, sizeof(action.mask), 0, 0);
}

#endif /* LPGEN_RUNTIME_RUNNER_SYSCALLS_H */
