/* The kernel runner: runs the kernels that are linked with it on the jobs of a
 * file (job.h) and writes what came out. Freestanding, so that a kernel of any
 * target runs under its emulator without that target's C library.
 *
 * A kernel object places a pointer to its descriptor into section lp_kernels;
 * the linker gathers them between the two symbols below. */
#include "base/abi/CpuFeatures.h"
#include "runtime/runner/job.h"
#include "runtime/runner/regions.h"
#include "runtime/runner/syscalls.h"
#include "runtime/runner/timing.h"

/* The linker chooses these two names. */
extern const lp_kernel *const __start_lp_kernels[] __attribute__((weak));
extern const lp_kernel *const __stop_lp_kernels[] __attribute__((weak));

/* One job of the file: its parts, in place. */
typedef struct Job {
  uint64_t number;
  const JobHeader *header;
  const char *name;
  const int64_t *sizes;
  const uint64_t *bufferBytes;
  const uint8_t *contents;
} Job;

enum { MaxBuffers = MaxRegions / 2 - 2 };

static const uint64_t
    *auxiliaryVector; /* pairs of type and value, end: type 0 */
static long resultFile;
static uint64_t currentJob;

unsigned long getauxval(unsigned long type);

/* The value of an entry of the auxiliary vector, 0 without one; CpuFeatures.c
 * and the start-up need it. */
unsigned long getauxval(unsigned long type) {
  for (const uint64_t *entry = auxiliaryVector; entry[0] != 0; entry += 2) {
    if (entry[0] == type) {
      return entry[1];
    }
  }
  return 0;
}

static void writeAll(const void *bytes, uint64_t count) {
  const uint8_t *next = bytes;
  while (count != 0) {
    const long written = sysWrite(resultFile, next, count);
    if (written <= 0) {
      sysExit(RunnerExitIo);
    }
    next += written;
    count -= (uint64_t)written;
  }
}

/* Writes a record and `bytes` bytes of content, padded to a multiple of 8. */
static void writeRecord(ResultRecord record, const void *content) {
  static const uint64_t zeros = 0;
  record.job = currentJob;
  writeAll(&record, sizeof(record));
  writeAll(content, record.bytes);
  writeAll(&zeros, roundUp(record.bytes, 8) - record.bytes);
}

static void onFault(int signal, SignalInfo *info, void *context) {
  (void)context;
  const Region *region = findRegion(info->address);
  ResultRecord record = {.kind = RecordFault,
                         .code = (uint64_t)signal,
                         .detail = info->code,
                         .address = info->address};
  if (region) {
    record.region = region->kind;
    record.index = region->index;
    record.offset = (int64_t)(info->address - (uint64_t)region->data);
    record.size = region->size;
  }
  writeRecord(record, 0);
  sysExit(RunnerExitFault);
}

static uint64_t textLength(const char *text) {
  uint64_t length = 0;
  while (text[length] != 0) {
    ++length;
  }
  return length;
}

static int isNamed(const char *text, const Job *job) {
  if (textLength(text) != job->header->nameBytes) {
    return 0;
  }
  for (uint64_t i = 0; i < job->header->nameBytes; ++i) {
    if (text[i] != job->name[i]) {
      return 0;
    }
  }
  return 1;
}

/* The kernel whose symbol or, failing that, operator has the job's name; or
 * null. */
static const lp_kernel *findKernel(const Job *job) {
  for (int bySymbol = 1; bySymbol >= 0; --bySymbol) {
    for (const lp_kernel *const *it = __start_lp_kernels;
         it != __stop_lp_kernels; ++it) {
      if (isNamed(bySymbol ? (*it)->symbol : (*it)->op, job)) {
        return *it;
      }
    }
  }
  return 0;
}

static ResultRecord failure(JobOutcome outcome, uint64_t index,
                            int64_t detail) {
  return (ResultRecord){
      .kind = RecordDone, .code = outcome, .index = index, .detail = detail};
}

static int failed(const ResultRecord *record) { return record->code != JobOk; }

