// SPDX-License-Identifier: Apache-2.0
// Runs cases/chain.txt: each case once as written and, since the chain must not depend on it, merged backwards.
#include "domain/chain.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/reads.h"

enum { READS_MAX = 32, LINE_SIZE = 200 };
static const uint32_t month = 201609;

struct expectation {
  struct read read;
  char verdict[20];
};

struct chain_case {
  char name[LINE_SIZE];
  struct chain_limits limits;
  struct expectation expected[READS_MAX];
  size_t count;
};

static const char *const verdicts[] = {"accepted", "rolled-over", "reset", "questionable", "void"};

static void build(const struct chain_case *c, bool backwards, struct arena *arena, struct chain *out) {
  struct buffer vector;
  buffer_init(&vector, READS_SIZE_MAX);
  for (size_t i = 0; i < c->count; i++) {
    struct reads_change change;
    size_t at = backwards ? c->count - 1 - i : i;
    assert_int_equal(reads_merge(&vector, c->expected[at].read, &change), OK);
  }
  struct chain_month source = {month, buffer_bytes(&vector)};
  assert_int_equal(chain_build(&source, 1, &c->limits, arena, out), OK);
  buffer_fini(&vector);
}

static void check_verdicts(const struct chain_case *c, const struct chain *chain) {
  assert_int_equal(chain->count, c->count);
  for (size_t i = 0; i < c->count; i++) {
    const char *got = verdicts[chain->reads[i].verdict];
    if (strcmp(got, c->expected[i].verdict) != 0)
      fail_msg("%s: read at %u is %s, not %s", c->name, c->expected[i].read.second, got, c->expected[i].verdict);
  }
}

static void check_boundary(const struct chain_case *c, const struct chain *chain, const char *line) {
  long second;
  char total[32], quality[32] = "";
  assert_true(sscanf(line, "at %ld %31s %31s", &second, total, quality) >= 2);
  struct boundary boundary;
  bool known = chain_at(chain, reads_month_start(month) + second, &boundary);
  if (strcmp(total, "unknown") == 0) {
    if (known) fail_msg("%s: %s is known", c->name, line);
    return;
  }
  if (!known || boundary_total(&boundary) != atoll(total) || strcmp(quality_name(boundary.quality), quality) != 0)
    fail_msg("%s: at %ld stands %lld (%s)", c->name, second, (long long)boundary_total(&boundary),
             known ? quality_name(boundary.quality) : "unknown");
}

static bool parse_read(struct chain_case *c, const char *line) {
  struct expectation *e = &c->expected[c->count];
  char word[8];
  long second, long_value = 0;
  strcpy(e->verdict, "void");
  if (sscanf(line, "%7s %ld %ld %19s", word, &second, &long_value, e->verdict) < 2) return false;
  uint16_t rank = RANK_DEVICE;
  if (strcmp(word, "edit") == 0) {
    rank = read_edit_rank(0, false);
  } else if (strcmp(word, "void") == 0) {
    rank = read_edit_rank(0, true);
  } else if (strcmp(word, "read") != 0) {
    return false;
  }
  e->read = (struct read){(uint32_t)second, rank, long_value};
  assert_true(++c->count < READS_MAX);
  return true;
}

// One case per call; the file position stands behind it. False at the end of the file.
static bool run_case(FILE *file, struct chain_case *c, struct arena *arena) {
  char line[LINE_SIZE];
  struct chain chain = {0};
  bool built = false;
  c->count = 0;
  c->name[0] = '\0';
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0' && c->name[0]) break;
    if (line[0] == '\0' || line[0] == '#') continue;
    long long rate, backflow, slack, rollover;
    if (strncmp(line, "case ", 5) == 0) {
      snprintf(c->name, sizeof c->name, "%.190s", line + 5);
    } else if (sscanf(line, "limits %lld %lld %lld %lld", &rate, &backflow, &slack, &rollover) == 4) {
      c->limits = (struct chain_limits){rate, backflow, slack, rollover};
    } else if (strncmp(line, "at ", 3) == 0) {
      if (!built) build(c, false, arena, &chain);
      built = true;
      check_boundary(c, &chain, line);
    } else if (!parse_read(c, line)) {
      fail_msg("%s: cannot read '%s'", c->name, line);
    }
  }
  if (!c->name[0]) return false;
  for (int backwards = 0; backwards < 2; backwards++) {
    build(c, backwards, arena, &chain);
    check_verdicts(c, &chain);
  }
  arena_reset(arena);
  return true;
}

static void the_case_file_holds(void **state) {
  (void)state;
  FILE *file = fopen(RISER_SOURCE_DIR "/tests/unit/domain/cases/chain.txt", "r");
  assert_non_null(file);
  struct arena *arena = arena_new(1 << 20);
  struct chain_case c;
  int cases = 0;
  while (run_case(file, &c, arena)) cases++;
  assert_true(cases >= 15);
  arena_free(arena);
  fclose(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_case_file_holds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
