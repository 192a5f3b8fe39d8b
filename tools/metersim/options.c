// SPDX-License-Identifier: Apache-2.0
#include "metersim/options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/bytes.h"

enum kind { TEXT, NUMBER, SECONDS /* kept in ms */, SHARE /* percent, kept in 1/10000 */, FLAG };

struct option {
  const char *name;
  enum kind kind;
  size_t offset;
  const char *fallback;
  const char *metavar;
  const char *help;
};

#define AT(member) offsetof(struct options, member)

static const struct option table[] = {
    {"mqtt", TEXT, AT(mqtt), "127.0.0.1:1883", "HOST:PORT", "the MQTT broker"},
    {"kafka", TEXT, AT(kafka), "", "HOST:PORT", "take business time from riser.decision.v1 there; without: wall time"},
    {"tls", TEXT, AT(tls), "", "FOLDER", "TLS to both, as the sites' users: ca.pem, SITE.password, riser-metersim.*"},
    {"installed", FLAG, AT(installed), NULL, NULL, "wait until riser.device.v1 knows every device (needs --kafka)"},
    {"relays", TEXT, AT(relays), "", "LIST|FILE", "site/device,... or a file of them, one a line: obey commands"},
    {"site", TEXT, AT(site), "sim", "ID", "site of the load's gateways"},
    {"gateways", NUMBER, AT(gateways), "0", "N", "gateways that publish synthetic readings: gw-1 .. gw-N"},
    {"meters", NUMBER, AT(meters), "100", "N", "meters behind each gateway"},
    {"rate", NUMBER, AT(rate), "1000", "N", "readings a second, all gateways together"},
    {"batch", NUMBER, AT(batch), "100", "N", "readings in a message"},
    {"format", TEXT, AT(format), "pb", "pb|json", "how devices write"},
    {"register", TEXT, AT(reg), "energy_import", "NAME", "register of the meters: energy_import, volume, ..."},
    {"start", NUMBER, AT(start_s), "0", "UNIX", "time of the first reads; 0: now"},
    {"interval", NUMBER, AT(interval_s), "0", "SECONDS", "time between a meter's reads; 0: the clock's"},
    {"start-value", NUMBER, AT(start_value), "1000000", "N", "what the registers show at first"},
    {"duration", SECONDS, AT(duration_ms), "0", "SECONDS", "end after this; 0: at SIGTERM"},
    {"count", NUMBER, AT(count), "0", "N", "end after this many messages of readings are acknowledged; 0: no limit"},
    {"ledger", TEXT, AT(ledger), "", "FILE", "write what the broker acknowledged, one JSON object a line"},
    {"receipts", FLAG, AT(receipts), NULL, NULL, "ask for receipts; send again what is not receipted"},
    {"receipt-timeout", SECONDS, AT(receipt_timeout_ms), "30", "SECONDS", "when to send it again"},
    {"duplicates", SHARE, AT(duplicates_e4), "0", "PERCENT", "of messages of readings are sent twice"},
    {"delayed", SHARE, AT(delayed_e4), "0", "PERCENT", "are delayed by up to --delay"},
    {"delay", SECONDS, AT(delay_ms), "5", "SECONDS", "the longest delay"},
    {"reordered", SHARE, AT(reordered_e4), "0", "PERCENT", "change places with the next"},
    {"malformed", SHARE, AT(malformed_e4), "0", "PERCENT", "are followed by a malformed message"},
    {"ack-drops", SHARE, AT(ack_drops_e4), "0", "PERCENT", "of acknowledgements of commands are not sent"},
    {"clock-off", NUMBER, AT(clock_off_s), "0", "SECONDS", "the devices' clocks are ahead by this (or behind: -N)"},
    {"offline", TEXT, AT(offline), "", "LIST", "site/device,...: these say goodbye and stay away"},
    {"keys", TEXT, AT(keys), "", "FILE", "keys of devices, a line each: site/device and 64 hexadecimal digits"},
    {"stuck", TEXT, AT(stuck), "", "LIST", "these take commands, but their contact does not move"},
    {"refusing", TEXT, AT(refusing), "", "LIST", "these refuse commands"},
    {"slow", TEXT, AT(slow), "", "LIST", "the contact of these takes --slow-time to move"},
    {"slow-time", SECONDS, AT(slow_ms), "5", "SECONDS", "how long that is"},
    {"state-interval", SECONDS, AT(state_interval_ms), "0", "SECONDS", "also publish states this often; 0: not"},
    {"seed", NUMBER, AT(seed), "0", "N", "of all randomness; 0: a new one, which is printed"},
    {"stdin", FLAG, AT(stdin_commands), NULL, NULL, "read commands from standard input, see docs/metersim.md"},
};
enum { TABLE_COUNT = sizeof table / sizeof *table };

