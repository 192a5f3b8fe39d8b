// SPDX-License-Identifier: Apache-2.0
// Site files and what is said of them, from cases/site_file.txt; and what a right one becomes.
#include "riserctl/site_file/site_file.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char base_text[] = "site:\n"
                                "  id: north\n"
                                "  landlord: demo\n"
                                "  name: North house\n"
                                "  zone: Europe/Madrid\n"
                                "  currency: EUR\n"
                                "  disconnectable: [electricity]\n";

struct trial {
  char name[256];
  char yaml[16384];
  char wanted[8192];
};

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

// The complaints without the file's name in front of each.
static void said_of(const char *path, const struct complaints *complaints, char *to, size_t size) {
  char *text = strdup(buffer_text((struct buffer *)&complaints->text)), *rest = text, *line;
  to[0] = 0;
  while ((line = strtok_r(rest, "\n", &rest))) {
    if (strncmp(line, path, strlen(path)) == 0) line += strlen(path) + 1;
    size_t used = strlen(to);
    snprintf(to + used, size - used, "%s\n", line);
  }
  free(text);
}

static void run_trial(const struct trial *trial) {
  char path[] = "/tmp/riserctl-case-XXXXXX", said[8192];
  const char *paths[] = {path};
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  write_file(path, trial->yaml);
  struct arena *arena = arena_new(64 * 1024 * 1024);
  struct complaints complaints;
  struct site_file file;
  complaints_init(&complaints);
  bool fine = site_file_read(paths, 1, arena, &complaints, &file);
  said_of(path, &complaints, said, sizeof said);
  if (strcmp(said, trial->wanted) != 0) {
    fail_msg("case \"%s\"\nsaid:\n%swanted:\n%s", trial->name, said, trial->wanted);
  }
  assert_int_equal(fine, trial->wanted[0] == 0);
  complaints_fini(&complaints);
  arena_free(arena);
  unlink(path);
}

static void add_line(char *to, size_t size, const char *line) {
  size_t used = strlen(to);
  assert_true(used + strlen(line) + 2 < size);
  snprintf(to + used, size - used, "%s%s", line, line[0] && line[strlen(line) - 1] == '\n' ? "" : "\n");
}

static void each_case_is_told(void **state) {
  (void)state;
  FILE *cases = fopen(CASES "/site_file.txt", "r");
  struct trial *trial = calloc(1, sizeof *trial);
  char line[2048];
  int count = 0;
  bool in_wanted = false;
  assert_non_null(cases);
  while (fgets(line, sizeof line, cases)) {
    line[strcspn(line, "\n")] = 0;
    if (strncmp(line, "=== ", 4) == 0) {
      if (count++) run_trial(trial);
      memset(trial, 0, sizeof *trial);
      snprintf(trial->name, sizeof trial->name, "%.200s", line + 4);
      in_wanted = false;
    } else if (strcmp(line, "---") == 0) {
      in_wanted = true;
    } else if (count && in_wanted && line[0]) {
      add_line(trial->wanted, sizeof trial->wanted, line);
    } else if (count && !in_wanted) {
      add_line(trial->yaml, sizeof trial->yaml, strcmp(line, "base") == 0 ? base_text : line);
    }
  }
  run_trial(trial);
  assert_true(count > 35);
  free(trial);
  fclose(cases);
}

static void the_demos_files_become_what_they_say(void **state) {
  (void)state;
  const char *paths[] = {RISER_SOURCE_DIR "/deploy/local/demo/site.yaml",
                         RISER_SOURCE_DIR "/deploy/local/demo/persons.yaml"};
  struct arena *arena = arena_new(64 * 1024 * 1024);
  struct complaints complaints;
  struct site_file file;
  complaints_init(&complaints);
  assert_true(site_file_read(paths, 2, arena, &complaints, &file));
  assert_int_equal(file.room_count, 30);
  assert_int_equal(file.point_count, 39);
  assert_int_equal(file.installation_count, 39);
  assert_int_equal(file.person_count, 30);
  assert_true(file.site.disconnectable[COMMODITY_ELECTRICITY]);
  assert_false(file.site.disconnectable[COMMODITY_WATER]);
  assert_int_equal(file.tariffs[0].blocks[1].upto, 400000);
  assert_int_equal(file.tariffs[0].blocks[2].price_e8, 88800000);
  assert_int_equal(file.tariffs[1].year_start_month, 3);
  assert_int_equal(file.tariffs[1].line_rounding.quantum_e4, 10000);
  assert_string_equal(file.installations[3].meter, "w-1f8730a9");
  assert_int_equal(file.installations[3].max_rate_per_hour, 5000000);
  assert_int_equal(file.installations[3].from_s, 1456786800); // 2016-03-01 00:00 in Madrid
  assert_string_equal(file.leases[1].persons[0], "tenant-102");
  assert_string_equal(file.persons[0].language, "zh");
  complaints_fini(&complaints);
  arena_free(arena);
}

static void a_file_that_is_not_there_is_named(void **state) {
  (void)state;
  const char *paths[] = {"/nowhere/site.yaml"};
  struct arena *arena = arena_new(1 << 20);
  struct complaints complaints;
  struct site_file file;
  complaints_init(&complaints);
  assert_false(site_file_read(paths, 1, arena, &complaints, &file));
  assert_string_equal(buffer_text(&complaints.text),
                      "/nowhere/site.yaml: can't be opened: No such file or directory\n");
  complaints_fini(&complaints);
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_case_is_told),
      cmocka_unit_test(the_demos_files_become_what_they_say),
      cmocka_unit_test(a_file_that_is_not_there_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
