// SPDX-License-Identifier: Apache-2.0
// One configuration value: from text into the service's struct, and the words with which people are told about it.
// Internal to config. Pure, but for reading the file that a CONFIG_FILE names.
#ifndef RISER_RUN_CONFIG_VALUE_H
#define RISER_RUN_CONFIG_VALUE_H

#include "base/bytes.h"
#include "run/config.h"

enum { CONFIG_PROBLEM_SIZE = 512, CONFIG_NAME_SIZE = 128, CONFIG_FILE_MAX = 64 * 1024 };

// Numbers of any of the three kinds; ERR_BAD_VALUE for anything else.
enum error config_parse_number(enum config_type type, const char *text, int64_t *value) MUST_USE;

// Sets the entry's member of `settings` from `text`, which must live as long as the settings. What has to be allocated
// for it (a file's content) is given in *owned, else NULL. On ERR_CONFIG `problem` says what is wrong and how to mend
// it.
enum error config_set(const struct config_entry *entry, const char *text, void *settings, char **owned,
                      char *problem) MUST_USE;

// The variable's name: RISER_<KEY>, or what the entry says. `name` takes CONFIG_NAME_SIZE characters.
void config_variable(const struct config_entry *entry, char *name);

const char *config_type_name(enum config_type type);
// "1MiB to 1TiB", "one of debug, info", "required"; may be empty.
enum error config_bounds(const struct config_entry *entry, struct buffer *to) MUST_USE;

#endif
