// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static char lines[256 * 1024];
static int pipe_fds[2];

// What was logged since the last call.
static const char *logged(void) {
  ssize_t len = read(pipe_fds[0], lines, sizeof lines - 1);
  lines[len > 0 ? len : 0] = 0;
  return lines;
}

static int setup(void **state) {
  (void)state;
  if (pipe(pipe_fds)) return -1;
  log_init("tester", LOG_LEVEL_INFO);
  log_set_fd(pipe_fds[1]);
  return 0;
}

static void test_fields(void **state) {
  (void)state;
  log_info("room-opened", F_STR("room", "101 \"A\"\\\n"), F_INT("count", -7), F_BOOL("open", true),
           F_BYTES("site", bytes_make("alicante-and-more", 8)), F_HEX("hash", bytes_make("\x00\xff", 2)),
           F_STR("nothing", NULL), F_ERR(ERR_BAD_TOPIC));
  const char *line = logged();
  const char *rest = strstr(line, ",\"level\"");
  assert_int_equal(strncmp(line, "{\"time\":\"20", 11), 0);
  assert_non_null(rest);
  assert_string_equal(rest, ",\"level\":\"info\",\"service\":\"tester\",\"event\":\"room-opened\","
                            "\"room\":\"101 \\\"A\\\"\\\\\\u000a\",\"count\":-7,\"open\":true,"
                            "\"site\":\"alicante\",\"hash\":\"00ff\",\"nothing\":null,\"error\":\"bad-topic\"}\n");
}

static void test_level(void **state) {
  enum log_level level = LOG_LEVEL_DEBUG;
  (void)state;
  log_debug("not-seen");
  log_error("seen");
  assert_null(strstr(logged(), "not-seen"));
  assert_int_equal(log_level_by_name("warn", &level), OK);
  assert_int_equal(level, LOG_LEVEL_WARN);
  assert_int_equal(log_level_by_name("loud", &level), ERR_BAD_VALUE);
}

static void test_foreign_bytes(void **state) {
  (void)state;
  log_info("foreign", F_STR("valid", "\xe7\x94\xb5"), F_STR("broken", "a\xff"));
  const char *line = logged();
  assert_non_null(strstr(line, "\"valid\":\"\xe7\x94\xb5\""));
  assert_non_null(strstr(line, "\"broken\":\"a\\u00ff\""));
}

static void test_long_line(void **state) {
  char huge[2 * LOG_LINE_MAX];
  (void)state;
  memset(huge, 'x', sizeof huge - 1);
  huge[sizeof huge - 1] = 0;
  log_info("long", F_INT("kept", 1), F_STR("huge", huge), F_INT("lost", 2));
  const char *line = logged();
  assert_true(strlen(line) <= LOG_LINE_MAX);
  assert_non_null(strstr(line, "\"kept\":1,\"truncated\":true}\n"));
  assert_null(strstr(line, "xxx"));
}

static void test_repeats(void **state) {
  int count = 0;
  (void)state;
  for (int i = 0; i < 1000; i++) log_warn("again-and-again", F_INT("i", i));
  log_warn("another");
  for (const char *at = logged(); (at = strchr(at, '\n')); at++) count++;
  assert_int_equal(count, LOG_BURST + 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fields),    cmocka_unit_test(test_level),   cmocka_unit_test(test_foreign_bytes),
      cmocka_unit_test(test_long_line), cmocka_unit_test(test_repeats),
  };
  return cmocka_run_group_tests(tests, setup, NULL);
}
