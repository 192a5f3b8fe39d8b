// SPDX-License-Identifier: Apache-2.0
// Plays every file of cases/. A file is played in several modes, which must agree on every decision and every byte.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render.h"
#include "script.h"
#include "twin.h"
#include "wire/fact.h"

enum { LINE_MAX_LEN = 4096, TEXT_MAX = 64 * 1024 * 1024, CASES_MAX = 200 };

static const struct twin_mode modes[] = {
    {"warm", false, SIZE_MAX, SIZE_MAX},
    {"cold", true, SIZE_MAX, SIZE_MAX},
    {"step by step", true, 1, 1},
};

struct play {
  struct script script;
  struct twin *twin;
  struct buffer followed; // decisions not yet asked for, as lines
  const char *hidden;
  char last[LINE_MAX_LEN]; // for `again`
  const char *path;
  int line;
};

static bool hides(const struct play *play, const char *kind) {
  return strstr(play->hidden, kind) != NULL;
}

static void seen(void *context, const struct decision *decision) {
  struct play *play = context;
  if (decision->kind == DECISION_CLOCK || decision->kind == DECISION_SEALED) return;
  if (decision->kind == DECISION_USAGE_CLOSED && hides(play, "usage")) return;
  if (decision->kind == DECISION_BALANCE && hides(play, "balance")) return;
  if (decision->kind == DECISION_USAGE_ALERT && hides(play, "alert")) return;
  assert_int_equal(decision->business_time_s == 0 ? 0 : decision->business_time_s % 60, 0);
  render_decision(decision, !hides(play, "meters"), &play->followed);
}

static void expect(struct play *play, const char *expected) {
  const char *text = buffer_text(&play->followed);
  const char *end = strchr(text, '\n');
  size_t len = end ? (size_t)(end - text) : 0;
  while (len > 0 && text[len - 1] == ' ') len--;
  char actual[LINE_MAX_LEN];
  snprintf(actual, sizeof actual, "%.*s", (int)len, text);
  if (strcmp(actual, expected) != 0) {
    fail_msg("%s:%d:\n  expected: %s\n  followed: %s", play->path, play->line, expected, actual);
  }
  size_t taken = end ? (size_t)(end - text) + 1 : 0;
  memmove(play->followed.data, play->followed.data + taken, play->followed.len - taken);
  play->followed.len -= taken;
}

static void nothing_left(struct play *play) {
  if (play->followed.len == 0) return;
  fail_msg("%s:%d: not expected:\n%s", play->path, play->line, buffer_text(&play->followed));
}

static void check_device(struct play *play, const struct words *words) {
  struct device device;
  static const char *const supplies[] = {"unknown", "on", "off"};
  assert_true(words->count > 1 && twin_device(play->twin, words->word[1], &device));
  struct buffer text;
  buffer_init(&text, LINE_MAX_LEN);
  assert_int_equal(buffer_printf(&text, "%s shows=%s wants=%s v%u meters=", device.online ? "online" : "offline",
                                 supplies[device.reported_supply], supplies[device.desired_supply],
                                 (unsigned)device.desired_version),
                   OK);
  for (size_t i = 0; i < device.meter_count; i++) {
    assert_int_equal(buffer_printf(&text, "%s%s", i ? "," : "", device.meters[i]), OK);
  }
  const char *before = device.previous_key[0] ? "," : "";
  if (device.wrapped_key[0])
    assert_int_equal(buffer_printf(&text, " key=%s%s%s", device.wrapped_key, before, device.previous_key), OK);
  char expected[LINE_MAX_LEN] = "";
  for (int i = 2; i < words->count; i++) {
    size_t len = strlen(expected);
    snprintf(expected + len, sizeof expected - len, "%s%s", i > 2 ? " " : "", words->word[i]);
  }
  if (strcmp(buffer_text(&text), expected) != 0) {
    fail_msg("%s:%d: the record says: %s", play->path, play->line, buffer_text(&text));
  }
  buffer_fini(&text);
}

static void check_days(struct play *play, const struct words *words) {
  char key[STORE_KEY_MAX];
  snprintf(key, sizeof key, "days:%s/%s/%s", play->script.site, words->word[1], words->word[2]);
  struct bytes record = twin_value(play->twin, key);
  assert_int_equal(record.len, DAYS_SIZE);
  enum commodity commodity = strstr(words->word[1], "water") ? COMMODITY_WATER : COMMODITY_ELECTRICITY;
  struct buffer text;
  buffer_init(&text, LINE_MAX_LEN);
  for (int i = 0; i < words->count - 3; i++) {
    const uint8_t *day = record.data + i * DAY_RECORD_SIZE;
    int32_t quality = (int32_t)get_le32(day + 8);
    buffer_clear(&text);
    if (quality == DAY_UNKNOWN) {
      assert_int_equal(buffer_append_text(&text, "?"), OK);
    } else {
      if (quality != QUALITY_VALID) assert_int_equal(buffer_append_text(&text, "~"), OK);
      render_quantity(&text, (int64_t)get_le64(day), commodity);
    }
    if (strcmp(buffer_text(&text), words->word[3 + i]) != 0) {
      fail_msg("%s:%d: day %d: %s", play->path, play->line, i + 1, buffer_text(&text));
    }
  }
  buffer_fini(&text);
}