static void print_help(void) {
  printf("usage: metersim [OPTION...]\n\nSimulates meters, gateways, relays and valves against an MQTT broker.\n\n");
  for (size_t i = 0; i < TABLE_COUNT; i++) {
    const struct option *option = &table[i];
    char head[64];
    snprintf(head, sizeof head, "--%s%s%s", option->name, option->metavar ? " " : "",
             option->metavar ? option->metavar : "");
    printf("  %-27s %s", head, option->help);
    if (option->fallback && option->fallback[0]) printf(" (%s)", option->fallback);
    printf("\n");
  }
  printf("  %-27s %s\n", "--help", "print this page");
}

static bool set(struct options *options, const struct option *option, const char *value) {
  char *at = (char *)options + option->offset;
  int64_t number;
  switch (option->kind) {
  case FLAG:
    *(bool *)at = true;
    return true;
  case TEXT:
    *(const char **)at = value;
    return true;
  case NUMBER:
    return decimal_parse(bytes_text(value), 0, (int64_t *)at) == OK;
  case SECONDS:
    return decimal_parse(bytes_text(value), 3, (int64_t *)at) == OK && *(int64_t *)at >= 0;
  case SHARE:
    if (decimal_parse(bytes_text(value), 2, &number) != OK || number < 0 || number > 10000) return false;
    *(int64_t *)at = number;
    return true;
  }
  return false;
}

static const struct option *find(const char *name) {
  for (size_t i = 0; i < TABLE_COUNT; i++) {
    if (strcmp(table[i].name, name) == 0) return &table[i];
  }
  return NULL;
}

static bool is_one_of(const char *value, const char *a, const char *b) {
  return strcmp(value, a) == 0 || strcmp(value, b) == 0;
}

static const char *mistake(const struct options *options) {
  if (!is_one_of(options->format, "pb", "json")) return "--format is pb or json";
  if (options->gateways < 0 || options->gateways > 1000) return "--gateways is 0 to 1000: each is a connection";
  if (options->meters < 1 || options->meters > 1000000) return "--meters is 1 to 1000000";
  if (options->batch < 1 || options->batch > 10000) return "--batch is 1 to 10000";
  if (options->rate < 1 || options->rate > 10000000) return "--rate is 1 to 10000000";
  if (options->gateways == 0 && !options->relays[0]) return "nothing to do: give --gateways or --relays";
  if (options->installed && !options->kafka[0]) return "--installed needs --kafka";
  return NULL;
}

// One option, perhaps "--name=value". Moves *i behind what it used; false: a mistake, explained.
static bool parse_one(struct options *options, int argc, char **argv, int *i) {
  char name[32];
  const char *text = argv[*i];
  const char *equals = strchr(text, '=');
  size_t len = equals ? (size_t)(equals - text) : strlen(text);
  if (strncmp(text, "--", 2) != 0 || len >= sizeof name) len = 2;
  snprintf(name, sizeof name, "%.*s", (int)(len - 2), text + 2);
  const struct option *option = find(name);
  if (!option) {
    fprintf(stderr, "metersim: there is no option %s; metersim --help lists them\n", text);
    return false;
  }
  const char *value = equals ? equals + 1 : NULL;
  if (option->kind != FLAG && !value) value = *i + 1 < argc ? argv[++*i] : NULL;
  if ((option->kind != FLAG && !value) || !set(options, option, value)) {
    fprintf(stderr, "metersim: --%s needs %s: %s\n", option->name, option->metavar, option->help);
    return false;
  }
  return true;
}

bool options_parse(struct options *options, int argc, char **argv, int *exit_code) {
  *options = (struct options){.mqtt = NULL};
  *exit_code = 0;
  for (size_t i = 0; i < TABLE_COUNT; i++) {
    if (table[i].fallback) set(options, &table[i], table[i].fallback);
  }
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--help") == 0) {
      print_help();
      return false;
    }
    if (!parse_one(options, argc, argv, &i)) {
      *exit_code = 2;
      return false;
    }
  }
  const char *wrong = mistake(options);
  if (wrong) fprintf(stderr, "metersim: %s\n", wrong);
  if (wrong) *exit_code = 2;
  return wrong == NULL;
}
