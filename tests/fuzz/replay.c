// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over every file of the folders (or files) named, and nothing else: the kept corpus as a unit test,
// with any compiler. A finding ends the program, and the last line says which file it was.
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

enum { PATH_SIZE = 4096, INPUT_MAX = 4 << 20 };

static int run_file(const char *path);
static int run_folder(const char *path);

int main(int argc, char **argv) {
  int count = 0;
  for (int i = 1; i < argc; i++) {
    struct stat status;
    if (stat(argv[i], &status)) {
      fprintf(stderr, "%s: is not there\n", argv[i]);
      return 2;
    }
    count += S_ISDIR(status.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);
  }
  printf("%d inputs\n", count);
  return count ? 0 : 1;
}

static int run_folder(const char *folder) {
  DIR *dir = opendir(folder);
  if (!dir) return 0;
  int count = 0;
  for (struct dirent *entry; (entry = readdir(dir));) {
    char path[PATH_SIZE];
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    count += run_file(path);
  }
  closedir(dir);
  return count;
}

static int run_file(const char *path) {
  printf("%s\n", path);
  fflush(stdout);
  FILE *file = fopen(path, "rb");
  uint8_t *data = malloc(INPUT_MAX);
  if (!file || !data) abort();
  size_t size = fread(data, 1, INPUT_MAX, file);
  fclose(file);
  uint8_t *exact = fuzz_copy(bytes_make(data, size));
  free(data);
  LLVMFuzzerTestOneInput(exact, size);
  free(exact);
  return 1;
}
