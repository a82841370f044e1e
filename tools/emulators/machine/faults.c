/* Exceptions of the CPU become the signals that Linux makes of them. A handler
 * never returns to what was wrong: if it does, the program ends with the
 * signal, as it does without a handler. */
#include "machine.h"

enum { NumVectors = 32, Code = 8, TaskState = 24, FaultStackBytes = 1 << 14 };
enum { ActionWords = 4, Handler = 0, Restorer = 2, NumSignals = 65 };

/* What the CPU and the stubs of entry.S push. */
typedef struct Frame {
  uint64_t vector, error, instruction, code, flags, stack, stackSegment;
} Frame;

/* The head of siginfo_t. */
typedef struct SignalInfo {
  int32_t signal, error, code, padding;
  uint64_t address;
  uint64_t rest[13];
} SignalInfo;

extern const uint8_t faultStubs[]; /* 16 bytes each */
void onFault(const Frame *frame);

static uint64_t actions[NumSignals][ActionWords];
static uint64_t gates[NumVectors][2];
static uint32_t taskState[26];
static uint64_t segments[5] = {0, 0x00af9a000000ffffU, 0x00cf92000000ffffU};
static _Alignas(16) uint8_t faultStack[FaultStackBytes];

void startFaults(void) {
  struct __attribute__((packed)) {
    uint16_t limit;
    uint64_t address;
  } table = {sizeof segments - 1, (uint64_t)segments};
  const uint64_t state = (uint64_t)taskState;
  segments[3] = (sizeof taskState - 1) | (state & 0xffffff) << 16 |
                (uint64_t)0x89 << 40 | (state >> 24 & 0xff) << 56;
  segments[4] = state >> 32;
  /* Faults may come with a bad stack: they have one of their own, the first of
   * the task's. */
  const uint64_t top = (uint64_t)faultStack + FaultStackBytes;
  taskState[9] = (uint32_t)top;
  taskState[10] = (uint32_t)(top >> 32);
  __asm__ volatile("lgdt %0" : : "m"(table));
  __asm__ volatile("ltr %w0" : : "r"(TaskState));
  for (uint64_t i = 0; i < NumVectors; ++i) {
    const uint64_t stub = (uint64_t)faultStubs + 16 * i;
    gates[i][0] = (stub & 0xffff) | Code << 16 | (uint64_t)1 << 32 |
                  (uint64_t)0x8e << 40 | (stub >> 16 & 0xffff) << 48;
    gates[i][1] = stub >> 32;
  }
  table.limit = sizeof gates - 1;
  table.address = (uint64_t)gates;
  __asm__ volatile("lidt %0" : : "m"(table));
}

long setHandler(long signal, const uint64_t *action, uint64_t *before) {
  if (signal < 1 || signal >= NumSignals) {
    return ErrorInvalid;
  }
  if (before) {
    memcpy(before, actions[signal], sizeof actions[signal]);
  }
  if (action) {
    memcpy(actions[signal], action, sizeof actions[signal]);
  }
  return 0;
}

static int signalOf(uint64_t vector) {
  switch (vector) {
  case 0:  /* division */
  case 16: /* x87 */
  case 19: /* vector arithmetic */
    return SigFpe;
  case 1:
  case 3:
    return SigTrap;
  case 6:
    return SigIll;
  case 12:
  case 17: /* alignment */
    return SigBus;
  default:
    return SigSegv;
  }
}

void onFault(const Frame *frame) {
  const int signal = signalOf(frame->vector);
  const uint64_t handler = actions[signal][Handler];
  const int isOfMonitor = frame->instruction >= DIRECT;
  if (handler <= 1 || isOfMonitor) {
    endMachine(signal);
  }
  /* Below what the program may have left beneath its stack pointer. */
  const uint64_t red = 128;
  SignalInfo *info =
      (SignalInfo *)((frame->stack - red - 2048) & ~(uint64_t)63);
  memset(info, 0, 2048 - 64);
  info->signal = signal;
  info->code = 1;
  info->address = signal == SigSegv && frame->vector == 14 ? readCr2()
                  : signal == SigSegv                      ? 0
                                                           : frame->instruction;
  uint64_t *stack = (uint64_t *)info - 1;
  *stack = actions[signal][Restorer];
  actions[signal][Handler] = 0;
  enterProgram(handler, (uint64_t)stack, (uint64_t)signal, (uint64_t)info,
               (uint64_t)(info + 1));
}
