/* Process 1 of the emulated machine: runs one program and sends what it
 * printed, the files that it changed and how it ended through port 0xE9, which
 * Bochs copies to its standard output. See lpgen-emulate-avx512, the other end.
 *
 * The stream: a mark, then records {kind, 8 bytes: number, 8 bytes: size,
 * bytes}: 'o' and 'e' standard output and error, 'f' the file of that number in
 * /job/files, 'x' the end, whose number is the status as wait() gives it. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MostWords = 256, MostBytes = 1 << 16 };

static void sendBytes(const void *bytes, size_t count) {
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

/* Sends the file at `path`; nothing if it cannot be read. */
static void sendFile(char kind, uint64_t number, const char *path) {
  struct stat facts;
  const int file = open(path, O_RDONLY);
  if (file < 0 || fstat(file, &facts) != 0) {
    return;
  }
  const size_t size = (size_t)facts.st_size;
  char *bytes = malloc(size + 1);
  size_t got = 0;
  ssize_t more = 1;
  while (bytes && got < size && more > 0) {
    more = read(file, bytes + got, size - got);
    got += more > 0 ? (size_t)more : 0;
  }
  if (bytes) {
    sendRecord(kind, number, bytes, got);
  }
  free(bytes);
  close(file);
}

/* The words of a file, each ended by a zero byte; a null pointer after the
 * last. */
static char **readWords(const char *path) {
  static char bytes[2][MostBytes];
  static char *words[2][MostWords];
  static int used;
  char *next = bytes[used];
  char **list = words[used++];
  const int file = open(path, O_RDONLY);
  const ssize_t size = file < 0 ? 0 : read(file, next, MostBytes - 1);
  int count = 0;
  for (char *end = next + (size > 0 ? size : 0);
       next < end && count < MostWords - 1; next += strlen(next) + 1) {
    list[count++] = next;
  }
  return list;
}

static void runProgram(char **words) {
  char *const noEnvironment[] = {NULL};
  dup2(open("/dev/null", O_RDONLY), 0);
  dup2(open("/out", O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
  dup2(open("/err", O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
  execve(words[0], words, noEnvironment);
  static const char message[] = "the program cannot be started\n";
  (void)!write(2, message, sizeof message - 1);
  _exit(127);
}

int main(void) {
  static const char mark[] = "\n<lpgen emulation>\n";
  char **words = readWords("/job/words");
  char **files = readWords("/job/files");
  const pid_t program = fork();
  if (program == 0) {
    runProgram(words);
  }
  int status = 127 << 8;
  waitpid(program, &status, 0);
  iopl(3);
  sendBytes(mark, sizeof mark - 1);
  sendFile('o', 0, "/out");
  sendFile('e', 0, "/err");
  for (uint64_t i = 0; files[i]; ++i) {
    struct stat facts;
    /* The archive gave all files time 0. */
    if (stat(files[i], &facts) == 0 && facts.st_mtime != 0) {
      sendFile('f', i, files[i]);
    }
  }
  sendRecord('x', (uint64_t)status, "", 0);
  for (const char *letter = "Shutdown"; *letter; ++letter) {
    outb((unsigned char)*letter, 0x8900);
  }
  for (;;) {
    pause();
  }
}
