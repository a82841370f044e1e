/* What the monitor of the emulated machine owes a program, one thing a word:
 *
 *   machine words A B ...   prints its words
 *   machine append FILE     reads a file and writes to its end
 *   machine fault KIND      dies of null, division, instruction, stack or abort
 *   machine guard           writes to a page that it may not, and handles that
 *   machine memory          memory is zero, and again after it was given back
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { Page = 4096, Pages = 300 };
static char *guarded;

static int append(const char *path) {
  FILE *file = fopen(path, "r+");
  char line[100];
  if (!file || !fgets(line, sizeof line, file)) {
    return 1;
  }
  printf("read %s", line);
  fseek(file, 0, SEEK_END);
  for (int i = 0; i < 2000; ++i) {
    fprintf(file, "line %d\n", i);
  }
  return fclose(file) == 0 && !fopen("/etc/passwd", "r") ? 0 : 1;
}

static int useStack(int depth) {
  volatile char many[1 << 16];
  many[0] = (char)depth;
  return depth < 0 ? 0 : useStack(depth + 1) + many[0];
}

static int die(const char *kind) {
  volatile int zero = 0;
  int *volatile null = NULL;
  if (strcmp(kind, "null") == 0) {
    *null = 1;
  } else if (strcmp(kind, "division") == 0) {
    return 1000 / zero;
  } else if (strcmp(kind, "instruction") == 0) {
    __asm__ volatile("ud2");
  } else if (strcmp(kind, "stack") == 0) {
    return useStack(0);
  }
  abort();
}

static void onFault(int signal, siginfo_t *info, void *context) {
  (void)context;
  _exit(signal == SIGSEGV && info->si_addr == guarded + Page + 5 ? 42 : 1);
}

static int guard(void) {
  struct sigaction action = {.sa_sigaction = onFault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  guarded = mmap(NULL, (size_t)2 * Page, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  guarded[Page + 5] = 7;
  if (mprotect(guarded + Page, Page, PROT_READ) != 0 ||
      guarded[Page + 5] != 7) {
    return 1;
  }
  guarded[Page + 5] = 8;
  return 1;
}

static int memory(void) {
  for (int round = 0; round < 80; ++round) { /* more than there is, in all */
    unsigned char *bytes =
        mmap(NULL, (size_t)Pages * Page, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) {
      return 1;
    }
    for (size_t i = 0; i < (size_t)Pages * Page; i += 509) {
      if (bytes[i] != 0) {
        return 2;
      }
      bytes[i] = 1;
    }
    munmap(bytes, (size_t)Pages * Page);
  }
  /* More than there is. */
  return mmap(NULL, (size_t)1 << 40, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
             ? 0
             : 3;
}

int main(int count, char **words) {
  const char *what = count > 1 ? words[1] : "";
  if (strcmp(what, "words") == 0) {
    for (int i = 2; i < count; ++i) {
      printf("%s\n", words[i]);
    }
    fprintf(stderr, "%d words\n", count - 2);
    return count;
  }
  if (strcmp(what, "append") == 0 && count > 2) {
    return append(words[2]);
  }
  if (strcmp(what, "fault") == 0 && count > 2) {
    return die(words[2]);
  }
  if (strcmp(what, "guard") == 0) {
    return guard();
  }
  return strcmp(what, "memory") == 0 ? memory() : 1;
}
