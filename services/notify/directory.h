// SPDX-License-Identifier: Apache-2.0
// The persons, from riser.person.v1: read from the beginning at each start and followed from then on, held in memory
// only. A tombstone forgets a person. Owned by the worker; at most `persons_max`.
#ifndef RISER_NOTIFY_DIRECTORY_H
#define RISER_NOTIFY_DIRECTORY_H

#include "domain/person.h"
#include "notify/config.h"

struct directory;

enum error directory_open(const struct notify_config *config, struct directory **directory) MUST_USE;
void directory_close(struct directory *directory); // NULL is fine

// Takes in what has come, waiting up to timeout_ms for the first. ERR_LIMIT: more persons than persons_max.
enum error directory_poll(struct directory *directory, int timeout_ms) MUST_USE;

bool directory_is_complete(const struct directory *directory); // everything there was at the start has been read
size_t directory_count(const struct directory *directory);

// Borrowed until the next directory_poll. NULL: not known.
const struct person *directory_find(const struct directory *directory, const char *id);

#endif