/* Maps the logical buffers, fills the inputs in and stores their addresses. A
 * buffer's size is a multiple of its element's, so its end at a page boundary
 * leaves the start just as aligned as the interface promises, and no more. */
static ResultRecord mapBuffers(const Job *job, void **buffers) {
  const uint8_t *content = job->contents;
  for (uint64_t i = 0; i < job->header->numBuffers; ++i) {
    const uint64_t bytes = job->bufferBytes[i];
    Region *region = addRegion(RegionBuffer, i, bytes, 1);
    if (!region) {
      return failure(JobNoMemory, i, (int64_t)bytes);
    }
    buffers[i] = region->data;
    if (i < job->header->numInputs) {
      for (uint64_t byte = 0; byte < bytes; ++byte) {
        region->data[byte] = content[byte];
      }
      content += roundUp(bytes, 8);
      makeReadOnly(region);
    }
  }
  return failure(JobOk, 0, 0);
}

/* Packs the inputs that the kernel wants packed and puts them into `buffers`.
 */
static ResultRecord packBuffers(const Job *job, const lp_kernel *kernel,
                                void **buffers) {
  for (int i = 0; i < kernel->num_buffers; ++i) {
    const int64_t bytes = kernel->packed_size(i, job->sizes);
    if (bytes == 0) {
      continue;
    }
    if (bytes < 0) {
      ResultRecord record = failure(JobBadSize, (uint64_t)i, bytes);
      record.region = RegionPacked;
      return record;
    }
    if (i >= kernel->num_inputs) {
      return failure(JobPackedOutput, (uint64_t)i, bytes);
    }
    Region *region =
        addRegion(RegionPacked, (uint64_t)i, (uint64_t)bytes, LP_ALIGNMENT);
    if (!region) {
      return failure(JobNoMemory, (uint64_t)i, bytes);
    }
    const int status = kernel->pack(i, job->sizes, buffers[i], region->data);
    if (status != LP_OK) {
      return failure(JobPackFailed, (uint64_t)i, status);
    }
    makeReadOnly(region);
    buffers[i] = region->data;
  }
  return failure(JobOk, 0, 0);
}

/* Maps workspace or scratch; both may be empty, and are null then. */
static ResultRecord mapArea(RegionKind kind, int64_t bytes, void **area) {
  *area = 0;
  if (bytes < 0) {
    ResultRecord record = failure(JobBadSize, 0, bytes);
    record.region = kind;
    return record;
  }
  if (bytes > 0) {
    Region *region = addRegion(kind, 0, (uint64_t)bytes, LP_ALIGNMENT);
    if (!region) {
      return failure(JobNoMemory, 0, bytes);
    }
    *area = region->data;
  }
  return failure(JobOk, 0, 0);
}

/* How the phases of one execution are run, and how far they came. */
typedef struct Execution {
  uint64_t split; /* of the job */
  void *scratch;
  uint64_t begun; /* phases */
  int status;     /* of the last one begun */
} Execution;

/* Runs the tasks of one phase in the job's split; an lp_run_phase. */
static int runPhase(void *context, const lp_kernel *kernel, const lp_args *args,
                    int phase, int64_t tasks) {
  Execution *execution = context;
  int status = LP_OK;
  ++execution->begun;
  switch (execution->split) {
  case JobSplitReverse:
    for (int64_t task = tasks - 1; task >= 0 && status == LP_OK; --task) {
      status =
          lp_run_tasks(kernel, args, phase, task, task + 1, execution->scratch);
    }
    break;
  case JobSplitChunks:
    for (int64_t first = 3; first >= 0; first -= 3) {
      for (int64_t task = first; task < tasks && status == LP_OK; task += 6) {
        const int64_t end = task + 3 < tasks ? task + 3 : tasks;
        status =
            lp_run_tasks(kernel, args, phase, task, end, execution->scratch);
      }
    }
    break;
  default:
    status = lp_run_phase_alone(execution->scratch, kernel, args, phase, tasks);
  }
  execution->status = status;
  return status;
}

