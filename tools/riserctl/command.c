// SPDX-License-Identifier: Apache-2.0
// Own code instead of getopt_long, so that one table makes the parser, the help, and the suggestion after a slip.
#include "riserctl/command.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "riserctl/nearest.h"

static const struct option common[] = {
    {"json", NULL, "print for programs: one JSON document"},
    {"config", "FILE", "KEY=VALUE file with the servers' addresses (the environment wins)"},
    {"help", NULL, "this page"},
};
enum { COMMON_JSON, COMMON_CONFIG, COMMON_HELP, COMMON_COUNT };

static bool read_option(const struct command *command, char **argv, int *at, struct arguments *out, bool *help);
static int option_index(const struct option *options, size_t count, const char *name, size_t len);
static void set_common(int index, const char *value, struct arguments *out, bool *help);
static void complain_unknown(const struct command *command, const char *name);
static void print_options(const struct option *options, size_t count);

const struct command *command_named(const char *name) {
  for (size_t i = 0; command_table[i]; i++) {
    if (strcmp(command_table[i]->name, name) == 0) return command_table[i];
  }
  return NULL;
}

bool arguments_read(const struct command *command, int argc, char **argv, struct arguments *out, bool *help) {
  assert(command->option_count <= OPTIONS_MAX);
  *out = (struct arguments){.command = command};
  *help = false;
  bool only_operands = false;
  for (int at = 0; at < argc; at++) {
    if (!only_operands && strcmp(argv[at], "--") == 0) {
      only_operands = true;
    } else if (!only_operands && strncmp(argv[at], "--", 2) == 0) {
      if (!read_option(command, argv, &at, out, help)) return false;
    } else if (out->operand_count < command->operands_max && out->operand_count < OPERANDS_MAX) {
      out->operands[out->operand_count++] = argv[at];
    } else {
      fprintf(stderr, "riserctl %s: \"%s\" is one argument too many\n", command->name, argv[at]);
      return false;
    }
  }
  if (*help || out->operand_count >= command->operands_min) return true;
  fprintf(stderr, "riserctl %s: %s is missing; see riserctl %s --help\n", command->name, command->operands,
          command->name);
  return false;
}

// "--name value" or "--name=value".
static bool read_option(const struct command *command, char **argv, int *at, struct arguments *out, bool *help) {
  const char *name = argv[*at] + 2;
  size_t len = strcspn(name, "=");
  int own = option_index(command->options, command->option_count, name, len);
  int shared = own < 0 ? option_index(common, COMMON_COUNT, name, len) : -1;
  if (own < 0 && shared < 0) {
    complain_unknown(command, name);
    return false;
  }
  const struct option *option = own < 0 ? &common[shared] : &command->options[own];
  const char *value = name[len] == '=' ? name + len + 1 : NULL;
  if (!option->value && value) {
    fprintf(stderr, "riserctl %s: --%s takes no value\n", command->name, option->name);
    return false;
  }
  if (option->value && !value) value = argv[*at + 1] ? argv[++*at] : NULL;
  if (option->value && !value) {
    fprintf(stderr, "riserctl %s: --%s needs %s\n", command->name, option->name, option->value);
    return false;
  }
  if (own < 0) {
    set_common(shared, value, out, help);
  } else {
    out->values[own] = value ? value : "";
  }
  return true;
}

static int option_index(const struct option *options, size_t count, const char *name, size_t len) {
  for (size_t i = 0; i < count; i++) {
    if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0) return (int)i;
  }
  return -1;
}

static void set_common(int index, const char *value, struct arguments *out, bool *help) {
  if (index == COMMON_JSON) out->json = true;
  if (index == COMMON_CONFIG) out->config = value;
  if (index == COMMON_HELP) *help = true;
}

static void complain_unknown(const struct command *command, const char *name) {
  const char *known[OPTIONS_MAX + COMMON_COUNT];
  size_t count = 0;
  for (size_t i = 0; i < command->option_count; i++) known[count++] = command->options[i].name;
  for (size_t i = 0; i < COMMON_COUNT; i++) known[count++] = common[i].name;
  const char *near = nearest_word(name, known, count);
  fprintf(stderr, "riserctl %s: there is no option --%s", command->name, name);
  if (near) fprintf(stderr, "; did you mean --%s?", near);
  fprintf(stderr, "\n");
}

const char *arguments_value(const struct arguments *arguments, const char *name) {
  int index = option_index(arguments->command->options, arguments->command->option_count, name, strlen(name));
  assert(index >= 0);
  return arguments->values[index];
}

bool arguments_given(const struct arguments *arguments, const char *name) {
  return arguments_value(arguments, name) != NULL;
}

void command_print_help(const struct command *command) {
  printf("usage: riserctl %s%s%s%s\n\n%s.\n", command->name, command->operands[0] ? " " : "", command->operands,
         command->option_count ? " [OPTIONS]" : "", command->summary);
  if (command->details[0]) printf("\n%s", command->details);
  printf("\noptions:\n");
  print_options(command->options, command->option_count);
  print_options(common, COMMON_COUNT);
}

static void print_options(const struct option *options, size_t count) {
  for (size_t i = 0; i < count; i++) {
    char head[64];
    snprintf(head, sizeof head, "--%s%s%s", options[i].name, options[i].value ? " " : "",
             options[i].value ? options[i].value : "");
    printf("  %-24s %s\n", head, options[i].help);
  }
}

void command_print_list(void) {
  printf("usage: riserctl COMMAND [ARGUMENTS] [OPTIONS]\n\n");
  for (size_t i = 0; command_table[i]; i++) printf("  %-10s %s\n", command_table[i]->name, command_table[i]->summary);
  printf(
      "\nriserctl COMMAND --help tells more. The servers' addresses come from RISER_KAFKA, RISER_REDIS, RISER_MQTT\n"
      "and RISER_PARTITIONS in the environment or in the file given with --config (var/stack.env of a local stack).\n"
      "\nends with 0: done; 1: understood, but it did not hold; 2: wrong use, or a mistake in a file;\n"
      "3: Kafka, Redis or the MQTT broker can't be reached; 4: internal error.\n");
}
