// SPDX-License-Identifier: Apache-2.0
// Lines and fields, plain and from gzip.
#include "riserctl/replay/csv.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct csv *open_text(const char *text, char separator, enum error wanted) {
  char path[] = "/tmp/riserctl-csv-XXXXXX";
  struct csv *csv = NULL;
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
  assert_int_equal(csv_open(path, separator, &csv), wanted);
  unlink(path);
  return csv;
}

static void fields_are_cut_at_the_separator(void **state) {
  (void)state;
  struct csv *csv = open_text("a;b c;d\r\n1;;3\n4;5\n", ';', OK);
  const char *const *fields;
  size_t count;
  assert_int_equal(csv_column(csv, "b c"), 1);
  assert_int_equal(csv_column(csv, "none"), -1);
  assert_int_equal(csv_next(csv, &fields, &count), OK);
  assert_int_equal(count, 3);
  assert_string_equal(fields[1], "");
  assert_string_equal(fields[2], "3");
  assert_int_equal(csv_line(csv), 2);
  assert_int_equal(csv_next(csv, &fields, &count), OK);
  assert_int_equal(count, 2);
  assert_int_equal(csv_next(csv, &fields, &count), OK);
  assert_int_equal(count, 0);
  csv_close(csv);
}

static void quotes_hold_separators(void **state) {
  (void)state;
  struct csv *csv = open_text("a,b\n\"x,y\",\"say \"\"hi\"\"\"\n\"\",z\n", ',', OK);
  const char *const *fields;
  size_t count;
  assert_int_equal(csv_next(csv, &fields, &count), OK);
  assert_int_equal(count, 2);
  assert_string_equal(fields[0], "x,y");
  assert_string_equal(fields[1], "say \"hi\"");
  assert_int_equal(csv_next(csv, &fields, &count), OK);
  assert_string_equal(fields[0], "");
  assert_string_equal(fields[1], "z");
  csv_close(csv);
}

static void a_quote_without_end_is_refused(void **state) {
  (void)state;
  struct csv *csv = open_text("a,b\n\"x,y\n", ',', OK);
  const char *const *fields;
  size_t count;
  assert_int_equal(csv_next(csv, &fields, &count), ERR_BAD_VALUE);
  csv_close(csv);
}

static void a_file_without_header_or_that_is_not_there_is_refused(void **state) {
  (void)state;
  struct csv *csv;
  assert_null(open_text("", ',', ERR_EMPTY));
  assert_int_equal(csv_open("/nowhere/x.csv", ',', &csv), ERR_NOT_FOUND);
}

static void gzip_is_read_as_well(void **state) {
  (void)state;
  struct csv *csv;
  const char *const *fields;
  size_t count, lines = 0;
  assert_int_equal(csv_open(RISER_SOURCE_DIR "/tests/data/electricity_opsd/electricity.csv.gz", ',', &csv), OK);
  while (csv_next(csv, &fields, &count) == OK && count > 0) lines++;
  assert_int_equal(lines, 7345);
  csv_close(csv);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fields_are_cut_at_the_separator),
      cmocka_unit_test(quotes_hold_separators),
      cmocka_unit_test(a_quote_without_end_is_refused),
      cmocka_unit_test(a_file_without_header_or_that_is_not_there_is_refused),
      cmocka_unit_test(gzip_is_read_as_well),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