/* All phases once, in the job's split. */
static ResultRecord execute(const Job *job, const lp_kernel *kernel,
                            const lp_args *args, void *scratch) {
  Execution execution = {
      .split = job->header->split, .scratch = scratch, .status = LP_OK};
  const int status = lp_run_with(kernel, args, runPhase, &execution);
  if (execution.status != LP_OK) {
    return failure(JobKernelFailed, execution.begun - 1, status);
  }
  return status == LP_OK ? failure(JobOk, 0, 0)
                         : failure(JobBadTasks, execution.begun, -1);
}

/* Executes for about job->header->timedNanoseconds and writes what that took.
 */
static ResultRecord timeExecutions(const Job *job, const lp_kernel *kernel,
                                   const lp_args *args, void *scratch) {
  static Stopwatch watch;
  startStopwatch(&watch, job->header->timedNanoseconds);
  while (isRunning(&watch)) {
    const uint64_t start = sysNanoseconds();
    for (uint64_t i = 0; i < watch.perSample; ++i) {
      const ResultRecord record = execute(job, kernel, args, scratch);
      if (failed(&record)) {
        return record;
      }
    }
    addSample(&watch, sysNanoseconds() - start);
  }
  const JobTiming timing = stopStopwatch(&watch);
  writeRecord((ResultRecord){.kind = RecordTiming, .bytes = sizeof(timing)},
              &timing);
  return failure(JobOk, 0, 0);
}

static ResultRecord runPhases(const Job *job, const lp_kernel *kernel,
                              void *const *buffers) {
  void *workspace;
  void *scratch;
  ResultRecord record =
      mapArea(RegionWorkspace, kernel->workspace_size(job->sizes), &workspace);
  if (failed(&record)) {
    return record;
  }
  record = mapArea(RegionScratch, kernel->scratch_size(), &scratch);
  if (failed(&record)) {
    return record;
  }
  const lp_args args = {.buffers = buffers,
                        .sizes = job->sizes,
                        .workspace = workspace,
                        .cpu_features = lp_cpu_features()};
  record = execute(job, kernel, &args, scratch);
  if (failed(&record) || job->header->timedNanoseconds == 0) {
    return record;
  }
  return timeExecutions(job, kernel, &args, scratch);
}

/* Reports the first region with a byte written beside it. */
static ResultRecord checkPaddings(void) {
  for (uint64_t i = 0; i < numRegions; ++i) {
    if (!isPaddingIntact(&regions[i])) {
      ResultRecord record = failure(JobOverrun, regions[i].index, 0);
      record.region = regions[i].kind;
      record.size = regions[i].size;
      return record;
    }
  }
  return failure(JobOk, 0, 0);
}

static ResultRecord runKernel(const Job *job, const lp_kernel *kernel) {
  void *buffers[MaxBuffers];
  ResultRecord record = mapBuffers(job, buffers);
  if (failed(&record)) {
    return record;
  }
  record = packBuffers(job, kernel, buffers);
  if (failed(&record)) {
    return record;
  }
  record = runPhases(job, kernel, buffers);
  if (failed(&record)) {
    return record;
  }
  record = checkPaddings();
  if (failed(&record)) {
    return record;
  }
  for (uint64_t i = job->header->numInputs; i < job->header->numBuffers; ++i) {
    writeRecord((ResultRecord){.kind = RecordOutput,
                               .index = i,
                               .bytes = job->bufferBytes[i]},
                buffers[i]);
  }
  return failure(JobOk, 0, 0);
}

static ResultRecord runJob(const Job *job) {
  const lp_kernel *kernel = findKernel(job);
  if (!kernel) {
    return failure(JobNoKernel, 0, 0);
  }
  if (kernel->abi_version != LP_ABI_VERSION) {
    return failure(JobWrongAbi, 0, kernel->abi_version);
  }
  if (job->header->numBuffers > MaxBuffers ||
      (uint64_t)kernel->num_buffers != job->header->numBuffers ||
      (uint64_t)kernel->num_inputs != job->header->numInputs ||
      (uint64_t)kernel->num_sizes != job->header->numSizes) {
    return failure(JobWrongCounts, 0, 0);
  }
  writeRecord(
      (ResultRecord){.kind = RecordSymbol, .bytes = textLength(kernel->symbol)},
      kernel->symbol);
  const ResultRecord record = runKernel(job, kernel);
  removeRegions();
  return record;
}

