/* lpgen-emulate-avxvnni: runs a static x86-64 program with AVX-VNNI on a CPU
 * that has AVX2.
 *
 * usage: lpgen-emulate-avxvnni PROGRAM [ARGUMENT...]
 *
 * The program runs natively, traced. VPDPBUSD and VPDPWSSD in VEX encoding
 * (Intel SDM, volume 2) raise SIGILL on such a CPU. Where one does, a jump
 * takes its place to a piece of code of AVX2 that computes the same, so that
 * each place costs one stop only. lp_cpu_features() of the program answers with
 * the features of AVX2's level and AVX-VNNI, whatever else the CPU has.
 *
 * The exit status is the program's, 128 + N after signal N, 125 if it could not
 * be run. */
#define _GNU_SOURCE 1
#include "base/abi/CpuFeatures.h"
#include "base/abi/lp_kernel.h"
#include "tools/emulators/avxvnni-code.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { cannotRun = 125 };

static const uint64_t avx2Level =
    LP_CPU_SSE42 | LP_CPU_POPCNT | LP_CPU_AVX2 | LP_CPU_FMA | LP_CPU_BMI2;

static void fail(const char *what, const char *why) {
  fprintf(stderr, "lpgen-emulate-avxvnni: error: %s: %s\n", what, why);
  exit(cannotRun);
}

/* --- the program's file --- */

/* The address of a function of a static program that is loaded where it was
 * linked. */
static uint64_t addressOf(const char *function, const char *path) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat facts;
  if (file < 0 || fstat(file, &facts) != 0) {
    fail(path, strerror(errno));
  }
  const char *image =
      mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)image;
  if (image == MAP_FAILED || facts.st_size < (off_t)sizeof(Elf64_Ehdr) ||
      memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_machine != EM_X86_64 || header->e_type != ET_EXEC) {
    fail(path,
         "no static program for x86-64 with fixed addresses; link it with "
         "-static -no-pie");
  }
  uint64_t address = 0;
  const Elf64_Shdr *sections = (const Elf64_Shdr *)(image + header->e_shoff);
  for (int s = 0; s < header->e_shnum; ++s) {
    if (sections[s].sh_type != SHT_SYMTAB) {
      continue;
    }
    const char *names = image + sections[sections[s].sh_link].sh_offset;
    const Elf64_Sym *symbols =
        (const Elf64_Sym *)(image + sections[s].sh_offset);
    for (uint64_t i = 0; i < sections[s].sh_size / sizeof(Elf64_Sym); ++i) {
      if (strcmp(names + symbols[i].st_name, function) == 0) {
        address = symbols[i].st_value;
      }
    }
  }
  munmap((void *)image, (size_t)facts.st_size);
  if (address == 0) {
    fail(path,
         "has no symbol lp_cpu_features, by which kernels ask for the CPU");
  }
  return address;
}

/* --- the traced program --- */

enum { roomBytes = 16 << 20 };

typedef struct {
  pid_t child;
  uint64_t question; /* address of lp_cpu_features */
  uint64_t room;     /* where the next replacement goes */
  uint64_t roomEnd;
} Program;

static int readBytes(const Program *program, uint64_t address, void *bytes,
                     size_t size) {
  struct iovec here = {bytes, size};
  struct iovec there = {(void *)address, size};
  return process_vm_readv(program->child, &here, 1, &there, 1, 0) ==
         (ssize_t)size;
}

/* Writes bytes, also into code. */
static void writeBytes(const Program *program, uint64_t address,
                       const unsigned char *bytes, unsigned count) {
  for (unsigned done = 0; done < count; done += sizeof(long)) {
    const unsigned part =
        count - done < sizeof(long) ? count - done : sizeof(long);
    errno = 0;
    long word =
        ptrace(PTRACE_PEEKTEXT, program->child, (void *)(address + done), NULL);
    memcpy(&word, bytes + done, part);
    if (errno != 0 || ptrace(PTRACE_POKETEXT, program->child,
                             (void *)(address + done), (void *)word) != 0) {
      fail("writing into the program", strerror(errno));
    }
  }
}

/* Replaces the instruction that the program stopped at; 0 if it is another one.
 */
static int replace(Program *program, const struct user_regs_struct *regs) {
  unsigned char bytes[16] = {0};
  size_t readable = sizeof bytes; /* fewer at the end of the program's code */
  while (readable > 0 && !readBytes(program, regs->rip, bytes, readable)) {
    --readable;
  }
  const unsigned length = lengthOfAvxVnni(bytes);
  if (length == 0) {
    return 0;
  }
  const Code code = avx2For(bytes, program->room, regs->rip + length);
  if (program->room + code.size > program->roomEnd) {
    fail("the program", "too many instructions of AVX-VNNI");
  }
  const Code jump = jumpTo(program->room, regs->rip);
  writeBytes(program, program->room, code.bytes, code.size);
  writeBytes(program, regs->rip, jump.bytes, jump.size);
  program->room += code.size;
  return 1;
}

