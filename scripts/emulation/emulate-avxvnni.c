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
#include "runtime/abi/lp_kernel.h"
#include "runtime/core/CpuFeatures.h"
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

/* --- the program's file ----------------------------------------------------
 */

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

/* --- decoding --------------------------------------------------------------
 */

enum { bytesUnsignedSigned = 0x50, wordsSigned = 0x52 };

/* sum += first * second. Registers are numbers of vector registers. */
typedef struct {
  unsigned opcode; /* 0x50 or 0x52 */
  unsigned is256;
  unsigned sum, first;
  const unsigned char *operand; /* second: ModRM, SIB, displacement */
  unsigned operandLength;
  unsigned char bits; /* X and B of the prefix, as they stand there */
} Instruction;

/* Bytes of ModRM and what belongs to it. */
static unsigned operandLength(const unsigned char *modrm) {
  const unsigned mode = modrm[0] >> 6;
  const unsigned base = modrm[0] & 7;
  if (mode == 3) {
    return 1;
  }
  const unsigned beforeDisplacement = base == 4 ? 2 : 1;
  const unsigned low = base == 4 ? modrm[1] & 7 : base;
  return beforeDisplacement + (mode == 1 ? 1 : mode == 2 || low == 5 ? 4 : 0);
}

/* Whether the bytes are VEX.66.0F38.W0 50 or 52 /r. Only the form of VEX with
 * three bytes can say 0F38. */
static int decode(const unsigned char *code, Instruction *found) {
  if (code[0] != 0xC4 || (code[1] & 0x1F) != 2 || (code[2] & 0x83) != 1 ||
      (code[3] != bytesUnsignedSigned && code[3] != wordsSigned)) {
    return 0;
  }
  found->opcode = code[3];
  found->is256 = code[2] >> 2 & 1;
  found->sum = (code[4] >> 3 & 7) | (code[1] & 0x80 ? 0 : 8);
  found->first = ~code[2] >> 3 & 15;
  found->operand = code + 4;
  found->operandLength = operandLength(code + 4);
  found->bits = code[1] & 0x60;
  return 1;
}

/* --- code in its place -----------------------------------------------------
 */

enum { bufferBytes = 256, saveArea = -256 /* from rsp, below the red zone */ };

typedef struct {
  unsigned char bytes[bufferBytes];
  unsigned size;
} Code;

enum Prefix { none = 0, p66 = 1, pF3 = 2 };

static void put(Code *code, const void *bytes, unsigned count) {
  memcpy(code->bytes + code->size, bytes, count);
  code->size += count;
}

/* VEX of map 0F with three bytes, and the opcode; reg is bit 3 of ModRM's
 * register. */
static void putVex(Code *code, unsigned is256, enum Prefix prefix,
                   unsigned opcode, unsigned reg, unsigned first,
                   unsigned char bits) {
  const unsigned char bytes[] = {
      0xC4, (unsigned char)((reg & 8 ? 0 : 0x80) | bits | 1),
      (unsigned char)((~first & 15) << 3 | is256 << 2 | (unsigned)prefix),
      (unsigned char)opcode};
  put(code, bytes, sizeof bytes);
}

/* opcode reg, first, rm: registers of 256 bits, or 128. */
static void putRegisters(Code *code, unsigned is256, unsigned opcode,
                         unsigned reg, unsigned first, unsigned rm) {
  putVex(code, is256, p66, opcode, reg, first, rm & 8 ? 0x40 : 0x60);
  const unsigned char modrm = (unsigned char)(0xC0 | (reg & 7) << 3 | (rm & 7));
  put(code, &modrm, 1);
}

/* Shifts of words by 8 bits: vpsrlw, vpsraw, vpsllw are 71 /2, /4, /6. */
enum Shift { right = 2, rightSigned = 4, left = 6 };
static void putShift(Code *code, enum Shift shift, unsigned to, unsigned from) {
  const unsigned char eight = 8;
  putRegisters(code, 1, 0x71, (unsigned)shift, to, from);
  put(code, &eight, 1);
}

enum { load = 0x6F, store = 0x7F }; /* vmovdqu */

