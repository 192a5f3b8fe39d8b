// SPDX-License-Identifier: Apache-2.0
// Everything goes into one buffer first: what is printed is whole or not there.
#include "run/config_print.h"

#include <stdio.h>

#include "run/config_value.h"

static enum error print_doc_row(const struct config_entry *entry, struct buffer *to);
static enum error print_cell(const char *text, struct buffer *to);
static enum error print_help_entry(const struct config_entry *entry, struct buffer *to);

enum error config_print_help(const struct config_schema *schema, struct buffer *to) {
  enum error err = buffer_printf(
      to,
      "%s: %s\n\n"
      "usage: %s [--config FILE] [--check-config | --print-config-doc | --print-config-env | --help | --version]\n\n"
      "  --config FILE       read KEY=VALUE lines (keys or variables as below, # for comments) before the environment\n"
      "  --check-config      print what is in force and where it came from; status 0, or 2 if something is wrong\n"
      "  --print-config-doc  print the table below as Markdown\n"
      "  --print-config-env  print every variable with its default\n\n"
      "Configuration, from the environment:\n",
      schema->service, schema->summary, schema->service);
  for (size_t i = 0; !err && i < schema->count; i++) err = print_help_entry(&schema->entries[i], to);
  return err;
}

static enum error print_help_entry(const struct config_entry *entry, struct buffer *to) {
  char variable[CONFIG_NAME_SIZE];
  config_variable(entry, variable);
  enum error err = buffer_printf(to, "\n  %s=%s\n      %s (%s", variable, entry->fallback, entry->help,
                                 config_type_name(entry->type));
  if (!err && (entry->min || entry->choices || entry->required)) err = buffer_append_text(to, ": ");
  if (!err) err = config_bounds(entry, to);
  if (!err) err = buffer_append_text(to, ")\n");
  return err;
}

enum error config_print_doc(const struct config_schema *schema, struct buffer *to) {
  enum error err = buffer_printf(to,
                                 "# Configuration of %s\n\n"
                                 "%s\n\n"
                                 "Made by `%s --print-config-doc`; don't edit.\n\n"
                                 "| Key | Variable | Type | Default | Bounds | What it does |\n"
                                 "|---|---|---|---|---|---|\n",
                                 schema->service, schema->summary, schema->service);
  for (size_t i = 0; !err && i < schema->count; i++) err = print_doc_row(&schema->entries[i], to);
  return err;
}

static enum error print_doc_row(const struct config_entry *entry, struct buffer *to) {
  char variable[CONFIG_NAME_SIZE];
  config_variable(entry, variable);
  enum error err = buffer_printf(to, "| `%s` | `%s` | %s | ", entry->key, variable, config_type_name(entry->type));
  if (!err && entry->fallback[0]) err = buffer_append_text(to, "`");
  if (!err) err = print_cell(entry->fallback, to);
  if (!err && entry->fallback[0]) err = buffer_append_text(to, "`");
  if (!err) err = buffer_append_text(to, " | ");
  if (!err) err = config_bounds(entry, to);
  if (!err) err = buffer_append_text(to, " | ");
  if (!err) err = print_cell(entry->help, to);
  if (!err && entry->secret) err = buffer_append_text(to, " Secret.");
  if (!err) err = buffer_append_text(to, " |\n");
  return err;
}

// A bar would end the cell.
static enum error print_cell(const char *text, struct buffer *to) {
  enum error err = OK;
  for (; !err && *text; text++) {
    if (*text == '|') err = buffer_append_byte(to, '\\');
    if (!err) err = buffer_append_byte(to, (uint8_t)*text);
  }
  return err;
}

enum error config_print_env(const struct config_schema *schema, struct buffer *to) {
  enum error err = OK;
  for (size_t i = 0; !err && i < schema->count; i++) {
    char variable[CONFIG_NAME_SIZE];
    config_variable(&schema->entries[i], variable);
    err = buffer_printf(to, "%s=%s\n", variable, schema->entries[i].fallback);
  }
  return err;
}

enum error config_print_effective(const struct config_schema *schema, const struct config_origin *origins,
                                  struct buffer *to) {
  enum error err = OK;
  for (size_t i = 0; !err && i < schema->count; i++) {
    const struct config_entry *entry = &schema->entries[i];
    bool masked = entry->secret && origins[i].text[0];
    err = buffer_printf(to, "%s = %s (%s)\n", entry->key, masked ? "***" : origins[i].text, origins[i].from);
  }
  return err;
}
