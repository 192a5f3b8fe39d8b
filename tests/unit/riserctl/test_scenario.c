// SPDX-License-Identifier: Apache-2.0
// The demo's scenario and its files as the replay takes them, against the figures of tests/data/README.md; and what is
// said of scenarios that are wrong.
#include "riserctl/replay/scenario.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "riserctl/replay/rows.h"
#include "riserctl/zone_table.h"

static const char *const demo = RISER_SOURCE_DIR "/deploy/local/demo/scenario.yaml";

static void the_demos_rows_are_all_there(void **state) {
  (void)state;
  struct arena *arena = arena_new(512 * 1024 * 1024);
  struct complaints complaints;
  struct scenario scenario;
  struct rows rows;
  struct zone zone;
  complaints_init(&complaints);
  assert_int_equal(zone_table_make("Europe/Madrid", arena, &zone), OK);
  assert_string_equal(scenario_site(demo, arena, &complaints), "alicante");
  assert_true(scenario_read(demo, NULL, &zone, arena, &complaints, &scenario));
  assert_int_equal(scenario.twice_ppm, 10000);
  assert_int_equal(scenario.late_max_s, 3 * 86400);
  assert_int_equal(scenario.tick_second, 300);
  assert_int_equal(scenario.payer_count, 2);
  assert_string_equal(scenario.payers[1].lease, "lease-102");
  assert_int_equal(scenario.payers[1].not_before_s, 1475308800); // 2016-10-01 10:00 in Madrid
  assert_true(rows_read(&scenario, &zone, arena, &complaints, &rows));
  assert_int_equal(rows.count, 191778 + 65082);
  size_t scientific = 0;
  for (size_t i = 0; i < rows.count; i++) {
    if (!strchr(rows.items[i].text, 'e')) continue;
    scientific++;
    assert_true(rows.items[i].value == 200000000 || rows.items[i].value == 400000000);
  }
  assert_int_equal(scientific, 3);
  complaints_fini(&complaints);
  arena_free(arena);
}

static void expect_complaint(const char *text, const char *wanted) {
  char path[] = "/tmp/riserctl-scenario-XXXXXX";
  struct arena *arena = arena_new(64 * 1024 * 1024);
  struct complaints complaints;
  struct scenario scenario;
  struct zone zone;
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
  complaints_init(&complaints);
  assert_int_equal(zone_table_make("Europe/Madrid", arena, &zone), OK);
  assert_false(scenario_read(path, NULL, &zone, arena, &complaints, &scenario));
  const char *said = buffer_text(&complaints.text);
  if (!strstr(said, wanted)) fail_msg("said %s, not %s", said, wanted);
  complaints_fini(&complaints);
  arena_free(arena);
  unlink(path);
}

#define TICKS "site: s\nticks: {from: 2016-03-01, until: 2016-03-02}\n"
#define SOURCE TICKS "sources:\n  - file: x.csv\n    time: {column: t, format: YYYY}\n"

static void what_is_wrong_is_told_with_its_place(void **state) {
  (void)state;
  expect_complaint("site: s\nsources: []\n", ":1:1: the scenario needs the key \"ticks\"");
  expect_complaint(TICKS "sources: []\n", ":3:10: a scenario has 1 to 64 sources");
  expect_complaint(SOURCE, ":4:5: a source has either meter and value, or columns");
  expect_complaint(SOURCE "    columns: {a: {meter: m, register: volume, unit: kWh}}\n",
                   ":6:53: kWh is no unit of volume");
  expect_complaint(SOURCE "    columns: {a: {meter: m, register: volme, unit: l}}\n", "did you mean \"volume\"?");
  expect_complaint(TICKS "twice: 1\nsources: []\n",
                   ":3:8: \"1\" has no unit that fits here; write it like 1 % or 0.5 %");
  expect_complaint(TICKS "delayed: {share: 1 %, up_to: 3}\nsources: []\n", "is no span of time");
  expect_complaint("site: s\nticks: {from: 2016-03-02, until: 2016-03-01}\nsources: []\n", "until is before from");
  expect_complaint("site: s\nticks: {from: 2016-03-01, until: 2016-03-01, at: noon}\nsources: []\n",
                   "\"noon\" is no time of day");
}

static void stamps_follow_their_format(void **state) {
  (void)state;
  int64_t seconds = 0;
  assert_true(stamp_by_format("DD/MM/YYYY hh:mm:ss", "01/03/2016 00:28:55", &seconds));
  assert_int_equal(seconds, 1456792135);
  assert_true(stamp_by_format("YYYY-MM-DDThh:mm:ssZ", "2016-02-29T23:00:00Z", &seconds));
  assert_int_equal(seconds, 1456786800);
  assert_false(stamp_by_format("DD/MM/YYYY", "1/3/2016", &seconds));
  assert_false(stamp_by_format("DD/MM/YYYY", "31/02/2016", &seconds));
  assert_false(stamp_by_format("DD/MM/YYYY", "01/03/2016 00:00", &seconds));
  assert_false(stamp_by_format("YYYY-MM-DD hh", "2016-03-01 24", &seconds));
  assert_false(stamp_by_format("YYYY-MM-DD", "2016-03-", &seconds));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_demos_rows_are_all_there),
      cmocka_unit_test(what_is_wrong_is_told_with_its_place),
      cmocka_unit_test(stamps_follow_their_format),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
