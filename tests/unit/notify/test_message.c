// SPDX-License-Identifier: Apache-2.0
// Every kind of message in every language, letter by letter, against cases/<name>.<language>.txt; after a change of
// words: `test_notify_message --write`, and read the difference.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "notify/core/language.h"
#include "notify/core/message.h"
#include "samples.h"

static bool writing;

static void case_path(const char *name, const char *language, char *path, size_t size) {
  snprintf(path, size, RISER_SOURCE_DIR "/tests/unit/notify/cases/%s.%s.txt", name, language);
}

static void compare(const char *path, const char *made) {
  static char expected[65536];
  FILE *file = fopen(path, "rb");
  if (!file) fail_msg("%s is missing", path);
  size_t len = fread(expected, 1, sizeof expected - 1, file);
  fclose(file);
  expected[len] = '\0';
  if (strcmp(expected, made) != 0) print_error("%s differs from what was made:\n%s\n", path, made);
  assert_string_equal(expected, made);
}

static void check_sample(const struct sample *sample, const struct person *person, const char *language) {
  struct arena *arena = arena_new(1 << 20);
  struct message message;
  assert_int_equal(message_make(&sample->decision, person, sample->contact, arena, &message), OK);
  assert_string_equal(message.language, language);
  char path[512];
  case_path(sample->name, language, path, sizeof path);
  const char *made = arena_printf(arena, "Subject: %s\nKind: %s\n\n%s", message.subject, message.kind, message.text);
  assert_non_null(made);
  if (writing) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(made, 1, strlen(made), file), strlen(made));
    fclose(file);
  } else {
    compare(path, made);
  }
  arena_free(arena);
}

static void each_message_reads_as_in_its_case_file(void **state) {
  (void)state;
  for (int i = 0; i < SAMPLES; i++) {
    check_sample(&samples[i], &person_en, "en");
    check_sample(&samples[i], &person_zh, "zh");
  }
}

static void language_falls_back_from_person_to_site_to_english(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {"zh", "en", "zh"},    {"zh-Hans-CN", "en", "zh"}, {"", "zh", "zh"}, {"ZH", "en", "zh"},
      {"fr", "zh-TW", "zh"}, {"fr", "es", "en"},         {"", "", "en"},   {"zhx", "es", "en"},
      {"en_US", "zh", "en"}, {"z", "zh", "zh"},          {"fr", "", "en"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_string_equal(language_choose(cases[i][0], cases[i][1])->code, cases[i][2]);
  }
}

static void a_line_break_in_a_name_stays_in_its_line(void **state) {
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct person person = person_en;
  person.name = "Eve\r\n\r\nTo pay: nothing\n";
  struct decision decision = samples[0].decision;
  decision.bill.room = "101\nBcc: all@example.org";
  struct message message;
  assert_int_equal(message_make(&decision, &person, "", arena, &message), OK);
  assert_null(strpbrk(message.subject, "\r\n"));
  assert_non_null(strstr(message.text, "Dear Eve    To pay: nothing ,\n"));
  arena_free(arena);
}

static void other_decisions_are_no_messages(void **state) {
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct decision decision = samples[0].decision;
  struct message message;
  decision.kind = DECISION_CLOCK;
  assert_int_equal(message_make(&decision, &person_en, "", arena, &message), ERR_REFUSED);
  decision = samples[4].decision;
  decision.notice_due.kind = (enum notice_kind)99;
  assert_int_equal(message_make(&decision, &person_en, "", arena, &message), ERR_REFUSED);
  decision = samples[0].decision;
  decision.bill.person_count = 0;
  assert_int_equal(message_make(&decision, &person_en, "", arena, &message), ERR_REFUSED);
  arena_free(arena);
}

static void a_full_arena_is_an_error_not_a_shorter_text(void **state) {
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct message message;
  assert_int_equal(message_make(&samples[0].decision, &person_en, "", arena, &message), OK);
  size_t needed = arena_used(arena);
  arena_free(arena);
  for (size_t size = 16; size < needed; size += needed / 50) {
    arena = arena_new(size);
    assert_int_equal(message_make(&samples[0].decision, &person_en, "", arena, &message), ERR_NO_MEMORY);
    arena_free(arena);
  }
}

static void without_a_zone_the_offset_holds(void **state) {
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct decision decision = samples[3].decision;
  decision.zone = (struct zone){.count = 0};
  decision.utc_offset_s = -18000;
  decision.kind = DECISION_NOTICE_DUE;
  decision.notice_due = samples[5].decision.notice_due;
  decision.notice_due.due_s = 1451624400; // 2016-01-01 00:00 at -5 h: due on the last day of 2015
  struct message message;
  assert_int_equal(message_make(&decision, &person_en, "", arena, &message), OK);
  assert_non_null(strstr(message.text, "It was due on: 31 December 2015\n"));
  arena_free(arena);
}

int main(int argc, char **argv) {
  writing = argc > 1 && strcmp(argv[1], "--write") == 0;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_message_reads_as_in_its_case_file),
      cmocka_unit_test(language_falls_back_from_person_to_site_to_english),
      cmocka_unit_test(a_line_break_in_a_name_stays_in_its_line),
      cmocka_unit_test(other_decisions_are_no_messages),
      cmocka_unit_test(a_full_arena_is_an_error_not_a_shorter_text),
      cmocka_unit_test(without_a_zone_the_offset_holds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
