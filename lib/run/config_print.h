// SPDX-License-Identifier: Apache-2.0
// What is printed from a configuration table. Internal to config.
#ifndef RISER_RUN_CONFIG_PRINT_H
#define RISER_RUN_CONFIG_PRINT_H

#include "base/bytes.h"
#include "run/config.h"

enum { CONFIG_PRINT_MAX = 256 * 1024 };

struct config_origin {
  const char *text; // the value as it was written
  const char *from; // "default", "environment", or the file's name
};

enum error config_print_help(const struct config_schema *schema, struct buffer *to) MUST_USE;
// A Markdown table for docs/configuration/<service>.md.
enum error config_print_doc(const struct config_schema *schema, struct buffer *to) MUST_USE;
// VARIABLE=default, one a line.
enum error config_print_env(const struct config_schema *schema, struct buffer *to) MUST_USE;
// What is in force and where it came from, secrets masked; one origin an entry.
enum error config_print_effective(const struct config_schema *schema, const struct config_origin *origins,
                                  struct buffer *to) MUST_USE;

#endif
