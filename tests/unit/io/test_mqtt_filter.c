// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/mqtt.h"

// The examples of MQTT 5, section 4.7, and Riser's own.
static void test_matches(void **state) {
  static const struct {
    const char *filter;
    const char *topic;
    bool matches;
  } cases[] = {
      {"sport/tennis/player1/#", "sport/tennis/player1", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
      {"sport/tennis/player1/#", "sport/tennis/player12", false},
      {"sport/#", "sport", true},
      {"#", "sport/tennis", true},
      {"#", "$SYS/uptime", false},
      {"+/uptime", "$SYS/uptime", false},
      {"$SYS/#", "$SYS/uptime", true},
      {"sport/tennis/+", "sport/tennis/player1", true},
      {"sport/tennis/+", "sport/tennis/player1/ranking", false},
      {"sport/+", "sport", false},
      {"sport/+", "sport/", true},
      {"+/+", "/finance", true},
      {"/+", "/finance", true},
      {"+", "/finance", false},
      {"riser/v1/+/+/up/#", "riser/v1/alicante/w-1/up/json", true},
      {"riser/v1/+/+/up/#", "riser/v1/alicante/w-1/up/raw/dlt645", true},
      {"riser/v1/+/+/up/#", "riser/v1/alicante/w-1/down/cmd", false},
      {"riser/v1/+/+/up/#", "riser/v1/alicante/up/json", false},
      {"riser/v1/+/+/up/#", "riser/v2/alicante/w-1/up/json", false},
      {"a/b", "a/b", true},
      {"a/b", "a/b/c", false},
      {"a/b/c", "a/b", false},
      {"a//b", "a//b", true},
      {"a/+/b", "a//b", true},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (mqtt_filter_matches(cases[i].filter, cases[i].topic) != cases[i].matches)
      fail_msg("%s and %s", cases[i].filter, cases[i].topic);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_matches)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
