// SPDX-License-Identifier: Apache-2.0
// replay: the scenario and the site it is about, read and checked; then replay_run; then what came of it.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "riserctl/replay/replay.h"

enum { WINDOW_DEFAULT = 500, DISTANCE_DEFAULT = 5000, TIMEOUT_DEFAULT_S = 60 };

static enum status replay_command_run(struct ctl *ctl, const struct arguments *arguments);
static enum status read_all(struct ctl *ctl, const struct arguments *arguments, struct site_state *site,
                            struct scenario *scenario, struct rows *rows);
static enum status complained(struct ctl *ctl, struct complaints *complaints);
static bool number(struct ctl *ctl, const struct arguments *arguments, const char *name, int64_t *value);
static void report(const struct replay_summary *summary, const struct script *script, bool json);

static const struct option options[] = {
    {"ledger", "FILE", "write down what was published and acknowledged, as JSON lines"},
    {"data", "FOLDER", "where the scenario's files are; default: as it names them, from its own folder"},
    {"window", "N", "messages without the broker's acknowledgement at one time; default 500"},
    {"distance", "N", "messages published that are not in the site log yet; default 5000"},
    {"timeout", "SECONDS", "give up when nothing has moved for so long; default 60"},
    {"check", NULL, "only read and check scenario and files"},
};

const struct command command_replay = {
    .name = "replay",
    .operands = "SCENARIO",
    .summary = "Publish recorded reads as the meters would, and be the clock",
    .details =
        "Publishes the rows of files over MQTT (QoS 1, with their own instants), as fast as they are taken, with a "
        "tick\n"
        "of the clock after each day and when all that followed from the day is settled: folded, told, switched. So\n"
        "months pass in a minute and behave as months. The site must have been applied, billing must run with\n"
        "RISER_CLOCK=log, and nobody else may write to the site meanwhile. Format: docs/riserctl.md.\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .operands_min = 1,
    .operands_max = 1,
    .run = replay_command_run,
};

static enum status replay_command_run(struct ctl *ctl, const struct arguments *arguments) {
  struct site_state site;
  struct scenario scenario;
  struct rows rows;
  struct script script;
  struct replay_summary summary;
  int64_t window = WINDOW_DEFAULT, distance = DISTANCE_DEFAULT, timeout_s = TIMEOUT_DEFAULT_S;
  if (!number(ctl, arguments, "window", &window) || !number(ctl, arguments, "distance", &distance) ||
      !number(ctl, arguments, "timeout", &timeout_s)) {
    return STATUS_USAGE;
  }
  enum status status = read_all(ctl, arguments, &site, &scenario, &rows);
  if (status != STATUS_OK) return status;
  enum error err = script_make(&scenario, &rows, ctl->arena, &script);
  if (err) return ctl_fail(ctl, err, "the script can't be made");
  if (arguments_given(arguments, "check")) {
    printf("%zu rows; %zu of them twice, %zu late; %zu malformed messages\n", script.rows, script.copies, script.late,
           script.malformed);
    return STATUS_OK;
  }
  const struct replay_options replay = {
      .ctl = ctl,
      .site = &site,
      .scenario = &scenario,
      .rows = &rows,
      .script = &script,
      .ledger = arguments_value(arguments, "ledger"),
      .window = (int)window,
      .distance = distance,
      .timeout_ms = timeout_s * 1000,
  };
  status = replay_run(&replay, &summary);
  report(&summary, &script, arguments->json);
  return status;
}

static bool number(struct ctl *ctl, const struct arguments *arguments, const char *name, int64_t *value) {
  const char *text = arguments_value(arguments, name);
  char *end;
  if (!text) return true;
  *value = strtoll(text, &end, 10);
  if (end != text && *end == 0 && *value >= 1 && *value <= 60000) return true;
  ctl_misuse(ctl, "--%s must be a number from 1 to 60000", name);
  return false;
}

static enum status read_all(struct ctl *ctl, const struct arguments *arguments, struct site_state *site,
                            struct scenario *scenario, struct rows *rows) {
  struct complaints complaints;
  enum status status = STATUS_OK;
  const char *path = arguments->operands[0];
  complaints_init(&complaints);
  const char *id = scenario_site(path, ctl->arena, &complaints);
  if (!id) status = complained(ctl, &complaints);
  if (status == STATUS_OK && !state_choose_site(ctl, id, site, &status)) {
    fprintf(stderr, "apply the scenario's site first: riserctl apply --wait FILE...\n");
  }
  if (status == STATUS_OK &&
      (!scenario_read(path, arguments_value(arguments, "data"), &site->site.zone, ctl->arena, &complaints, scenario) ||
       !rows_read(scenario, &site->site.zone, ctl->arena, &complaints, rows))) {
    status = complained(ctl, &complaints);
  }
  if (status == STATUS_OK) rows_name_devices(rows, site->installations, site->installation_count);
  complaints_fini(&complaints);
  return status;
}

static enum status complained(struct ctl *ctl, struct complaints *complaints) {
  fputs(buffer_text(&complaints->text), stderr);
  return ctl_misuse(ctl, "%zu mistake%s; nothing was published", complaints->count, complaints->count == 1 ? "" : "s");
}

static void report(const struct replay_summary *summary, const struct script *script, bool json) {
  const struct {
    const char *name;
    uint64_t value;
  } figures[] = {
      {"rows", script->rows},
      {"sent_twice", script->copies},
      {"sent_late", script->late},
      {"malformed", script->malformed},
      {"published", summary->published},
      {"resent", summary->resent},
      {"refused_by_broker", summary->refused},
      {"rejected", summary->rejects},
      {"ticks", summary->ticks},
      {"payments", summary->payments},
      {"bills", summary->bills},
      {"alerts", summary->alerts},
      {"notices", summary->notices},
      {"told", summary->told},
      {"switches_due", summary->switches},
      {"outcomes", summary->outcomes},
      {"elapsed_ms", (uint64_t)summary->elapsed_ms},
      {"publishing_ms", (uint64_t)summary->feeding_ms},
      {"waiting_for_ingest_ms", (uint64_t)summary->arriving_ms},
      {"waiting_for_the_others_ms", (uint64_t)summary->settling_ms},
  };
  size_t count = sizeof figures / sizeof figures[0];
  if (json) printf("{");
  for (size_t i = 0; i < count; i++) {
    if (json) {
      printf("%s\"%s\": %" PRIu64, i ? ", " : "", figures[i].name, figures[i].value);
    } else {
      char title[64];
      snprintf(title, sizeof title, "%s", figures[i].name);
      for (char *at = title; *at; at++) *at = *at == '_' ? ' ' : *at;
      printf("%-26s %10" PRIu64 "\n", title, figures[i].value);
    }
  }
  if (json) printf("}\n");
}
