// SPDX-License-Identifier: Apache-2.0
#include "load_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const struct option names[] = {
    {"host", required_argument, NULL, 'h'},
    {"port", required_argument, NULL, 'p'},
    {"prefix", required_argument, NULL, 'x'},
    {"site", required_argument, NULL, 'S'},
    {"sites", required_argument, NULL, 's'},
    {"messages", required_argument, NULL, 'n'},
    {"readings", required_argument, NULL, 'r'},
    {"meters", required_argument, NULL, 'm'},
    {"rate", required_argument, NULL, 'R'},
    {"window", required_argument, NULL, 'w'},
    {"start", required_argument, NULL, 't'},
    {NULL, 0, NULL, 0},
};

static int64_t positive(const char *name, const char *text) {
  char *end;
  long long value = strtoll(text, &end, 10);
  if (*end != '\0' || value < 0) {
    fprintf(stderr, "bench-load: --%s takes a whole number, not '%s'\n", name, text);
    exit(2);
  }
  return value;
}

void load_options_parse(int argc, char **argv, struct load_options *options) {
  *options = (struct load_options){"127.0.0.1", "1883", "riser/v1", "bench", 1, 100000, 1, 1000, 0, 500, 1704067200};
  int index, letter;
  while ((letter = getopt_long(argc, argv, "", names, &index)) != -1) {
    const char *name = letter == '?' ? "" : names[index].name;
    switch (letter) {
    case 'h':
      options->host = optarg;
      break;
    case 'p':
      options->port = optarg;
      break;
    case 'x':
      options->prefix = optarg;
      break;
    case 'S':
      options->site = optarg;
      break;
    case 's':
      options->sites = positive(name, optarg);
      break;
    case 'n':
      options->messages = positive(name, optarg);
      break;
    case 'r':
      options->readings = positive(name, optarg);
      break;
    case 'm':
      options->meters = positive(name, optarg);
      break;
    case 'R':
      options->rate = positive(name, optarg);
      break;
    case 'w':
      options->window = positive(name, optarg);
      break;
    case 't':
      options->start_s = positive(name, optarg);
      break;
    default:
      exit(2);
    }
  }
  if (options->window < 1 || options->window > 65000 || options->meters < 1 || options->sites < 1 ||
      options->readings < 1) {
    fprintf(stderr, "bench-load: --window is 1..65000, --sites, --meters and --readings at least 1\n");
    exit(2);
  }
}
