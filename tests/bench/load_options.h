// SPDX-License-Identifier: Apache-2.0
// What bench-load is asked to send, from its command line.
#ifndef RISER_TESTS_BENCH_LOAD_OPTIONS_H
#define RISER_TESTS_BENCH_LOAD_OPTIONS_H

#include <stdint.h>

struct load_options {
  const char *host;
  const char *port;
  const char *prefix; // topics are {prefix}/{site}-{its number}/{device}/up/pb
  const char *site;
  int64_t sites;      // messages go to them in turn
  int64_t messages;
  int64_t readings; // a message
  int64_t meters;   // distinct ones of each site, {site}-{seven digits}, taken in turn
  int64_t rate;     // messages a second; 0: as fast as the broker takes them
  int64_t window;   // unacknowledged messages
  int64_t start_s;  // instant of the first reads; each round over the meters is 15 minutes later
};

// Fills the options or ends the program with a sentence that says what is wrong.
void load_options_parse(int argc, char **argv, struct load_options *options);

#endif
