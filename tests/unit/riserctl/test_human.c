// SPDX-License-Identifier: Apache-2.0
// Human units both ways, from cases/human.txt.
#include "riserctl/human.h"

#include <inttypes.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cases.h"
#include "riserctl/zone_table.h"

static void got_number(char *to, enum error err, int64_t value) {
  if (err) {
    snprintf(to, HUMAN_TEXT_SIZE, "%s", error_name(err));
  } else {
    snprintf(to, HUMAN_TEXT_SIZE, "%" PRId64, value);
  }
}

static void got_stamp(char *to, const char *text, const struct zone *zone) {
  static const char *const names[] = {"", "malformed", "skipped", "repeated"};
  int64_t value = 0;
  enum stamp_result result = human_stamp_parse(text, zone, &value);
  snprintf(to, HUMAN_TEXT_SIZE, "%s", names[result]);
  if (result == STAMP_OK) snprintf(to, HUMAN_TEXT_SIZE, "%" PRId64, value);
}

static void answer(const struct cases *cases, const struct zone *zone, char *to) {
  enum commodity commodity = cases->count > 1 ? commodity_from_name(cases->words[1]) : COMMODITY_NONE;
  int64_t value = 0, den = 0;
  if (cases_is(cases, "quantity")) {
    enum error err = human_quantity_parse(cases->words[2], commodity, &value);
    got_number(to, err, value);
  } else if (cases_is(cases, "rate")) {
    enum error err = human_rate_parse(cases->words[2], commodity, &value);
    got_number(to, err, value);
  } else if (cases_is(cases, "price")) {
    enum error err = human_price_parse(cases->words[1], &value);
    got_number(to, err, value);
  } else if (cases_is(cases, "money")) {
    enum error err = human_money_parse(cases->words[2], (uint32_t)cases_number(cases, 1), &value);
    got_number(to, err, value);
  } else if (cases_is(cases, "ratio")) {
    enum error err = human_ratio_parse(cases->words[1], &value, &den);
    got_number(to, err, value);
    if (!err) snprintf(to, HUMAN_TEXT_SIZE, "%" PRId64 "/%" PRId64, value, den);
  } else if (cases_is(cases, "stamp")) {
    got_stamp(to, cases->words[1], zone);
  } else if (cases_is(cases, "shown")) {
    human_stamp_format(cases_number(cases, 1), zone, to);
  } else if (cases_is(cases, "amount")) {
    human_money_format(cases_number(cases, 1), (uint32_t)cases_number(cases, 2), to);
  } else if (cases_is(cases, "number")) {
    human_number_format(cases_number(cases, 2), commodity, to);
  } else {
    cases_fail(cases, "unknown kind of case");
  }
}

static void numbers_and_instants_are_read_and_shown(void **state) {
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct zone zone;
  struct cases cases;
  int count = 0;
  assert_int_equal(zone_table_make("Europe/Madrid", arena, &zone), OK);
  cases_open(&cases, "human.txt");
  for (; cases_next(&cases); count++) {
    char got[HUMAN_TEXT_SIZE];
    const char *wanted = cases.words[cases.count - 1];
    answer(&cases, &zone, got);
    if (strcmp(got, wanted) != 0) cases_fail(&cases, got);
  }
  cases_close(&cases);
  assert_true(count > 60);
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_and_instants_are_read_and_shown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
