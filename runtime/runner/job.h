/* The files that the tools and the kernel runner exchange.
 *
 * A kernel runner is a program without a C library that runs generated kernels
 * on jobs: `runner JOBS RESULTS [OFFSET]`. The tools write the job file, which
 * begins OFFSET bytes into JOBS (0 if not given; a multiple of 8), so that
 * program and jobs can travel as one file, and read the result file. Both are
 * little-endian, every part starts at a multiple of 8 bytes.
 *
 * Job file: JobFileHeader, then numJobs times
 *   JobHeader | kernel name | sizes: int64_t[numSizes] | buffers:
 * uint64_t[numBuffers], the bytes of each buffer | the contents of each of the
 * numInputs first buffers Result file: ResultRecords, each followed by `bytes`
 * bytes of content (padded to 8). It grows while the runner works, so that
 * after a crash the last Start record names the job.
 */
#ifndef LPGEN_RUNTIME_RUNNER_JOB_H
#define LPGEN_RUNTIME_RUNNER_JOB_H

#include <stdint.h>

/* Read by C as well. NOLINTBEGIN(modernize-use-using) */

#define LPGEN_JOB_MAGIC UINT64_C(0x31626F6A6E65676C) /* "lgenjob1" */

/* Job files start with one. */
typedef struct JobFileHeader {
  uint64_t magic;
  uint64_t numJobs;
} JobFileHeader;

/* How the tasks of a phase are split into calls; a kernel must not care. */
typedef enum JobSplit {
  JobSplitWhole = 0,   /* one call for all */
  JobSplitReverse = 1, /* one call per task, the last task first */
  JobSplitChunks = 2,  /* calls of three tasks, every second one first */
} JobSplit;

typedef struct JobHeader {
  uint64_t bytes; /* of the whole job, this header included */
  uint64_t nameBytes;
  uint64_t split; /* JobSplit */
  uint64_t numSizes;
  uint64_t numBuffers;
  uint64_t numInputs;
  uint64_t timedNanoseconds; /* 0: run once; else then repeat for about so long
                                and write a RecordTiming */
} JobHeader;

typedef enum RecordKind {
  RecordStart = 1,  /* the job begins */
  RecordSymbol = 2, /* content: the symbol of the kernel that runs */
  RecordOutput = 3, /* index: the buffer; content: its bytes */
  RecordDone = 4,   /* code: JobOutcome; the job's last record */
  RecordFault = 5, /* code: the signal; region, index, offset: where, address */
  RecordTiming = 6, /* content: JobTiming */
} RecordKind;

/* How a job ended. */
typedef enum JobOutcome {
  JobOk = 0,
  JobNoKernel = 1,     /* no kernel of that name is linked in */
  JobWrongAbi = 2,     /* detail: the kernel's ABI version */
  JobWrongCounts = 3,  /* number of buffers, inputs or sizes differs */
  JobNoMemory = 4,     /* detail: bytes that could not be had */
  JobBadTasks = 5,     /* index: the phase for which tasks() is negative */
  JobPackFailed = 6,   /* index: buffer, detail: lp_status */
  JobKernelFailed = 7, /* index: phase, detail: lp_status */
  JobOverrun = 8,      /* bytes behind a region were written; region, index */
  JobPackedOutput = 9, /* index: an output that only exists packed */
  JobBadSize = 10,     /* a size function is negative; region, index */
} JobOutcome;

/* The memory a kernel is given; each region ends right before a page that
 * cannot be touched. Padding up to LP_ALIGNMENT is filled and checked. */
typedef enum RegionKind {
  RegionNone = 0,
  RegionBuffer = 1, /* logical buffer `index` */
  RegionPacked = 2, /* packed buffer `index` */
  RegionWorkspace = 3,
  RegionScratch = 4,
} RegionKind;

typedef struct ResultRecord {
  uint64_t kind; /* RecordKind */
  uint64_t job;
  uint64_t code;
  int64_t detail;
  uint64_t region; /* RegionKind */
  uint64_t index;
  int64_t offset;   /* of a fault from the region's start, in bytes */
  uint64_t size;    /* of that region */
  uint64_t address; /* of a fault */
  uint64_t bytes;   /* content behind this record */
} ResultRecord;

/* What the executions of a timed job took, all phases together. A sample is one
 * execution, or the mean of several short ones that follow each other. */
typedef struct JobTiming {
  uint64_t executions;
  uint64_t minPicoseconds; /* of an execution, by the fastest sample */
  uint64_t medianPicoseconds;
  uint64_t hertz; /* of the core meanwhile; 0 if it cannot be measured here */
} JobTiming;

/* Exit statuses of the runner beyond 0. */
enum {
  RunnerExitUsage = 64, /* wrong arguments or job file */
  RunnerExitIo = 65,    /* the result file could not be written */
  RunnerExitFault = 66, /* a RecordFault was written */
};

/* What outputs, workspace, scratch and padding hold before a kernel runs. */
#define LPGEN_JOB_FILL 0xA5

/* NOLINTEND(modernize-use-using) */

#endif /* LPGEN_RUNTIME_RUNNER_JOB_H */