// As it lies in the log: each record enters the chain of its key, in every mode the same.
static void apply(struct play *play, struct fact *fact) {
  struct buffer encoded;
  buffer_init(&encoded, TEXT_MAX);
  assert_int_equal(wire_fact_encode(fact, &encoded), OK);
  fact->mark = (struct record_mark){fact->kind == FACT_TICK ? "@tick/3" : fact->envelope.site, buffer_bytes(&encoded)};
  twin_apply(play->twin, fact, seen, play);
  buffer_fini(&encoded);
}

static void ticks(struct play *play, const struct words *words) {
  int64_t until_s = script_time(&play->script, words->word[2]);
  int64_t day_s = zone_day_start_at(&play->script.zone, script_time(&play->script, words->word[1]), 0);
  for (; day_s + 300 <= until_s; day_s = zone_day_start_at(&play->script.zone, day_s, 1)) {
    struct fact fact = {.kind = FACT_TICK, .tick = {day_s + 300}};
    fact.envelope = (struct envelope){.fact_id = "tick", .site = "", .landlord = ""};
    apply(play, &fact);
  }
}

static void play_line(struct play *play, char *line) {
  char copy[LINE_MAX_LEN];
  snprintf(copy, sizeof copy, "%s", line);
  struct words words;
  words_split(line, &words);
  if (words.count == 0) return;
  if (strcmp(words.word[0], "again") == 0) {
    snprintf(copy, sizeof copy, "%s", play->last);
    snprintf(line, LINE_MAX_LEN, "%s", play->last);
    words_split(line, &words);
    play->script.fact_count--; // the very same record: the same fact id
  }
  const char *site = play->script.site;
  if (strcmp(words.word[0], "elsewhere") == 0) {
    play->script.site = arena_strdup(play->script.arena, words.word[1]);
    for (int i = 2; i < words.count; i++) words.word[i - 2] = words.word[i];
    words.count -= 2;
  }
  struct fact fact;
  if (strcmp(words.word[0], "device") == 0) {
    check_device(play, &words);
  } else if (strcmp(words.word[0], "days") == 0) {
    check_days(play, &words);
  } else if (strcmp(words.word[0], "ticks") == 0) {
    ticks(play, &words);
  } else if (script_fact(&play->script, &words, &fact)) {
    apply(play, &fact);
    snprintf(play->last, sizeof play->last, "%s", copy);
  } else {
    fail_msg("%s:%d: not understood: %s", play->path, play->line, copy);
  }
  if (strcmp(words.word[0], "site") != 0) play->script.site = site;
}

static void hide(struct play *play, const char *line) {
  play->hidden = arena_strdup(play->script.arena, line);
}

static char *play_file(const char *path, struct twin_mode mode) {
  struct play play = {.hidden = "", .path = path};
  script_init(&play.script);
  play.twin = twin_new(mode);
  buffer_init(&play.followed, TEXT_MAX);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  char line[LINE_MAX_LEN];
  while (fgets(line, sizeof line, file)) {
    play.line++;
    char *comment = strchr(line, '#');
    if (comment) *comment = 0;
    size_t len = strlen(line);
    while (len > 0 && strchr(" \t\n", line[len - 1])) line[--len] = 0;
    if (len == 0) continue;
    if (strncmp(line, "=>", 2) == 0) {
      expect(&play, line + 2 + strspn(line + 2, " "));
      continue;
    }
    nothing_left(&play);
    if (strncmp(line, "hide ", 5) == 0) {
      hide(&play, line);
    } else {
      play_line(&play, line);
    }
  }
  nothing_left(&play);
  fclose(file);
  char *dump = twin_dump(play.twin);
  twin_free(play.twin);
  buffer_fini(&play.followed);
  script_fini(&play.script);
  return dump;
}

static void test_case(void **state) {
  const char *path = *state;
  char *first = NULL;
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    char *dump = play_file(path, modes[i]);
    if (first && strcmp(first, dump) != 0) fail_msg("%s: other bytes are stored when played %s", path, modes[i].name);
    if (!first) {
      first = dump;
    } else {
      free(dump);
    }
  }
  free(first);
}

static int by_name(const void *left, const void *right) {
  return strcmp(((const struct CMUnitTest *)left)->name, ((const struct CMUnitTest *)right)->name);
}

int main(int count, char **arguments) {
  static char paths[CASES_MAX][512];
  static struct CMUnitTest tests[CASES_MAX];
  size_t found = 0;
  DIR *folder = opendir(RISER_SOURCE_DIR "/tests/unit/billing/cases");
  if (!folder) return 1;
  for (struct dirent *entry; (entry = readdir(folder)) && found < CASES_MAX;) {
    const char *end = strrchr(entry->d_name, '.');
    if (!end || strcmp(end, ".case") != 0) continue;
    if (count > 1 && !strstr(entry->d_name, arguments[1])) continue;
    snprintf(paths[found], sizeof paths[found], "%s/tests/unit/billing/cases/%s", RISER_SOURCE_DIR, entry->d_name);
    tests[found] = (struct CMUnitTest){strrchr(paths[found], '/') + 1, test_case, NULL, NULL, paths[found]};
    found++;
  }
  closedir(folder);
  if (found == 0) return 1;
  qsort(tests, found, sizeof tests[0], by_name);
  return _cmocka_run_group_tests("cases", tests, found, NULL, NULL);
}
