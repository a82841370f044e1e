/* The files among the program's words, and the stream to the host through port
 * 0xE9, which Bochs copies to its standard output: a mark, then records {kind,
 * 8 bytes: number, 8 bytes: size, bytes}: 'o' and 'e' parts of standard output
 * and error, 'f' the file of that number, 'x' the end, whose number is the
 * status. */
#include "machine.h"

enum { MaxFiles = 64, MaxOpen = 64 };
enum Kind { Closed, Null, Output, ErrorOutput, OfJob };
enum { OpenForWriting = 3, OpenEmptied = 01000 };
enum { SeekSet, SeekCurrent, SeekEnd };

/* A file that is written to moves from where the host laid it to a range of
 * its own, which grows. */
typedef struct File {
  const char *name;
  uint8_t *data;
  uint64_t size;
  uint64_t capacity; /* of its range, 0 before it is there */
  int isChanged;
} File;

typedef struct OpenFile {
  enum Kind kind;
  uint64_t file;
  uint64_t offset;
} OpenFile;

static const uint64_t ranges = 0xffffa00000000000U;
static const uint64_t rangeBytes = (uint64_t)1 << 36;
static File files[MaxFiles];
static uint64_t numFiles;
static OpenFile opened[MaxOpen] = {
    {Null, 0, 0}, {Output, 0, 0}, {ErrorOutput, 0, 0}};

static void sendBytes(const void *bytes, uint64_t count) {
  __asm__ volatile("rep outsb"
                   : "+S"(bytes), "+c"(count)
                   : "d"((uint16_t)0xE9)
                   : "memory");
}

static void sendRecord(char kind, uint64_t number, const void *bytes,
                       uint64_t size) {
  sendBytes(&kind, 1);
  sendBytes(&number, sizeof number);
  sendBytes(&size, sizeof size);
  sendBytes(bytes, size);
}

void startFiles(const Job *job) {
  static const char mark[] = "\n<lpgen emulation>\n";
  sendBytes(mark, sizeof mark - 1);
  const JobFile *of = direct(job->files);
  numFiles = job->numFiles < MaxFiles ? job->numFiles : MaxFiles;
  for (uint64_t i = 0; i < numFiles; ++i) {
    files[i] = (File){direct(of[i].name), direct(of[i].data), of[i].size, 0, 0};
  }
}

_Noreturn void endMachine(int status) {
  for (uint64_t i = 0; i < numFiles; ++i) {
    if (files[i].isChanged) {
      sendRecord('f', i, files[i].data, files[i].size);
    }
  }
  sendRecord('x', (uint64_t)status, "", 0);
  for (const char *letter = "Shutdown"; *letter; ++letter) {
    __asm__ volatile("outb %0, %1" : : "a"(*letter), "d"((uint16_t)0x8900));
  }
  for (;;) {
    __asm__ volatile("hlt");
  }
}

static int isSame(const char *a, const char *b) {
  while (*a != 0 && *a == *b) {
    ++a;
    ++b;
  }
  return *a == *b;
}

/* Makes room for `size` bytes in the range of a file. */
static long reserve(File *file, uint64_t size) {
  if (size <= file->capacity) {
    return 0;
  }
  uint8_t *range = (uint8_t *)(ranges + (uint64_t)(file - files) * rangeBytes);
  const uint64_t grown = wholePages(size + size / 2);
  const long failure = size > rangeBytes / 2
                           ? ErrorNoMemory
                           : protectPages((uint64_t)range + file->capacity,
                                          grown - file->capacity, ReadWrite);
  if (failure != 0) {
    return failure;
  }
  if (file->capacity == 0) {
    memcpy(range, file->data, file->size);
  }
  file->data = range;
  file->capacity = grown;
  return 0;
}

static OpenFile *openedAs(long number) {
  return number >= 0 && number < MaxOpen && opened[number].kind != Closed
             ? &opened[number]
             : NULL;
}

long openFile(const char *name, int flags) {
  OpenFile found = {isSame(name, "/dev/null") ? Null : OfJob, 0, 0};
  while (found.kind == OfJob && found.file < numFiles &&
         !isSame(name, files[found.file].name)) {
    ++found.file;
  }
  if (found.kind == OfJob && found.file == numFiles) {
    return (flags & OpenForWriting) != 0 ? ErrorAccess : ErrorNoEntry;
  }
  if (found.kind == OfJob && (flags & OpenEmptied) != 0) {
    files[found.file].size = 0;
    files[found.file].isChanged = 1;
  }
  for (long number = 0; number < MaxOpen; ++number) {
    if (opened[number].kind == Closed) {
      opened[number] = found;
      return number;
    }
  }
  return ErrorNoMemory;
}

long closeFile(long number) {
  OpenFile *file = openedAs(number);
  if (!file) {
    return ErrorBadFile;
  }
  file->kind = Closed;
  return 0;
}

long readFileAt(long number, void *bytes, uint64_t count, uint64_t offset) {
  const OpenFile *from = openedAs(number);
  if (!from) {
    return ErrorBadFile;
  }
  const uint64_t size = from->kind == OfJob ? files[from->file].size : 0;
  const uint64_t left = offset < size ? size - offset : 0;
  count = count < left ? count : left;
  if (count != 0) {
    memcpy(bytes, files[from->file].data + offset, count);
  }
  return (long)count;
}

long readFile(long number, void *bytes, uint64_t count) {
  OpenFile *from = openedAs(number);
  const long got = readFileAt(number, bytes, count, from ? from->offset : 0);
  if (got > 0) {
    from->offset += (uint64_t)got;
  }
  return got;
}

long writeFile(long number, const void *bytes, uint64_t count) {
  OpenFile *to = openedAs(number);
  if (!to) {
    return ErrorBadFile;
  }
  if (to->kind == Output || to->kind == ErrorOutput) {
    sendRecord(to->kind == Output ? 'o' : 'e', 0, bytes, count);
  } else if (to->kind == OfJob) {
    File *file = &files[to->file];
    const uint64_t end = to->offset + count;
    const long failure = reserve(file, end);
    if (failure != 0) {
      return failure;
    }
    if (to->offset > file->size) {
      memset(file->data + file->size, 0, to->offset - file->size);
    }
    memcpy(file->data + to->offset, bytes, count);
    file->size = end > file->size ? end : file->size;
    file->isChanged = 1;
    to->offset = end;
  }
  return (long)count;
}

long seekFile(long number, int64_t offset, int whence) {
  OpenFile *file = openedAs(number);
  if (!file || file->kind != OfJob) {
    return file ? -29 /* no position in a stream */ : ErrorBadFile;
  }
  const uint64_t from = whence == SeekEnd       ? files[file->file].size
                        : whence == SeekCurrent ? file->offset
                                                : 0;
  const int64_t to = (int64_t)from + offset;
  if (to < 0) {
    return ErrorInvalid;
  }
  file->offset = (uint64_t)to;
  return to;
}

long fileSize(long number) {
  const OpenFile *file = openedAs(number);
  if (!file) {
    return ErrorBadFile;
  }
  return file->kind == OfJob ? (long)files[file->file].size : -1;
}
