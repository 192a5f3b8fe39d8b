// SPDX-License-Identifier: Apache-2.0
// The command line, from one table that also prints --help.
#ifndef RISER_METERSIM_OPTIONS_H
#define RISER_METERSIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct options {
  const char *mqtt;
  const char *kafka;
  const char *tls;    // folder with certificates and passwords
  const char *relays; // site/device,... or a file
  const char *site;
  const char *offline, *stuck, *refusing, *slow; // devices, comma-separated
  const char *keys; // a file
  const char *ledger;
  const char *format;
  const char *reg;
  int64_t gateways, meters, rate, batch;
  int64_t duration_ms, count;
  int64_t start_s, interval_s, start_value;
  int64_t slow_ms, state_interval_ms, delay_ms, receipt_timeout_ms;
  int64_t duplicates_e4, delayed_e4, reordered_e4, ack_drops_e4, malformed_e4; // shares in ten-thousandths
  int64_t clock_off_s;
  int64_t seed;
  bool receipts;
  bool installed;
  bool stdin_commands;
};

// Fills `options`, with defaults. False when the program is to end, with *exit_code: 0 after --help, 2 after a mistake
// that is explained on standard error.
bool options_parse(struct options *options, int argc, char **argv, int *exit_code);

#endif
