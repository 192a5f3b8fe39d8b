// SPDX-License-Identifier: Apache-2.0
// The tenants, from cases/payers.txt.
#include "riserctl/replay/payers.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cases.h"

enum { DAY_S = 86400, PAID_MAX = 16 };

static const struct payer table[] = {
    {.pays = true, .after_s = 5 * DAY_S},
    {.lease = "patient", .pays = true, .after_s = 5 * DAY_S, .not_before_s = 20 * DAY_S},
    {.lease = "never"},
};
static const struct scenario scenario = {.payers = table, .payer_count = sizeof table / sizeof table[0]};

struct story {
  struct payers *payers;
  struct arena *arena;
  struct payment paid[PAID_MAX];
  size_t paid_count;
  size_t checked;
};

static void begin(struct story *story, const struct cases *cases) {
  if (story->checked != story->paid_count) cases_fail(cases, "a payment too much before this");
  payers_free(story->payers);
  if (story->arena) arena_free(story->arena);
  *story = (struct story){.payers = payers_new(&scenario), .arena = arena_new(1 << 20)};
}

static void run_until(struct story *story, const struct cases *cases) {
  struct payment payments[PAYMENTS_AT_ONCE];
  size_t count;
  if (story->checked != story->paid_count) cases_fail(cases, "a payment too much before this");
  while (payers_next(story->payers, cases_number(cases, 1) * DAY_S, story->arena, payments, &count)) {
    assert_true(story->paid_count + count <= PAID_MAX);
    memcpy(&story->paid[story->paid_count], payments, count * sizeof payments[0]);
    story->paid_count += count;
  }
}

static void check(struct story *story, const struct cases *cases) {
  if (story->checked == story->paid_count) cases_fail(cases, "nobody paid");
  const struct payment *paid = &story->paid[story->checked++];
  bool same = strcmp(paid->lease, cases->words[1]) == 0 && paid->paid_at_s == cases_number(cases, 2) * DAY_S &&
              strcmp(commodity_name(paid->commodity), cases->words[3]) == 0 &&
              paid->amount_e4 == cases_number(cases, 4);
  if (!same) cases_fail(cases, "paid otherwise");
  for (size_t i = 0; i + 1 < story->checked; i++) assert_string_not_equal(paid->id, story->paid[i].id);
}

static void the_stories_are_paid(void **state) {
  (void)state;
  struct story story = {.payers = NULL};
  struct cases cases;
  cases_open(&cases, "payers.txt");
  while (cases_next(&cases)) {
    struct decision decision = {.kind = DECISION_BILL};
    if (cases_is(&cases, "case")) {
      begin(&story, &cases);
    } else if (cases_is(&cases, "bill")) {
      decision.bill = (struct bill){.lease = cases.words[1], .issued_s = cases_number(&cases, 2) * DAY_S};
      assert_int_equal(payers_decision(story.payers, &decision), OK);
    } else if (cases_is(&cases, "owes")) {
      decision.kind = DECISION_BALANCE;
      decision.balance = (struct balance){.lease = cases.words[1]};
      decision.balance.owed_e4[COMMODITY_ELECTRICITY] = cases_number(&cases, 2);
      decision.balance.owed_e4[COMMODITY_WATER] = cases_number(&cases, 3);
      assert_int_equal(payers_decision(story.payers, &decision), OK);
    } else if (cases_is(&cases, "until")) {
      run_until(&story, &cases);
    } else {
      check(&story, &cases);
    }
  }
  begin(&story, &cases);
  payers_free(story.payers);
  arena_free(story.arena);
  cases_close(&cases);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_stories_are_paid)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
