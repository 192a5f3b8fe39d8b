// SPDX-License-Identifier: Apache-2.0
// Settled or not: stories from cases/settle.txt, and the positions in the logs.
#include "riserctl/replay/settle.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cases.h"

static enum channel channel_named(const char *name) {
  if (strcmp(name, "mail") == 0) return CHANNEL_MAIL;
  return strcmp(name, "webhook") == 0 ? CHANNEL_WEBHOOK : CHANNEL_NONE;
}

static void tell_person(struct settle *settle, const struct cases *cases) {
  struct person person = {.id = cases->words[1], .mail = "", .webhook_url = ""};
  for (size_t i = 2; i < cases->count; i++) {
    if (strcmp(cases->words[i], "mail") == 0) person.mail = "x@example.org";
    if (strcmp(cases->words[i], "webhook") == 0) person.webhook_url = "https://example.org";
  }
  assert_int_equal(settle_person(settle, &person), OK);
}

static void tell_decision(struct settle *settle, const struct cases *cases) {
  const char *const *persons = (const char *const *)&cases->words[2];
  size_t count = cases->count - 2;
  struct decision decision = {.id = cases->words[1], .kind = DECISION_SWITCH_DUE};
  if (cases_is(cases, "bill")) {
    decision.kind = DECISION_BILL;
    decision.bill = (struct bill){.persons = persons, .person_count = count};
  } else if (cases_is(cases, "alert")) {
    decision.kind = DECISION_USAGE_ALERT;
    decision.usage_alert = (struct usage_alert){.persons = persons, .person_count = count};
  } else if (cases_is(cases, "notice")) {
    decision.kind = DECISION_NOTICE_DUE;
    decision.notice_due = (struct notice_due){.persons = persons, .person_count = count};
  }
  assert_int_equal(settle_decision(settle, &decision), OK);
}

static void tell_fact(struct settle *settle, const struct cases *cases) {
  struct fact fact = {.kind = FACT_COMMAND_OUTCOME};
  if (cases_is(cases, "told")) {
    fact.kind = FACT_NOTICE_DELIVERED;
    fact.notice_delivered.decision_id = cases->words[1];
    fact.notice_delivered.person = cases->words[2];
    fact.notice_delivered.channel = channel_named(cases->words[3]);
  } else {
    fact.command_outcome.decision_id = cases->words[1];
  }
  assert_int_equal(settle_fact(settle, &fact), OK);
}

static void tell_command(struct settle *settle, const struct cases *cases) {
  const struct command_state state = {.decision_id = cases->words[1],
                                      .step = cases_is(cases, "held") ? COMMAND_HELD : COMMAND_SENT};
  assert_int_equal(settle_command(settle, &state), OK);
}

static void check_waits(struct settle *settle, const struct cases *cases) {
  struct buffer text;
  size_t wanted = (size_t)cases_number(cases, 1), lines = 0;
  buffer_init(&text, 65536);
  if (settle_pending(settle) != wanted) cases_fail(cases, "not so many");
  assert_int_equal(settle_describe(settle, 100, &text), OK);
  for (size_t i = 0; i < text.len; i++) lines += text.data[i] == '\n';
  assert_int_equal(lines, wanted);
  buffer_fini(&text);
}

static void the_stories_come_to_rest(void **state) {
  (void)state;
  struct cases cases;
  struct settle *settle = NULL;
  int count = 0;
  cases_open(&cases, "settle.txt");
  while (cases_next(&cases)) {
    if (cases_is(&cases, "case")) {
      settle_free(settle);
      settle = settle_new();
      count++;
    } else if (cases_is(&cases, "person")) {
      tell_person(settle, &cases);
    } else if (cases_is(&cases, "told") || cases_is(&cases, "outcome")) {
      tell_fact(settle, &cases);
    } else if (cases_is(&cases, "held") || cases_is(&cases, "moved")) {
      tell_command(settle, &cases);
    } else if (cases_is(&cases, "waits")) {
      check_waits(settle, &cases);
    } else {
      tell_decision(settle, &cases);
    }
  }
  settle_free(settle);
  cases_close(&cases);
  assert_true(count >= 13);
}

static void positions_must_all_be_reached(void **state) {
  (void)state;
  const struct settle_positions there = {.site_next = 10,
                                         .site_end = 10,
                                         .folded_next = 10,
                                         .outbox_last = {.offset = 8, .index = 3},
                                         .decision_last = {.offset = 8, .index = 3}};
  struct settle_positions p = there;
  assert_true(settle_positions_reached(&p));
  p.folded_next = 9; // a record is not folded
  assert_false(settle_positions_reached(&p));
  p = there;
  p.folded_next = 11; // folded, and not yet seen here
  assert_false(settle_positions_reached(&p));
  p.site_end = 11; // what lies there is a transaction's marker
  assert_true(settle_positions_reached(&p));
  p.folded_next = 10; // billing has not yet come to that marker
  assert_true(settle_positions_reached(&p));
  p = there;
  p.folded_index = 1; // a tick is applied in part
  assert_false(settle_positions_reached(&p));
  p = there;
  p.decision_last.index = 2; // a decision is not published yet
  assert_false(settle_positions_reached(&p));
  p = there;
  p.outbox_last.offset = -1; // nothing followed from the last batch
  assert_true(settle_positions_reached(&p));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_stories_come_to_rest),
      cmocka_unit_test(positions_must_all_be_reached),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
