// SPDX-License-Identifier: Apache-2.0
// A command of riserctl: one const descriptor, in one file of riserctl/command/. Its name in the list of CMakeLists.txt
// puts it into the table from which main dispatches and prints the help.
#ifndef RISER_RISERCTL_COMMAND_H
#define RISER_RISERCTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

// What the process ends with; part of the interface, see docs/riserctl.md.
enum status {
  STATUS_OK = 0,
  STATUS_FAILED = 1,      // understood, but it did not hold: refused, not found, not settled, not equal
  STATUS_USAGE = 2,       // wrong options, or a mistake in a file
  STATUS_UNAVAILABLE = 3, // Kafka, Redis or the MQTT broker can't be reached
  STATUS_INTERNAL = 4,
};

struct option {
  const char *name;  // without the dashes
  const char *value; // what stands for the value in the help; NULL: a switch without one
  const char *help;
};

enum { OPTIONS_MAX = 20, OPERANDS_MAX = 256 };

struct command;
struct arguments {
  const struct command *command;
  const char *values[OPTIONS_MAX]; // in the order of command->options; NULL: not given
  const char *operands[OPERANDS_MAX];
  size_t operand_count;
  bool json;          // --json, which every command has
  const char *config; // --config FILE, likewise
};

struct ctl;
struct command {
  const char *name;
  const char *operands; // as they stand in the usage line: "FILE..."
  const char *summary;  // one line
  const char *details;  // what a user needs to know; ends with a newline
  const struct option *options;
  size_t option_count;
  size_t operands_min;
  size_t operands_max;
  enum status (*run)(struct ctl *ctl, const struct arguments *arguments);
};

extern const struct command *const command_table[]; // ends with NULL; made by CMake

const struct command *command_named(const char *name); // NULL if there is none

// Reads what stands behind the command's name. False with a message on standard error for anything that is not
// understood; *help: --help was among them.
bool arguments_read(const struct command *command, int argc, char **argv, struct arguments *out, bool *help);

// The value of an option of this command; NULL when it was not given. An unknown name asserts.
const char *arguments_value(const struct arguments *arguments, const char *name);
bool arguments_given(const struct arguments *arguments, const char *name);

void command_print_help(const struct command *command);
void command_print_list(void);

#endif