/* Answers a call of lp_cpu_features(). */
static void answer(const Program *program, struct user_regs_struct *regs) {
  regs->rax = avx2Level | LP_CPU_AVXVNNI;
  if (!readBytes(program, regs->rsp, &regs->rip, sizeof regs->rip)) {
    fail("the stack", strerror(errno));
  }
  regs->rsp += sizeof regs->rip;
}

static struct user_regs_struct registersOf(const Program *program) {
  struct user_regs_struct regs;
  if (ptrace(PTRACE_GETREGS, program->child, NULL, &regs) != 0) {
    fail("the registers", strerror(errno));
  }
  return regs;
}

/* Handles a stop; the signal to hand on to the program, or 0. */
static int handle(Program *program, int signalNumber) {
  if (signalNumber != SIGILL) {
    return signalNumber;
  }
  struct user_regs_struct regs = registersOf(program);
  if (regs.rip == program->question) {
    answer(program, &regs);
    ptrace(PTRACE_SETREGS, program->child, NULL, &regs);
    return 0;
  }
  return replace(program, &regs) ? 0 : signalNumber;
}

/* Has the stopped program map room for code, near its own. */
static void makeRoom(Program *program) {
  static const unsigned char systemCall[] = {0x0F, 0x05,
                                             0xCC}; /* syscall; int3 */
  unsigned char before[sizeof systemCall];
  const struct user_regs_struct saved = registersOf(program);
  struct user_regs_struct regs = saved;
  if (!readBytes(program, saved.rip, before, sizeof before)) {
    fail("the program's first instruction", strerror(errno));
  }
  regs.rax = SYS_mmap;
  regs.rdi = 0;
  regs.rsi = roomBytes;
  regs.rdx = PROT_READ | PROT_WRITE | PROT_EXEC;
  regs.r10 = MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT;
  regs.r8 = (uint64_t)-1;
  regs.r9 = 0;
  writeBytes(program, saved.rip, systemCall, sizeof systemCall);
  ptrace(PTRACE_SETREGS, program->child, NULL, &regs);
  ptrace(PTRACE_CONT, program->child, NULL, NULL);
  int status;
  if (waitpid(program->child, &status, 0) != program->child ||
      !WIFSTOPPED(status)) {
    fail("the program", "ended while room for code was made");
  }
  program->room = registersOf(program).rax;
  program->roomEnd = program->room + roomBytes;
  if (program->room > INT32_MAX) {
    fail("the program", "no room for code near its own");
  }
  writeBytes(program, saved.rip, before, sizeof before);
  ptrace(PTRACE_SETREGS, program->child, NULL, &saved);
}

/* Follows the program from its start to its end; the exit status. */
static int follow(Program *program) {
  static const unsigned char undefined[] = {0x0F, 0x0B}; /* ud2: SIGILL */
  int status;
  if (waitpid(program->child, &status, 0) != program->child ||
      !WIFSTOPPED(status)) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : cannotRun;
  }
  ptrace(PTRACE_SETOPTIONS, program->child, NULL, (void *)PTRACE_O_EXITKILL);
  makeRoom(program);
  writeBytes(program, program->question, undefined, sizeof undefined);
  int handOn = 0;
  for (;;) {
    ptrace(PTRACE_CONT, program->child, NULL, (void *)(long)handOn);
    if (waitpid(program->child, &status, 0) != program->child) {
      fail("the program", strerror(errno));
    }
    if (WIFEXITED(status)) {
      return WEXITSTATUS(status);
    }
    if (WIFSIGNALED(status)) {
      return 128 + WTERMSIG(status);
    }
    handOn = handle(program, WSTOPSIG(status));
  }
}

int main(int count, char **arguments) {
  if (count < 2) {
    fprintf(stderr, "usage: lpgen-emulate-avxvnni PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  if ((avx2Level & ~lp_cpu_features()) != 0) {
    fail(arguments[1], "this CPU lacks AVX2");
  }
  Program program = {.question = addressOf("lp_cpu_features", arguments[1])};
  program.child = fork();
  if (program.child < 0) {
    fail("fork", strerror(errno));
  }
  if (program.child == 0) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    execv(arguments[1], arguments + 1);
    fprintf(stderr, "lpgen-emulate-avxvnni: error: %s: %s\n", arguments[1],
            strerror(errno));
    _exit(cannotRun);
  }
  return follow(&program);
}
