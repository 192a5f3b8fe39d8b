// SPDX-License-Identifier: Apache-2.0
// riserctl: finds the command, reads its arguments, runs it.
#include <stdio.h>
#include <string.h>

#include "riserctl/command.h"
#include "riserctl/ctl.h"
#include "riserctl/nearest.h"

enum { NAMES_MAX = 64 };

static int unknown_command(const char *name);

int main(int argc, char **argv) {
  if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
    command_print_list();
    return argc < 2 ? STATUS_USAGE : STATUS_OK;
  }
  const struct command *command = command_named(argv[1]);
  if (!command) return unknown_command(argv[1]);

  struct arguments arguments;
  bool help = false;
  if (!arguments_read(command, argc - 2, argv + 2, &arguments, &help)) return STATUS_USAGE;
  if (help) {
    command_print_help(command);
    return STATUS_OK;
  }
  struct ctl ctl;
  enum status status;
  if (!ctl_open(&ctl, &arguments, &status)) return (int)status;
  status = command->run(&ctl, &arguments);
  ctl_close(&ctl);
  if (fflush(stdout) != 0 && status == STATUS_OK) status = STATUS_INTERNAL;
  return (int)status;
}

static int unknown_command(const char *name) {
  const char *known[NAMES_MAX];
  size_t count = 0;
  for (size_t i = 0; command_table[i] && i < NAMES_MAX; i++) known[count++] = command_table[i]->name;
  const char *near = nearest_word(name, known, count);
  fprintf(stderr, "riserctl: there is no command \"%s\"", name);
  if (near) fprintf(stderr, "; did you mean %s?", near);
  fprintf(stderr, "\nriserctl --help lists them\n");
  return STATUS_USAGE;
}
