// SPDX-License-Identifier: Apache-2.0
// The core against its case files: once as they stand, and once with the process dying before every line, which must
// not change a single effect.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "script.h"

enum { LINE_SIZE = 512 };

struct file {
  FILE *stream;
  char path[256];
  char name[LINE_SIZE]; // of the case
  int line;
  int cases;
};

static void play_line(const struct file *file, struct world *world, const char *text, bool restarts) {
  char line[LINE_SIZE];
  const char *expected;
  snprintf(line, sizeof line, "%s", text);
  const char *followed = world_play(world, line, &expected);
  if (strcmp(followed, expected) != 0) {
    fail_msg("%s:%d: case \"%s\"%s\n  %s\n  expected: %s\n  followed: %s", file->path, file->line, file->name,
             restarts ? " with restarts" : "", line, expected, followed);
  }
}

// Plays the whole file; with `restarts` all but the volatile cases.
static void play_file(struct file *file, bool restarts) {
  char text[LINE_SIZE];
  struct world *world = NULL;
  rewind(file->stream);
  file->line = 0;
  while (fgets(text, sizeof text, file->stream)) {
    file->line++;
    text[strcspn(text, "\n")] = '\0';
    if (text[0] == '#' || text[0] == '\0') continue;
    if (strncmp(text, "case ", 5) == 0) {
      if (world) world_free(world);
      world = restarts && strstr(text, " volatile") ? NULL : world_new(restarts);
      snprintf(file->name, sizeof file->name, "%s", text + 5);
      file->cases++;
    } else if (world) {
      play_line(file, world, text, restarts);
    }
  }
  if (world) world_free(world);
}

static void play(void **state) {
  struct file file = {.cases = 0};
  snprintf(file.path, sizeof file.path, "%s/tests/unit/control/cases/%s.txt", RISER_SOURCE_DIR, (const char *)*state);
  file.stream = fopen(file.path, "r");
  if (!file.stream) fail_msg("cannot open %s", file.path);
  play_file(&file, false);
  play_file(&file, true);
  fclose(file.stream);
  assert_true(file.cases >= 2);
}

#define FILE_TEST(name) {name, play, NULL, NULL, (void *)(name)}

int main(void) {
  const struct CMUnitTest tests[] = {
      FILE_TEST("disconnect"), FILE_TEST("retry"), FILE_TEST("policy"), FILE_TEST("supersede"), FILE_TEST("drift"),
      FILE_TEST("restart"),
  };
  return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