static Job readJob(const uint8_t *bytes, uint64_t number) {
  Job job;
  job.number = number;
  job.header = (const JobHeader *)bytes;
  job.name = (const char *)(job.header + 1);
  job.sizes = (const int64_t *)(job.name + roundUp(job.header->nameBytes, 8));
  job.bufferBytes = (const uint64_t *)(job.sizes + job.header->numSizes);
  job.contents = (const uint8_t *)(job.bufferBytes + job.header->numBuffers);
  return job;
}

static void onSignals(void) {
  enum { SigIll = 4, SigTrap = 5, SigBus = 7, SigFpe = 8, SigSegv = 11 };
  sysOnSignal(SigIll, onFault);
  sysOnSignal(SigTrap, onFault);
  sysOnSignal(SigBus, onFault);
  sysOnSignal(SigFpe, onFault);
  sysOnSignal(SigSegv, onFault);
}

/* The number that `text` is in decimal. */
static uint64_t parseNumber(const char *text) {
  uint64_t value = 0;
  for (; *text >= '0' && *text <= '9'; ++text) {
    value = 10 * value + (uint64_t)(*text - '0');
  }
  return value;
}

static int runFile(const char *jobPath, const char *resultPath,
                   uint64_t offset) {
  const long jobFile = sysOpen(jobPath, OpenRead);
  const long bytes = jobFile < 0 ? -1 : sysFileSize(jobFile);
  if (bytes < 0 || offset > (uint64_t)bytes ||
      (uint64_t)bytes - offset < sizeof(JobFileHeader)) {
    return RunnerExitUsage;
  }
  const long mapped = sysMap((uint64_t)bytes, jobFile);
  if (mapped < 0 && mapped > -4096) {
    return RunnerExitUsage;
  }
  const JobFileHeader *header =
      (const JobFileHeader *)((uint64_t)mapped + offset);
  if (header->magic != LPGEN_JOB_MAGIC) {
    return RunnerExitUsage;
  }
  resultFile = sysOpen(resultPath, OpenWriteNew);
  if (resultFile < 0) {
    return RunnerExitIo;
  }
  onSignals();
  const uint8_t *next = (const uint8_t *)(header + 1);
  for (uint64_t number = 0; number < header->numJobs; ++number) {
    const Job job = readJob(next, number);
    currentJob = number;
    writeRecord((ResultRecord){.kind = RecordStart}, 0);
    writeRecord(runJob(&job), 0);
    next += job.header->bytes;
  }
  return 0;
}

/* Called by _start with the stack as the kernel left it: argc, argv[], 0,
 * environment[], 0, auxiliary vector. */
_Noreturn __attribute__((used)) static void runnerMain(const uint64_t *stack) {
  const uint64_t argc = stack[0];
  const uint64_t *next = stack + 1 + argc + 1;
  while (*next != 0) {
    ++next;
  }
  auxiliaryVector = next + 1;
  const unsigned long atPageSize = 6;
  pageBytes = getauxval(atPageSize);
  sysDieWithParent();
  if (argc != 3 && argc != 4) {
    sysExit(RunnerExitUsage);
  }
  sysExit(runFile((const char *)stack[2], (const char *)stack[3],
                  argc == 4 ? parseNumber((const char *)stack[4]) : 0));
}

#if defined(__x86_64__)
__asm__(".globl _start\n"
        "_start:\n"
        "  xor %ebp, %ebp\n"
        "  mov %rsp, %rdi\n"
        "  and $-16, %rsp\n"
        "  call runnerMain\n");
#else
__asm__(".globl _start\n"
        "_start:\n"
        "  mov x29, #0\n"
        "  mov x0, sp\n"
        "  bl runnerMain\n");
#endif
