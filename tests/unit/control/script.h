// SPDX-License-Identifier: Apache-2.0
// Plays a case file against the pure core: each line is an input and, after "=>", every effect that must follow, in
// order. The words are explained in cases/README. One world a case; the test's thread.
#ifndef RISER_TESTS_UNIT_CONTROL_SCRIPT_H
#define RISER_TESTS_UNIT_CONTROL_SCRIPT_H

#include <stdbool.h>

struct world;

// `restarts`: the process dies and is rebuilt from riser.command.v1 before every line.
struct world *world_new(bool restarts);
void world_free(struct world *world);

// Plays one line; `line` is changed. The text of what followed, to be compared with *expected (trimmed, in the line).
const char *world_play(struct world *world, char *line, const char **expected);

#endif