static void putSaved(Code *code, unsigned opcode, unsigned reg, int slot) {
  const int32_t displacement = saveArea + 32 * slot;
  const unsigned char operand[] = {(unsigned char)(0x84 | (reg & 7) << 3),
                                   0x24};
  putVex(code, 1, pF3, opcode, reg, 0, 0x60);
  put(code, operand, sizeof operand);
  put(code, &displacement, sizeof displacement);
}

/* to = second. `behind` is the address behind the instruction that is replaced,
 * `here` that of the code: an operand relative to one becomes relative to the
 * other. */
static void putSecond(Code *code, const Instruction *instruction, unsigned to,
                      uint64_t here, uint64_t behind) {
  unsigned char operand[8];
  const int relative = (instruction->operand[0] & 0xC7) == 5;
  memcpy(operand, instruction->operand, instruction->operandLength);
  operand[0] = (unsigned char)((operand[0] & 0xC7) | (to & 7) << 3);
  putVex(code, instruction->is256, pF3, load, to, 0, instruction->bits);
  if (relative) {
    int32_t displacement;
    memcpy(&displacement, operand + 1, sizeof displacement);
    displacement += (int32_t)(behind - (here + code->size + 5));
    memcpy(operand + 1, &displacement, sizeof displacement);
  }
  put(code, operand, instruction->operandLength);
}

static void putJump(Code *code, uint64_t here, uint64_t to) {
  const unsigned char jump = 0xE9;
  const int32_t distance = (int32_t)(to - (here + code->size + 5));
  put(code, &jump, 1);
  put(code, &distance, sizeof distance);
}

/* Three registers that the instruction does not name. */
static void chooseFree(const Instruction *instruction, unsigned *chosen) {
  const unsigned second =
      (instruction->operand[0] & 7) | (instruction->bits & 0x20 ? 0 : 8);
  unsigned count = 0;
  for (unsigned reg = 0; count < 3; ++reg) {
    if (reg != instruction->sum && reg != instruction->first && reg != second) {
      chosen[count++] = reg;
    }
  }
}

/* The code, to stand at `here`. */
static Code replacement(const Instruction *instruction, uint64_t here,
                        uint64_t behind) {
  enum { vpmaddwd = 0xF5, vpaddd = 0xFE };
  Code code = {.size = 0};
  unsigned temporary[3];
  chooseFree(instruction, temporary);
  const unsigned odd = temporary[0];
  const unsigned even = temporary[1];
  const unsigned other = temporary[2];
  const unsigned first = instruction->first;
  for (int i = 0; i < 3; ++i) {
    putSaved(&code, store, temporary[i], i);
  }
  putSecond(&code, instruction, odd, here, behind);
  if (instruction->opcode == wordsSigned) {
    putRegisters(&code, 1, vpmaddwd, odd, first, odd);
  } else { /* bytes of odd and of even number, as words */
    putShift(&code, left, even, odd);
    putShift(&code, rightSigned, even, even);
    putShift(&code, rightSigned, odd, odd);
    putShift(&code, right, other, first);
    putRegisters(&code, 1, vpmaddwd, odd, odd, other);
    putShift(&code, left, other, first);
    putShift(&code, right, other, other);
    putRegisters(&code, 1, vpmaddwd, even, even, other);
    putRegisters(&code, 1, vpaddd, odd, odd, even);
  }
  putRegisters(&code, instruction->is256, vpaddd, instruction->sum,
               instruction->sum, odd);
  for (int i = 0; i < 3; ++i) {
    putSaved(&code, load, temporary[i], i);
  }
  putJump(&code, here, behind);
  return code;
}

/* --- the traced program ----------------------------------------------------
 */

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
  Instruction instruction;
  if (!decode(bytes, &instruction)) {
    return 0;
  }
  const uint64_t behind = regs->rip + 4 + instruction.operandLength;
  const Code code = replacement(&instruction, program->room, behind);
  if (program->room + code.size > program->roomEnd) {
    fail("the program", "too many instructions of AVX-VNNI");
  }
  Code jump = {.size = 0};
  putJump(&jump, regs->rip, program->room);
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
