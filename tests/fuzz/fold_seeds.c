// SPDX-License-Identifier: Apache-2.0
// Writes the facts of billing's case files as inputs of the fuzz target `fold`: fold_seeds FOLDER CASE...
#include <string.h>

#include "fuzz.h"
#include "unit/billing/script.h"
#include "wire/fact.h"

enum { SEED_MAX = 30000, RECORD_MAX = 4096, LINE_SIZE = 4096 };

static void add(struct buffer *seed, const struct fact *fact) {
  struct buffer record;
  uint8_t head[3] = {1};
  buffer_init(&record, RECORD_MAX);
  if (wire_fact_encode(fact, &record) == OK && seed->len + 3 + record.len < SEED_MAX) {
    put_le16(head + 1, (uint16_t)record.len);
    FUZZ_HOLDS(buffer_append(seed, head, sizeof head) == OK);
    FUZZ_HOLDS(buffer_append(seed, record.data, record.len) == OK);
  }
  buffer_fini(&record);
}

static void read_case(const char *path, struct buffer *seed) {
  struct script script;
  char line[LINE_SIZE];
  FILE *file = fopen(path, "r");
  FUZZ_HOLDS(file);
  script_init(&script);
  while (fgets(line, sizeof line, file)) {
    struct words words;
    struct fact fact;
    line[strcspn(line, "#\n")] = 0;
    words_split(line, &words);
    bool other = !words.count || strncmp(words.word[0], "=>", 2) == 0 || strcmp(words.word[0], "ticks") == 0;
    if (!other && script_fact(&script, &words, &fact)) add(seed, &fact);
  }
  script_fini(&script);
  fclose(file);
}

int main(int argc, char **argv) {
  for (int i = 2; i < argc; i++) {
    struct buffer seed;
    char path[1024];
    const char *name = strrchr(argv[i], '/');
    buffer_init(&seed, SEED_MAX);
    read_case(argv[i], &seed);
    snprintf(path, sizeof path, "%s/%s", argv[1], name ? name + 1 : argv[i]);
    FILE *file = fopen(path, "wb");
    FUZZ_HOLDS(file && fwrite(seed.data, 1, seed.len, file) == seed.len);
    fclose(file);
    buffer_fini(&seed);
  }
  return 0;
}
