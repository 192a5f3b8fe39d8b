// SPDX-License-Identifier: Apache-2.0
// What stands behind a command's name.
#include "riserctl/command.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct option options[] = {{"lease", "ID", ""}, {"yes", NULL, ""}};
static const struct command command = {
    .name = "try", .operands = "FILE", .options = options, .option_count = 2, .operands_min = 1, .operands_max = 2};
const struct command *const command_table[] = {&command, NULL};

static bool read_words(struct arguments *out, bool *help, const char *first, ...) {
  char *argv[16] = {(char *)first};
  int argc = first ? 1 : 0;
  va_list list;
  va_start(list, first);
  while (argc && (argv[argc] = va_arg(list, char *)) != NULL) argc++;
  va_end(list);
  return arguments_read(&command, argc, argv, out, help);
}

static void options_and_operands_are_told_apart(void **state) {
  (void)state;
  struct arguments arguments;
  bool help;
  assert_true(read_words(&arguments, &help, "a", "--lease", "l-1", "--json", "b", "--config=x", NULL));
  assert_string_equal(arguments_value(&arguments, "lease"), "l-1");
  assert_false(arguments_given(&arguments, "yes"));
  assert_true(arguments.json);
  assert_string_equal(arguments.config, "x");
  assert_int_equal(arguments.operand_count, 2);
  assert_string_equal(arguments.operands[1], "b");
  assert_true(read_words(&arguments, &help, "--lease=", "--yes", "--", "--json", NULL));
  assert_string_equal(arguments_value(&arguments, "lease"), "");
  assert_true(arguments_given(&arguments, "yes"));
  assert_string_equal(arguments.operands[0], "--json");
  assert_false(arguments.json);
}

static void what_is_not_understood_is_refused(void **state) {
  (void)state;
  struct arguments arguments;
  bool help;
  assert_false(read_words(&arguments, &help, "a", "--leese", "x", NULL));
  assert_false(read_words(&arguments, &help, "a", "--lease", NULL));
  assert_false(read_words(&arguments, &help, "a", "--yes=1", NULL));
  assert_false(read_words(&arguments, &help, "a", "b", "c", NULL));
  assert_false(read_words(&arguments, &help, NULL));
  assert_true(read_words(&arguments, &help, "--help", NULL));
  assert_true(help);
  assert_ptr_equal(command_named("try"), &command);
  assert_null(command_named("tri"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(options_and_operands_are_told_apart),
      cmocka_unit_test(what_is_not_understood_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
