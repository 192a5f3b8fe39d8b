// SPDX-License-Identifier: Apache-2.0
// Plays tariff/<kind>.case: prices of published tariffs and the rules' edges. Argument: the kind.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "billing/core/tariff/tariff.h"
#include "render.h"
#include "script.h"

enum { LINE_MAX_LEN = 1024, FOLLOWED_MAX = 65536 };

struct play {
  struct script script;
  struct tariff tariff;
  struct buffer followed;
  uint32_t minor_digits;
  const char *path;
  int line;
  int cases;
};

#define say(play, ...) assert_int_equal(buffer_printf(&(play)->followed, __VA_ARGS__), OK)

static void total(struct play *play, int64_t amount_e4) {
  struct rounding rounding = {10000, ROUNDING_HALF_UP};
  say(play, "total ");
  render_money(&play->followed, money_round(amount_e4, rounding), play->minor_digits);
  say(play, "\n");
}

static void use(struct play *play, const struct words *words) {
  enum commodity commodity = play->tariff.commodity;
  struct tariff_use it = {.minor_digits = play->minor_digits};
  it.quantity = script_quantity(words->word[1], commodity);
  if (words->count == 4) it.prior = script_quantity(words->word[3], commodity);
  struct tariff_lines lines;
  assert_int_equal(tariff_price(&play->tariff, &it, &lines), OK);
  int64_t quantity = 0;
  for (size_t i = 0; i < lines.count; i++) {
    const struct bill_line *line = &lines.lines[i];
    char price[DECIMAL_FORMAT_SIZE];
    say(play, "block %u ", line->block);
    render_quantity(&play->followed, line->quantity, commodity);
    say(play, " x %s = ", decimal_format(line->price_e8, 8, 0, price));
    render_money(&play->followed, line->amount_e4, play->minor_digits);
    say(play, "\n");
    quantity += line->quantity;
  }
  assert_int_equal(quantity, it.quantity);
  total(play, lines.amount_e4);
}

static void expect(struct play *play, const char *expected) {
  const char *text = buffer_text(&play->followed), *end = strchr(text, '\n');
  size_t len = end ? (size_t)(end - text) : 0;
  if (strlen(expected) != len || memcmp(text, expected, len) != 0) {
    fail_msg("%s:%d:\n  expected: %s\n  followed: %.*s", play->path, play->line, expected, (int)len, text);
  }
  size_t taken = end ? len + 1 : 0;
  memmove(play->followed.data, play->followed.data + taken, play->followed.len - taken);
  play->followed.len -= taken;
}

static void play_line(struct play *play, char *line) {
  struct words words;
  struct fact fact;
  words_split(line, &words);
  const char *first = words.word[0];
  if (play->followed.len) fail_msg("%s:%d: not expected: %s", play->path, play->line, buffer_text(&play->followed));
  if (strcmp(first, "case") == 0) {
    play->cases++;
  } else if (strcmp(first, "currency") == 0) {
    play->minor_digits = (uint32_t)strtoul(words.word[1], NULL, 10);
  } else if (strcmp(first, "round") == 0) {
    play->tariff.line_rounding = (struct rounding){10000, ROUNDING_HALF_UP};
  } else if (strcmp(first, "use") == 0) {
    use(play, &words);
  } else {
    assert_true(script_fact(&play->script, &words, &fact) && fact.kind == FACT_TARIFF);
    play->tariff = fact.tariff;
    play->tariff.line_rounding = (struct rounding){0, ROUNDING_NONE};
    assert_null(tariff_refuse(&play->tariff));
  }
}

static void test_cases(void **state) {
  struct play play = {.path = *state};
  script_init(&play.script);
  buffer_init(&play.followed, FOLLOWED_MAX);
  FILE *file = fopen(play.path, "r");
  assert_non_null(file);
  char line[LINE_MAX_LEN];
  while (fgets(line, sizeof line, file)) {
    play.line++;
    line[strcspn(line, "#\n")] = 0;
    if (strspn(line, " ") == strlen(line)) continue;
    if (strncmp(line, "=> ", 3) == 0) {
      expect(&play, line + 3);
    } else {
      play_line(&play, line);
    }
  }
  if (play.followed.len) fail_msg("%s: not expected: %s", play.path, buffer_text(&play.followed));
  assert_true(play.cases > 0);
  fclose(file);
  buffer_fini(&play.followed);
  script_fini(&play.script);
}

int main(int count, char **arguments) {
  char path[512];
  if (count != 2) return 2;
  snprintf(path, sizeof path, "%s/tests/unit/billing/tariff/%s.case", RISER_SOURCE_DIR, arguments[1]);
  const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(test_cases, path)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
